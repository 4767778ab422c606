"""Where features matter more: multipliers on worlds whose differences are known."""

from __future__ import annotations

import numpy as np

from milepost.importance.modifiers import multipliers

ROWS = 20_000


def world(matters: np.ndarray, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Controls, features and outcome; the features' part of the log-odds is multiplied by `matters`."""
    rng = np.random.default_rng(seed)
    controls, features = rng.normal(-1.5, 0.5, ROWS), rng.normal(0, 0.6, ROWS)
    churned = rng.random(ROWS) < 1 / (1 + np.exp(-controls - matters * features))
    return controls, features, churned.astype(float)


def test_features_that_matter_in_one_group_only() -> None:
    group = np.arange(ROWS) % 2
    found = multipliers(*world(np.where(group == 0, 2.0, 0.0)), group[:, None], 1.0)
    assert found.mean() == 1.0 or abs(found.mean() - 1) < 1e-9
    assert found[group == 0].mean() > 1.8
    assert found[group == 1].mean() < 0.25


def test_two_ways_are_told_apart() -> None:
    rng = np.random.default_rng(5)
    plan, size = rng.integers(0, 3, ROWS), rng.integers(0, 2, ROWS)
    found = multipliers(*world(np.where(size == 0, 1.6, 0.4)), np.column_stack([plan, size]), 1.0)
    by_size = [found[size == side].mean() for side in (0, 1)]
    by_plan = [found[plan == name].mean() for name in (0, 1, 2)]
    assert by_size[0] - by_size[1] > 0.9
    assert max(by_plan) - min(by_plan) < 0.2


def test_no_difference_is_drawn_to_none() -> None:
    group = np.random.default_rng(6).integers(0, 10, (ROWS, 1))
    found = multipliers(*world(np.ones(ROWS)), group, 1.0)
    assert found.min() > 0.85
    assert found.max() < 1.15


def test_features_that_say_nothing_have_no_differences() -> None:
    group = np.arange(ROWS) % 2
    assert (multipliers(*world(np.zeros(ROWS)), group[:, None], 1.0) == 1).all()


def test_one_group_has_no_differences() -> None:
    assert (multipliers(*world(np.ones(ROWS)), np.zeros((ROWS, 1), int), 1.0) == 1).all()
    assert (multipliers(*world(np.ones(ROWS)), np.zeros((ROWS, 0), int), 1.0) == 1).all()


def test_an_effect_does_not_turn_round() -> None:
    group = np.arange(ROWS) % 2
    found = multipliers(*world(np.where(group == 0, 2.0, -1.0)), group[:, None], 1.0)
    assert found.min() > 0
