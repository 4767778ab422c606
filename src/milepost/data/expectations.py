"""What a table is expected to bring, and whether it did: age, rows of a day, empty and new values, gaps.

A day is compared with the same weekday of the weeks before it, by their median: one bad day in the past moves nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.data.arrivals import FLOWING, Arrivals, Gap, history_days
from milepost.settings import ContractSettings, Table

Floats = NDArray[np.float64]

LEAST_WEEKS = 4
_LEAST_ROWS = 100  # on either side of a comparison of shares
_LEAST_HISTORY_DAYS = 28  # before the recent days, to say that a value is new
_STOPS_FROM = 30  # rows of a usual day: by chance such a day is not empty
_MAD_TO_SD = 1.4826
_NAMED = 3


class Standing(StrEnum):
    """Whether an expectation is met."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True)
class Expectation:
    """One thing expected of one table. `found` and `limit` are in `unit`; a limit is the one that warns."""

    check: str
    where: str
    standing: Standing
    found: float
    limit: float
    unit: str
    because: str
    what_to_do: str = ""


def judge(
    arrivals: Arrivals, table: Table, rules: ContractSettings, now: datetime, essential: Collection[str] = ()
) -> tuple[Expectation, ...]:
    """Everything expected of one table as of `now`; `essential`: values that must not stop coming.

    A table with a limit of age is expected to reach up to `now`; of another the days up to its last row are judged.
    """
    found = [*freshness(arrivals, table, now)]
    end = pd.Timestamp(now).normalize()
    if table.warn_after_hours is None and table.error_after_hours is None and arrivals.newest is not None:
        end = min(end, pd.Timestamp(arrivals.newest).normalize())
    if arrivals.table in FLOWING:
        found += [volume(arrivals, rules, end), *stopped(arrivals, rules, end, essential)]
    return (*found, *nulls(arrivals, rules, end), *new_values(arrivals, rules, end))


def freshness(arrivals: Arrivals, table: Table, now: datetime) -> tuple[Expectation, ...]:
    """The age of the newest row against the settings; nothing where they do not say how old it may be."""
    warn, error = table.warn_after_hours, table.error_after_hours
    limits = [limit for limit in (warn, error) if limit is not None]
    if not limits:
        return ()
    hours = float("inf") if arrivals.newest is None else (now - arrivals.newest) / timedelta(hours=1)
    standing = Standing.ERROR if error is not None and hours > error else Standing.OK
    if standing is Standing.OK and warn is not None and hours > warn:
        standing = Standing.WARN
    said = "no row at all" if arrivals.newest is None else f"the newest row is {hours:,.1f} hours old"
    return (Expectation("freshness", arrivals.table, standing, hours, min(limits), "hours", said,
                        "" if standing is Standing.OK else "see why it is not loaded"),)  # fmt: skip


def volume(arrivals: Arrivals, rules: ContractSettings, end: pd.Timestamp) -> Expectation:
    """Rows of each recent day against the same weekday; the day that differs most stands for all."""
    rows = _by_day(arrivals.daily, end, rules)
    day, usual, off, odd = _compared(rows, rules)
    if not len(usual) or _whole_weeks(arrivals.daily, end, rules) < LEAST_WEEKS:
        return Expectation("volume", arrivals.table, Standing.CANNOT_TELL, float("nan"), rules.warn_volume, "share",
                           f"fewer than {LEAST_WEEKS} earlier weeks to compare with")  # fmt: skip
    worst = int(np.argmax(np.where(odd, 1.0, 0.0) * 1e6 + np.abs(np.minimum(off, 1e3))))
    standing = Standing.OK if not odd.any() else Standing.WARN
    if (odd & (off <= -rules.error_volume)).any():
        standing = Standing.ERROR
    date = end.normalize() - pd.Timedelta(days=rules.recent_days - worst)
    said = f"{day[worst]:,.0f} rows on {date.date()}, usual for a {date.day_name()} {usual[worst]:,.0f}"
    said += f"; {int(odd.sum())} of {rules.recent_days} days differ" if odd.any() else ""
    return Expectation("volume", arrivals.table, standing, float(off[worst]), rules.warn_volume, "share", said,
                       "load these days again, or see what changed" if odd.any() else "")  # fmt: skip


def _by_day(daily: pd.DataFrame, end: pd.Timestamp, rules: ContractSettings) -> Floats:
    """Rows of the days before `end`, oldest first, 0 where a day has none: float64 [history_days]."""
    days = pd.date_range(end=end - pd.Timedelta(days=1), periods=history_days(rules), freq="D")
    return daily.set_index("day")["rows"].reindex(days, fill_value=0).to_numpy(dtype=np.float64)


