"""Do score and revenue say the same: does the risk put the accounts that pay less above those that pay more.

Counted are the accounts whose MRR is another at the end of the outcome window than at the snapshot; one that left pays
less. Of a pair of one that pays less and one that pays more, the risk of the first should be the higher one. How often
it is does not depend on how many pay more. What moves most accounts alike, such as a price that rises, is taken out by
the middle change of each date.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import nan, sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from milepost.review.foresight import Claim, Foretold, auc

Floats = NDArray[np.float64]
LEAST_ACCOUNTS = 20  # that pay less, and that pay more
TOLERATED = 0.03  # of all pairs
ALIKE = 0.005
THIRDS = (1 / 3, 2 / 3)


@dataclass(frozen=True)
class Paid:
    """One row per account and date, arrays of [rows]: account; date (datetime64); risk; change of MRR over gap and
    outcome window as a share of the MRR before, NaN unknown, -1 for an account that left.
    """

    account: NDArray[np.generic]
    date: NDArray[np.datetime64]
    risk: Floats
    change: Floats

    @cached_property
    def beyond(self) -> Floats:
        """The change beyond the middle one of those that stayed, date by date; 0 within half a percent of it."""
        left = self.change <= -1
        stayed = pd.Series(np.where(left, nan, self.change)).groupby(self.date).transform("median")
        found = np.where(left, self.change, self.change - stayed.fillna(0.0).to_numpy())
        return np.where(np.abs(found) <= ALIKE, 0.0, found)

    @property
    def moved(self) -> Foretold:
        """The rows whose MRR moved; churned stands for paying less."""
        rows = np.isfinite(self.beyond) & (self.beyond != 0)
        less = (self.beyond[rows] < 0).astype(np.float64)
        return Foretold(self.account[rows], self.date[rows], self.risk[rows], less)

    @property
    def against(self) -> float:
        """Share of the rows with a known change that were in the third with the highest risk and pay more, or in the
        lowest and pay less; NaN without any.
        """
        known = np.isfinite(self.change)
        if not known.any():
            return nan
        low, high = np.quantile(self.risk[known], THIRDS)
        risk, change = self.risk[known], self.beyond[known]
        return float(np.mean(((risk > high) & (change > 0)) | ((risk < low) & (change < 0))))


def revenue(then: Paid, now: Paid, seed: int) -> Claim:
    """Score against revenue on the later dates, beside what a model foretold of the test rows of its training."""
    name, todo = "revenue", "look at who pays more at a high risk; then train again: milepost train"
    late, early = now.moved, then.moved
    if few := _few(late, "since the training"):
        return Claim("risk", name, nan, False, False, few, todo)
    value, error = auc(late, seed)
    said = (
        f"of an account that pays less and one that pays more the first had the higher risk in {value:.0%} of pairs "
        f"({_bounds(value, error)})"
    )
    against = f"{now.against:.1%} of {int(np.isfinite(now.change).sum()):,} rows had a high risk and pay more, or a low"
    against += " one and pay less"
    if few := _few(early, "in its test rows"):
        return Claim("risk", name, nan, False, False, f"{said}; {against}; how it was before is not known: {few}", todo)
    before, error_before = auc(early, seed)
    both = sqrt(error**2 + error_before**2)
    p = float(stats.norm.sf((before - value - TOLERATED) / both))
    because = (
        f"{said}, {before:.0%} ({_bounds(before, error_before)}) in training; {against}, {then.against:.1%} before"
    )
    seen = before - 0.5 - TOLERATED >= 2.49 * both
    return Claim("risk", name, p, value - 1.96 * error <= 0.5, seen, because, todo)


def _bounds(value: float, error: float) -> str:
    return f"{value - 1.96 * error:.0%} to {min(value + 1.96 * error, 1):.0%}"


def _few(rows: Foretold, where: str) -> str:
    """Why they cannot tell, "" where there are enough."""
    less, more = (int(np.unique(rows.account[rows.churned == side]).size) for side in (1, 0))
    if min(less, more) >= LEAST_ACCOUNTS:
        return ""
    return f"{less} accounts that pay less and {more} that pay more {where}, {LEAST_ACCOUNTS} of each needed"
