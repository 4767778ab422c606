"""The proposal of base items: plans follow each other, add-ons run beside them."""

from fnmatch import fnmatchcase

import duckdb
import pytest

from milepost.data.items import escaped, families


def test_a_family_holds_no_two_items_that_run_at_once():
    assert families(["a", "b", "c"], set()) == [("a", "b", "c")]
    assert families(["c", "b", "a"], {("b", "c"), ("a", "b")}) == [("c", "a"), ("b",)]
    assert families([], set()) == []


@pytest.mark.parametrize("name", ["pro", "a*b", "a?b", "a[b", "a]b", "[x]", "a\\b"])
def test_a_pattern_matches_its_own_name_only(name):
    names = [name, "axb", "x", "", "pro2"]
    found = [one for one in names if duckdb.execute("SELECT ? GLOB ?", [one, escaped(name)]).fetchone()[0]]
    assert found == [name]
    assert fnmatchcase(name, escaped(name))
