"""Gradient boosting with LightGBM: shallow trees, small steps, byte-identical whatever the number of threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm
import numpy as np
from numpy.typing import NDArray

from milepost.training.booster_text import trees_only

Values = NDArray[np.float32]
FloatArray = NDArray[np.float64]
Params = Mapping[str, float | int]

LARGE = 4_000_000
ROUNDS = (20, 40, 60, 90, 120, 160)
DEFAULTS: dict[str, float | int] = {
    "num_leaves": 8,
    "learning_rate": 0.05,
    "feature_fraction": 0.2,
    "bagging_fraction": 0.6,
    "lambda_l2": 5.0,
}  # fmt: skip


@dataclass(frozen=True)
class Boosting:
    """A fitted booster; it can predict with fewer rounds than it has."""

    booster: lightgbm.Booster
    rounds: int

    def log_odds(self, values: Values, rounds: int | None = None) -> FloatArray:
        """Log-odds of churned, float64 [rows]."""
        rounds = rounds or self.rounds
        return np.asarray(self.booster.predict(values, raw_score=True, num_iteration=rounds, num_threads=1))

    @property
    def text(self) -> str:
        """The trees in LightGBM's own text; the number of threads leaves no trace in it."""
        return trees_only(self.booster.model_to_string(num_iteration=self.rounds))


def fit_boosting(
    values: Values,
    churned: FloatArray,
    *,
    seed: int,
    threads: int,
    params: Params | None = None,
    rounds: int = ROUNDS[-1],
) -> Boosting:
    """Fit on float32 [rows × signals] with NaN where unknown, against churned 0/1 [rows]."""
    threads = useful_threads(values, threads)
    chosen = full_params(len(churned), values.shape[1], seed, threads) | dict(params or {})
    names = [f"f{place:04d}" for place in range(values.shape[1])]
    data = lightgbm.Dataset(values, churned, feature_name=names, params=chosen)
    return Boosting(lightgbm.train(chosen, data, rounds), rounds)


def useful_threads(values: Values, threads: int) -> int:
    """One for small data: there, threads that wait for each other cost more than they save."""
    return threads if values.size >= LARGE else 1


def full_params(rows: int, columns: int, seed: int, threads: int) -> dict[str, float | int | str | bool]:
    """Defaults that fit the size of the data, and what makes the result the same on every run."""
    return {
        **DEFAULTS,
        # few columns: each tree needs to see most of them
        "feature_fraction": min(1.0, max(DEFAULTS["feature_fraction"], 20 / columns)),
        "objective": "binary",
        "max_bin": 63,
        "min_data_in_leaf": int(min(200, max(10, rows // 200))),
        "bagging_freq": 1,
        "deterministic": True,
        # by rows gives the same trees, three times as slowly with hundreds of signals
        "force_col_wise": True,
        "num_threads": threads,
        "seed": seed,
        "verbosity": -1,
    }
