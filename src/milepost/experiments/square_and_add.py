"""Differences whose two levels have lopsided intervals: quantiles, and the share that has come to an event by a day.

The interval of the difference is put together from those of the arms by square-and-add (Zou and Donner 2008), which is
what Newcombe's interval does for shares; the p-value is read off the side of the interval that faces zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from milepost.experiments.estimates import NAN, Estimate, Floats, too_few, unknown
from milepost.milestones.survival import kaplan_meier, share_at

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Span:
    """One arm's level with its interval."""

    value: float
    low: float
    high: float


def quantile(control: Floats, treated: Floats, q: float = 0.5, alpha: float = 0.05) -> Estimate:
    """Difference of two quantiles; each arm's interval lies between two order statistics (Conover 1999).

    NaN where so few accounts have no such order statistics, or where the values are tied across them.
    """
    sizes = len(control), len(treated)
    if (missing := too_few(*sizes)) is not None:
        return missing
    if min(sizes) * min(q, 1 - q) < stats.norm.isf(alpha / 2) ** 2 * max(q, 1 - q):
        return unknown(*sizes, f"not enough data: {sizes[0]} and {sizes[1]} accounts for a quantile of {q:g}")
    return added(_order_span(control, q, alpha), _order_span(treated, q, alpha), sizes, alpha)


def reached_by(
    control: tuple[Floats, Flags], treated: tuple[Floats, Flags], day: float, alpha: float = 0.05
) -> Estimate:
    """Difference in the share that has come to the event by a day; accounts watched for less are censored.

    Each arm: days watched, float [accounts], and whether the event ended them. Kaplan–Meier, complementary log-log.
    """
    sizes = len(control[0]), len(treated[0])
    if (missing := too_few(*sizes)) is not None:
        return missing
    if not (control[1].any() or treated[1].any()):
        return unknown(*sizes, "not enough data: no account has come to it")
    return added(_share_span(*control, day, alpha), _share_span(*treated, day, alpha), sizes, alpha)


def added(control: Span, treated: Span, sizes: tuple[int, int], alpha: float) -> Estimate:
    """The difference of two spans by square-and-add."""
    middle = treated.value - control.value
    low = middle - math.hypot(treated.value - treated.low, control.high - control.value)
    high = middle + math.hypot(treated.high - treated.value, control.value - control.low)
    half = middle - low if middle > 0 else high - middle
    if not half > 0:
        return unknown(*sizes, "not enough data: too many accounts share one value")
    p = float(2 * stats.norm.sf(abs(middle) / half * stats.norm.isf(alpha / 2)))
    relative = middle / control.value if control.value else NAN
    return Estimate(sizes, control.value, treated.value, middle, low, high, p, relative)


def _order_span(values: Floats, q: float, alpha: float) -> Span:
    """A quantile between the order statistics at binomial ranks, which cover it with at least 1 - alpha."""
    ordered, size = np.sort(values), len(values)
    first, last = (int(stats.binom.ppf(tail, size, q)) for tail in (alpha / 2, 1 - alpha / 2))
    low, high = ordered[max(first - 1, 0)], ordered[min(last, size - 1)]
    return Span(float(np.quantile(ordered, q)), float(low), float(high))


def _share_span(days: Floats, happened: Flags, day: float, alpha: float) -> Span:
    """The share with the event by a day."""
    survival = kaplan_meier(days, happened)
    assert survival is not None  # an arm without accounts has been answered
    still, low, high = share_at(survival, day)
    if not 0 < still < 1:  # Greenwood's variance is 0 where nobody or everybody has come to it
        wilson = proportion_confint(round((1 - still) * len(days)), len(days), alpha, method="wilson")
        return Span(1 - still, float(wilson[0]), float(wilson[1]))
    scale = float(stats.norm.isf(alpha / 2) / stats.norm.isf(0.025))
    middle, wide, narrow = (math.log(-math.log(share)) for share in (still, low, high))
    least, most = (math.exp(-math.exp(middle + (edge - middle) * scale)) for edge in (wide, narrow))
    return Span(1 - still, 1 - most, 1 - least)
