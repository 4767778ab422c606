"""Platt scaling: two numbers that turn a score into a probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from milepost.training.fit import Risk, logit, sigmoid


@dataclass(frozen=True)
class Platt:
    """risk = sigmoid(slope · logit(score) + intercept); Platt (1999)."""

    slope: float
    intercept: float

    def __call__(self, score: Risk) -> Risk:
        return sigmoid(self.slope * logit(score) + self.intercept)


def fit_platt(score: Risk, outcome: Risk) -> Platt:
    """Fit on scores of rows the model did not learn from.

    With one class only there is nothing to fit, and the scores stay as they are. A slope below 0 would turn the order
    of the accounts around: it means that the score carries nothing, so everybody gets the base rate.
    """
    if len(np.unique(outcome)) < 2:
        return Platt(1.0, 0.0)
    model = LogisticRegression(C=1e6, max_iter=200).fit(logit(score)[:, None], outcome)
    slope = float(model.coef_[0, 0])
    if slope <= 0:
        return Platt(0.0, float(logit(np.array([outcome.mean()]))[0]))
    return Platt(slope, float(model.intercept_[0]))
