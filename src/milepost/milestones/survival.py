"""Kaplan–Meier curves, and how long accounts stay active after a landmark."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from statsmodels.duration.survfunc import SurvfuncRight

from milepost.milestones.daily import Codes, DailyCounts, Floats, Ints
from milepost.milestones.definitions import Survival
from milepost.milestones.lives import Lives

Flags = NDArray[np.bool_]

_Z = 1.959963984540054
_NOBODY = 1e-12
_SHORTEST = 0.5  # days: what ends on the landmark has lived that long


def kaplan_meier(days: Floats, ended: Flags, entry: Floats | None = None) -> Survival | None:
    """The share still there by day, with 95 % intervals on the complementary log-log scale; None for no accounts.

    days: float [accounts], until the end or until observation stops; ended: whether it is the end; entry: day from
    which each account was watched (late entry), 0 without.
    """
    if not len(days):
        return None
    late = None if entry is None else np.minimum(entry, np.maximum(days, _SHORTEST) - 1e-9)
    found = SurvfuncRight(np.maximum(days, _SHORTEST), ended.astype(int), entry=late)
    share, error = np.asarray(found.surv_prob), np.asarray(found.surv_prob_se)
    share = np.where(share < _NOBODY, 0.0, share)  # with late entry the last end leaves rounding, and no error
    low, high = _interval(share, error)
    at = np.append(0.0, found.surv_times)
    ones = np.ones(1)
    risk = np.append(float(len(days)) if entry is None else float((entry <= 0).sum()), found.n_risk)
    return Survival(
        at, np.append(ones, share), np.append(ones, low), np.append(ones, high), risk, len(days), int(ended.sum())
    )


def median_days(survival: Survival | None) -> tuple[float, float, float]:
    """The day by which half have gone, with its interval; NaN where that is not reached."""
    if survival is None:
        return float("nan"), float("nan"), float("nan")
    curves = survival.share, survival.low, survival.high
    found = [float(survival.days[curve <= 0.5][0]) if (curve <= 0.5).any() else float("nan") for curve in curves]
    return found[0], found[1], found[2]


def share_at(survival: Survival, day: float) -> tuple[float, float, float]:
    """The share still there at a day, with its interval."""
    place = int(np.searchsorted(survival.days, day, side="right")) - 1
    return float(survival.share[place]), float(survival.low[place]), float(survival.high[place])


def dormancy(lives: Lives, codes: Codes, landmark: Ints, dormant_days: int) -> tuple[Floats, Flags]:
    """Days from each account's landmark until it goes dormant, and whether it did: float and bool [codes].

    Dormant: so many days without a value event, counted from the last one (or from the landmark); or the end of its
    subscription. Watched until `dormant_days` before today: until then every such stretch has had time to show.
    Raises ValueError without value events.
    """
    if lives.value is None:
        raise ValueError("these tables name no value events")
    watched = lives.today - dormant_days
    start = _first_gap(lives.value, codes, landmark, dormant_days)
    end = np.minimum(start, lives.end[codes])
    ended = end < watched
    days = np.where(ended, end, np.maximum(watched, landmark)) - landmark
    return np.maximum(days, 0).astype(float), ended


def _first_gap(counts: DailyCounts, codes: Codes, landmark: Ints, length: int) -> Ints:
    """The day after the last use before the first stretch of `length` days without any, from the landmark on.

    Days after the last use count as unused for ever: the caller judges only stretches that have had time to show.
    """
    place = np.full(counts.accounts, -1, dtype=np.intp)
    place[codes] = np.arange(len(codes))
    asked = place[counts.account]
    inside = asked >= 0
    inside[inside] = counts.day[inside] >= landmark[asked[inside]]
    who, day = asked[inside], counts.day[inside]
    # each account's days of use, with the day before the landmark in front: a stretch may begin at once
    who, day = np.append(np.arange(len(codes)), who), np.append(landmark - 1, day)
    order = np.lexsort((day, who))
    who, day = who[order], day[order]
    last = np.append(who[1:] != who[:-1], True)
    following = np.where(last, np.iinfo(np.int64).max // 2, np.append(day[1:], 0))
    gap = following - day - 1 >= length
    first = np.full(len(codes), np.iinfo(np.int64).max // 2, dtype=np.int64)
    rows = np.flatnonzero(gap)[::-1]
    first[who[rows]] = day[rows] + 1
    return first


def _interval(share: Floats, error: Floats) -> tuple[Floats, Floats]:
    """95 % interval on the complementary log-log scale; without width where nobody or everybody is left."""
    inside = (share > 0) & (share < 1)
    safe = np.where(inside, share, 0.5)
    middle = np.log(-np.log(safe))
    half = _Z * error / (safe * np.abs(np.log(safe)))
    low, high = np.exp(-np.exp(middle + half)), np.exp(-np.exp(middle - half))
    return np.where(inside, low, share), np.where(inside, high, share)
