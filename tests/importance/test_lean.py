"""The negative control on effects whose middle is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from milepost.importance.effect import Effect, unknown_effect
from milepost.importance.lean import common_lean, scatter_of_nothing


def effects(points: np.ndarray, accounts: int = 400) -> list[Effect]:
    """Independent effects with an error of one point each, their intervals two points to both sides."""
    rng = np.random.default_rng(1)
    found = []
    for point in points:
        influence = rng.normal(size=accounts)
        influence /= np.sqrt((influence**2).sum())
        found.append(Effect(point, point - 2, point + 2, 0.5, 1.0, 0.9, influence, 1000))
    return found


def test_features_that_all_lean_fail_the_control() -> None:
    pool = effects(np.linspace(0.2, 1.8, 25))
    lean = common_lean(pool, np.ones(25, bool), 400, 3)
    assert lean.points == lean.shift == 1.0
    assert lean.features == 25
    # the median of 25 independent ones has an error near 1.25 / 5
    assert 0.15 < lean.error < 0.4
    assert lean.failed


def test_features_around_nothing_pass_it() -> None:
    assert not common_lean(effects(np.linspace(-1, 1, 25)), np.ones(25, bool), 400, 3).failed
    assert not common_lean(effects(np.linspace(-1.8, -0.2, 25)), np.ones(25, bool), 400, 3).failed


def test_loud_features_alarm_and_do_not_shift() -> None:
    # ten are clearly above nothing: the control counts them, the shift is the middle of the quiet ones
    lean = common_lean(
        effects(np.concatenate([np.linspace(-0.5, 0.9, 15), np.full(10, 3.0)])), np.ones(25, bool), 400, 3
    )
    assert lean.shift == pytest.approx(0.2)
    assert lean.points > lean.shift
    assert lean.failed


def test_only_the_pool_counts() -> None:
    points = np.concatenate([np.linspace(-1, 1, 21), np.full(10, 5.0)])
    inside = np.arange(31) < 21
    assert common_lean(effects(points), inside, 200, 3).points == 0.0


def test_too_few_features_say_nothing() -> None:
    pool = [*effects(np.full(7, 0.5)), unknown_effect(400)]
    lean = common_lean(pool, np.ones(8, bool), 200, 3)
    assert np.isnan(lean.points)
    assert not lean.failed
    assert lean.features == 7


def scattered(spread: float, errors: np.ndarray, seed: int = 4) -> list[Effect]:
    """Effects of nothing that differ by `spread` beyond their errors."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=len(errors)) * np.hypot(errors, spread)
    return [
        Effect(point, point - 2 * error, point + 2 * error, 0.5, error, 0.9, np.ones(4), 1000)
        for point, error in zip(points, errors, strict=True)
    ]


def test_scatter_beyond_chance_is_measured() -> None:
    errors = np.linspace(0.1, 0.3, 60)
    assert scatter_of_nothing(scattered(0.5, errors)) == pytest.approx(0.5, rel=0.3)
    # shifted by what all share, they scatter as much around that
    moved = [replace(effect, effect=effect.effect + 2) for effect in scattered(0.5, errors)]
    assert scatter_of_nothing(moved, 2.0) == scatter_of_nothing(scattered(0.5, errors))


def test_features_with_an_effect_are_not_scatter() -> None:
    errors = np.linspace(0.1, 0.3, 60)
    found = scattered(0.0, errors)
    loud = [replace(effect, effect=2.0 + place / 10) for place, effect in enumerate(found[:20])]
    assert scatter_of_nothing([*loud, *found[20:]]) == 0.0


def test_chance_alone_is_seldom_called_scatter() -> None:
    errors = np.linspace(0.1, 0.3, 60)
    called = sum(scatter_of_nothing(scattered(0.0, errors, seed)) > 0 for seed in range(200))
    assert called <= 4  # 1 in 200, and three standard errors


def test_too_few_features_do_not_scatter() -> None:
    assert scatter_of_nothing([*scattered(5.0, np.full(7, 0.1)), unknown_effect(4)]) == 0.0
