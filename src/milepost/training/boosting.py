"""LightGBM: shallow trees, the same whatever the number of threads."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np

from milepost.training.fit import Fit, Risk, Values


def boosting_params(rows: int, fit: Fit) -> dict[str, float | int | str | bool]:
    """LightGBM's parameters where nothing is tuned: shallow trees, slow learning, few signals per tree."""
    return {
        "objective": "binary",
        "num_leaves": 7 if rows < 10_000 else 15,
        "learning_rate": 0.03,
        "num_iterations": 250,
        "min_data_in_leaf": int(np.clip(rows // 100, 10, 100)),
        "feature_fraction": 0.3,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 10.0,
        "seed": fit.seed,
        "num_threads": fit.threads,
        # the same trees whatever the number of threads
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
        **dict(fit.params),
    }


def fit_boosting(values: Values, outcome: Risk, fit: Fit) -> lgb.Booster:
    """Gradient boosting; columns are called f0000…, because LightGBM rewrites names that it does not like."""
    names = [f"f{place:04d}" for place in range(values.shape[1])]
    data = lgb.Dataset(values, label=outcome, feature_name=names, free_raw_data=True)
    return lgb.train(boosting_params(len(values), fit), data)
