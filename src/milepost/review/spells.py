"""When accounts left, told by month: every end is counted once, at the last snapshot that left the gap to act in.

Whole outcome windows tell of a change late: a window that lies across its date belongs to neither side, and one that
is not over says nothing yet. Cut at the next snapshot's window and at the date, the same windows hold every account
that left on its own side, and none of them twice.

Worked example, monthly snapshots, gap 14 days, changed on 1 July: the snapshot of 1 June is asked about 15 June to 15
July, as one spell until 1 July and one since; that of 1 July about 15 July to 15 August.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from milepost.outcomes import Times
from milepost.windows import Windows

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Spells:
    """Spans in which a row's account was there and could leave; all arrays [spells].

    row: the row each belongs to; begins, ends: days from the start of the row's outcome window; left: 1.0 where the
    account left in it, else 0.0; now: the spell lies after the date.
    """

    row: NDArray[np.intp]
    begins: Floats
    ends: Floats
    left: Floats
    now: Flags


def spells(days: NDArray[np.datetime64], times: Times, windows: Windows, since: date) -> Spells:
    """The spells of rows, those before the date first. days: the snapshot of each row, datetime64 [rows].

    Only what is known counts: a spell ends where its account was last watched. Accounts that left in the gap are
    counted at the snapshot before.
    """
    snapshots = days.astype("datetime64[D]")
    until = np.minimum(_until_next(snapshots, windows.outcome_days), times.watched)
    opens = snapshots + np.timedelta64(windows.gap_days, "D")
    cut = (np.datetime64(since, "D") - opens).astype(np.float64)
    before = _between(np.zeros(len(cut)), np.minimum(until, cut), times.left_after, now=False)
    later = _between(np.maximum(cut, 0.0), until, times.left_after, now=True)
    return Spells(*(np.concatenate(pair) for pair in zip(before, later, strict=True)))


def _until_next(snapshots: NDArray[np.datetime64], outcome_days: int) -> Floats:
    """Days from each row's snapshot to the next one, and no more than the outcome window: those of the last."""
    dates, place = np.unique(snapshots, return_inverse=True)
    steps = np.append(np.diff(dates).astype(np.float64), np.inf)
    until: Floats = np.minimum(steps, float(outcome_days))[place]
    return until


def _between(
    begins: Floats, ends: Floats, left_after: Floats, *, now: bool
) -> tuple[NDArray[np.intp], Floats, Floats, Floats, Flags]:
    there = np.flatnonzero((ends > begins) & (left_after >= begins))
    left = (left_after[there] < ends[there]).astype(np.float64)
    return there, begins[there], ends[there], left, np.full(len(there), now)
