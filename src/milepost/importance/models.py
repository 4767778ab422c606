"""What the forest and the gradient booster say: importance out of fold, summed or shuffled per product feature.

This is the naive view. It is always shown and never decides: impurity prefers what everybody uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.ensemble import RandomForestClassifier

from milepost.importance.design import account_codes
from milepost.importance.evidence import NAIVE, ModelImportance
from milepost.importance.rows import ranked_positions
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Matrix, Observations
from milepost.terms import ACCOUNT

Floats = NDArray[np.float64]
Values = NDArray[np.float32]
Flags = NDArray[np.bool_]
Progress = Callable[[str], None]
Predict = Callable[[Values], Floats]

HELD_OUT_SHARE = 0.3
MOST_HELD_OUT = 8_000
_MOST_TRAINING = 40_000
_MISSING = -1.0  # counts are never negative: unknown stays apart from 0
_FOREST: dict[str, Any] = {
    "n_estimators": 120, "max_depth": 10, "min_samples_leaf": 20, "max_features": "sqrt", "class_weight": "balanced",
}  # fmt: skip
_BOOSTING: dict[str, Any] = {
    "objective": "binary", "num_leaves": 15, "learning_rate": 0.08, "min_data_in_leaf": 40, "feature_fraction": 0.5,
    "bagging_fraction": 0.8, "bagging_freq": 1, "max_bin": 63, "verbosity": -1,
    "deterministic": True, "force_col_wise": True,
}  # fmt: skip
_ROUNDS = 120


@dataclass(frozen=True)
class _Held:
    """Held-out rows and the signals of each feature."""

    values: Values
    churned: Floats
    groups: Mapping[str, NDArray[np.intp]]
    seed: int


def model_importance(
    observations: Observations, outcomes: Outcomes, settings: Settings, progress: Progress = lambda text: None
) -> ModelImportance:
    """Fit both models on 70 % of the accounts and judge every feature on the others."""
    rows = ranked_positions(observations, outcomes, settings)
    seed, threads = settings.project.seed, settings.project.threads
    sides = split_accounts(observations.context[ACCOUNT].to_numpy()[rows], seed)
    train, held_out = (rows[side] for side in sides)
    values, churned = observations.matrix.values, outcomes.churned.astype(np.float64)
    held = _Held(values[held_out], churned[held_out], feature_groups(observations.matrix), seed)
    progress(f"importance: forest on {len(train):,} rows, {len(held_out):,} held out")
    forest = _fit_forest(_filled(values[train]), churned[train], seed, threads)
    measures = {NAIVE: _impurity(forest, held.groups)}
    filled = replace(held, values=_filled(held.values))
    measures["forest_permutation"], forest_auc = permutation(filled, lambda rows: forest.predict_proba(rows)[:, 1])
    progress("importance: gradient boosting")
    booster = _fit_boosting(values[train], churned[train], seed, threads)
    measures["boosting_permutation"], boosting_auc = permutation(
        held, lambda rows: np.asarray(booster.predict(rows, num_threads=threads), dtype=np.float64)
    )
    contributions = np.asarray(booster.predict(held.values, pred_contrib=True, num_threads=threads), dtype=np.float64)
    measures["boosting_shap"] = signed_shap(contributions[:, :-1], observations, held_out, held.groups)
    names = list(held.groups)
    losses = (measures[name] for name in ("forest_permutation", "boosting_permutation"))
    ranks = [rankdata([loss[name] for name in names]) for loss in losses]
    agreement = float(np.corrcoef(ranks[0], ranks[1])[0, 1]) if len(names) > 2 else float("nan")
    return ModelImportance(measures, {"forest": forest_auc, "boosting": boosting_auc}, agreement, len(held_out))


def split_accounts(accounts: NDArray[np.generic], seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row positions to fit on and to hold out: no account on both sides, each side capped by drawing rows."""
    codes, count = account_codes(accounts)
    rng = np.random.default_rng(seed)
    held = (rng.permutation(count) < HELD_OUT_SHARE * count)[codes]
    sides = np.flatnonzero(~held), np.flatnonzero(held)
    train, held_out = (
        _at_most(rows, most, rng) for rows, most in zip(sides, (_MOST_TRAINING, MOST_HELD_OUT), strict=True)
    )
    return train, held_out


def feature_groups(matrix: Matrix) -> dict[str, NDArray[np.intp]]:
    """Feature -> the columns of all of its signals; signals of no feature are in none."""
    names = [signal.feature for signal in matrix.signals]
    order = dict.fromkeys(name for name in names if name is not None)
    return {name: np.flatnonzero([other == name for other in names]) for name in order}


def auc(churned: Floats, risk: Floats) -> float:
    """Chance that a churned row has the higher risk; ties count half. NaN with one class."""
    positive = churned == 1
    ones = int(positive.sum())
    zeros = len(churned) - ones
    if not ones or not zeros:
        return float("nan")
    return float((rankdata(risk)[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def permutation(held: _Held, predict: Predict) -> tuple[dict[str, float], float]:
    """Loss of held-out AUC per feature when its signals are shuffled together across rows, and the AUC itself.

    One array is shuffled in place and put back, so that memory does not grow with the number of features.
    """
    values = held.values.copy()
    whole = auc(held.churned, predict(values))
    order = np.random.default_rng(held.seed).permutation(len(values))
    losses = {}
    for name, columns in held.groups.items():
        values[:, columns] = held.values[np.ix_(order, columns)]
        losses[name] = whole - auc(held.churned, predict(values))
        values[:, columns] = held.values[:, columns]
    return losses, whole


def signed_shap(
    contributions: Floats, observations: Observations, rows: NDArray[np.intp], groups: Mapping[str, NDArray[np.intp]]
) -> dict[str, float]:
    """Mean absolute contribution of a feature's signals; positive when more use goes with staying.

    contributions: [held-out rows × signals], in log-odds of churn.
    """
    position = {feature.name: column for column, feature in enumerate(observations.features)}
    found = {}
    for name, columns in groups.items():
        summed = contributions[:, columns].sum(axis=1)
        use = np.log1p(observations.counts[rows, position[name]].astype(np.float64))
        together = float(((summed - summed.mean()) * (use - use.mean())).mean())
        found[name] = float(np.abs(summed).mean()) * (-1.0 if together > 0 else 1.0)
    return found


def _fit_forest(values: Values, churned: Floats, seed: int, threads: int) -> RandomForestClassifier:
    forest = RandomForestClassifier(**_FOREST, random_state=seed, n_jobs=threads).fit(values, churned)
    forest.n_jobs = 1  # several threads change the last digits of the average
    return forest


def _fit_boosting(values: Values, churned: Floats, seed: int, threads: int) -> lightgbm.Booster:
    data = lightgbm.Dataset(values, label=churned, free_raw_data=True)
    return lightgbm.train({**_BOOSTING, "seed": seed, "num_threads": threads}, data, _ROUNDS)


def _impurity(forest: RandomForestClassifier, groups: Mapping[str, NDArray[np.intp]]) -> dict[str, float]:
    each = forest.feature_importances_
    return {name: float(each[columns].sum()) for name, columns in groups.items()}


def _filled(values: Values) -> Values:
    filled: Values = np.where(np.isnan(values), np.float32(_MISSING), values)
    return filled


def _at_most(rows: NDArray[np.intp], most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    if len(rows) <= most:
        return rows
    drawn: NDArray[np.intp] = np.sort(rng.choice(rows, most, replace=False))
    return drawn
