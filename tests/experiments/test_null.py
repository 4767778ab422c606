"""Worlds in which the arms are alike: how often a difference is found, and how often an interval holds the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from milepost.experiments.adjusted import adjusted
from milepost.experiments.decide import always_valid
from milepost.experiments.estimates import conversion, mean, ratio
from milepost.experiments.sequential import even
from milepost.experiments.square_and_add import quantile, reached_by

WATCHED = 60.0


def draw_heavy(draws, size, spread=1.5):
    """Revenue of accounts: a few pay most of it."""
    return draws.lognormal(0, spread, size)


def draw_counts(draws, size):
    return draws.poisson(2 * draws.gamma(0.7, 1 / 0.7, size)).astype(float)


def draw_pairs(draws, size):
    below = 1.0 + draw_counts(draws, size)
    return below * draws.gamma(2, 0.5, size), below


def draw_watch(draws, size):
    days, watched = draws.exponential(100, size), draws.uniform(20, 120, size)
    return np.minimum(days, watched), days <= watched


def adjusted_for(draws, one, other):
    """The outcome follows what accounts were before; half of its variance goes away."""
    before = draws.normal(size=(len(one) + len(other), 2))
    treated = np.arange(len(before)) >= len(one)
    return adjusted(np.append(one, other) + before.sum(axis=1), treated, before)


def adjusted_heavy(draws, one, other):
    """Revenue adjusted for the revenue of before, both with long tails."""
    whole = np.append(one, other)
    before = whole * draws.lognormal(0, 0.7, len(whole))
    treated = np.arange(len(whole)) >= len(one)
    return adjusted(whole, treated, before[:, None])


# kind -> draw of one arm, estimate of two, true level that an effect is added to
KINDS = {
    "conversion": (lambda d, n: (d.random(n) < 0.2).astype(float), lambda d, a, b: conversion(a, b)),
    "rare conversion": (lambda d, n: (d.random(n) < 0.05).astype(float), lambda d, a, b: conversion(a, b)),
    "mean": (lambda d, n: d.gamma(4, 1, n), lambda d, a, b: mean(a, b)),
    "heavy-tailed mean": (draw_heavy, lambda d, a, b: mean(a, b)),
    "count": (draw_counts, lambda d, a, b: mean(a, b)),
    "ratio of totals": (draw_pairs, lambda d, a, b: ratio(a, b)),
    "heavy-tailed ratio": (lambda d, n: (draw_heavy(d, n), 1 + draw_counts(d, n)), lambda d, a, b: ratio(a, b)),
    "adjusted mean": (lambda d, n: d.normal(size=n), adjusted_for),
    "heavy-tailed adjusted": (draw_heavy, adjusted_heavy),
    "median": (lambda d, n: d.lognormal(3, 1, n), lambda d, a, b: quantile(a, b)),
    "time to event": (draw_watch, lambda d, a, b: reached_by(a, b, WATCHED)),
}


def false_positives(kind, accounts, runs, seed):
    """Share of runs in which p is below .05, of those that are answered, and that share."""
    draws = np.random.default_rng(seed)
    arm, estimate = KINDS[kind]
    found = [estimate(draws, arm(draws, accounts // 2), arm(draws, accounts // 2)) for _ in range(runs)]
    told = np.array([one.p for one in found if one.known])
    return float((told <= 0.05).mean()), len(told) / runs


@pytest.mark.parametrize("kind", KINDS)
def test_a_difference_is_rarely_found_where_none_is(kind):
    # 300 runs at 5 %: more than 10 % has a chance of 1 in 10,000
    share, told = false_positives(kind, 200, 300, seed=11)
    assert share <= 0.10
    assert told > 0.95


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_false_positives_by_kind(kind):
    few, told = false_positives(kind, 100, 5000, seed=21)
    many, _ = false_positives(kind, 1000, 5000, seed=22)
    print(f"\n| {kind} | {100 * few:.1f} % | {100 * many:.1f} % | {100 * told:.0f} % |")
    assert few <= 0.06
    assert 0.04 <= many <= 0.06


def draw_higher_ratio(draws, size):
    above, below = draw_pairs(draws, size)
    return above + 0.3 * below, below


def draw_sooner(draws, size):
    days, watched = draws.exponential(60, size), draws.uniform(20, 120, size)
    return np.minimum(days, watched), days <= watched


# kind -> the true difference, draw of the treated arm
EFFECTS = {
    "conversion": (0.05, lambda d, n: (d.random(n) < 0.25).astype(float)),
    "mean": (0.5, lambda d, n: 0.5 + d.gamma(4, 1, n)),
    "count": (1.0, lambda d, n: draw_counts(d, n) + 1.0),
    "ratio of totals": (0.3, draw_higher_ratio),
    "adjusted mean": (0.3, lambda d, n: 0.3 + d.normal(size=n)),
    "median": (5.0, lambda d, n: 5.0 + d.lognormal(3, 1, n)),
    "time to event": (np.exp(-WATCHED / 100) - np.exp(-WATCHED / 60), draw_sooner),
}


def coverage(kind, accounts, runs, seed):
    draws = np.random.default_rng(seed)
    control, estimate = KINDS[kind]
    truth, treated = EFFECTS[kind]
    found = [estimate(draws, control(draws, accounts // 2), treated(draws, accounts // 2)) for _ in range(runs)]
    return float(np.mean([one.low <= truth <= one.high for one in found]))


@pytest.mark.parametrize("kind", EFFECTS)
def test_intervals_hold_the_truth(kind):
    assert coverage(kind, 400, 200, seed=31) >= 0.90


@pytest.mark.long
@pytest.mark.parametrize("kind", EFFECTS)
def test_coverage_by_kind(kind):
    share = coverage(kind, 1000, 5000, seed=32)
    print(f"\n| {kind} | {100 * share:.1f} % |")
    assert 0.93 <= share <= 0.97


def crossed(looks, bounds, runs, seed):
    """Share of null experiments whose Z crosses a bound at any look; looks: shares of the information."""
    draws = np.random.default_rng(seed)
    steps = np.diff(np.append(0.0, looks))
    score = np.cumsum(draws.normal(size=(runs, len(looks))) * np.sqrt(steps), axis=1)
    z = score / np.sqrt(np.asarray(looks))
    return float((np.abs(z) > np.asarray(bounds)).any(axis=1).mean())


def test_daily_peeking_finds_what_is_not_there_and_planned_looks_do_not():
    daily = np.arange(1, 29) / 28
    naive = crossed(daily, np.full(28, 1.96), 20_000, seed=41)
    design = even(4)
    planned = crossed(np.array(design.shares), design.bounds, 20_000, seed=42)
    print(f"\nnaive daily looks {100 * naive:.1f} %, four planned looks {100 * planned:.1f} %")
    assert naive > 0.20
    assert 0.04 <= planned <= 0.06


def test_an_interval_for_watching_holds_at_every_look():
    draws = np.random.default_rng(43)
    wrong = 0
    for _ in range(200):
        control, treated = draws.normal(size=(2, 1000))
        looks = [mean(control[:size], treated[:size]) for size in range(50, 1001, 50)]
        watched = [always_valid(one, 0.05) for one in looks]
        wrong += any(one.low > 0 or one.high < 0 for one in watched)
    assert wrong <= 20  # 5 % of 200 are 10; 20 has a chance of 2 in 1,000


def test_p_and_interval_of_a_look_agree():
    draws = np.random.default_rng(44)
    for _ in range(100):
        control, treated = draws.gamma(1, 1, 60), draws.gamma(1, 1.5, 70)
        for alpha in (0.05, 0.014):
            found = mean(control, treated, alpha)
            assert (found.p < alpha) == (found.low > 0 or found.high < 0)
            middle = quantile(control, treated, 0.5, alpha)
            assert (middle.p < alpha) == (middle.low > 0 or middle.high < 0)
    assert stats.norm.isf(even(1).alpha_at(1) / 2) == pytest.approx(1.96, abs=1e-3)
