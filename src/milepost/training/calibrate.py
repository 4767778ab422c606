"""From a model's log-odds to a calibrated risk: Platt's sigmoid or isotonic, which foretells better, and a season."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from milepost.training.evaluate import log_loss
from milepost.training.season import Season, When, fit_season, levelled

FloatArray = NDArray[np.float64]

ISOTONIC_FROM = 1_000
_FOLDS = 10


def _none() -> FloatArray:
    return np.empty(0)


@dataclass(frozen=True)
class Calibrator:
    """A rising map from log-odds to risk.

    `platt`: expit(slope × log-odds + intercept), slope never negative. `isotonic`: linear between the points (x, y),
    flat outside them, y strictly within (0, 1). season: what the time of year adds to the log-odds of that risk.
    """

    kind: str
    slope: float = 1.0
    intercept: float = 0.0
    x: FloatArray = field(default_factory=_none)
    y: FloatArray = field(default_factory=_none)
    season: Season = field(default_factory=Season)

    def risk(self, log_odds: FloatArray, days: NDArray[np.datetime64] | None = None) -> FloatArray:
        """Calibrated probability of churned, float64 [rows], within [0, 1]; days: the snapshot of each row, which the
        season needs: without it the risk is that of a mean time of year.
        """
        if self.season == Season():
            return self._plain(log_odds)
        return np.asarray(expit(self.odds(log_odds) + self.season.at(days)))

    def odds(self, log_odds: FloatArray) -> FloatArray:
        """Calibrated log-odds without the season."""
        if self.kind == "isotonic":
            return np.asarray(logit(self._plain(log_odds)))
        return np.asarray(self.slope * log_odds + self.intercept)

    def _plain(self, log_odds: FloatArray) -> FloatArray:
        if self.kind == "isotonic":
            return np.asarray(np.interp(log_odds, self.x, self.y))
        return np.asarray(expit(self.slope * log_odds + self.intercept))


def fit_calibrator(
    log_odds: FloatArray, churned: FloatArray, when: When | None = None, season: Season | None = None
) -> Calibrator:
    """Platt scaling; isotonic regression from 1,000 churned rows on where its log loss is smaller out of fold. With
    `when` a season on top of it; `season`: one learnt on more rows, of which only the level is set here.

    `log_odds` must be out of fold itself. Source: Platt (1999), with his smoothed targets; Niculescu-Mizil and Caruana
    (2005) on the size isotonic needs. Needing it is not enough: a model of log loss is nearly calibrated already, and
    the many steps of isotonic regression then cost more than they mend.
    """
    found = _without_season(log_odds, churned)
    if when is None:
        return found
    odds = found.odds(log_odds)
    learnt = fit_season(odds, churned, when) if season is None else levelled(season, odds, churned, when)
    return replace(found, season=learnt)


def _without_season(log_odds: FloatArray, churned: FloatArray) -> Calibrator:
    if churned.sum() < ISOTONIC_FROM:
        return _platt(log_odds, churned)
    return min((_platt, _isotonic), key=lambda kind: _loss_out_of_fold(kind, log_odds, churned))(log_odds, churned)


def _loss_out_of_fold(
    kind: Callable[[FloatArray, FloatArray], Calibrator], log_odds: FloatArray, churned: FloatArray
) -> float:
    """Log loss over blocks of consecutive rows: rows stand by date, so that neighbours in time stay together."""
    fold = np.arange(len(churned)) * _FOLDS // len(churned)
    risk = np.empty(len(churned))
    for part in range(_FOLDS):
        inside = fold == part
        risk[inside] = kind(log_odds[~inside], churned[~inside]).risk(log_odds[inside])
    return log_loss(risk, churned)


def _platt(log_odds: FloatArray, churned: FloatArray) -> Calibrator:
    positive, rows = float(churned.sum()), len(churned)
    target = np.where(churned == 1, (positive + 1) / (positive + 2), 1 / (rows - positive + 2))
    start = np.array([1.0, float(logit(target.mean()) - np.mean(log_odds))])

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        z = weights[0] * log_odds + weights[1]
        residual = expit(z) - target
        gradient = np.array([np.mean(residual * log_odds), residual.mean()])
        return float(np.mean(np.logaddexp(0, z) - target * z)), gradient

    # a negative slope would turn the ranking round: a model that knows nothing becomes the base rate instead
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)], options={"gtol": 1e-9})
    return Calibrator("platt", float(best.x[0]), float(best.x[1]))


def _isotonic(log_odds: FloatArray, churned: FloatArray) -> Calibrator:
    from sklearn.isotonic import IsotonicRegression

    least = 1 / (len(churned) + 2)
    fitted = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip").fit(log_odds, churned)
    x = np.asarray(fitted.X_thresholds_, dtype=np.float64)
    y = np.asarray(fitted.y_thresholds_, dtype=np.float64)
    return Calibrator("isotonic", x=x, y=y)
