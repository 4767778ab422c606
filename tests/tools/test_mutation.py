"""The changes benchmarks/mutation.py makes, worked out by hand, and what it says of tests."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def mutation():
    found = importlib.util.spec_from_file_location("mutation", ROOT / "benchmarks" / "mutation.py")
    module = importlib.util.module_from_spec(found)
    # a dataclass looks its module up by name
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "mutation", module)
        found.loader.exec_module(module)
        yield module


FUNCTION = '''\
def big(a: int = 3) -> int | None:
    """Whether 1 < 2."""
    if a < 10 and not a == 0:
        raise ValueError("a > 0")
    return a
'''


def test_each_change_of_a_function_once(mutation):
    changes = [(one.line, *one.change.split("  →  ")) for one in mutation.mutants("x.py", FUNCTION)]
    assert sorted(changes) == [
        (1, "3", "2"), (1, "3", "4"),
        (3, "0", "-1"), (3, "0", "1"), (3, "10", "11"), (3, "10", "9"),
        (3, "a < 10", "a <= 10"), (3, "a < 10 and (not a == 0)", "a < 10 or not a == 0"),
        (3, "a == 0", "a != 0"), (3, "not a == 0", "a == 0"),
        (4, "raise ValueError('a > 0')", "pass"),
        (5, "return a", "return None"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("ask('WHERE a < b AND c IS NULL', safe=True)\n", {
            "ask('WHERE a <= b AND c IS NULL', safe=True)", "ask('WHERE a < b OR c IS NULL', safe=True)",
            "ask('WHERE a < b AND c IS NOT NULL', safe=True)", "ask('WHERE a < b AND c IS NULL', safe=False)",
            "ask('WHERE a < b AND c IS NULL')", "pass",
        }),
        ("x: Annotated[int, Field(ge=0)] = 5\n", {
            "x: Annotated[int, Field()] = 5",
            "x: Annotated[int, Field(ge=1)] = 5", "x: Annotated[int, Field(ge=-1)] = 5",
            "x: Annotated[int, Field(ge=0)] = 6", "x: Annotated[int, Field(ge=0)] = 4",
        }),
        ("folder / 'name'\n", set()),
        ("total += one - two\n", {"total -= one - two", "total += one + two"}),
    ],
)  # fmt: skip
def test_sql_limits_and_sums_are_changed_and_paths_are_not(mutation, text, changed):
    assert {one.text for one in mutation.mutants("x.py", text)} == changed


def test_tests_that_notice_and_that_wait_for_ever(mutation, tmp_path):
    (tmp_path / "test_one.py").write_text("def test_one():\n    import subject\n    assert subject.ANSWER == 42\n")
    (tmp_path / "subject.py").write_text("ANSWER = 42\n")
    tests = [str(tmp_path / "test_one.py"), f"--rootdir={tmp_path}", "-c", "/dev/null"]
    assert mutation.run(tmp_path, tests, 60) == "passed"
    (tmp_path / "subject.py").write_text("ANSWER = 43\n")
    assert mutation.run(tmp_path, tests, 60) == "failed"
    (tmp_path / "subject.py").write_text("while True: pass\n")
    assert mutation.run(tmp_path, tests, 1) == "too long"
