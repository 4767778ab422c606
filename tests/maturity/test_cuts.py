"""The stump finds a planted step and owns up when there is none."""

from __future__ import annotations

import numpy as np
import pytest

from milepost.importance.design import Design
from milepost.maturity.cuts import by_category, find_cut, gains


def design(churned: np.ndarray) -> Design:
    rows = len(churned)
    return Design(churned.astype(float), np.arange(rows), rows, np.ones((rows, 1)), 0, None, np.zeros((rows, 0), int))


def test_gains_by_hand() -> None:
    assert gains(np.array([3.0, -3.0]), np.array([2.0, 2.0])).tolist() == [4.5, 0.0]


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_a_step_is_found(step: int) -> None:
    # 20 % of those below the step churn, 5 % of the others
    score = np.repeat(np.arange(5), 400)
    churned = (np.arange(2000) % 20) < np.where(score < step, 4, 1)
    found = find_cut(design(churned), score, 50, draws=100, seed=1)
    assert found.candidate == step
    assert found.agreement > 0.9


def test_a_straight_slope_has_no_clear_cut() -> None:
    score = np.repeat(np.arange(7), 100)
    churned = np.random.default_rng(2).random(700) < 0.25 - 0.03 * score
    assert find_cut(design(churned), score, 50, draws=200, seed=1).agreement < 0.6


def test_use_that_goes_with_leaving_has_no_cut() -> None:
    score = np.repeat([0, 1], 500)
    churned = (np.arange(1000) % 10) < np.where(score == 1, 4, 1)
    assert find_cut(design(churned), score, 50, draws=20, seed=1).candidate is None


def test_a_side_with_few_accounts_is_no_cut() -> None:
    # the step stands at 2, where only 40 accounts are
    score = np.repeat([0, 1, 2], [500, 460, 40])
    churned = (np.arange(1000) % 10) < np.where(score == 2, 0, 2)
    assert find_cut(design(churned), score, 50).candidate != 2
    assert find_cut(design(churned), score, 40).candidate == 2
    assert find_cut(design(churned), np.zeros(1000, dtype=np.intp), 50).candidate is None


def test_by_category_keeps_the_catalogues_order(worlds) -> None:  # type: ignore[no-untyped-def]
    world = worlds.simulate(worlds.World(accounts=60, snapshots=2, features=12))
    groups = by_category(world.observations, ["feature_06", "feature_01", "feature_00"])
    assert {name: columns.tolist() for name, columns in groups.items()} == {"alpha": [0], "beta": [1, 6]}
