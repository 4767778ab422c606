"""Files damaged at random are used or refused in one line: tests/tools/fuzz_readers.py, some of each format."""

import importlib
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1] / "tools"
FORMATS = ("csv", "csv.gz", "parquet", "duckdb", "subscriptions", "catalogue", "settings", "framework")


@pytest.fixture(scope="module")
def fuzzer():
    sys.path.insert(0, str(TOOLS))
    try:
        return importlib.import_module("fuzz_readers")
    finally:
        sys.path.remove(str(TOOLS))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "files",
    [pytest.param(count, marks=[pytest.mark.promise("damaged files are used or refused in one line", cases=count),
                                *([pytest.mark.long] if count > 100 else [])]) for count in (20, 1000)],
)  # fmt: skip
def test_a_damaged_file_is_used_or_refused(fuzzer, kind, files):
    assert tuple(fuzzer.FORMATS) == FORMATS
    found = fuzzer.fuzz(kind, files)
    assert len(found) == files
    assert fuzzer.wrong(found) == {}


def test_a_process_that_dies_is_blamed_on_its_file(fuzzer, monkeypatch):
    def die(folder, kind, whole, seeds, say):
        say(7, "begun")
        fuzzer.os.kill(fuzzer.os.getpid(), fuzzer.signal.SIGKILL)

    monkeypatch.setattr(fuzzer, "batch", die)
    assert fuzzer.in_process(Path("."), "csv", b"", range(7, 9)) == {7: "the process ended with -9"}


@pytest.mark.parametrize("seed", [527, 1831])
def test_a_parquet_file_that_lies_about_its_rows_or_names_is_refused(fuzzer, seed):
    # the least time in its footer is in the year -7413; the name of a column is no text
    assert fuzzer.fuzz("parquet", 1, seed) == {seed: "refused"}
