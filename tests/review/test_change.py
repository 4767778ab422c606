"""Then and now, in worlds made of two states whose truth is known."""

import numpy as np
import pytest

from milepost.review.change import LEAST_CHURNED, Rows, changes, holm

ACCOUNTS, DATES = 2000, 10


def world(seed, then, now, level=0.0):
    """Two states of odds `then` before date 6, then `now`; level: added to the log-odds of churn."""
    rng = np.random.default_rng(seed)
    states = (rng.random((ACCOUNTS, 2)) < 0.45).astype(float)
    states = np.tile(states, (DATES, 1))
    days, codes = np.repeat(np.arange(DATES), ACCOUNTS), np.tile(np.arange(ACCOUNTS), DATES)
    late = days >= 6
    odds = np.where(late[:, None], now, then)
    chance = 1 / (1 + np.exp(-(-3.0 + level * late - (odds * states).sum(axis=1))))
    churned = (rng.random(len(days)) < chance).astype(float)
    return Rows(churned, codes, np.ones((len(days), 1)), days, late), states


def test_a_state_that_lost_its_effect_is_seen_and_the_other_is_not_blamed() -> None:
    lost, kept = changes(*world(1, (0.9, 0.9), (0.0, 0.9)))
    assert lost.was_clear
    assert not lost.is_clear
    assert lost.p < 0.01
    assert kept.is_clear
    assert kept.p > 0.05


def test_estimates_come_near_the_truth_and_intervals_hold_it() -> None:
    found = changes(*world(2, (0.9, 0.5), (0.9, 0.5)))
    for change, truth in zip(found, (0.9, 0.5), strict=True):
        assert change.then_low < truth < change.then_high
        assert change.now_low < truth < change.now_high
        assert change.then == pytest.approx(truth, abs=0.25)


def test_a_season_that_moves_everybody_is_no_change() -> None:
    """Churn at 2.5 times its level: differences in points grow with it, log-odds do not."""
    found = [change.p for seed in range(10) for change in changes(*world(seed, (0.8, 0.8), (0.8, 0.8), level=1.0))]
    assert min(holm(found)) > 0.05


def test_where_nothing_changes_few_reviews_raise_an_alarm() -> None:
    """40 reviews of two parts: at 5 % two are expected; more than 6 come in 1 of 200 cases."""
    alarms = sum(
        bool(np.nanmin(holm([change.p for change in changes(*world(100 + seed, (0.6, 0.6), (0.6, 0.6)))])) <= 0.05)
        for seed in range(40)
    )
    assert alarms <= 6


def test_too_few_churned_accounts_are_no_answer() -> None:
    rows, states = world(3, (0.9, 0.9), (0.0, 0.9))
    few = np.flatnonzero((rows.churned == 1) & rows.now)[LEAST_CHURNED - 1 :]
    churned = rows.churned.copy()
    churned[few] = 0
    found = changes(Rows(churned, rows.codes, rows.controls, rows.days, rows.now), states)
    assert not any(change.enough for change in found)
    assert all(np.isnan(change.p) for change in found)


def test_a_state_that_hardly_anybody_has_is_left_to_the_next_cohort() -> None:
    rows, states = world(4, (0.9, 0.9), (0.9, 0.9))
    states[rows.codes >= 30, 0] = 0
    rare, other = changes(rows, states)
    assert not rare.enough
    assert other.enough


def test_rows_where_a_state_is_unknown_do_not_tilt_it() -> None:
    rows, states = world(5, (0.9, 0.9), (0.9, 0.9))
    states[::7, 0] = np.nan
    change = changes(rows, states)[0]
    assert change.then_low < 0.9 < change.then_high


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.02, 0.03]).tolist() == pytest.approx([0.03, 0.04, 0.04])
    assert np.isnan(holm([float("nan")])).all()
