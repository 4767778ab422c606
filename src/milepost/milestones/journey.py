"""The four milestones one after another: who has reached which, when, and how long the next one took.

Setup and activation are reached once, with a date. Utilization and maturity hold as of a snapshot and can be lost; the
first snapshot at which they held counts as the day they were reached. Shares are of the accounts that can be judged:
whoever still has time to reach a milestone, and whoever was never seen to have or lack it, is left out and counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.importance.verdicts import percent
from milepost.milestones.daily import NEVER, Floats, Ints
from milepost.milestones.definitions import Journey
from milepost.milestones.lives import Lives
from milepost.milestones.survival import kaplan_meier, median_days
from milepost.milestones.utilization import MONTH, days_of
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT, Milestone

Flags = NDArray[np.bool_]

NAMES = tuple(Milestone)
BEFORE_ALL = "none"


@dataclass(frozen=True)
class Held:
    """What is held by whom. set_up_on, activated_on: day of each account, NEVER: not yet; None: no definition.

    utilized, mature: float [rows of the observations], 1, 0, NaN unknown; None: no definition. set_up_within,
    activated_within: days of tenure that the definitions leave; an account younger than that is not judged yet.
    """

    set_up_on: Ints | None
    activated_on: Ints | None
    utilized: Floats | None
    mature: Floats | None
    set_up_within: int = 0
    activated_within: int = 0


@dataclass(frozen=True)
class _Reach:
    """One milestone by account: the day it was reached, NEVER: not yet; whether it could be seen at all (that is not
    so before the data begin, nor where it was never known); and whether there was time enough to say that it was not.
    """

    days: Ints
    visible: Flags
    judged: Flags


def find_journey(lives: Lives, observations: Observations, held: Held, leads: pd.DataFrame) -> Journey:
    """States over time, the funnel over cohorts, times between milestones and conversion by group.

    leads: whether each milestone leads to the next, see `leads`.
    """
    codes, snapshots = lives.codes(observations.context[ACCOUNT]), days_of(observations.context[SNAPSHOT])
    reached = _reached(lives, held, codes, snapshots)
    funnel = _funnel(reached)
    return Journey(
        cohorts=_cohorts(lives, reached),
        funnel=funnel,
        times=_times(lives, reached),
        groups=_groups(lives, reached),
        leads=leads,
        states=states(lives, observations, held),
        because=_because(funnel, lives, any(reach is not None for reach in reached.values())),
    )


def _reached(lives: Lives, held: Held, codes: NDArray[np.intp], snapshots: Ints) -> dict[Milestone, _Reach | None]:
    """Milestone -> who reached it when and who can be judged; None without a definition."""
    given = ((held.set_up_on, held.set_up_within), (held.activated_on, held.activated_within))
    once = [None if days is None else _once(lives, days, within) for days, within in given]
    shown = [_shown(lives, values, codes, snapshots) for values in (held.utilized, held.mature)]
    return dict(zip(NAMES, (*once, *shown), strict=True))


def _once(lives: Lives, days: Ints, within: int) -> _Reach:
    # ended or not: were those that end early judged at once, the newest cohorts would hold hardly anyone else
    return _Reach(days, ~lives.before_data, ~lives.before_data & (lives.created + within <= lives.today))


def _shown(lives: Lives, values: Floats | None, codes: NDArray[np.intp], snapshots: Ints) -> _Reach | None:
    """A milestone that holds at snapshots; it takes a month of tenure to be seen."""
    if values is None:
        return None
    first, accounts = np.full(lives.accounts, NEVER, dtype=np.int64), lives.accounts
    there = (values == 1) & (codes >= 0)
    np.minimum.at(first, codes[there], snapshots[there])
    old = (codes >= 0) & (snapshots - lives.created[codes] >= MONTH)
    asked, known = (
        np.bincount(codes[rows], minlength=accounts) > 0 for rows in (old, (codes >= 0) & ~np.isnan(values))
    )
    visible = ~lives.before_data & (known | ~asked)
    last = int(snapshots.max()) if len(snapshots) else 0
    return _Reach(first, visible, visible & (lives.created + MONTH <= last))


def states(lives: Lives, observations: Observations, held: Held) -> pd.DataFrame:
    """One row per row of the observations: the dates known before its snapshot, and what holds at it.

    Columns: account_id, snapshot_date, setup_on, activated_on (NaT: not yet), utilized, mature (null: unknown) and
    milestone, the furthest that is held, "none" before the first.
    """
    codes, snapshots = lives.codes(observations.context[ACCOUNT]), days_of(observations.context[SNAPSHOT])
    frame = observations.context[[ACCOUNT, SNAPSHOT]].copy()
    furthest = np.full(len(frame), BEFORE_ALL, dtype=object)
    for name, column, days in (
        (Milestone.SETUP, "setup_on", held.set_up_on), (Milestone.ACTIVATION, "activated_on", held.activated_on),
    ):  # fmt: skip
        day = np.full(len(frame), NEVER) if days is None else np.where(codes >= 0, days[codes], NEVER)
        known = day < snapshots
        frame[column] = np.where(known, day, np.iinfo(np.int64).min).astype("datetime64[D]").astype("datetime64[us]")
        furthest[known] = name.value
    for name, column, values in (
        (Milestone.UTILIZATION, "utilized", held.utilized), (Milestone.MATURITY, "mature", held.mature),
    ):  # fmt: skip
        there = np.full(len(frame), np.nan) if values is None else values
        frame[column] = pd.arrays.BooleanArray(there == 1, np.isnan(there))
        furthest[there == 1] = name.value
    return frame.assign(milestone=furthest)


def _funnel(reached: dict[Milestone, _Reach | None]) -> pd.DataFrame:
    return pd.DataFrame([{"milestone": name.value, **_count(reach)} for name, reach in reached.items()])


def _count(reach: _Reach | None) -> dict[str, float]:
    judged = 0 if reach is None else int(reach.judged.sum())
    if reach is None or not judged:
        return {"accounts": judged, "reached": float("nan"), "share": float("nan")}
    there = reach.days[reach.judged] < NEVER
    return {"accounts": judged, "reached": float(there.sum()), "share": float(there.mean())}


def _cohorts(lives: Lives, reached: dict[Milestone, _Reach | None]) -> pd.DataFrame:
    """Shares of the accounts of each month of signing up that have reached each milestone, among those judged."""
    frame = pd.DataFrame({"cohort": _months(lives)})
    for name, reach in reached.items():
        frame[name.value] = np.nan if reach is None else np.where(reach.judged, reach.days < NEVER, np.nan)
    grouped = frame[~lives.before_data].groupby("cohort")
    shares = grouped[[name.value for name in NAMES]].mean()
    shares.insert(0, "accounts", grouped.size())
    return shares.reset_index()


def _times(lives: Lives, reached: dict[Milestone, _Reach | None]) -> pd.DataFrame:
    """Days from one milestone to the next; accounts that ended are watched until their end, others until today."""
    rows, before, start_name = [], lives.created, "sign-up"
    for name, reach in reached.items():
        if reach is None:
            continue
        days, started = reach.days, np.flatnonzero(reach.visible & (before < NEVER))
        begin, stop = before[started], np.minimum(lives.end, lives.today)[started]
        there = (days[started] < NEVER) & (days[started] <= stop)
        until = np.where(there, np.maximum(days[started], begin), np.maximum(stop, begin))
        middle, low, high = median_days(kaplan_meier((until - begin).astype(float), there))
        rows.append({
            "start": start_name, "milestone": name.value, "accounts": len(started), "reached": int(there.sum()),
            "median_days": middle, "low": low, "high": high,
        })  # fmt: skip
        before, start_name = days, name.value
    columns = ["start", "milestone", "accounts", "reached", "median_days", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _groups(lives: Lives, reached: dict[Milestone, _Reach | None]) -> pd.DataFrame:
    """Conversion by the plan and size an account began with, and by month of signing up."""
    frames = []
    for group, values in (("plan", lives.plan), ("size", lives.size_band), ("month", _months(lives))):
        named = np.where(values == "", "unknown", values)
        for name, reach in reached.items():
            if reach is None:
                continue
            frame = pd.DataFrame({"value": named, "there": reach.days < NEVER})[reach.judged]
            there = frame.groupby("value")["there"]
            share = pd.DataFrame({"accounts": there.size(), "share": there.mean()}).reset_index()
            frames.append(share.assign(group=group, milestone=name.value))
    columns = ["group", "value", "milestone", "accounts", "share"]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def _months(lives: Lives) -> NDArray[np.str_]:
    """The month each account signed up in, such as 2024-03."""
    return lives.created.astype("datetime64[D]").astype("datetime64[M]").astype(str)


def _because(funnel: pd.DataFrame, lives: Lives, defined: bool) -> str:
    before = int(lives.before_data.sum())
    seen = lives.accounts - before
    known = funnel[funnel["share"].notna()]
    if known.empty:
        return "No account can be judged yet." if defined else "No milestone has a definition yet."
    named = list(zip(known["milestone"], known["share"], known["accounts"], strict=True))
    shares = ", ".join(f"{name} {percent(share)}" for name, share, _ in named)
    waiting = [f"{name} {seen - accounts:,}" for name, _, accounts in named if accounts < seen]
    left = f"; too new or unknown, and left out: {', '.join(waiting)}" if waiting else ""
    left += f"; {before:,} from before the data begin are not judged" if before else ""
    return f"Of {seen:,} accounts that signed up since the data begin, so many have reached: {shares}{left}."
