"""Logistic regression as plain numbers: the baseline, and the champion where data are few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from milepost.training.fit import Fit, Risk, Values, sigmoid


@dataclass(frozen=True)
class Linear:
    """A logistic model as numbers: score = intercept + coefficients · (squeezed and standardised values)."""

    intercept: float
    coefficients: NDArray[np.float64]
    medians: NDArray[np.float64]
    means: NDArray[np.float64]
    scales: NDArray[np.float64]

    def terms(self, values: Values) -> NDArray[np.float64]:
        """Each signal's part of the log-odds, float64 [rows × signals]; a missing value counts as the median."""
        return self.standardised(values) * self.coefficients

    def standardised(self, values: Values) -> NDArray[np.float64]:
        """Values with the gaps filled, squeezed by a signed log1p, centred and scaled; cut at five deviations."""
        filled = np.where(np.isnan(values), self.medians, values)
        return np.clip((_squeeze(filled) - self.means) / self.scales, -5, 5)


def _squeeze(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """log1p with the sign kept: counts are skewed, shares and flags hardly change."""
    return np.sign(values) * np.log1p(np.abs(values))


def fit_logistic(values: Values, outcome: Risk, fit: Fit, strength: float = 0.003) -> Linear:
    """Logistic regression with an L2 penalty; `strength` is scikit-learn's C, small because signals overlap."""
    with np.errstate(all="ignore"):
        known = ~np.isnan(values).all(axis=0)
        medians = np.zeros(values.shape[1])
        medians[known] = np.nanmedian(values[:, known], axis=0)
    plain = Linear(0.0, np.zeros(values.shape[1]), medians, np.zeros(values.shape[1]), np.ones(values.shape[1]))
    squeezed = _squeeze(np.where(np.isnan(values), plain.medians, values))
    means, scales = squeezed.mean(axis=0), squeezed.std(axis=0)
    scales[scales < 1e-9] = 1.0
    ready = Linear(0.0, plain.coefficients, medians, means, scales)
    model = LogisticRegression(C=strength, max_iter=500).fit(ready.standardised(values), outcome)
    return Linear(float(model.intercept_[0]), model.coef_[0].astype(float), medians, means, scales)


def linear_risk(model: Linear, values: Values) -> Risk:
    """Uncalibrated risk of the logistic model."""
    return sigmoid(model.intercept + model.terms(values).sum(axis=1))
