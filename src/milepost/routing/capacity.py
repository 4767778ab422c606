"""Whom to take when hours are short: the largest sum of savings that fits, exactly.

Contacts take one of a few lengths, one per flag. Of those with the same length the best are the first so many by
saving; how many of each length fits together is worked out for every number of hours (a knapsack over counts, Bellman
1957). Taking accounts by saving per hour instead is nearly as good and can leave hours over; it stands in where the
table of counts would be too large, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_WORK = 2_000_000_000  # additions


@dataclass(frozen=True)
class Chosen:
    """chosen: bool [candidates]; value: the sum of their savings; minutes: what they take; exact: nothing that fits
    saves more. Where it is not exact, `bound` is what no choice can exceed.
    """

    chosen: Flags
    value: float
    minutes: int
    exact: bool
    bound: float


def choose(savings: Floats, minutes: Ints, budget: int, most_work: int = MOST_WORK) -> Chosen:
    """Choose candidates within `budget` minutes.

    savings: float [candidates], at least 0; minutes: int [candidates], at least 1. Earlier candidates win ties. What
    time is left goes to candidates without a saving, earlier ones first.
    """
    taken = np.zeros(len(savings), dtype=np.bool_)
    if budget <= 0 or not len(savings):
        return Chosen(taken, 0.0, 0, True, 0.0)
    groups = _groups(savings, minutes, budget)
    unit = int(np.gcd.reduce(np.append(minutes, budget)))
    steps = budget // unit
    exact = sum(len(places) for _, places in groups) * steps <= most_work
    if exact:
        for (_, places), count in zip(groups, _counts(savings, groups, steps, unit), strict=True):
            taken[places[:count]] = True
    else:
        useful = np.flatnonzero(savings > 0)
        order = useful[np.argsort(-savings[useful] / minutes[useful], kind="stable")]
        taken[order[_fitting(minutes[order], budget)]] = True
    left = np.flatnonzero(savings == 0)
    taken[left[_fitting(minutes[left], budget - int(minutes[taken].sum()))]] = True
    value = float(savings[taken].sum())
    bound = value if exact else _bound(savings, minutes, budget)
    return Chosen(taken, value, int(minutes[taken].sum()), exact, bound)


def _groups(savings: Floats, minutes: Ints, budget: int) -> list[tuple[int, NDArray[np.intp]]]:
    """Per length that fits: the length, and the candidates that could be taken, best first."""
    found = []
    for length in np.unique(minutes[(savings > 0) & (minutes <= budget)]):
        places = np.flatnonzero((minutes == length) & (savings > 0))
        best = places[np.argsort(-savings[places], kind="stable")]
        found.append((int(length), best[: budget // int(length)]))
    return found


def _counts(savings: Floats, groups: list[tuple[int, NDArray[np.intp]]], steps: int, unit: int) -> list[int]:
    """How many of each length to take: the best sum within every number of steps, one length after the other."""
    best = np.zeros(steps + 1)
    picks = []
    for length, places in groups:
        worth, step = np.append(0.0, np.cumsum(savings[places])), length // unit
        pick, found = np.zeros(steps + 1, dtype=np.int32), best.copy()
        for count in range(1, len(places) + 1):
            offered = best[: steps + 1 - count * step] + worth[count]
            target = found[count * step :]
            better = offered > target
            target[better] = offered[better]
            pick[count * step :][better] = count
        picks.append(pick)
        best = found
    at, counts = steps, []
    for (length, _), pick in zip(reversed(groups), reversed(picks), strict=True):
        counts.append(int(pick[at]))
        at -= counts[-1] * (length // unit)
    return counts[::-1]


def _fitting(minutes: Ints, budget: int) -> NDArray[np.intp]:
    """Places of those taken when one goes down the list and takes whatever still fits."""
    places, taken = np.arange(len(minutes)), []
    while budget > 0 and len(places):
        count = int(np.searchsorted(np.cumsum(minutes[places]), budget, side="right"))
        taken.append(places[:count])
        budget -= int(minutes[places[:count]].sum())
        rest = places[count:]
        places = rest[minutes[rest] <= budget]  # the one that did not fit and all as long as it are gone
    return np.concatenate(taken) if taken else np.empty(0, dtype=np.intp)


def _bound(savings: Floats, minutes: Ints, budget: int) -> float:
    """The sum when the last account may be taken in part: no whole choice reaches more (Dantzig 1957)."""
    order = np.argsort(-savings / minutes, kind="stable")
    time = np.append(0, np.cumsum(minutes[order]))
    return float(np.interp(budget, time, np.append(0.0, np.cumsum(savings[order]))))
