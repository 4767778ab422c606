"""How often what an account lacks is there about 90 days later: how reachable a next step is."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.milestones.daily import Floats, Ints
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT

AFTER = 90  # days
TOLERANCE = 20
Flags = NDArray[np.bool_]


def row_later(observations: Observations, day: Ints) -> NDArray[np.intp]:
    """The row of the same account nearest to 90 days later, within 20; -1 where it has none: [rows]. day: [rows]."""
    if not len(day):
        return np.zeros(0, dtype=np.intp)
    frame = pd.DataFrame({ACCOUNT: observations.context[ACCOUNT].to_numpy(), "day": day, "later": np.arange(len(day))})
    asked = frame[[ACCOUNT]].assign(day=day + AFTER, row=np.arange(len(day))).sort_values("day", kind="stable")
    found = pd.merge_asof(
        asked, frame.sort_values("day", kind="stable"), on="day", by=ACCOUNT, direction="nearest", tolerance=TOLERANCE
    ).sort_values("row")  # fmt: skip
    later = found["later"].fillna(-1).to_numpy(dtype=np.intp)
    return np.where(later == np.arange(len(day)), -1, later)


def taken_up(held: Flags, could: Flags, later: NDArray[np.intp]) -> tuple[Floats, Ints]:
    """Of the rows that could have it and lack it, the share that has it later, and how many such rows: [columns] each.

    held, could: bool [rows × columns]; later: `row_later`. Accounts that are gone by then are not asked; NaN for none.
    """
    asked = later >= 0
    lacking = could[asked] & ~held[asked]
    rows: Ints = lacking.sum(axis=0)
    there = (lacking & held[later[asked]]).sum(axis=0)
    return np.where(rows > 0, there / np.maximum(rows, 1), np.nan), rows
