"""Risk within other spans than the outcome window: a discrete-time hazard on top of the calibrated churn risk.

log-odds of leaving in month k, given still there = a_k + b · x + c · k · x, with x the log-odds of the churn risk. A
few parameters learnt from the same rows: the model keeps its ranking, the hazard says how the risk spreads over time.
Source: Singer and Willett (1993), discrete-time survival analysis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from milepost.errors import BundleError
from milepost.training import evaluate
from milepost.training.bootstrap import interval, over_draws, weighted_mean
from milepost.training.results import HorizonFigures

FloatArray = NDArray[np.float64]

MONTH, MONTHS = 30, 6
HORIZONS = (30, 90, 180)
LEAST_CHURNED = 30
_RIDGE = 1e-3


@dataclass(frozen=True)
class Hazard:
    """The parameters: levels a_k of each month, b `slope`, c `fade`."""

    levels: tuple[float, ...]
    slope: float
    fade: float

    def within(self, risk: FloatArray, days: int) -> FloatArray:
        """The chance of having left within so many days (a multiple of 30), float64 [rows]; risk: the churn risk."""
        months = days // MONTH
        staying = 1 - expit(_odds(np.array([*self.levels, self.slope, self.fade]), _log_odds(risk)))[:, :months]
        return np.asarray(1 - staying.prod(axis=1))


def fit_hazard(risk: FloatArray, left_after: FloatArray, watched: FloatArray) -> Hazard | None:
    """risk: calibrated and out of fold, float64 [rows]; left_after: days from the snapshot until the account left,
    infinite where it has not; watched: days until which that is known. None with fewer than 30 who left in that time.

    A month counts where it was watched to its end: otherwise those who leave would be known before those who stay.
    """
    left, there = months_of(left_after, watched)
    used = there.any(axis=0)
    months = int(used.sum())
    if months == 0 or left.sum() < LEAST_CHURNED:
        return None
    x = _log_odds(risk)

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        odds = _odds(weights, x)[:, :months]
        error = np.where(there[:, :months], expit(odds) - left[:, :months], 0.0)
        value = np.where(there[:, :months], np.logaddexp(0, odds) - left[:, :months] * odds, 0.0).sum()
        faded = error * np.arange(months)
        gradient = np.concatenate([error.sum(axis=0), np.zeros(MONTHS - months),
                                   [(error.sum(axis=1) * x).sum(), (faded.sum(axis=1) * x).sum()]])  # fmt: skip
        away = np.array([*np.zeros(MONTHS), weights[-2] - 1, weights[-1]])
        scale = there.sum()
        return float(value / scale + _RIDGE * (away @ away) / 2), gradient / scale + _RIDGE * away

    start = np.array([*np.full(MONTHS, -1.0), 1.0, 0.0])
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"gtol": 1e-8, "maxiter": 500}).x
    # months that were never watched to their end are taken to be like the last that was
    best[months:MONTHS] = best[months - 1]
    return Hazard(tuple(float(level) for level in best[:MONTHS]), float(best[-2]), float(best[-1]))


def months_of(left_after: FloatArray, watched: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Whether each row left in each month, and whether it was there at its start and watched to its end."""
    starts = np.arange(MONTHS) * MONTH
    begun = left_after[:, None] >= starts
    there = begun & (watched[:, None] >= starts + MONTH)
    return (there & (left_after[:, None] < starts + MONTH)).astype(float), np.asarray(there)


def judge(
    hazard: Hazard, risk: FloatArray, left_after: FloatArray, watched: FloatArray, accounts: pd.Series[str], seed: int
) -> tuple[HorizonFigures, ...]:
    """The risks within 30, 90 and 180 days against what happened, on rows that were watched as long."""
    found = []
    for days in HORIZONS:
        inside = watched >= days
        left = (left_after[inside] < days).astype(float)
        if left.sum() < LEAST_CHURNED:
            continue
        foretold, named = hazard.within(risk[inside], days), accounts[inside]

        def ratio(weights: FloatArray, left: FloatArray = left, foretold: FloatArray = foretold) -> FloatArray:
            return weighted_mean(left, weights) / weighted_mean(foretold, weights)

        ends = interval(over_draws(ratio, named, seed))
        found.append(HorizonFigures(
            days, int(inside.sum()), int(left.sum()), float(foretold.mean()), float(left.mean()),
            float(left.mean() / foretold.mean()), ends, evaluate.roc_auc(foretold, left),
        ))  # fmt: skip
    return tuple(found)


def to_saved(hazard: Hazard) -> dict[str, object]:
    """The parameters as a bundle keeps them."""
    return {"levels": list(hazard.levels), "slope": hazard.slope, "fade": hazard.fade}


def from_saved(saved: Mapping[str, object]) -> Hazard:
    """The parameters read back. Raises BundleError when they are not numbers."""
    try:
        levels = saved["levels"]
        assert isinstance(levels, list)
        numbers = np.array([*levels, saved["slope"], saved["fade"]], dtype=np.float64)
        if len(numbers) != MONTHS + 2 or not np.isfinite(numbers).all():
            raise ValueError(len(numbers))
    except (AssertionError, KeyError, TypeError, ValueError):
        raise BundleError("the risk by months cannot be read", fix="train again") from None
    return Hazard(tuple(numbers[:MONTHS].tolist()), float(numbers[-2]), float(numbers[-1]))


def _log_odds(risk: FloatArray) -> FloatArray:
    return np.asarray(logit(np.clip(risk, 1e-6, 1 - 1e-6)))


def _odds(weights: FloatArray, x: FloatArray) -> FloatArray:
    """float64 [rows × MONTHS]"""
    levels, slope, fade = weights[:MONTHS], weights[MONTHS], weights[MONTHS + 1]
    return np.asarray(levels + x[:, None] * (slope + fade * np.arange(MONTHS)))
