"""Time in which the team answers: seconds between two moments, and the hours of the day that nobody covers."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.settings import WEEK, TeamHours
from milepost.windows import midnight

HOUR_COLUMNS = ["hour", "opened", "first_replies", "replied_within_hour"]
UNCOVERED = 0.1  # first replies for each conversation opened in an hour, below which nobody covers it
_HOUR = 3600.0
_DAY_OF_1970 = 3  # January 1, 1970 was a Thursday, the fourth day of WEEK


def working_seconds(since: pd.Series, until: pd.Series, team: TeamHours) -> NDArray[np.float64]:
    """Seconds between two moments (UTC) within the team's hours, by the clock on its wall; NaN where one is null."""
    return _worked(until, team) - _worked(since, team)


def hours_of_day(rows: pd.DataFrame, team: TeamHours, start: date) -> pd.DataFrame:
    """One row per hour of the team's day, HOUR_COLUMNS: conversations opened in it since `start`, first replies given
    in it, and the share of those opened that were replied to within 60 minutes (NaN without any).
    """
    opened = rows[rows["opened_at"] >= midnight(start)]
    replied = rows.loc[rows["first_reply_at"] >= midnight(start), "first_reply_at"]
    soon = (opened["first_reply_at"] - opened["opened_at"]).dt.total_seconds() <= _HOUR
    at = _local(opened["opened_at"], team).dt.hour.to_numpy()
    counts, replies = np.bincount(at, minlength=24), np.bincount(_local(replied, team).dt.hour, minlength=24)
    within = np.bincount(at, soon.to_numpy(dtype=float), minlength=24)
    share = np.divide(within, counts, out=np.full(24, np.nan), where=counts > 0)
    return pd.DataFrame(dict(zip(HOUR_COLUMNS, (np.arange(24), counts, replies, share), strict=True)))


def uncovered(hours: pd.DataFrame) -> int:
    """Hours of the day in which accounts ask and hardly anybody gives a first reply."""
    asked = hours["opened"] > 0
    return int((asked & (hours["first_replies"] < UNCOVERED * hours["opened"])).sum())


def _local(moments: pd.Series, team: TeamHours) -> pd.Series:
    return pd.to_datetime(moments).dt.tz_localize("UTC").dt.tz_convert(team.time_zone).dt.tz_localize(None)


def _worked(moments: pd.Series, team: TeamHours) -> NDArray[np.float64]:
    """Seconds of work since 1970, whatever happened before; differences of two are what counts."""
    local = _local(moments, team).to_numpy(dtype="datetime64[us]")
    there = ~np.isnat(local)
    days = local.astype("datetime64[D]")
    second = (local - days).astype("timedelta64[us]").astype(np.int64) / 1e6
    number = days.astype(np.int64) + _DAY_OF_1970
    works = np.array([day in team.days for day in WEEK])
    # whole weeks, the days of this week before today, and what of today is over
    weekday = number % len(WEEK)
    before = number // len(WEEK) * works.sum() + np.append(0, works.cumsum())[weekday]
    today = works[weekday] * np.clip(second - team.opens * _HOUR, 0, (team.closes - team.opens) * _HOUR)
    return np.where(there, before * (team.closes - team.opens) * _HOUR + today, np.nan)
