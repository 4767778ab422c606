"""Quantiles and shares that have come to an event, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from milepost.experiments.estimates import conversion
from milepost.experiments.square_and_add import quantile, reached_by


def test_a_median_by_hand():
    # 1..99: the median is 50; 40 and 60 are the ranks at binomial(99, 1/2) quantiles .025 and .975
    values = np.arange(1, 100, dtype=float)
    found = quantile(values, values + 10)
    assert (found.control, found.treated, found.difference) == (50, 60, 10)
    half = np.hypot(10, 10)
    assert (found.low, found.high) == (pytest.approx(10 - half), pytest.approx(10 + half))
    assert found.p > 0.05


def test_ties_are_no_answer():
    same = np.full(100, 3.0)
    assert not quantile(same, same).known
    assert "share one value" in quantile(same, same).note


def test_an_extreme_quantile_of_few_accounts_is_no_answer():
    values = np.arange(40, dtype=float)
    assert quantile(values, values, 0.5).known
    assert "for a quantile of 0.99" in quantile(values, values, 0.99).note


def watched(days, happened):
    return np.array(days, dtype=float), np.array(happened, dtype=bool)


def test_censored_accounts_count_until_they_are_out_of_sight():
    # 4 accounts: event on day 2, out of sight on day 3, event on day 4, there on day 10: 1/4, then 1/4 + 3/4 × 1/2
    four = watched([2, 3, 4, 10] * 10, [True, False, True, False] * 10)
    found = reached_by(four, four, 5)
    assert found.control == pytest.approx(1 / 4 + 3 / 4 / 2)
    assert found.difference == 0


def test_without_censoring_it_is_nearly_the_difference_of_shares():
    draws = np.random.default_rng(4)
    days = [draws.exponential(scale, 400) for scale in (100, 60)]
    arms = [watched(np.minimum(one, 30), one <= 30) for one in days]
    found = reached_by(arms[0], arms[1], 30)
    plain = conversion(*(np.array(one <= 30, dtype=float) for one in days))
    assert found.difference == pytest.approx(plain.difference)
    assert (found.low, found.high) == (pytest.approx(plain.low, abs=0.005), pytest.approx(plain.high, abs=0.005))


def test_an_arm_in_which_nobody_came_to_it_still_has_an_interval():
    nobody = watched([30] * 50, [False] * 50)
    some = watched([10] * 10 + [30] * 40, [True] * 10 + [False] * 40)
    found = reached_by(nobody, some, 30)
    assert found.difference == pytest.approx(0.2)
    assert 0 < found.low < 0.2 < found.high
    assert not reached_by(nobody, nobody, 30).known
