"""Have inputs or scores moved: unlike each of the snapshots before a date, by size and beyond chance.

Two conditions, for a small sample has a large index by chance and a large one a small p for trifles: the population
stability index (drift.py) beyond its limit, and a two-sample test, Holm over all signals. What moves by itself is no
drift: tenure grows, and days since the last use are others on a Monday. So the last snapshot is held against the most
similar of several before the date, and the limit is raised by what the same question gave as long before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.review.change import holm
from milepost.review.drift import LARGE_SHIFT, by_chance, index
from milepost.review.foresight import Claim
from milepost.review.samples import two_sample_p

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]
LEAST_ACCOUNTS = 50
MOST_ACCOUNTS = 5000  # of one snapshot, drawn: more accounts tell no more of an index of .25
SNAPSHOTS = 6  # of monthly ones most weekdays are among them
SHOWN = 3
SURE = 0.02  # as in the whole review


@dataclass(frozen=True)
class Moved:
    """signals: frame `signal`, `psi`, `limit`, `q` (Holm's p) and `drifted`, what exceeds its limit most first.

    accounts: compared, at the last snapshot up to the date and now. snapshots: how many before the date.
    """

    signals: pd.DataFrame
    accounts: tuple[int, int]
    snapshots: int

    @property
    def drifted(self) -> pd.DataFrame:
        """The rows of the signals that have moved."""
        return self.signals[self.signals["drifted"]]


def moved(
    names: Sequence[str], days: Days, at: Callable[[np.datetime64], Floats], since: np.datetime64
) -> Moved | None:
    """Compare the last snapshot with those up to `since`; None where there is none on either side.

    days: every snapshot date, rising. at: the values of a date, float [accounts × names], NaN unknown.
    """
    before = days[days <= since]
    if not len(before) or not len(names) or days[-1] <= since:
        return None
    now, last = at(days[-1]), at(before[-1])
    past = [*(at(day) for day in before[-SNAPSHOTS:-1]), last]
    if min(len(now), len(last)) < LEAST_ACCOUNTS:
        return Moved(_frame(names, np.zeros(len(names)), np.inf, np.ones(len(names))), (len(last), len(now)), len(past))
    psi, closest = _closest(past, now)
    as_long = before[before <= before[-1] - (days[-1] - before[-1])][-SNAPSHOTS:]
    by_itself = _closest([at(day) for day in as_long], last)[0] if len(as_long) else np.zeros(len(names))
    chance = by_chance(len(last), len(now), len(names))
    p = [two_sample_p(past[which][:, place], now[:, place]) for place, which in enumerate(closest)]
    frame = _frame(names, psi, max(LARGE_SHIFT, chance) + by_itself, holm(p))
    return Moved(frame, (len(last), len(now)), len(past))


def drawn(accounts: int, seed: int) -> NDArray[np.intp]:
    """Which of the accounts of a snapshot are compared: all, or 5,000 of them, rising."""
    if accounts <= MOST_ACCOUNTS:
        return np.arange(accounts)
    return np.sort(np.random.default_rng(seed).choice(accounts, MOST_ACCOUNTS, replace=False))


def inputs_claim(found: Moved | None, since: object) -> Claim:
    """Whether the signals have moved; broken where half of them have."""
    name, todo = "inputs", "ask what changed in these signals; then train again: milepost train"
    if (unknown := _unknown(found, since)) or found is None:
        return Claim("drift", name, nan, False, False, unknown, todo)
    count, hit = len(found.signals), found.drifted
    of = f"of {count:,} signals"
    where = f"otherwise than at each of the last {found.snapshots} snapshots up to {since}"
    if found.snapshots == 1:
        where = f"otherwise than at the last snapshot up to {since}"
    if len(hit):
        verb = "lies" if len(hit) == 1 else "lie"
        because = f"{len(hit):,} {of} {verb} {where}: {', '.join(map(_figures, hit.head(SHOWN).to_dict('records')))}"
    else:
        because = f"none {of} lies {where}; nearest to it {_figures(found.signals.iloc[0].to_dict())}"
    return Claim("drift", name, _smallest(found), 2 * len(hit) >= count, _would_be_seen(found), because, todo)


def scores_claim(found: Moved | None, since: object, middle: tuple[float, float]) -> Claim:
    """Whether the churn risks have moved; found: of one column. middle: the median risk up to the date, and now."""
    name, todo = "scores", "look at the inputs and at calibration; then train again: milepost train"
    if (unknown := _unknown(found, since)) or found is None:
        return Claim("drift", name, nan, False, False, unknown, todo)
    one = found.signals.iloc[0]
    verb = "lie otherwise than" if one["drifted"] else "lie as"
    because = (
        f"churn risks {verb} up to {since} (PSI {one['psi']:.2f}, limit {one['limit']:.2f}, p {one['q']:.2g}); the "
        f"middle risk was {middle[0]:.3f} and is {middle[1]:.3f}"
    )
    return Claim("drift", name, _smallest(found), False, _would_be_seen(found), because, todo)


def _frame(names: Sequence[str], psi: Floats, limit: Floats | float, q: Floats) -> pd.DataFrame:
    frame = pd.DataFrame({"signal": list(names), "psi": psi, "limit": limit, "q": q})
    frame["drifted"] = (frame["psi"] > frame["limit"]) & (frame["q"] <= SURE)
    order = (frame["limit"] - frame["psi"]).to_numpy()
    return frame.iloc[np.lexsort((order, ~frame["drifted"]))].reset_index(drop=True)


def _closest(past: Sequence[Floats], values: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Of each column the smallest index between any of the past snapshots and the values, and which that is."""
    each = np.array([
        [index(one[:, place], values[:, place]) for place in range(values.shape[1])] for one in past
    ])  # fmt: skip
    which: NDArray[np.intp] = each.argmin(axis=0)
    return each.min(axis=0), which


def _smallest(found: Moved) -> float:
    """p of nothing having moved: 1 where no index is beyond its limit, however sure a trifle is."""
    beyond = found.signals.loc[found.signals["psi"] > found.signals["limit"], "q"]
    return float(beyond.min()) if len(beyond) else 1.0


def _would_be_seen(found: Moved) -> bool:
    return by_chance(*found.accounts, len(found.signals)) <= LARGE_SHIFT


def _unknown(found: Moved | None, since: object) -> str:
    if found is None:
        return f"no snapshot up to {since} to compare with, or none after it"
    if min(found.accounts) < LEAST_ACCOUNTS:
        then, now = found.accounts
        return f"not enough data: {then} accounts up to {since} and {now} now, {LEAST_ACCOUNTS} needed"
    return ""


def _figures(row: Mapping[Any, Any]) -> str:
    return f"{row['signal']} (PSI {row['psi']:.2f}, limit {row['limit']:.2f})"
