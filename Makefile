# Two commands on a fresh machine with Python 3.11 or newer: make demo, make test.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: demo test test-long test-browser test-spark lint null-world bench-demo clean

demo: $(STAMP)
	$(BIN)/milepost demo demo --accounts 3000 --seed 7
	$(BIN)/milepost run -c demo/milepost.toml

test: $(STAMP) lint
	$(BIN)/python -m pytest
	$(BIN)/python -m pytest --nbmake notebooks

lint: $(STAMP)
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

test-long: $(STAMP)
	$(BIN)/python -m pytest -m long

test-browser: $(STAMP)
	$(BIN)/python -m pytest -m browser

test-spark: $(STAMP)
	$(BIN)/pip install -c requirements.lock -e '.[spark]'
	$(BIN)/python -m pytest -m spark || { [ $$? = 5 ] && echo "no test needs Spark yet"; }

null-world: $(STAMP)
	$(BIN)/python benchmarks/null_demo.py --seeds 200

bench-demo: $(STAMP)
	$(BIN)/python benchmarks/demo_recovery.py

$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[dev]'
	touch $@

clean:
	rm -rf .venv demo build src/*.egg-info
