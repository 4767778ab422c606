"""How long accounts stay by the milestone they had reached: Kaplan–Meier curves from one past snapshot on."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.milestones.daily import NEVER, Floats
from milepost.milestones.definitions import Staying, Survival
from milepost.milestones.journey import BEFORE_ALL
from milepost.milestones.lives import Lives
from milepost.milestones.survival import kaplan_meier, median_days, share_at
from milepost.milestones.utilization import days_of
from milepost.terms import ACCOUNT, SNAPSHOT, Milestone

WATCHED = 365  # days that are looked at, where the history is as long
SHORTEST = 60
ASKED = (30, 90, 180, 365)
LEAST = 10  # accounts of a curve
COLUMNS = [
    "milestone", "accounts", "churned", "days", "share", "low", "high", "median_days", "median_low", "median_high",
]  # fmt: skip


def staying(lives: Lives, states: pd.DataFrame) -> Staying | None:
    """states: account_id, snapshot_date, milestone (the furthest held at it), of all snapshots; None when no snapshot
    lies 60 days back.

    One snapshot, so that each account counts once and nothing after it decides on which curve it is. An account is
    watched until its subscription ends or until today. Source: Kaplan and Meier (1958).
    """
    days = days_of(states[SNAPSHOT])
    far = np.unique(days[lives.today - days >= SHORTEST])
    if not len(far):
        return None
    begin = int(far[np.argmin(np.abs(far - (lives.today - WATCHED)))])
    at = states[days == begin]
    codes = lives.codes(at[ACCOUNT])
    known = codes >= 0
    end = lives.end[codes[known]]
    watched = np.minimum(end, lives.today) - begin
    held = at["milestone"].to_numpy()[known]
    curves = _curves(held, np.maximum(watched, 0).astype(float), end < NEVER)
    length = lives.today - begin
    lines = [line for name, curve in curves.items() for line in _lines(name, curve, length)]
    return Staying(str(np.datetime64(begin, "D")), length, curves, pd.DataFrame(lines, columns=COLUMNS))


def _curves(held: NDArray[np.object_], days: Floats, ended: NDArray[np.bool_]) -> dict[str, Survival]:
    found: dict[str, Survival] = {}
    for name in (BEFORE_ALL, *(milestone.value for milestone in Milestone)):
        inside = held == name
        curve = kaplan_meier(days[inside], ended[inside]) if inside.sum() >= LEAST else None
        if curve is not None:
            found[name] = curve
    return found


def _lines(name: str, curve: Survival, length: int) -> list[tuple[object, ...]]:
    middle = median_days(curve)
    return [
        (name, curve.accounts, curve.events, day, *share_at(curve, float(day)), *middle)
        for day in ASKED if day <= length
    ]  # fmt: skip
