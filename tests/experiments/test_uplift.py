"""Who gains: found where accounts differ, and "no evidence" where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from milepost.experiments.uplift import uplift


def world(seed, size=2000, slope=0.0, effect=0.5):
    """The outcome follows the first attribute in both arms; the gain follows it by `slope`."""
    draws = np.random.default_rng(seed)
    attributes = draws.normal(size=(size, 3))
    treated = draws.random(size) < 0.5
    outcome = attributes[:, 0] + treated * (effect + slope * attributes[:, 0]) + draws.normal(size=size)
    return outcome, treated, attributes


def test_accounts_that_gain_more_are_found():
    found = uplift(*world(1, slope=1.0), seed=1)
    assert found.differ
    # the thirds of a normal attribute lie at ±1.09
    assert found.top == pytest.approx(0.5 + 1.09, abs=0.35)
    assert found.bottom == pytest.approx(0.5 - 1.09, abs=0.35)
    # the area of a perfect order: half of the mean of |gain| differences, slope × E[x · (share below x)] = 1 / (2√π)
    assert found.area == pytest.approx(1 / (2 * np.sqrt(np.pi)), abs=0.08)
    assert found.curve[0] == 0
    assert found.curve[-1] == pytest.approx(0.5, abs=0.15)


def test_where_lower_is_better_the_gain_is_the_fall():
    outcome, treated, attributes = world(1, slope=1.0)
    found = uplift(-outcome, treated, attributes, seed=1, lower_is_better=True)
    assert found == uplift(outcome, treated, attributes, seed=1)


def test_accounts_that_gain_alike_are_rarely_told_apart():
    # one side of a 95 % interval: 2.5 expected in 100; more than 8 has a chance of 1 in 1,000
    told = sum(uplift(*world(seed, size=600), seed=seed).differ for seed in range(100))
    assert told <= 8


def test_without_attributes_or_accounts_nothing_is_looked_for():
    outcome, treated, attributes = world(2, size=500)
    assert "names no segments" in uplift(outcome, treated, np.zeros((500, 0)), seed=1).note
    assert "names no segments" in uplift(outcome, treated, np.ones((500, 2)), seed=1).note
    few = slice(0, 300)
    assert "not enough data" in uplift(outcome[few], treated[few], attributes[few], seed=1).note
