"""docs/reliability.md names the tests that show a promise, and every marked test is one it names."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def test_every_test_that_shows_a_promise_is_in_the_table():
    shows = re.compile(r"mark\.promise\(|\"promise\", \[")
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    marked = {path.name for path in files if shows.search(path.read_text(encoding="utf-8"))}
    assert len(marked) >= 12
    for place in marked:
        assert place in TABLE


def test_every_test_that_the_table_names_is_there():
    named = re.findall(r"`?((?:tests|benchmarks)/[\w/]+\.py)", TABLE)
    assert len(named) > 20
    for place in named:
        assert (ROOT / place).exists(), place
