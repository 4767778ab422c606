"""The season on top of calibrated risks: one wave a year, shrunk towards none by how little is known of it.

A model sees what accounts do, not the time of year. Taught on one year it foretells the mean of that year; a test that
begins in the quiet half of it would find too much churn foretold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

FloatArray = NDArray[np.float64]

LEAST_DAYS = 300  # between the first and the last snapshot, under which a season cannot be told from a trend
PRIOR = 0.2  # log-odds: what is expected of a wave before the data, one standard deviation
_STEPS = 25
_YEAR = 365.25


@dataclass(frozen=True)
class When:
    """days: the snapshot of each row, datetime64 [rows], NaT unknown; accounts: [rows], the account of each."""

    days: NDArray[np.datetime64]
    accounts: NDArray[np.generic]

    def take(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> When:
        """Some of the rows."""
        return When(self.days[keep], self.accounts[keep])


@dataclass(frozen=True)
class Season:
    """What the time of year adds to the log-odds of churn: shift + sine · sin + cosine · cos of the snapshot's day."""

    shift: float = 0.0
    sine: float = 0.0
    cosine: float = 0.0

    @property
    def height(self) -> float:
        """Half the distance between the worst and the best time of year, log-odds."""
        return float(np.hypot(self.sine, self.cosine))

    def at(self, days: NDArray[np.datetime64] | None) -> FloatArray | float:
        """Log-odds to add, float64 [rows]; the shift alone where the date is not known."""
        if days is None or not self.height:
            return self.shift
        return np.asarray(self.shift + np.nan_to_num(_wave(days) @ np.array([self.sine, self.cosine])))


def fit_season(log_odds: FloatArray, churned: FloatArray, when: When) -> Season:
    """The wave that the calibrated `log_odds`, float64 [rows], leave over; none with under 300 days of snapshots.

    Each of its two parts has a normal prior of 0 ± 0.2, set against what the rows tell. Rows of an account repeat its
    one churn where outcome windows overlap, and count that much less.
    """
    if np.ptp(when.days.astype("datetime64[D]").astype(np.int64)) < LEAST_DAYS:
        return Season()
    columns, weight = np.column_stack([np.ones(len(log_odds)), _wave(when.days)]), 1 / _repeats(churned, when)
    prior, found = np.array([0.0, PRIOR**-2, PRIOR**-2]), np.zeros(3)
    for _ in range(_STEPS):
        chance = expit(log_odds + columns @ found)
        spread = columns.T @ (columns * (weight * chance * (1 - chance))[:, None]) + np.diag(prior)
        step = np.linalg.solve(spread, weight * (columns.T @ (churned - chance)) - prior * found)
        found = found + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-10:
            break
    return Season(*found.tolist())


def levelled(season: Season, log_odds: FloatArray, churned: FloatArray, when: When) -> Season:
    """The same wave with the shift at which as much churn is foretold as was seen; `log_odds` are without it."""
    if not season.height or churned.min() == churned.max():
        return season
    given = log_odds + Season(0.0, season.sine, season.cosine).at(when.days)
    shift = 0.0
    for _ in range(_STEPS):
        chance = expit(given + shift)
        shift += float(np.clip((churned - chance).sum() / (chance * (1 - chance)).sum(), -1.0, 1.0))
    return Season(shift, season.sine, season.cosine)


def _wave(days: NDArray[np.datetime64]) -> FloatArray:
    since = (days.astype("datetime64[D]") - days.astype("datetime64[Y]")) / np.timedelta64(1, "D")
    turn = 2 * np.pi * since.astype(np.float64) / _YEAR
    return np.column_stack([np.sin(turn), np.cos(turn)])


def _repeats(churned: FloatArray, when: When) -> float:
    """How often one churn is counted; at least 1."""
    _, codes = np.unique(when.accounts, return_inverse=True)
    each = np.bincount(codes, churned)
    return max(1.0, float((each**2).sum() / max(each.sum(), 1.0)))
