"""The models that compete, behind one call: fit once, predict at every step of a path of strengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from milepost.training.boosting import ROUNDS, Boosting, fit_boosting
from milepost.training.evaluate import log_loss
from milepost.training.forest import TREES, fit_forest
from milepost.training.logistic import STRENGTHS, Logistic, fit_logistic

Values = NDArray[np.float32]
FloatArray = NDArray[np.float64]
Predict = Callable[[Values], FloatArray]

BOOSTING, LOGISTIC, FOREST, BASE_RATE, LAST_USE = "boosting", "logistic", "forest", "base_rate", "last_use"
SHIPPED = (BOOSTING, LOGISTIC)
CROSS_FIT_TREES = 60


@dataclass(frozen=True)
class Recipe:
    """How one kind of model is fitted.

    steps: rounds of the booster or strengths C of the regression, all tried in one fit; params: LightGBM's.
    """

    kind: str
    seed: int
    threads: int
    steps: tuple[float, ...] = ()
    params: dict[str, float | int] = field(default_factory=dict)
    trees: int = TREES

    def at(self, place: int) -> Recipe:
        """The same with one step only."""
        return replace(self, steps=self.steps[place : place + 1])


def recipe(kind: str, seed: int, threads: int, params: dict[str, float | int] | None = None) -> Recipe:
    """A recipe with the whole path of its kind."""
    steps = {BOOSTING: tuple(map(float, ROUNDS)), LOGISTIC: STRENGTHS}.get(kind, (0.0,))
    return Recipe(kind, seed, threads, steps, params or {})


@dataclass(frozen=True)
class Rows:
    """Rows of one period: values float32 [rows × signals], churned 0/1 float64 [rows], fold of each row."""

    values: Values
    churned: FloatArray
    folds: NDArray[np.intp]

    def take(self, keep: NDArray[np.bool_]) -> Rows:
        """Some of the rows."""
        return Rows(self.values[keep], self.churned[keep], self.folds[keep])


def fit(how: Recipe, rows: Rows) -> Predict:
    """Fit; what comes back predicts log-odds [steps × rows]. One class only gives the base rate."""
    if rows.churned.min() == rows.churned.max():
        return _constant(len(how.steps), float(rows.churned[0]), len(rows.churned))
    if how.kind == BOOSTING:
        return _boosting_path(how, rows)
    if how.kind == LOGISTIC:
        models = fit_logistic(rows.values, rows.churned, how.steps)
        return lambda values: np.stack([model.log_odds(values) for model in models])
    forest = fit_forest(rows.values, rows.churned, seed=how.seed, threads=how.threads, trees=how.trees)
    return lambda values: forest.log_odds(values)[None, :]


def _boosting_path(how: Recipe, rows: Rows) -> Predict:
    model = fit_booster(how, rows)
    return lambda values: np.stack([model.log_odds(values, int(step)) for step in how.steps])


def fit_booster(how: Recipe, rows: Rows) -> Boosting:
    """The booster with as many rounds as the last step."""
    return fit_boosting(
        rows.values, rows.churned, seed=how.seed, threads=how.threads, params=how.params, rounds=int(how.steps[-1])
    )


def fit_regression(how: Recipe, rows: Rows) -> Logistic:
    """The regression at the last step."""
    return fit_logistic(rows.values, rows.churned, how.steps)[-1]


def _constant(steps: int, outcome: float, rows: int) -> Predict:
    share = (outcome * rows + 1) / (rows + 2)
    return lambda values: np.full((steps, len(values)), np.log(share / (1 - share)))


def cross_fit(how: Recipe, train: Rows, others: Sequence[Rows] = ()) -> tuple[FloatArray, ...]:
    """Log-odds [steps × rows] of `train` and of each of `others`, every row by a model that saw no row of its fold.

    Folds are fitted side by side, one thread each: that is faster than threads inside a fit, and changes no digit.
    """
    single = replace(how, threads=1, trees=min(how.trees, CROSS_FIT_TREES))
    parts = (train, *others)
    found = tuple(np.empty((len(how.steps), len(part.churned))) for part in parts)

    def one_fold(fold: int) -> None:
        predict = fit(single, train.take(train.folds != fold))
        for part, target in zip(parts, found, strict=True):
            inside = part.folds == fold
            if inside.any():
                target[:, inside] = predict(part.values[inside])

    folds = np.unique(np.concatenate([part.folds for part in parts])).tolist()
    # set around the pool: a fit that ends must not lift the limit of one still running
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(max_workers=how.threads) as pool:
        list(pool.map(one_fold, folds))
    return found


def best_step(log_odds: FloatArray, churned: FloatArray) -> int:
    """The step with the smallest log loss; the earliest of equals, which is the simplest."""
    return int(np.argmin([log_loss(expit(step), churned) for step in log_odds]))
