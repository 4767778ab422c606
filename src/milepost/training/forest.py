"""Random forest: the comparator, and evidence for the naive ranking; it is never shipped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.ensemble import RandomForestClassifier

Values = NDArray[np.float32]
FloatArray = NDArray[np.float64]

TREES = 150


@dataclass(frozen=True)
class Forest:
    """A fitted forest and the medians that stand in for unknown values."""

    forest: RandomForestClassifier
    medians: NDArray[np.float32]

    def log_odds(self, values: Values) -> FloatArray:
        """Log-odds of churned, float64 [rows]; shares of 0 and 1 are drawn in to what the trees can tell apart."""
        # several threads add the trees up in any order, which changes the last digits
        self.forest.set_params(n_jobs=1)
        share = self.forest.predict_proba(impute(values, self.medians))[:, 1]
        least = 1 / (2 * self.forest.n_estimators)
        return np.asarray(logit(np.clip(share, least, 1 - least)))


def fit_forest(values: Values, churned: FloatArray, *, seed: int, threads: int, trees: int = TREES) -> Forest:
    """Fit on float32 [rows × signals] with NaN where unknown, against churned 0/1 [rows]."""
    middle = medians(values)
    forest = RandomForestClassifier(
        trees, max_features="sqrt", min_samples_leaf=min(20, max(1, len(churned) // 100)), max_samples=0.5,
        n_jobs=threads, random_state=seed,
    )  # fmt: skip
    return Forest(forest.fit(impute(values, middle), churned), middle)


def medians(values: Values) -> NDArray[np.float32]:
    """Median of each column, 0 where nothing is known; float32 [signals]."""
    known = ~np.isnan(values).all(axis=0)
    found = np.zeros(values.shape[1], dtype=np.float32)
    found[known] = np.nanmedian(values[:, known], axis=0)
    return found


def impute(values: Values, stand_ins: NDArray[np.float32]) -> Values:
    """A copy with the stand-in of each column where a value is unknown."""
    filled: Values = np.where(np.isnan(values), stand_ins, values)
    return filled
