"""The four milestones one after another: who has reached which, when, and how long the next one took.

Setup and activation are reached once, with a date. Utilization and maturity hold as of a snapshot and can be lost; the
first snapshot at which they held counts as the day they were reached.
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
from milepost.milestones.utilization import days_of
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT, Milestone

NAMES = tuple(Milestone)
BEFORE_ALL = "none"


@dataclass(frozen=True)
class Held:
    """What is held by whom. set_up_on, activated_on: day of each account, NEVER: not yet; None: no definition.

    utilized, mature: float [rows of the observations], 1, 0, NaN unknown; None: no definition.
    """

    set_up_on: Ints | None
    activated_on: Ints | None
    utilized: Floats | None
    mature: Floats | None


def find_journey(lives: Lives, observations: Observations, held: Held, leads: pd.DataFrame) -> Journey:
    """States over time, the funnel over cohorts, times between milestones and conversion by group.

    leads: whether each milestone leads to the next, see `leads`.
    """
    codes, snapshots = lives.codes(observations.context[ACCOUNT]), days_of(observations.context[SNAPSHOT])
    states = _states(lives, observations, held, (codes, snapshots))
    reached = _reached(lives, held, codes, snapshots)
    seen = np.flatnonzero(~lives.before_data)
    funnel = _funnel(reached, seen)
    return Journey(
        cohorts=_cohorts(lives, reached, seen),
        funnel=funnel,
        times=_times(lives, reached, seen),
        groups=_groups(lives, reached, seen),
        leads=leads,
        states=states,
        because=_because(funnel, len(seen), int(lives.before_data.sum())),
    )


def _reached(lives: Lives, held: Held, codes: NDArray[np.intp], snapshots: Ints) -> dict[Milestone, Ints | None]:
    """Milestone -> the day each account reached it, NEVER: not yet; None without a definition."""
    firsts = [_first(values, codes, snapshots, lives.accounts) for values in (held.utilized, held.mature)]
    return dict(zip(NAMES, (held.set_up_on, held.activated_on, *firsts), strict=True))


def _first(values: Floats | None, codes: NDArray[np.intp], snapshots: Ints, accounts: int) -> Ints | None:
    if values is None:
        return None
    first = np.full(accounts, NEVER, dtype=np.int64)
    there = (values == 1) & (codes >= 0)
    np.minimum.at(first, codes[there], snapshots[there])
    return first


def _states(lives: Lives, observations: Observations, held: Held, given: tuple[NDArray[np.intp], Ints]) -> pd.DataFrame:
    """One row per row of the observations: the dates known before its snapshot, and what holds at it."""
    codes, snapshots = given
    frame = observations.context[[ACCOUNT, SNAPSHOT]].copy()
    furthest = np.full(len(frame), BEFORE_ALL, dtype=object)
    for name, column, days in (
        (Milestone.SETUP, "setup_on", held.set_up_on), (Milestone.ACTIVATION, "activated_on", held.activated_on),
    ):  # fmt: skip
        day = np.full(len(frame), NEVER) if days is None else days[codes]
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


def _funnel(reached: dict[Milestone, Ints | None], seen: NDArray[np.intp]) -> pd.DataFrame:
    rows = [
        {"milestone": name.value, "accounts": len(seen), **_count(days, seen)} for name, days in reached.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _count(days: Ints | None, accounts: NDArray[np.intp]) -> dict[str, float]:
    if days is None or not len(accounts):
        return {"reached": float("nan"), "share": float("nan")}
    there = days[accounts] < NEVER
    return {"reached": float(there.sum()), "share": float(there.mean())}


def _cohorts(lives: Lives, reached: dict[Milestone, Ints | None], seen: NDArray[np.intp]) -> pd.DataFrame:
    """Shares of the accounts of each month of signing up that have reached each milestone by now."""
    frame = pd.DataFrame({"cohort": _months(lives)[seen]})
    for name, days in reached.items():
        frame[name.value] = np.nan if days is None else (days[seen] < NEVER).astype(float)
    grouped = frame.groupby("cohort")
    shares = grouped[[name.value for name in NAMES]].mean()
    shares.insert(0, "accounts", grouped.size())
    return shares.reset_index()


def _times(lives: Lives, reached: dict[Milestone, Ints | None], seen: NDArray[np.intp]) -> pd.DataFrame:
    """Days from one milestone to the next; accounts that ended are watched until their end, others until today."""
    rows, before, start_name = [], lives.created, "sign-up"
    for name, days in reached.items():
        if days is None:
            continue
        started = seen[before[seen] < NEVER]
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


def _groups(lives: Lives, reached: dict[Milestone, Ints | None], seen: NDArray[np.intp]) -> pd.DataFrame:
    """Conversion by the plan and size an account began with, and by month of signing up."""
    frames = []
    for group, values in (("plan", lives.plan), ("size", lives.size_band), ("month", _months(lives))):
        named = np.where(values[seen] == "", "unknown", values[seen])
        for name, days in reached.items():
            if days is None:
                continue
            there = pd.DataFrame({"value": named, "there": days[seen] < NEVER}).groupby("value")["there"]
            share = pd.DataFrame({"accounts": there.size(), "share": there.mean()}).reset_index()
            frames.append(share.assign(group=group, milestone=name.value))
    columns = ["group", "value", "milestone", "accounts", "share"]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def _months(lives: Lives) -> NDArray[np.str_]:
    """The month each account signed up in, such as 2024-03."""
    return lives.created.astype("datetime64[D]").astype("datetime64[M]").astype(str)


def _because(funnel: pd.DataFrame, seen: int, before: int) -> str:
    known = dict(zip(funnel["milestone"], funnel["share"].astype(float), strict=True))
    shares = ", ".join(f"{name} {percent(share)}" for name, share in known.items() if not np.isnan(share))
    if not shares:
        return "No milestone has a definition yet."
    left = f"; {before:,} from before the data begin are not judged" if before else ""
    return f"Of {seen:,} accounts that signed up since the data begin, so many have reached: {shares}{left}."
