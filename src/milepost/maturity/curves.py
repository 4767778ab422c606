"""Retention by the number of a category's kept features in use: what its cut is read from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.proportion import proportion_confint

from milepost.importance.design import Codes, account_codes, account_sums
from milepost.maturity.categories import Category
from milepost.outcomes import Outcomes
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT

Floats = NDArray[np.float64]
_FEW_ACCOUNTS = 10


@dataclass(frozen=True)
class CurvePoint:
    """Rows of accounts with so many of the category's features in use: the share retained, unadjusted, 0..1.

    low, high: 95 % interval (Wilson) at as many independent rows as the accounts' likeness leaves.
    """

    features: int
    rows: int
    accounts: int
    retained: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """Retention of one category over the number of its features in use; cut as in the category, None without one."""

    category: str
    of: int
    cut: int | None
    points: tuple[CurvePoint, ...]


def retention_curves(
    observations: Observations, outcomes: Outcomes, learnable: NDArray[np.bool_], categories: Iterable[Category]
) -> tuple[Curve, ...]:
    """A curve per category over the rows with a known outcome of accounts old enough (`learnable`, bool [rows])."""
    rows = np.flatnonzero(learnable & ~np.isnan(outcomes.churned))
    if not len(rows):
        return ()
    retained = 1.0 - outcomes.churned[rows].astype(np.float64)
    codes, _ = account_codes(observations.context[ACCOUNT].to_numpy()[rows])
    position = {feature.name: column for column, feature in enumerate(observations.features)}
    curves = []
    for category in categories:
        columns = np.array([position[name] for name in category.features if name in position], dtype=np.intp)
        score = observations.adopted[np.ix_(rows, columns)].sum(axis=1)
        points = tuple(
            _point(int(count), retained[score == count], codes[score == count]) for count in np.unique(score)
        )
        curves.append(Curve(category.name, len(columns), category.cut, points))
    return tuple(curves)


def retained_overall(observations: Observations, outcomes: Outcomes, learnable: NDArray[np.bool_]) -> CurvePoint | None:
    """The share retained of all rows with a known outcome (`features` is 0); None without any."""
    rows = np.flatnonzero(learnable & ~np.isnan(outcomes.churned))
    if not len(rows):
        return None
    codes, _ = account_codes(observations.context[ACCOUNT].to_numpy()[rows])
    return _point(0, 1.0 - outcomes.churned[rows].astype(np.float64), codes)


def share_interval(retained: Floats, codes: Codes) -> tuple[float, float]:
    """95 % interval (Wilson) of the share of rows that are 1, counting as many rows as their accounts leave.

    retained: 0 or 1, float [rows]; codes: the account of each row.
    """
    share, accounts = float(retained.mean()), len(np.unique(codes))
    alike = _independent(retained, codes, share, accounts)
    low, high = proportion_confint(share * alike, alike, method="wilson")
    return float(low), float(high)


def _point(features: int, retained: Floats, codes: Codes) -> CurvePoint:
    low, high = share_interval(retained, codes)
    return CurvePoint(features, len(retained), len(np.unique(codes)), float(retained.mean()), low, high)


def _independent(retained: Floats, codes: Codes, share: float, accounts: int) -> float:
    """How many independent rows these are worth: rows of one account are alike, so that fewer than there are.

    The variance of the share over accounts says it (share × (1 - share) / variance). Where that is 0, or rests on few
    accounts, no more than one row an account counts.
    """
    errors = account_sums(codes, retained - share)
    spread = float(errors @ errors) / len(retained) ** 2
    worth = share * (1 - share) / spread if spread > 0 else 0.0
    most = len(retained) if accounts >= _FEW_ACCOUNTS and worth > 0 else accounts
    return float(min(worth or accounts, most))
