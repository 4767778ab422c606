"""Activation on accounts worked out by hand, on the planted world, and where there is nothing."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from milepost.milestones.activation import (
    activated_on,
    cells,
    evidence_for,
    find_activation,
    judge,
    neighbours,
    phi,
    rates,
)
from milepost.milestones.daily import NEVER, daily_counts
from milepost.milestones.search import SearchRules
from milepost.settings import MilestoneSettings

RULES, SEARCH = MilestoneSettings(), SearchRules()


@pytest.fixture(scope="module")
def world(planted: ModuleType) -> Any:
    return planted.live(planted.World(accounts=3000, seed=5))


def test_the_planted_definition_is_found(world: Any) -> None:
    found = find_activation(world.lives, (1.0, "seat"), RULES, SEARCH, 56)
    assert (found.count, found.days) == (8, 28)
    assert found.evidence.low > 30
    assert found.on_retention.effect > 0
    assert found.on_dormancy.low > 0
    assert found.active is not None
    assert found.others is not None
    assert found.active.share[found.active.days <= 300].min() > found.others.share[found.others.days <= 300].min()
    assert found.because.startswith("8 × answer_sent within 28 days goes best with 1 answers sent a month per seat")
    assert found.left["time after the landmark not complete"] > 0


def simulated(lives_of: Any, seed: int, lift: float) -> Any:
    """Poisson use in 91 days and, at a rate of its own, in the 90 after; five within 28 days lift the later rate."""
    rng = np.random.default_rng(seed)
    count = 3000
    early, late = (rng.poisson(np.exp(rng.normal(mean, 0.5, (count, 1))), (count, 180)) for mean in (-1.8, -2.2))
    early[:, 91:] = 0
    active = early[:, :28].sum(axis=1) >= 5
    late[active] += rng.poisson(lift, (int(active.sum()), 180))
    late[:, :91] = 0
    account, day = np.nonzero(early + late)
    created = 1000 + rng.integers(0, 700, count)
    used = np.column_stack([account, created[account] + day, (early + late)[account, day]])
    return lives_of(created, used.tolist(), seats=np.full(count, 1.0))


@pytest.mark.parametrize("seed", range(4))
def test_five_within_four_weeks_are_found_within_one_cell(lives_of: Any, seed: int) -> None:
    found = find_activation(simulated(lives_of, seed, lift=0.1), (5.0, "seat"), RULES, SEARCH, 56)
    assert found.count in (3, 5, 8)
    assert found.days in (14, 28, 56)
    assert found.evidence.low > 0
    assert found.evidence.near >= found.evidence.agreement > 0


def test_the_same_accounts_without_the_lift_give_none(lives_of: Any) -> None:
    found = [
        find_activation(simulated(lives_of, seed, lift=0.0), (5.0, "seat"), RULES, SEARCH, 56) for seed in range(6)
    ]
    assert sum(each.count is not None for each in found) <= 1


def test_rates_drawn_apart_give_no_definition(planted: ModuleType) -> None:
    held = 0
    for seed in range(8):
        null = planted.live(planted.World(accounts=1500, seed=seed, effects=False))
        found = find_activation(null.lives, (1.0, "seat"), RULES, SEARCH, 56)
        held += found.count is not None
        assert found.candidate is None or found.because.startswith("No definition among")
    assert held <= 1


def test_persistent_use_alone_is_not_activation(lives_of: Any) -> None:
    # the same rate early and late, nothing else: early use foretells late use, and yet no cell says more than the rate
    rng = np.random.default_rng(3)
    count = 2500
    rate = np.exp(rng.normal(-2, 0.8, count))
    daily = rng.poisson(rate[:, None], (count, 300))
    account, day = np.nonzero(daily)
    created = 1000 + rng.integers(0, 600, count)
    used = np.column_stack([account, created[account] + day, daily[account, day]])
    lives = lives_of(created, used[used[:, 1] < 2000].tolist(), seats=np.full(count, 1.0))
    found = find_activation(lives, (4.0, "seat"), RULES, SEARCH, 56)
    assert found.phi > 0.5  # what a correlation makes of it
    assert found.count is None


def test_who_is_judged_and_why_others_are_not(lives_of: Any) -> None:
    created = [1000, 1000, 1000, 1900, 1000]
    lives = lives_of(
        created, [(0, 1010)], end=[None, 1090, 1095, None, None], seats=[2, 2, 2, 2, 0],
        before_data=np.array([False, False, False, False, False]),
    )  # fmt: skip
    found = judge(lives, (1.0, "seat"), RULES, 56)
    assert found.codes.tolist() == [0, 2]
    assert found.left == {
        "created before the data begin": 0, "time after the landmark not complete": 1,
        "ended before the landmark": 1, "seats 0 or unknown": 1,
    }  # fmt: skip
    assert found.running.tolist() == [True, False]
    older = judge(replace(lives, before_data=np.array([True, False, False, False, False])), None, RULES, 56)
    assert older.codes.tolist() == [2, 4]


def test_utilized_later_is_per_seat_and_month(lives_of: Any) -> None:
    # 90 days from the landmark: 12 uses are 4 a month, 2 per seat
    used = [(0, 1091, 11), (0, 1180, 1), (1, 1091, 11), (1, 1181, 9)]
    found = judge(lives_of([1000, 1000], used), (2.0, "seat"), RULES, 56)
    assert found.utilized.tolist() == [True, False]
    assert judge(lives_of([1000, 1000], used), (3.7, "account"), RULES, 56).utilized.tolist() == [True, False]


def test_the_day_before_the_landmark_is_not_later(lives_of: Any) -> None:
    lives = lives_of([1000, 1000], [(0, 1090, 12), (1, 1091, 12)])
    assert judge(lives, (2.0, "seat"), RULES, 56).utilized.tolist() == [False, True]


def test_cells_count_the_first_days_only(lives_of: Any) -> None:
    lives = lives_of([1000, 1000], [(0, 1000), (0, 1006), (0, 1007), (1, 1090), (1, 1091)])
    rows = judge(lives, None, RULES, 56)
    reached = cells(lives, rows, RULES).reshape(2, 9, 5)
    assert reached[0, 1].tolist() == [True] * 5  # two within seven days
    assert reached[0, 2].tolist() == [False, True, True, True, True]
    assert reached[1, 0].tolist() == [False, False, False, False, True]
    assert not reached[1, 1].any()


@given(late=st.lists(st.tuples(st.integers(0, 3), st.integers(1091, 1300), st.integers(1, 5)), max_size=20))
@examples(max_examples=50, deadline=None)
def test_nothing_from_the_landmark_on_reaches_a_cell(late: list[tuple[int, int, int]], lives_of: Any) -> None:
    early = [(0, 1000, 3), (1, 1050, 2), (2, 1090, 9)]
    before, after = lives_of([1000] * 4, early), lives_of([1000] * 4, [*early, *late])
    rows, again = judge(before, None, RULES, 56), judge(after, None, RULES, 56)
    assert (cells(before, rows, RULES) == cells(after, again, RULES)).all()
    assert (np.column_stack(rates(before, rows)) == np.column_stack(rates(after, again))).all()


def test_what_arrives_after_the_landmark_is_not_known_at_it(lives_of: Any) -> None:
    # three uses on day 1010, known on day 1010, on day 1020 and on the landmark itself
    days, seen = np.full(3, 1010), np.array([1010, 1020, 1091])
    value = daily_counts(np.arange(3), days, seen, np.ones(3), 3)
    lives = replace(lives_of([1000] * 3), value=value)
    rows = judge(lives, None, RULES, 56)
    once = cells(lives, rows, RULES).reshape(3, 9, 5)[:, 0]
    assert once.tolist() == [[False, True, True, True, True], [False, False, True, True, True], [False] * 5]
    assert activated_on(lives, 1, 28).tolist() == [1010, 1020, NEVER]


@given(ends=st.lists(st.integers(1001, 1999), min_size=4, max_size=4))
@examples(max_examples=50, deadline=None)
def test_no_account_is_judged_that_ended_before_its_landmark(ends: list[int], lives_of: Any) -> None:
    lives = lives_of([1000, 1100, 1200, 1300], end=ends)
    rows = judge(lives, None, RULES, 56)
    assert (lives.end[rows.codes] >= rows.landmark).all()
    assert (rows.landmark + RULES.later_days + 56 <= lives.today).all()


def test_the_day_of_activation(lives_of: Any) -> None:
    lives = lives_of(
        [1000, 1000, 1000], [(0, 1003), (0, 1020), (0, 1027), (1, 1003), (1, 1028), (2, 1001, 5)],
        before_data=np.array([False, False, True]),
    )  # fmt: skip
    assert activated_on(lives, 2, 28).tolist() == [1020, NEVER, NEVER]


def test_neighbours_touch_in_the_grid() -> None:
    near = neighbours(RULES)
    assert near[0].nonzero()[0].tolist() == [0, 1, 5, 6]
    assert near[6].sum() == 9


def test_phi_by_hand() -> None:
    reached = np.array([[1, 1], [1, 1], [0, 1], [0, 1]], dtype=bool)
    found = phi(reached, np.array([True, False, False, False]))
    assert found[0] == pytest.approx(1 / np.sqrt(3))
    assert np.isnan(found[1])


def test_a_definition_set_by_hand_gets_evidence(world: Any) -> None:
    found = evidence_for(world.lives, (1.0, "seat"), RULES, SEARCH, (8, 28, 56))
    assert found.low > 30
    weak = evidence_for(world.lives, (1.0, "seat"), RULES, SEARCH, (1, 91, 56))
    assert weak.effect < found.effect


def test_too_few_accounts_say_so(lives_of: Any) -> None:
    found = find_activation(lives_of([1000] * 20, [(0, 1001)]), None, RULES, SEARCH, 56)
    assert found.count is None
    assert found.because == (
        "20 accounts can be judged: no cell has accounts enough on both sides (50 of earlier cohorts needed on each), "
        "looking for running and not dormant later."
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("goal", [None, (1.0, "seat")])
def test_nobody_to_judge_is_an_answer(lives_of: Any, goal: tuple[float, str] | None) -> None:
    # signed up 50 days ago: no landmark has come yet
    lives = lives_of([1950] * 3)
    found = find_activation(lives, goal, RULES, SEARCH, 56)
    assert (found.count, found.candidate, found.active, found.phi_cell) == (None, None, None, None)
    assert found.z.shape == found.share.shape == found.later.shape == (9, 5)
    assert found.left["time after the landmark not complete"] == 3
    assert found.because.startswith("0 accounts can be judged: no cell has accounts enough on both sides (50 of ")
    by_hand = evidence_for(lives, goal, RULES, SEARCH, (5, 28, 56))
    assert by_hand.accounts == 0
    assert np.isnan(by_hand.effect)


@pytest.mark.parametrize(("threshold", "who"), [(0.0, "all"), (1e6, "none")])
def test_a_goal_that_parts_nobody_says_so(lives_of: Any, threshold: float, who: str) -> None:
    found = find_activation(simulated(lives_of, 1, lift=0.1), (threshold, "seat"), RULES, SEARCH, 56)
    assert found.candidate is None
    assert f"{who} of the earlier cohorts reach the goal, so that nothing parts them" in found.because
