"""The cross-fitted contrast: rules never come from the accounts they are tested on."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from milepost.importance.design import ranked_rows
from milepost.maturity.contrast import FOLDS, account_folds, cross_fitted, is_mature


@pytest.fixture(scope="module")
def null(worlds: ModuleType) -> Any:
    return worlds.simulate(worlds.World(accounts=500, snapshots=5, features=10, monthly_churn=0.05))


def test_an_account_is_in_one_fold(null: Any) -> None:
    fold = account_folds(null.observations, 7)
    accounts = null.observations.context["account_id"]
    assert fold.tolist() != account_folds(null.observations, 8).tolist()
    assert set(fold) == set(range(FOLDS))
    assert all(len(set(fold[rows])) == 1 for rows in accounts.groupby(accounts).indices.values())


def test_is_mature_by_hand(null: Any) -> None:
    adopted = null.observations.adopted
    rules = ((np.array([0, 1]), 2), (np.array([2]), 1))
    expected = (adopted[:, 0] & adopted[:, 1]) & adopted[:, 2]
    assert (is_mature(null.observations, rules, 2) == expected).all()


def test_nothing_kept_is_said(null: Any) -> None:
    found = cross_fitted(*ranked_rows(null.observations, null.outcomes, null.settings), null.settings)
    assert np.isnan(found.effect)
    assert "only 0 categories hold a kept feature with a cut" in found.because
