"""Setup steps by hand, on the planted world, and where there is nothing."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from milepost.milestones.daily import NEVER
from milepost.milestones.search import SearchRules
from milepost.milestones.setup import evidence_for, find_setup, judge, set_up_on
from milepost.settings import AdoptionSettings, MilestoneSettings

RULES, SEARCH, BAND = MilestoneSettings(), SearchRules(), AdoptionSettings()


@pytest.fixture(scope="module")
def world(planted: ModuleType) -> Any:
    return planted.live(planted.World(accounts=3000, seed=4))


def test_the_steps_that_matter_are_found_and_how_many(world: Any) -> None:
    found = find_setup(world.lives, 8, RULES, BAND, SEARCH)
    assert found.steps == ("invite", "import", "publish")
    assert found.needed == 2
    assert found.evidence.low > 5
    standing = dict(zip(found.table["step"], found.table["standing"], strict=True))
    assert standing["connect"] == "required"
    assert standing["theme"] == "niche"
    assert standing["hours"] == "tested"
    assert found.because.startswith("2 of 3 steps (invite, import, publish) within 28 days part accounts best")
    assert found.by_number["accounts"].sum() == len(judge(world.lives, 8, RULES).codes)
    assert found.by_number["activated"].is_monotonic_increasing


def test_where_no_step_matters_none_is_said_to(planted: ModuleType) -> None:
    held = 0
    for seed in range(6):
        null = planted.live(planted.World(accounts=1500, seed=seed, effects=False))
        held += find_setup(null.lives, 8, RULES, BAND, SEARCH).needed is not None
    assert held == 0


def test_done_in_time_is_strictly_before_the_setup_days_end(lives_of: Any) -> None:
    lives = lives_of([1000] * 3, steps={"one": [1027, 1028, None], "two": [1000, 1090, 1950]})
    rows = judge(lives, 1, RULES)
    assert rows.done.tolist() == [[True, True], [False, False], [False, False]]
    assert rows.day.tolist() == [[27, 0], [28, 90], [NEVER, 950]]


def test_activation_is_counted_after_the_setup_days(lives_of: Any) -> None:
    value = [(0, 1027, 9), (1, 1028, 2), (2, 1090, 2), (3, 1091, 2)]
    rows = judge(lives_of([1000] * 4, value, steps={"one": [None] * 4}), 2, RULES)
    assert rows.activated.tolist() == [False, True, True, False]


def test_who_is_judged(lives_of: Any) -> None:
    lives = lives_of(
        [1000, 1000, 1950, 1000], steps={"one": [None] * 4}, end=[None, 1050, None, None],
        before_data=np.array([False, False, False, True]),
    )  # fmt: skip
    rows = judge(lives, 1, RULES)
    assert rows.codes.tolist() == [0]
    assert rows.left == {
        "created before the data begin": 1, "landmark not reached yet": 1, "ended before the landmark": 1,
    }  # fmt: skip


def test_the_day_of_being_set_up(lives_of: Any) -> None:
    lives = lives_of(
        [1000] * 4,
        steps={"one": [1001, 1001, None, 1001], "two": [1009, 1030, 1002, 1002], "three": [1005, None, None, 1003]},
        before_data=np.array([False, False, False, True]),
    )
    assert set_up_on(lives, ("one", "two", "three"), 2, 28).tolist() == [1005, NEVER, NEVER, NEVER]
    assert set_up_on(lives, ("one", "two", "three"), 1, 28).tolist() == [1001, 1001, 1002, NEVER]
    assert set_up_on(lives, ("one",), 2, 28).tolist() == [NEVER] * 4


def test_order_and_stops(lives_of: Any) -> None:
    steps = {"b": [1010, 1012, None, 1003], "a": [1002, 1001, 1004, None], "never": [None] * 4}
    found = find_setup(lives_of([1000] * 4, [(0, 1050)], steps=steps), None, RULES, BAND, SEARCH)
    assert found.order == ("a", "b", "never")
    assert dict(zip(found.stops["step"], found.stops["accounts"], strict=True)) == {"b": 3, "a": 1}
    assert found.because == "None of the steps goes with a value event afterwards beyond chance, among 4 accounts."
    assert found.table["because"].tolist()[2] == "Only 0 of 4 accounts do it in time, too few to tell accounts apart."


def test_evidence_of_steps_set_by_hand(world: Any) -> None:
    strong = evidence_for(world.lives, (("invite", "import", "publish"), 2), 8, RULES, SEARCH)
    weak = evidence_for(world.lives, (("hours", "profile"), 1), 8, RULES, SEARCH)
    assert strong.low > 5
    assert weak.low <= 0 <= weak.high


def test_without_steps_there_is_no_setup(lives_of: Any) -> None:
    with pytest.raises(ValueError, match="setup needs steps in the catalogue and value events"):
        find_setup(lives_of([1000]), 1, RULES, BAND, SEARCH)
