"""Sizes: what is needed and what can be seen are each other's inverse, and the power is what it says."""

from __future__ import annotations

import numpy as np
import pytest

from milepost.experiments.estimates import conversion, mean
from milepost.experiments.power import MOST, Design, accounts_for_means, detectable, needed, size


def design(looks=1, ratio=1.0, available=1000.0):
    return Design(0.05, 0.8, looks, ratio, per_day=50.0, available=available, share_smaller=1 / (1 + ratio))


def test_power_is_what_it_says():
    # 0.30 against 0.36; 1,000 draws, standard error .013
    accounts = round(needed(True, 0.30, 0.0, 0.06, design()))
    draws = np.random.default_rng(1)
    found = [conversion((draws.random(accounts) < 0.30) * 1.0, (draws.random(accounts) < 0.36) * 1.0).p < 0.05
             for _ in range(1000)]  # fmt: skip
    assert np.mean(found) == pytest.approx(0.8, abs=0.045)


def test_power_of_means_is_what_it_says():
    accounts = round(accounts_for_means(2.0, 0.5))
    # the rule of thumb: 16 variances over the squared effect
    assert accounts == pytest.approx(16 * 4 / 0.25, rel=0.03)
    draws = np.random.default_rng(2)
    found = [mean(draws.normal(0, 2, accounts), draws.normal(0.5, 2, accounts)).p < 0.05 for _ in range(1000)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.045)


@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("looks", [1, 4])
@pytest.mark.parametrize("share", [True, False])
def test_what_can_be_seen_is_the_inverse_of_what_is_needed(share, looks, up):
    seen = detectable(share, 0.3, 1.5, 800, design(looks), up)
    assert (seen > 0) == up
    assert needed(share, 0.3, 1.5, seen, design(looks)) == pytest.approx(800, rel=1e-3)


def test_looks_and_uneven_arms_cost_accounts():
    even = needed(True, 0.3, 0.0, 0.05, design())
    assert needed(True, 0.3, 0.0, 0.05, design(looks=4)) / even == pytest.approx(1.02, abs=0.02)
    # three times as many in the larger arm: the smaller one needs 2/3, both together 4/3
    assert needed(True, 0.3, 0.0, 0.05, design(ratio=3.0)) / even == pytest.approx(2 / 3, abs=0.01)


def test_days_are_those_of_enrolment_and_of_the_window():
    found = size(("paid", "primary"), True, (0.3, 0.0), 0.06, 90, design())
    # both arms at 50 a day
    assert found.enrolment_days == pytest.approx(2 * found.needed / 50)
    assert found.days == pytest.approx(found.enrolment_days + 90)
    assert found.enough == (found.needed <= 1000)


def test_nothing_to_see_asks_for_everybody():
    assert needed(True, 0.3, 0.0, 0.0, design()) == MOST
    assert np.isnan(detectable(True, 0.3, 0.0, 2, design()))
