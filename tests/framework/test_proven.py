"""What experiments proved, in the framework file: it survives, it is checked, and newer findings replace older ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from milepost.errors import FrameworkError
from milepost.framework import Proven, changes, from_toml, merge, to_toml, with_proven

FOUND = Proven("bots", "tour", "paid conversion", 9.0, 6.5, 11.5, date(2024, 5, 5))


@pytest.fixture
def proven(framework):
    return replace(framework, proven=(FOUND, replace(FOUND, feature="inbox", unit="", note='he said "yes"')))


def test_it_reads_back_as_it_was_written(proven, catalogue):
    assert from_toml(to_toml(proven), catalogue) == proven


def test_deriving_anew_leaves_it_alone(proven, framework):
    made = merge(proven, framework)
    assert made.proven == proven.proven
    assert made.version == proven.version
    assert changes(proven, framework) == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('feature = "bots"', 'feature = "bot"', r"row \d+ \(proven 1\): no feature 'bot' in the catalogue.*'bots'"),
        ("low = 6.5", "low = 10", r"effect 9 is not between low 10 and high 11.5"),
        ("high = 11.5", 'high = "much"', r"high 'much'; expected a number"),
        ("finished = 2024-05-05", "", r"'finished' is missing or no date"),
        ('experiment = "tour"', 'experiment = "tour"\nresult = 1', r"unknown key 'result'"),
    ],
)
def test_a_fault_is_one_line_with_its_row(proven, catalogue, old, new, message):
    text = to_toml(proven)
    assert old in text
    with pytest.raises(FrameworkError, match=message):
        from_toml(text.replace(old, new, 1), catalogue)


def test_a_newer_finding_replaces_the_older_one_and_keeps_its_note():
    noted = replace(FOUND, note="seen twice")
    newer = replace(FOUND, effect=8.0, finished=date(2024, 6, 1))
    other = replace(FOUND, metric="trials")
    assert with_proven([noted], [newer, other]) == (replace(newer, note="seen twice"), other)
