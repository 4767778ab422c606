"""docs/reliability.md names every promise that a test marks, in its file, with the cases that it tries."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROW = re.compile(r"^\| (?P<promise>[^|]+?) \| [^|]+ \| (?P<tried>[\d,]+) \| `tests/(?P<file>[^`]+)` \|", re.MULTILINE)
NAMED = re.compile(r"(?:mark\.promise\(\s*|record_property\(\"promise\", \[)\"([^\"]+)\"")


@pytest.fixture(scope="module")
def rows():
    """(file, promise) -> cases, by the page."""
    page = (TESTS.parent / "docs" / "reliability.md").read_text(encoding="utf-8")
    return {(row["file"], row["promise"]): int(row["tried"].replace(",", "")) for row in ROW.finditer(page)}


def test_the_page_names_every_promise_and_no_other(rows):
    marked = {
        (path.relative_to(TESTS).as_posix(), name)
        for path in TESTS.rglob("test_*.py")
        if path.name != Path(__file__).name
        for name in NAMED.findall(path.read_text(encoding="utf-8"))
    }
    assert len(marked) > 20
    assert set(rows) == marked


def test_the_page_says_as_many_cases_as_the_tests_try(rows, promises):
    """Of the files that this run collected, long tests included."""
    tried = {(file, name): cases for file, of_file in promises.items() for name, cases in of_file.items()}
    assert {place: rows.get(place) for place in tried} == tried
