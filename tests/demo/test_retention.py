from __future__ import annotations

import numpy as np
import pytest

from milepost.demo.features import FEATURES, POSITION
from milepost.demo.population import populate
from milepost.demo.retention import (
    Risk,
    churn_months,
    contribution,
    is_term_end,
    log_odds,
    risk,
    term_ends,
    window_ends,
    window_retained,
)
from milepost.demo.world import BURN_MONTHS, World, calendar

NULL = World(accounts=2000, months=14, seed=5, kind="no_effect")


def habit_of(*names: str) -> np.ndarray:
    habit = np.zeros((1, 1, len(FEATURES)), bool)
    habit[:, :, [POSITION[name] for name in names]] = True
    return habit


def test_contributions_add_up_on_the_log_odds() -> None:
    # messenger -.75, macros -.70, mass messages +.70
    total = contribution(World(), habit_of("messenger", "macros", "mass_messages", "snooze"))
    assert total.tolist() == [[pytest.approx(-0.75)]]


def test_in_a_stepped_world_one_driver_of_a_category_does_a_quarter() -> None:
    stepped = World(kind="non_linear")
    assert contribution(stepped, habit_of("macros"))[0, 0] == pytest.approx(-0.70 / 4)
    assert contribution(stepped, habit_of("macros", "workflows"))[0, 0] == pytest.approx(-1.55)
    assert contribution(stepped, habit_of("macros", "messenger"))[0, 0] == pytest.approx(-(0.70 + 0.75) / 4)


def test_without_effects_nothing_contributes() -> None:
    assert not log_odds(NULL).any()
    assert contribution(NULL, np.ones((1, 1, len(FEATURES)), bool))[0, 0] == 0


def test_staying_through_two_term_ends_is_the_square() -> None:
    model = Risk(base=np.log([[0.25 / 0.75]]), ends=np.array([[2]]))
    assert model.chance(np.zeros((1, 1)))[0, 0] == pytest.approx(0.25)
    assert model.retained(np.zeros((1, 1)))[0, 0] == pytest.approx(0.5625)


def test_terms_end_monthly_or_yearly_and_never_at_the_start() -> None:
    people = populate(NULL, calendar(NULL))
    ending = is_term_end(people, 26)
    each = np.arange(people.count)
    yearly = people.annual & people.converted & (people.paid_month <= 13)
    assert not ending[people.paid_month[yearly], each[yearly]].any()
    assert not ending[people.paid_month[yearly] + 11, each[yearly]].any()
    assert ending[people.paid_month[yearly] + 12, each[yearly]].all()
    monthly = ~people.annual & people.converted & (people.paid_month < 25)
    assert ending[people.paid_month[monthly] + 1, each[monthly]].all()
    assert not ending[:, ~people.converted].any()


def test_an_outcome_window_holds_two_or_fewer_monthly_term_ends() -> None:
    dates = calendar(NULL)
    people = populate(NULL, dates)
    ends = term_ends(dates, people)
    monthly = ~people.annual & people.converted & (people.paid_month < 14)
    assert set(np.unique(ends[14:, monthly])) == {1, 2}
    assert ends[14:, people.annual].max() == 1
    # from 1 June the window is 15 June to 9 August: day 20 falls into it in June and July, day 5 in July and August
    june = BURN_MONTHS + 5
    day = people.offset_us // 86_400_000_000 + 1
    assert (ends[june, monthly & (day == 20)] == 2).all()
    assert (ends[june, monthly & (day == 5)] == 2).all()
    # day 12: 12 July only, as 12 June is before and 12 August after
    assert (ends[june, monthly & (day == 12)] == 1).all()


def test_staying_counts_every_term_end_at_the_chance_of_its_own_month() -> None:
    chance = np.array([[0.1, 0.1], [0.2, 0.2], [0.5, 0.5]])
    inside = np.zeros((4, 3, 2), bool)
    inside[1, 0] = True  # the next month's
    inside[2, 0, 1] = True  # and that of the month after
    inside[3, 2] = True  # beyond the last month: the last stands for it
    assert window_retained(chance, inside).tolist() == [[0.8, pytest.approx(0.4)], [1.0, 1.0], [0.5, 0.5]]


def test_the_chance_of_staying_is_the_share_that_stays_when_churn_is_drawn() -> None:
    """Ten thousand accounts of one month, left to the dice of the simulation itself."""
    world = World(accounts=10_000, months=14, seed=5)
    dates = calendar(world)
    people = populate(world, dates)
    tiers = np.repeat(people.tier[None, :], dates.last, axis=0)
    worse = np.linspace(0, 1, dates.last)[:, None] * np.ones(people.count)  # the months differ
    model = risk(world, dates, people, tiers, worse)
    churned = churn_months(world, dates, people, model.chance(worse))
    month = BURN_MONTHS + 6
    moment = people.renewals(dates)[churned, np.arange(people.count)]
    opens = dates.starts[month] + 14 * 86_400_000_000
    there = people.converted & (people.paid_month < month) & ((churned == dates.last) | (moment >= opens))
    left = there & (churned < dates.last) & (moment < opens + 56 * 86_400_000_000)
    expected = window_retained(model.chance(worse), window_ends(dates, people))[month]
    error = np.sqrt((expected * (1 - expected))[there].sum())
    assert abs((1 - expected)[there].sum() - left.sum()) < 3 * error
    held = 1 - model.retained(worse)[month]  # the state of the month itself, held: what risk is calibrated with
    assert abs(held[there].sum() - (1 - expected)[there].sum()) > 0


def test_the_churned_share_is_what_the_world_asks_for() -> None:
    dates = calendar(NULL)
    people = populate(NULL, dates)
    tiers = np.repeat(people.tier[None, :], dates.last, axis=0)
    nothing = np.zeros(tiers.shape)
    model = risk(NULL, dates, people, tiers, nothing)
    churned = churn_months(NULL, dates, people, model.chance(nothing))
    assert churned.min() >= BURN_MONTHS
    left = np.flatnonzero(churned < dates.last)
    assert is_term_end(people, dates.last)[churned[left], left].all()
    shares = []
    for month in range(BURN_MONTHS + 3, dates.last - 3):
        running = people.converted & (people.paid_month < month) & (churned >= month)
        moment = people.renewals(dates)[churned, np.arange(people.count)]
        opens = dates.starts[month] + 14 * 86_400_000_000
        ended = (churned < dates.last) & (moment >= opens) & (moment < opens + 56 * 86_400_000_000)
        shares.append(ended[running].mean())
    assert np.mean(shares) == pytest.approx(NULL.churned_share, abs=0.01)


def test_larger_and_higher_plans_stay_longer_and_health_counts_only_where_it_may() -> None:
    for kind, moves in (("no_effect", False), ("standard", True), ("confounded", True)):
        world = World(accounts=400, months=12, kind=kind)
        dates = calendar(world)
        people = populate(world, dates)
        tiers = np.repeat(people.tier[None, :], dates.last, axis=0)
        base = risk(world, dates, people, tiers, np.zeros(tiers.shape)).base[20]
        assert np.corrcoef(base[~people.annual], people.size[~people.annual])[0, 1] < -0.2
        assert (np.corrcoef(base, people.health[20])[0, 1] < -0.3) == moves
