"""Is the churn risk still right, and does it still rank: the model in use on outcomes that came after its training.

The model's own level on the rows it learnt from is right by construction, so how far single months lie from it there is
season and luck; the later months are held against that spread, not against chance alone. A risk that is off by less
than a quarter misleads nobody and is no alarm.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, nan, sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from milepost.importance.design import account_codes, account_sums
from milepost.training.bootstrap import over_draws, weighted_aucs
from milepost.training.months import between_months

Floats = NDArray[np.float64]

LEAST_CHURNED = 20  # accounts
TOLERATED = log(1.25)
FAR = log(2.0)  # off by so much, a risk is of no use


@dataclass(frozen=True)
class Foretold:
    """One row per account and date, arrays of [rows]: account; date (datetime64); risk; churned, float, 0 or 1."""

    account: NDArray[np.generic]
    date: NDArray[np.datetime64]
    risk: Floats
    churned: Floats

    @property
    def churned_accounts(self) -> int:
        return int(np.unique(self.account[self.churned == 1]).size)


@dataclass(frozen=True)
class Claim:
    """A part that is no state of accounts, before it is judged with the others.

    p: of no worsening, NaN where too little is known; gone: if it is an alarm, nothing useful is left; seen: whether a
    loss that matters would have been seen; because: its figures; todo: what to do on an alarm; wait: what to do where
    it cannot be told.
    """

    kind: str
    name: str
    p: float
    gone: bool
    seen: bool
    because: str
    todo: str
    wait: str = "wait for the next cohort"


def calibration(then: Foretold, now: Foretold) -> Claim:
    """Churn observed over churn foretold on the later dates, against 1."""
    kind, name, todo = "risk", "calibration", "train again: milepost train"
    if now.churned_accounts < LEAST_CHURNED:
        return Claim(kind, name, nan, False, False, _too_few(now), todo)
    ratio, months = log(now.churned.sum() / now.risk.sum()), between_months(then.date, then.risk, then.churned)
    error = sqrt(repeats(now) / now.churned.sum() + months**2)
    p = 2 * float(stats.norm.sf(max(abs(ratio) - TOLERATED, 0.0) / error))
    because = (
        f"observed over foretold churn {exp(ratio):.2f} ({exp(ratio - 1.96 * error):.2f} to "
        f"{exp(ratio + 1.96 * error):.2f}) on {len(np.unique(now.date))} cohorts; months differ by "
        f"{100 * months:.0f} % by themselves"
    )
    return Claim(kind, name, p, abs(ratio) >= FAR, 1.645 * error <= FAR - TOLERATED, because, todo)


def ranking_power(then: tuple[float, float], now: Foretold, seed: int) -> Claim:
    """AUC on the later dates against that of the training; then: its value and standard error."""
    kind, name, todo = "risk", "ranking power", "train again: milepost train"
    if now.churned_accounts < LEAST_CHURNED or not np.isfinite(then).all():
        return Claim(kind, name, nan, False, False, _too_few(now), todo)
    value, error = auc(now, seed)
    both = sqrt(error**2 + then[1] ** 2)
    p = float(stats.norm.sf((then[0] - value) / both))
    because = f"AUC {value:.3f} ({value - 1.96 * error:.3f} to {value + 1.96 * error:.3f}), in training {then[0]:.3f}"
    return Claim(kind, name, p, value - 1.96 * error <= 0.5, then[0] - 0.5 >= 2.49 * both, because, todo)


def repeats(rows: Foretold) -> float:
    """How often one churn is counted, for outcome windows of consecutive dates overlap; at least 1."""
    codes, _ = account_codes(rows.account)
    each = account_sums(codes, rows.churned)
    return max(1.0, float((each**2).sum() / max(each.sum(), 1.0)))


def auc(rows: Foretold, seed: int) -> tuple[float, float]:
    """Area under the ROC curve, and its standard error over accounts drawn again."""
    drawn = over_draws(lambda weights: weighted_aucs(rows.risk, rows.churned, weights), pd.Series(rows.account), seed)
    value = weighted_aucs(rows.risk, rows.churned, np.ones((1, len(rows.risk))))[0]
    return float(value), float(np.nanstd(drawn, ddof=1))


def _too_few(rows: Foretold) -> str:
    return f"not enough data: {rows.churned_accounts} churned accounts since the training, {LEAST_CHURNED} needed"
