"""Accounts drawn again with replacement: every figure under each draw, and the interval they span."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit, xlogy

from milepost.training.results import Interval

FloatArray = NDArray[np.float64]

DRAWS = 200
_AT_ONCE = 20
NEWTON_STEPS = 12


def account_draws(accounts: pd.Series[str], seed: int, draws: int = DRAWS) -> Iterator[FloatArray]:
    """Weights of the rows, float64 [draws at once × rows]: how often the account of a row was drawn.

    A few draws at a time: all of them would hold draws × rows numbers several times over.
    """
    codes, names = pd.factorize(accounts)
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    for start in range(0, draws, _AT_ONCE):
        yield drawn[start : start + _AT_ONCE, codes].astype(np.float64)


def over_draws(
    figure: Callable[[FloatArray], FloatArray], accounts: pd.Series[str], seed: int, draws: int = DRAWS
) -> FloatArray:
    """`figure` of each draw; it turns weights [draws × rows] into float64 [draws, ...]."""
    return np.concatenate([figure(weights) for weights in account_draws(accounts, seed, draws)])


def interval(values: FloatArray) -> Interval:
    """The middle 95 % of the draws that have a value; NaN where none has."""
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)


# -- figures under weights, each float64 [draws]


def weighted_mean(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Mean of `values` [rows]; NaN for a draw without weight."""
    return _ratio(weights @ values, weights.sum(axis=1))


def row_losses(risk: FloatArray, churned: FloatArray) -> FloatArray:
    """Negative log likelihood of each row; a risk of exactly 0 or 1 counts as 1e-7 away from it."""
    p = np.clip(risk, 1e-7, 1 - 1e-7)
    return np.asarray(-(xlogy(churned, p) + xlogy(1 - churned, 1 - p)))


def weighted_aucs(risk: FloatArray, churned: FloatArray, weights: FloatArray) -> FloatArray:
    """Share of (churned, retained) pairs that are ranked right, ties half; NaN with one class only."""
    order = np.argsort(risk, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(risk[order]) > 0])
    sorted_weights = weights[:, order]
    positive = np.add.reduceat(sorted_weights * churned[order], starts, axis=1)
    negative = np.add.reduceat(sorted_weights * (1 - churned[order]), starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    return _ratio((positive * below).sum(axis=1), positive.sum(axis=1) * negative.sum(axis=1))


def weighted_precisions(risk: FloatArray, churned: FloatArray, weights: FloatArray) -> FloatArray:
    """Area under the precision-recall steps; rows of equal risk are taken together; NaN without a churned row."""
    order = np.argsort(-risk, kind="stable")
    ends = np.r_[np.flatnonzero(np.diff(risk[order])), len(risk) - 1]
    found = np.cumsum(weights[:, order] * churned[order], axis=1)[:, ends]
    acted = np.cumsum(weights[:, order], axis=1)[:, ends]
    gained = np.diff(found, axis=1, prepend=0)
    steps = np.divide(gained * found, acted, out=np.zeros_like(found), where=acted > 0)
    return _ratio(steps.sum(axis=1), found[:, -1])


def weighted_recalls(risk: FloatArray, churned: FloatArray, weights: FloatArray, shares: FloatArray) -> FloatArray:
    """Share of the churned rows among the riskiest `shares` of all rows, float64 [draws × shares]."""
    order = np.argsort(-risk, kind="stable")
    acted, found = (np.cumsum(part[:, order], axis=1) for part in (weights, weights * churned))
    recalls = np.empty((len(weights), len(shares)))
    for draw in range(len(weights)):
        places = np.searchsorted(acted[draw], shares * acted[draw, -1] - 1e-9)
        recalls[draw] = found[draw, np.minimum(places, len(risk) - 1)]
    return np.divide(recalls, found[:, -1:], out=np.full_like(recalls, np.nan), where=found[:, -1:] > 0)


def weighted_slopes(risk: FloatArray, churned: FloatArray, weights: FloatArray) -> FloatArray:
    """Slope of a logistic regression of the outcome on the risk's log-odds: 1 where risks are as far apart as they
    should be, below 1 where they are too far apart. NaN where the risk does not vary.

    Source: Cox (1958). Newton's method, all draws at once.
    """
    x = logit(np.clip(risk, 1e-7, 1 - 1e-7))
    if np.ptp(x) < 1e-9:
        return np.full(len(weights), np.nan)
    middle = x.mean()
    x = x - middle
    slope, level = np.ones(len(weights)), np.full(len(weights), middle)
    for _ in range(NEWTON_STEPS):
        p = expit(slope[:, None] * x + level[:, None])
        rest, spread = weights * (churned - p), weights * p * (1 - p)
        a, b, c = spread.sum(axis=1), spread @ x, spread @ x**2
        down = np.maximum(a * c - b * b, 1e-300)
        g0, g1 = rest.sum(axis=1), rest @ x
        level = level + np.clip((c * g0 - b * g1) / down, -5, 5)
        slope = slope + np.clip((a * g1 - b * g0) / down, -5, 5)
    one_class = (weights @ churned == 0) | (weights @ (1 - churned) == 0)
    return np.where(one_class, np.nan, slope)


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    found: FloatArray = np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
    return found
