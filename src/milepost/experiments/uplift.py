"""Who gains: whether accounts differ in what an arm does to them, by what was known of them before.

Two ridge regressions, one per arm, predict each account's gain from accounts of other folds; accounts are then put in
that order. The Qini curve is the gain of treating the first so many of them; its area over the straight line (treating
as many at random) is 0 where the order says nothing. With few attributes and thousands of accounts a forest has nothing
to add to lines, and gives what is not there more room. Source: Radcliffe 2007; cross-fitting as in Chernozhukov and
others 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milepost.experiments.estimates import NAN, Floats

Flags = NDArray[np.bool_]
LEAST = 200  # accounts per arm below which no order is looked for
_FOLDS, _DRAWS, _RIDGE = 5, 500, 10.0
_POINTS = 21


@dataclass(frozen=True)
class Uplift:
    """Gains in the metric's unit, positive where the arm raises it.

    area: of the Qini curve over the line, per account, with its 95 % interval over accounts; curve: float [shares]
    gain per account when the first share of the accounts is treated, shares 0, .05 … 1; top, bottom: the difference
    between arms in the third with the largest and with the smallest predicted gain. NaN: not enough data.
    """

    area: float
    low: float
    high: float
    curve: tuple[float, ...]
    top: float
    bottom: float
    note: str = ""

    @property
    def differ(self) -> bool:
        """Whether the order holds: the whole interval of the area lies above zero."""
        return bool(self.low > 0)


def no_uplift(note: str) -> Uplift:
    """The answer "not enough data"."""
    return Uplift(NAN, NAN, NAN, (), NAN, NAN, note)


def uplift(outcome: Floats, treated: Flags, attributes: Floats, seed: int, lower_is_better: bool = False) -> Uplift:
    """Look for accounts that gain more than others.

    outcome: float [accounts]; attributes: float [accounts × columns], known before assignment, numbers or 0/1.
    """
    columns = attributes[:, attributes.std(axis=0) > 0] if attributes.size else attributes
    if columns.shape[1] == 0:
        return no_uplift("not looked for: the plan names no segments and no covariates")
    if min(int(treated.sum()), int((~treated).sum())) < LEAST:
        return no_uplift(f"not enough data: fewer than {LEAST} accounts in an arm")
    draws = np.random.default_rng(seed)
    good = -outcome if lower_is_better else outcome
    predicted = _predicted(good, treated, columns, draws)
    # equal predictions in an order that says nothing
    order = np.lexsort((draws.random(len(good)), -predicted))
    gains = _gains(good, treated)[order]
    areas = _areas(gains, draws)
    third = len(order) // 3
    ends = [_difference(good[part], treated[part]) for part in (order[:third], order[-third:])]
    low, high = np.quantile(areas, [0.025, 0.975])
    shares = np.linspace(0, 1, _POINTS)
    whole = np.append(0.0, np.cumsum(gains)) / len(gains)
    curve = np.interp(shares, np.linspace(0, 1, len(whole)), whole)
    return Uplift(_area(gains), float(low), float(high), tuple(curve.tolist()), ends[0], ends[1])


def _predicted(outcome: Floats, treated: Flags, columns: Floats, draws: np.random.Generator) -> Floats:
    """Each account's gain as accounts of other folds let one expect it."""
    x = np.column_stack([np.ones(len(columns)), (columns - columns.mean(axis=0)) / columns.std(axis=0)])
    ridge = np.diag(np.append(0.0, np.full(x.shape[1] - 1, _RIDGE)))
    fold = draws.permutation(len(outcome)) % _FOLDS
    gain = np.zeros(len(outcome))
    for part in range(_FOLDS):
        out = fold == part
        for side, sign in ((treated & ~out, 1.0), (~treated & ~out, -1.0)):
            beta = np.linalg.solve(x[side].T @ x[side] + ridge, x[side].T @ outcome[side])
            gain[out] += sign * (x[out] @ beta)
        # the level of a fold comes from the other folds, and would order the folds against their own outcomes
        gain[out] -= gain[out].mean()
    return gain


def _gains(outcome: Floats, treated: Flags) -> Floats:
    """What each account adds to the difference between the arms: its mean is that difference."""
    share = treated.mean()
    means = outcome[treated].mean(), outcome[~treated].mean()
    middle = (1 - share) * means[0] + share * means[1]  # taking it out leaves the mean and lowers the spread
    return np.asarray(np.where(treated, (outcome - middle) / share, -(outcome - middle) / (1 - share)))


def _area(gains: Floats) -> float:
    """Area between the curve of cumulated gains and the straight line to its end."""
    whole = np.cumsum(gains) / len(gains)
    return float(np.mean(whole) - whole[-1] * (len(gains) + 1) / (2 * len(gains)))


def _areas(gains: Floats, draws: np.random.Generator) -> Floats:
    """The area over bootstraps of the accounts, in the same order; a resampled account weighs what it was drawn."""
    size = len(gains)
    found = np.empty(_DRAWS)
    for number in range(_DRAWS):
        found[number] = _area(np.repeat(gains, np.bincount(draws.integers(0, size, size), minlength=size)))
    return found


def _difference(outcome: Floats, treated: Flags) -> float:
    return float(outcome[treated].mean() - outcome[~treated].mean()) if treated.any() and (~treated).any() else NAN
