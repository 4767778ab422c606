"""The naive view: models on held-out accounts, judged per feature."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from milepost.importance.evidence import ModelImportance
from milepost.importance.models import _Held, auc, feature_groups, model_importance, permutation, split_accounts


@pytest.fixture(scope="module")
def world(worlds: ModuleType) -> Any:
    return worlds.simulate(
        worlds.World(accounts=900, snapshots=6, features=12, drivers=2, strength=2.0, monthly_churn=0.06)
    )


@pytest.fixture(scope="module")
def found(world: Any) -> ModelImportance:
    return model_importance(world.observations, world.outcomes, world.settings)


def test_drivers_come_first_in_permutation(world: Any, found: ModelImportance) -> None:
    for measure in ("forest_permutation", "boosting_permutation"):
        values = found.measures[measure]
        assert set(sorted(values, key=lambda name: -values[name])[:2]) == world.drivers


def test_use_of_drivers_goes_with_staying(world: Any, found: ModelImportance) -> None:
    assert all(found.measures["boosting_shap"][name] > 0 for name in world.drivers)


def test_impurity_is_a_share_and_every_feature_is_there(found: ModelImportance) -> None:
    impurity = found.measures["forest_impurity"]
    assert len(impurity) == 12
    assert 0 < sum(impurity.values()) < 1  # account signals have the rest
    assert all(values.keys() == impurity.keys() for values in found.measures.values())


def test_models_beat_chance_on_accounts_not_seen(found: ModelImportance) -> None:
    assert min(found.auc.values()) > 0.6


def test_no_account_on_both_sides() -> None:
    accounts = np.repeat([f"a{place}" for place in range(100)], 5)
    train, held_out = split_accounts(accounts, 3)
    assert not set(accounts[train]) & set(accounts[held_out])
    assert (len(train), len(held_out)) == (350, 150)


def test_auc_by_hand() -> None:
    # pairs: (.8 > .1), (.8 > .5), (.5 = .5 half), (.5 > .1): 3.5 of 4
    assert auc(np.array([1.0, 1, 0, 0]), np.array([0.8, 0.5, 0.5, 0.1])) == pytest.approx(0.875)
    assert np.isnan(auc(np.zeros(3), np.arange(3.0)))


def test_permutation_shuffles_a_features_signals_together() -> None:
    # the outcome is the first signal; a model that trusts it loses all of its AUC but chance
    rng = np.random.default_rng(0)
    values = rng.random((2000, 3)).astype(np.float32)
    churned = (values[:, 0] > 0.5).astype(float)
    groups = {"one": np.array([0, 1]), "other": np.array([2])}
    losses, whole = permutation(_Held(values, churned, groups, 1), lambda rows: rows[:, 0].astype(float))
    assert whole == 1.0
    assert losses["one"] == pytest.approx(0.5, abs=0.05)
    assert losses["other"] == 0.0


def test_groups_hold_all_signals_of_a_feature(world: Any) -> None:
    groups = feature_groups(world.observations.matrix)
    names = [world.observations.matrix.signals[column].name for column in groups["feature_03"]]
    assert names == ["feature_03.count", "feature_03.ever"]
    assert sum(len(columns) for columns in groups.values()) == 24
