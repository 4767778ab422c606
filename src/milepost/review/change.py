"""Whether a state of accounts still goes with staying as it did: one model of all states, then and now.

Compared are log-odds, not points: where churn rises for everybody, in December say, differences in points grow with it
while log-odds stay, and every snapshot date since has a level of its own. A state was chosen because its association
was clear, so what was estimated then is too large on average; what is asked for now is shrunk by 1 - 1/z² (James and
Stein 1961). Over all states of a review together p is Holm's (1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

from milepost.importance.design import Codes, account_sums, penalties
from milepost.importance.effect import TREATMENT_PENALTY, overlap
from milepost.importance.logistic import Fit, Floats, fit_logistic, one_thread

Flags = NDArray[np.bool_]
LEAST_CHURNED = 20  # distinct accounts, then and now each
LEAST_SIDE = 50  # distinct accounts with the state now, and without
Z = float(stats.norm.isf(0.025))


@dataclass(frozen=True)
class Rows:
    """Rows with a known outcome, before a date and since.

    churned: float [rows]; codes: [rows], the account of each; controls: [rows × controls], an intercept first; days:
    [rows], the number of each row's snapshot, rising; now: bool [rows], the outcome began since the date.
    """

    churned: Floats
    codes: Codes
    controls: Floats
    days: Codes
    now: Flags

    @property
    def churned_accounts(self) -> tuple[int, int]:
        """Distinct churned accounts before the date, and since."""
        then, now = (int(np.unique(self.codes[side & (self.churned == 1)]).size) for side in (~self.now, self.now))
        return then, now


@dataclass(frozen=True)
class Change:
    """How a state goes with staying, then and now: log-odds of staying with 95 % intervals by account, NaN unknown.

    p: one-sided, of having become weaker than what was to be expected. accounts: distinct, with the state and without
    it, now. enough: whether there were accounts enough.
    """

    then: float
    then_low: float
    then_high: float
    now: float
    now_low: float
    now_high: float
    p: float
    accounts: tuple[int, int]
    enough: bool

    @property
    def was_clear(self) -> bool:
        """Whether the state went with staying beyond noise."""
        return self.then_low > 0

    @property
    def is_clear(self) -> bool:
        """Whether it does now."""
        return self.now_low > 0


def changes(rows: Rows, states: Floats) -> tuple[Change, ...]:
    """The change of every state, each beside all the others. states: float [rows × states], 1, 0, NaN unknown."""
    sides = _sides(rows, states)
    if min(rows.churned_accounts) < LEAST_CHURNED:
        return tuple(_unknown(side) for side in sides)
    judged = [
        place for place, side in enumerate(sides) if min(side) >= LEAST_SIDE and _varies_then(rows, states, place)
    ]
    found = dict(zip(judged, _estimated(rows, states[:, judged]), strict=True)) if judged else {}
    return tuple(_told(*found[place], side) if place in found else _unknown(side) for place, side in enumerate(sides))


def holm(p: Sequence[float]) -> Floats:
    """Holm's adjusted p of a family; NaN stays NaN and is not counted.

    >>> holm([0.01, 0.04, float("nan"), 0.03]).round(2).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    given = np.asarray(p, dtype=np.float64)
    known = ~np.isnan(given)
    adjusted = np.full(len(given), np.nan)
    if known.any():
        adjusted[known] = multipletests(given[known], method="holm")[1]
    return adjusted


def _estimated(rows: Rows, states: Floats) -> list[tuple[float, float, Floats]]:
    """Per state: then, the change since, and their 2 × 2 covariance, in log-odds of staying."""
    count, now = states.shape[1], rows.now.astype(np.float64)
    filled, unknown = np.nan_to_num(states), np.isnan(states)
    gaps = unknown[:, unknown.any(axis=0)].astype(np.float64)
    before = np.column_stack([rows.controls, _levels(rows), gaps, gaps * now[:, None]])
    x = np.column_stack([before, filled, filled * now[:, None]])
    penalty = np.append(penalties(before.shape[1]), np.full(2 * count, TREATMENT_PENALTY))
    with one_thread():
        fit = fit_logistic(x, rows.churned, penalty)
        places = before.shape[1] + np.arange(2 * count)
        covariance = _covariance(rows, x, fit, places)
    pairs = [np.array([place, count + place]) for place in range(count)]
    return [
        (-float(fit.beta[places[a]]), -float(fit.beta[places[b]]), covariance[np.ix_(pair, pair)])
        for pair in pairs
        for a, b in [pair]
    ]


def _levels(rows: Rows) -> Floats:
    """A column per snapshot since the date: the level of churn of each is its own."""
    later = np.unique(rows.days[rows.now])
    return np.asarray(rows.days[:, None] == later, dtype=np.float64)


def _covariance(rows: Rows, x: Floats, fit: Fit, places: Codes) -> Floats:
    """By account (sandwich), and no smaller than what is expected without looking at who churned."""
    residual, weight = rows.churned - fit.chance, fit.chance * (1 - fit.chance)
    pulled = (x @ fit.inverse[:, places]) * residual[:, None]
    by_account = np.column_stack([account_sums(rows.codes, column) for column in pulled.T])
    robust = by_account.T @ by_account
    expected = overlap(residual, weight, rows.codes) * fit.inverse[np.ix_(places, places)]
    grown = np.sqrt(np.maximum(np.diag(expected) / np.maximum(np.diag(robust), 1e-12), 1.0))
    covariance: Floats = robust * np.outer(grown, grown)
    return covariance


def _told(then: float, moved: float, covariance: Floats, side: tuple[int, int]) -> Change:
    error = float(np.sqrt(covariance[0, 0]))
    now, now_error = then + moved, float(np.sqrt(covariance.sum()))
    kept = max(1 - (error / then) ** 2, 0.0) if then > 0 else 0.0
    # now - kept · then = (1 - kept) · then + moved
    weights = np.array([1 - kept, 1.0])
    z = (now - kept * then) / max(float(np.sqrt(weights @ covariance @ weights)), 1e-12)
    p = float(stats.norm.cdf(z)) if then - Z * error > 0 else float("nan")
    return Change(
        then, then - Z * error, then + Z * error, now, now - Z * now_error, now + Z * now_error, p, side, True
    )  # fmt: skip


def _unknown(side: tuple[int, int]) -> Change:
    nan = float("nan")
    return Change(nan, nan, nan, nan, nan, nan, nan, side, False)


def _sides(rows: Rows, states: Floats) -> list[tuple[int, int]]:
    """Distinct accounts now, with each state and without it."""
    codes, later = rows.codes[rows.now], states[rows.now]
    return [tuple(int(pd.unique(codes[column == value]).size) for value in (1, 0)) for column in later.T]  # type: ignore[misc]


def _varies_then(rows: Rows, states: Floats, place: int) -> bool:
    column = states[~rows.now, place]
    return bool((column == 1).any() and (column == 0).any())