def _whole_weeks(daily: pd.DataFrame, end: pd.Timestamp, rules: ContractSettings) -> int:
    if daily.empty:
        return 0
    known = (end - pd.Timestamp(daily["day"].iloc[0])).days - rules.recent_days
    return min(known // 7, rules.weeks)


def _compared(rows: Floats, rules: ContractSettings) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    """Per recent day: its rows, the usual ones, the difference as a share of these, and whether it is beyond chance."""
    recent = rules.recent_days
    lags = np.arange(1, rules.weeks + 1) * 7
    place = len(rows) - recent + np.arange(recent)
    before = rows[place[:, None] - lags[None, :]]
    # weeks before the data begin are no weeks without rows
    began = int(np.argmax(rows > 0)) if rows.any() else len(rows)
    before = np.where(place[:, None] - lags[None, :] >= began, before, np.nan)
    known = ~np.isnan(before).all(axis=1)
    if not known.all():
        return rows[place], np.array([]), np.array([]), np.array([], dtype=bool)
    usual = np.nanmedian(before, axis=1)
    # eight weeks of one weekday say little of its scatter: all weekdays together, as a share, and never below the root
    share = _MAD_TO_SD * np.nanmedian(np.abs(before - usual[:, None]) / np.maximum(usual[:, None], 1.0))
    spread = np.maximum(share * usual, np.sqrt(usual + 1))
    off = (rows[place] - usual) / np.maximum(usual, 1.0)
    odd = (np.abs(rows[place] - usual) > rules.volume_z * spread) & (np.abs(off) > rules.warn_volume)
    return rows[place], usual, off, odd


def stopped(
    arrivals: Arrivals, rules: ContractSettings, end: pd.Timestamp, essential: Collection[str]
) -> tuple[Expectation, ...]:
    """Values that used to come every day and did not on the last one; an error where one of them is essential."""
    if _whole_weeks(arrivals.daily, end, rules) < LEAST_WEEKS:
        return ()
    days = pd.date_range(end=end - pd.Timedelta(days=1), periods=1 + 7 * rules.weeks, freq="D")
    found = []
    for column, frame in arrivals.values.items():
        wide = frame.pivot_table(index="day", columns="value", values="rows", aggfunc="sum", fill_value=0)
        counts = wide.reindex(days, fill_value=0).to_numpy(dtype=np.float64)
        usual = np.median(counts[-8::-7], axis=0)
        names = [str(name) for name in wide.columns[(counts[-1] == 0) & (usual >= _STOPS_FROM)]]
        standing = Standing.ERROR if set(names) & set(essential) else Standing.WARN if names else Standing.OK
        said = f"no row on {days[-1].date()} of {_listed(names)}" if names else "every usual value came"
        found.append(Expectation("stopped", f"{arrivals.table}.{column}", standing, len(names), 0, "values", said,
                                 "see whether it is still recorded" if names else ""))  # fmt: skip
    return tuple(found)


def nulls(arrivals: Arrivals, rules: ContractSettings, end: pd.Timestamp) -> tuple[Expectation, ...]:
    """How much emptier each optional column has become in the recent days."""
    recent, before = _halves(arrivals.daily, end, rules)
    columns = [name for name in arrivals.daily.columns if name not in ("day", "rows")]
    now_rows, then_rows = int(recent["rows"].sum()), int(before["rows"].sum())
    found = []
    for column in columns if min(now_rows, then_rows) >= _LEAST_ROWS else ():
        now, then = 1 - recent[column].sum() / now_rows, 1 - before[column].sum() / then_rows
        chance = rules.volume_z * np.sqrt(max(then * (1 - then), 1 / now_rows) / now_rows)
        rise = now - then
        standing = _by_limits(rise if rise > chance else 0.0, rules.warn_nulls, rules.error_nulls)
        said = f"{now:.1%} empty in the last {rules.recent_days} days, {then:.1%} before"
        what = "" if standing is Standing.OK else "see what the source writes"
        found.append(Expectation("nulls", f"{arrivals.table}.{column}", standing, float(rise), rules.warn_nulls,
                                 "share", said, what))  # fmt: skip
    return tuple(found)


def _halves(daily: pd.DataFrame, end: pd.Timestamp, rules: ContractSettings) -> tuple[pd.DataFrame, pd.DataFrame]:
    begin = end - pd.Timedelta(days=rules.recent_days)
    return daily[(daily["day"] >= begin) & (daily["day"] < end)], daily[daily["day"] < begin]


def new_values(arrivals: Arrivals, rules: ContractSettings, end: pd.Timestamp) -> tuple[Expectation, ...]:
    """The share of recent rows whose value was never seen before them."""
    found = []
    for column, frame in arrivals.values.items():
        recent, before = _halves(frame, end, rules)
        rows = int(recent["rows"].sum())
        known = before["day"].min()
        if rows < _LEAST_ROWS or before.empty or (end - known).days - rules.recent_days < _LEAST_HISTORY_DAYS:
            continue
        unknown = recent[~recent["value"].isin(before["value"])]
        share = float(unknown["rows"].sum()) / rows
        names = unknown.groupby("value")["rows"].sum().sort_values(ascending=False, kind="stable").index.tolist()
        standing = _by_limits(share, rules.warn_new, rules.error_new)
        said = f"{share:.1%} of recent rows have a value not seen before" + (f": {_listed(names)}" if names else "")
        what = "" if standing is Standing.OK else "add it to the catalogue, or mend it"
        found.append(Expectation("new_values", f"{arrivals.table}.{column}", standing, share, rules.warn_new, "share",
                                 said, what))  # fmt: skip
    return tuple(found)


def gaps(found: Collection[Gap], rules: ContractSettings) -> tuple[Expectation, ...]:
    """Keys that another table lacks."""
    judged = []
    for gap in found:
        share = gap.missing / gap.total if gap.total else 0.0
        standing = _by_limits(share, rules.warn_gaps, rules.error_gaps)
        said = f"{gap.what}: {gap.missing:,} of {gap.total:,} ({share:.1%})"
        judged.append(Expectation("gaps", gap.where, standing, share, rules.warn_gaps, "share", said,
                                  "" if standing is Standing.OK else "see whether both tables are whole"))  # fmt: skip
    return tuple(judged)


def _by_limits(share: float, warn: float, error: float) -> Standing:
    return Standing.ERROR if share > error else Standing.WARN if share > warn else Standing.OK


def _listed(names: list[str], longest: int = 30) -> str:
    shown = ", ".join(str(name)[:longest] for name in names[:_NAMED])
    return shown + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
