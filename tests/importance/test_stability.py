"""The account bootstrap: known spread gives known shares."""

from __future__ import annotations

import numpy as np
import pytest

from milepost.importance.effect import Effect
from milepost.importance.stability import account_draws, stability


def effect(point: float, error: float, accounts: int = 400, seed: int = 0) -> Effect:
    influence = np.random.default_rng(seed).normal(size=accounts)
    influence *= error / np.sqrt((influence**2).sum())
    return Effect(point, point - 2 * error, point + 2 * error, 0.5, error, 0.5, influence, accounts)


def test_draws_spread_as_wide_as_the_standard_error() -> None:
    drawn = account_draws([effect(2.0, 0.5)], 4000, 1)[:, 0]
    assert drawn.mean() == pytest.approx(2.0, abs=0.03)
    assert drawn.std() == pytest.approx(0.5, rel=0.05)


def test_same_sign_follows_the_normal_curve() -> None:
    # one error above zero: 84 % of the draws stay positive; a negative effect is judged by its own sign
    found = stability([effect(1.0, 1.0), effect(-3.0, 1.0, seed=1)], np.ones(2, bool), 1, 4000, 1)
    assert found.same_sign[0] == pytest.approx(0.841, abs=0.02)
    assert found.same_sign[1] > 0.99


def test_top_k_counts_only_those_that_compete() -> None:
    effects = [effect(5.0, 0.1), effect(9.0, 0.1, seed=1), effect(1.0, 0.1, seed=2)]
    found = stability(effects, np.array([True, False, True]), 1, 50, 1)
    assert found.top_k.tolist() == [1.0, 0.0, 0.0]


def test_unknown_effects_stay_unknown() -> None:
    unknown = Effect(*([float("nan")] * 6), np.zeros(400), 0)
    found = stability([unknown, effect(1.0, 0.1)], np.ones(2, bool), 2, 50, 1)
    assert np.isnan(found.same_sign[0])
    assert np.isnan(found.top_k[0])
    assert found.top_k[1] == 1.0


def test_the_seed_decides() -> None:
    one, again, other = (account_draws([effect(1.0, 1.0)], 20, seed) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()
