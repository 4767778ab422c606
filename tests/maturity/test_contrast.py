"""The cross-fitted contrast: rules never come from the accounts they are tested on."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from milepost.importance.design import ranked_rows
from milepost.maturity.contrast import (
    FIRST_TESTED,
    FOLDS,
    account_folds,
    assign,
    contrast_of,
    contrasts,
    is_mature,
)
from milepost.terms import Goal


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
    found = contrasts(*ranked_rows(null.observations, null.outcomes, null.settings), null.settings)
    assert np.isnan(found[0].effect)
    assert "only 0 categories hold a kept feature with a cut" in found[0].because
    assert found[1].goal == Goal.EXPANDED


def forced(observations: Any, outcomes: Any, settings: Any) -> Any:
    return ((np.array([0, 1]), 1), (np.array([2]), 1), (np.array([3, 4]), 1))


def test_rules_come_from_the_folds_before(null: Any) -> None:
    used, found = ranked_rows(null.observations, null.outcomes, null.settings)
    fold, given = account_folds(used, null.settings.project.seed), []

    def choose(observations: Any, outcomes: Any, settings: Any) -> Any:
        given.append(set(observations.context["account_id"]))
        return forced(observations, outcomes, settings)

    assigned = assign(used, found, null.settings, choose)
    accounts = used.context["account_id"].to_numpy()
    assert given == [set(accounts[fold < number]) for number in range(FIRST_TESTED, FOLDS)]
    assert (assigned.tested == (fold >= FIRST_TESTED)).all()
    assert (assigned.mature <= assigned.tested).all()
    assert not assigned.beside[~assigned.tested].any()


def test_accounts_that_were_judged_are_counted(null: Any) -> None:
    used, found = ranked_rows(null.observations, null.outcomes, null.settings)
    assigned = assign(used, found, null.settings, forced)
    contrast = contrast_of(assigned, used, found)
    judged = used.context["account_id"][assigned.tested].nunique()
    assert contrast.accounts == judged
    assert f"leaves {judged:,} of {used.context['account_id'].nunique():,} to judge" in contrast.because
    assert contrast.low < 0 < contrast.high  # nothing is planted


def test_expansion_that_nobody_knows_is_said(null: Any) -> None:
    used, found = ranked_rows(null.observations, null.outcomes, null.settings)
    unknown = replace(found, expanded=np.full_like(found.expanded, np.nan))
    contrast = contrast_of(assign(used, found, null.settings, forced), used, unknown, Goal.EXPANDED)
    assert np.isnan(contrast.effect)
