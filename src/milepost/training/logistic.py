"""Logistic regression with an L2 penalty on log1p and standardised signals, as arrays that can be stored."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from milepost.training.forest import medians

Values = NDArray[np.float32]
FloatArray = NDArray[np.float64]

# at the weakest penalties the path may stop early: that is a little more shrinkage, and such a step is only taken
# where it predicts best out of fold (set once, because folds are fitted in threads)
warnings.filterwarnings("ignore", message="lbfgs failed to converge", category=ConvergenceWarning)

STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
FURTHEST = 10.0


@dataclass(frozen=True)
class Scaler:
    """What is done to each signal before the regression; every array is [signals].

    logged: log1p of values at or above 0. medians: stand-ins for unknown values, after the logarithm.
    means, scales: of the imputed training values. flagged: unknown values get a column of their own.
    """

    logged: NDArray[np.bool_]
    medians: NDArray[np.float32]
    means: NDArray[np.float32]
    scales: NDArray[np.float32]
    flagged: NDArray[np.bool_]

    def transform(self, values: Values) -> Values:
        """float32 [rows × (signals + flags)], about standardised, at most 10 deviations from the mean."""
        unknown = np.isnan(values)
        logged = np.where(self.logged, np.log1p(np.maximum(values, 0)), values)
        z = (np.where(unknown, self.medians, logged) - self.means) / self.scales
        flags = unknown[:, self.flagged].astype(np.float32)
        return np.hstack([np.clip(z, -FURTHEST, FURTHEST), flags]).astype(np.float32)


@dataclass(frozen=True)
class Logistic:
    """A fitted regression: log-odds = intercept + transformed signals · coefficients.

    coefficients: float64 [signals + flags], in the order of `Scaler.transform`.
    """

    scaler: Scaler
    coefficients: FloatArray
    intercept: float

    def log_odds(self, values: Values) -> FloatArray:
        """Log-odds of churned, float64 [rows]."""
        return np.asarray(self.contributions(values).sum(axis=1) + self.intercept)

    def contributions(self, values: Values) -> FloatArray:
        """What each signal adds to the log-odds, float64 [rows × signals]; a flag counts with its signal."""
        z = self.scaler.transform(values)
        count = len(self.scaler.means)
        # no matrix product: its last digits depend on the number of threads
        terms = z * self.coefficients
        added = terms[:, :count].copy()
        added[:, self.scaler.flagged] += terms[:, count:]
        return added


def fit_scaler(values: Values) -> Scaler:
    """Learn the transformation from training rows; a flag where 1 to 99 % are unknown, once per pattern."""
    logged = np.nan_to_num(np.fmin.reduce(values, axis=0), nan=-1) >= 0
    z = np.where(logged, np.log1p(np.maximum(values, 0)), values)
    unknown = np.isnan(z)
    middle = medians(z)
    filled = np.where(unknown, middle, z)
    means, scales = filled.mean(axis=0, dtype=np.float64), filled.std(axis=0, dtype=np.float64)
    scales[scales < 1e-6] = 1
    flagged = _flagged(unknown)
    return Scaler(logged, middle, means.astype(np.float32), scales.astype(np.float32), flagged)


def _flagged(unknown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    share = unknown.mean(axis=0)
    flagged = (share >= 0.01) & (share <= 0.99)
    seen: set[bytes] = set()
    for place in np.flatnonzero(flagged):
        pattern = np.packbits(unknown[:, place]).tobytes()
        flagged[place] = pattern not in seen
        seen.add(pattern)
    return np.asarray(flagged)


def fit_logistic(values: Values, churned: FloatArray, strengths: tuple[float, ...] = STRENGTHS) -> tuple[Logistic, ...]:
    """One regression per strength C (weak penalty last), each starting from the one before."""
    scaler = fit_scaler(values)
    z = scaler.transform(values)
    found = []
    # one thread: with several, the last digits of sums over rows depend on their number
    with threadpool_limits(1, user_api="blas"):
        model = LogisticRegression(warm_start=True, max_iter=300, tol=1e-5)
        for strength in strengths:
            model.set_params(C=strength).fit(z, churned)
            coefficients = np.asarray(model.coef_[0], dtype=np.float64)
            found.append(Logistic(scaler, coefficients, float(model.intercept_[0])))
    return tuple(found)
