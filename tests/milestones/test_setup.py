"""Setup steps by hand, on the planted world, and where there is nothing."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

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
        [1000, 1000, 1950, 1000, 1000, 1909], steps={"one": [None] * 6}, end=[None, 1090, None, None, 1091, None],
        before_data=np.array([False, False, False, True, False, False]),
    )  # fmt: skip
    rows = judge(lives, 1, RULES)
    assert rows.codes.tolist() == [0, 4, 5]  # the fifth ended on its landmark, the landmark of the sixth is today
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


def drawn(lives_of: Any, chances: dict[str, float], count: int = 1500, goes_with: float = 0.3) -> Any:
    """Accounts that take each step of `chances` by a coin; one in three is active on day 40, and so many more of those
    that took the first step."""
    rng = np.random.default_rng(3)
    created = 1000 + rng.integers(0, 300, count)
    taken = {name: rng.random(count) < chance for name, chance in chances.items()}
    active = rng.random(count) < 0.35 + goes_with * next(iter(taken.values()))
    steps = {name: np.where(did, created + 5, NEVER).tolist() for name, did in taken.items()}
    return lives_of(created.tolist(), [(who, created[who] + 40) for who in np.flatnonzero(active)], steps=steps)


def test_one_of_three_steps_matters(lives_of: Any) -> None:
    found = find_setup(drawn(lives_of, {"import": 0.5, "theme": 0.5, "hours": 0.4}), 1, RULES, BAND, SEARCH)
    assert found.steps == ("import",)
    assert found.needed == found.candidate == 1
    table = found.table.set_index("step")
    assert table["counts"].to_dict() == {"import": True, "theme": False, "hours": False}
    assert table["low"]["import"] < 30 < table["high"]["import"]  # points, as drawn
    assert table["because"]["import"].startswith("It counts: activation afterwards differs by +")
    assert table["because"]["theme"].endswith("other steps, which is not beyond chance.")
    assert table["median_day"].tolist() == [5, 5, 5]


def test_a_step_that_goes_the_wrong_way_does_not_count(lives_of: Any) -> None:
    found = find_setup(drawn(lives_of, {"wizard": 0.5, "hours": 0.5}, goes_with=-0.3), 1, RULES, BAND, SEARCH)
    assert found.steps == ()
    assert found.needed is None
    assert found.table["because"][0].endswith("other steps, and goes the wrong way.")


def test_without_accounts_enough_for_a_search_the_steps_are_named(lives_of: Any) -> None:
    lives = drawn(lives_of, {"import": 0.5, "hours": 0.5})
    found = find_setup(lives, None, RULES, BAND, SearchRules(least=900))
    assert (found.needed, found.candidate) == (None, None)
    assert found.because == (
        "No definition: no cell has accounts enough on both sides, looking for a value event afterwards; steps that "
        "count: import."
    )


@pytest.mark.parametrize(("without", "value", "standing"), [(20, 0, "required"), (19, 0, "niche"), (20, 1, "niche")])
def test_required_is_what_no_account_does_without(lives_of: Any, without: int, value: int, standing: str) -> None:
    steps = {"connect": [None] * without + [1003] * 2}
    lives = lives_of([1000] * (without + 2), [(without, 1050), *[(0, 1950)] * value], steps=steps)
    assert find_setup(lives, 1, RULES, BAND, SEARCH).table["standing"].tolist() == [standing]


def test_steps_outside_the_band_are_not_tested(lives_of: Any) -> None:
    # half do "some", one in twenty "rare", all but one in twenty "usual"; those without have value events too
    chosen = np.arange(400)
    done = {"usual": chosen % 20 > 0, "some": chosen % 2 > 0, "rare": chosen % 20 == 1}
    steps = {name: np.where(did, 1004, NEVER).tolist() for name, did in done.items()}
    lives = lives_of([1000] * 400, [(who, 1050) for who in range(0, 400, 3)], steps=steps)
    table = find_setup(lives, 1, RULES, BAND, SEARCH).table.set_index("step")
    assert table["standing"].to_dict() == {"usual": "routine", "some": "tested", "rare": "niche"}
    assert table["because"]["usual"] == "95 % of the accounts do it in time: it cannot tell them apart."
    assert table["because"]["rare"] == "Only 20 of 400 accounts do it in time, too few to tell accounts apart."
    assert table["q"].isna().to_dict() == {"usual": True, "some": False, "rare": True}


def test_the_order_where_many_stop_early(lives_of: Any) -> None:
    # ten stop after the second step, three go on to the fourth: all in the same order
    days = {"d": 1004, "c": 1003, "b": 1002, "a": 1001}
    steps = {name: [None if name in "cd" else day] * 10 + [day] * 3 for name, day in days.items()}
    found = find_setup(lives_of([1000] * 13, [(0, 1050)], steps=steps), None, RULES, BAND, SEARCH)
    assert found.order == ("a", "b", "c", "d")
    assert found.stops.to_dict("list") == {"step": ["b"], "accounts": [10]}


def test_of_steps_done_on_one_day_the_later_one_is_the_last(lives_of: Any) -> None:
    steps = {"a": [1001, 1002, 1000], "b": [1003, 1002, None], "c": [1004, None, None]}
    found = find_setup(lives_of([1000] * 3, [(0, 1050)], steps=steps), None, RULES, BAND, SEARCH)
    assert dict(zip(found.stops["step"], found.stops["accounts"], strict=True)) == {"b": 1, "a": 1}


def test_where_nobody_can_be_judged_yet(lives_of: Any) -> None:
    found = find_setup(lives_of([1950] * 3, [(0, 1960)], steps={"one": [1951] * 3}), 1, RULES, BAND, SEARCH)
    assert found.left["landmark not reached yet"] == 3
    assert (found.steps, found.needed) == ((), None)
    assert found.because == "None of the steps goes with activation afterwards beyond chance, among 0 accounts."


TENURE = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 300)), max_size=12)


@given(value=TENURE, added=TENURE, steps=st.lists(st.integers(0, 120), min_size=5, max_size=5))
@examples(max_examples=60, deadline=None)
def test_nobody_is_exposed_after_the_outcome_began(
    value: list[tuple[int, int]], added: list[tuple[int, int]], steps: list[int], lives_of: Any
) -> None:
    within, landmark = RULES.setup_days, RULES.landmark_days
    first = [(who, 1000 + day) for who, day in value]
    after = [(who, 1000 + landmark + day) for who, day in added]
    before = [(who, 1000 + day % within) for who, day in added]
    late = [day if day < within else day + 7 for day in steps]  # what came too late comes later still
    lives, moved = (
        lives_of([1000] * 5, rows, steps={"one": [1000 + day for day in days]})
        for rows, days in ((first, steps), (first + after, late))
    )
    plain, changed = judge(lives, 2, RULES), judge(moved, 2, RULES)
    assert (plain.done == changed.done).all()
    assert (plain.activated == changed.activated).all()
    assert (set_up_on(lives, ("one",), 1, within) == set_up_on(moved, ("one",), 1, within)).all()
    # what happened while steps counted is no part of the outcome
    assert (
        judge(lives_of([1000] * 5, first + before, steps={"one": [None] * 5}), 2, RULES).activated == plain.activated
    ).all()
