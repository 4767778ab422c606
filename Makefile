# Two commands on a fresh machine with Python 3.11 or newer: make demo, make test.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: demo test test-long test-browser test-spark lint null-world bench-demo bench-ranking bench-milestones bench-contrast bench-signals clean

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
	$(BIN)/python -m pytest -m "(long or promise) and not browser and not spark"

test-browser: $(STAMP)
	$(BIN)/python -m pytest -m browser

# needs Java 17; PostgreSQL is tried by make test where Debian's package is there
test-spark: $(STAMP)
	$(BIN)/pip install --quiet -c requirements.lock -e '.[spark]'
	$(BIN)/python -m pytest -m spark
	$(BIN)/python benchmarks/spark_equal.py

null-world: $(STAMP)
	$(BIN)/python benchmarks/null_demo.py --seeds 200

# hours on two cores; runs that are in benchmarks/results already are not repeated
bench-ranking: $(STAMP)
	$(BIN)/python benchmarks/ranking.py --accounts 2000 --sources structural --seeds 9201 --boruta \
	  --kinds plain mediated bundles premium activity
	$(BIN)/python benchmarks/ranking.py --accounts 2000 10000 --seeds 9201 9202 9203 9204 9205
	$(BIN)/python benchmarks/ranking.py --accounts 50000 --seeds 9201 9202 --sources structural
	$(BIN)/python benchmarks/ranking.py --accounts 50000 --seeds 9201 --sources demo --months 11 --processes 1
	$(BIN)/python benchmarks/ranking.py --ours-only --kinds "no effect" --accounts 2000 10000 --sources structural \
	  --seeds $$(seq 20201 20400) --results benchmarks/results/null.jsonl

bench-milestones: $(STAMP)
	$(BIN)/python benchmarks/milestones.py

bench-contrast: $(STAMP)
	$(BIN)/python benchmarks/contrast.py

# twenty minutes on two cores; featuretools needs pandas 2 and so a place of its own
bench-signals: $(STAMP)
	$(BIN)/python -m pip install --quiet polars
	$(PYTHON) -m venv .venv-featuretools && .venv-featuretools/bin/pip install --quiet 'featuretools==1.31.*' 'pandas<3' pyarrow
	$(BIN)/python benchmarks/signals.py --write --featuretools .venv-featuretools/bin/python

bench-demo: $(STAMP)
	$(BIN)/python benchmarks/demo_recovery.py

$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[dev]'
	touch $@

clean:
	rm -rf .venv demo build src/*.egg-info
