"""The random forest: a comparison, and the naive view of the ranking."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from milepost.training.fit import Fit, Predict, Risk, Values


def fit_forest(values: Values, outcome: Risk, fit: Fit, trees: int = 150) -> Predict:
    """Random forest; predicts with one thread, because sums over threads differ in the last digits."""
    model = RandomForestClassifier(
        trees, min_samples_leaf=max(5, len(values) // 2000), max_features="sqrt", max_samples=0.7,
        random_state=fit.seed, n_jobs=fit.threads,
    ).fit(values, outcome)  # fmt: skip
    model.n_jobs = 1
    return lambda rows: np.asarray(model.predict_proba(rows)[:, 1], dtype=np.float64)
