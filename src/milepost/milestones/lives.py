"""The lives of accounts as they are known at one date: when they began and ended, seats, value events, setup steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.data.contract import Tables, to_frame
from milepost.data.subscriptions import BASE, spans
from milepost.milestones.daily import NEVER, Codes, DailyCounts, Floats, Ints, daily_counts
from milepost.settings import Settings
from milepost.signals.build import size_bands
from milepost.signals.catalogue import Feature
from milepost.terms import ACCOUNT
from milepost.windows import midnight

_EXACT = "decimal(24,6)"
RESOLVED = "conversations resolved"


@dataclass(frozen=True)
class SeatHistory:
    """Purchased seats over time: account codes, sorted, then `day`, the first midnight at which the seats were known.

    seats: NaN where unknown.
    """

    account: Codes
    day: Ints
    seats: Floats

    def on(self, account: Codes, day: Ints | int) -> Floats:
        """Seats known at midnight of each day, NaN where none are: [len(account)]."""
        bits = 1 << 22
        keys = self.account.astype(np.int64) * bits + self.day
        place = np.searchsorted(keys, account.astype(np.int64) * bits + np.broadcast_to(day, account.shape), "right")
        before = np.maximum(place - 1, 0)
        if not len(self.day):
            return np.full(len(account), np.nan)
        return np.where((place > 0) & (self.account[before] == account), self.seats[before], np.nan)


@dataclass(frozen=True)
class Lives:
    """All accounts created before `today`; codes are positions in `account_id`.

    Days are whole days since 1970 (UTC). created: the day of signing up; end: the first day without a subscription,
    after the grace days, NEVER while it runs (and without a subscriptions table); before_data: created before the data
    begin, so that what it did first is not known. plan, seats, size_band: what it began with ("" and NaN: unknown).
    value: value events; metric: the value metric, both None without their source, `metric_name` and `value_name` in
    words. areas: product area -> its own metric. steps: step -> the day it was first known to be done, NEVER: not yet.
    today: nothing on or after this day is known.
    """

    account_id: NDArray[np.str_]
    created: Ints
    end: Ints
    before_data: NDArray[np.bool_]
    plan: NDArray[np.str_]
    seats: Floats
    size_band: NDArray[np.str_]
    history: SeatHistory
    value: DailyCounts | None
    metric: DailyCounts | None
    value_name: str
    metric_name: str
    areas: Mapping[str, DailyCounts]
    steps: Mapping[str, Ints]
    today: int

    @property
    def accounts(self) -> int:
        return len(self.account_id)

    def codes(self, account_ids: Sequence[str] | NDArray[np.object_] | pd.Series) -> Codes:
        """Codes of accounts by name, -1 where there is none."""
        return np.asarray(pd.Index(self.account_id).get_indexer(pd.Index(account_ids)), dtype=np.intp)


def read_lives(tables: Tables, features: Sequence[Feature], settings: Settings, as_of: date) -> Lives:
    """Read what is visible at midnight of `as_of`; a few aggregates over the events, no row of them in memory."""
    today = _day_number(as_of)
    accounts = to_frame(tables.accounts)
    accounts = accounts[accounts["created_at"] < midnight(as_of)].sort_values(ACCOUNT).reset_index(drop=True)
    names = pd.Index(accounts[ACCOUNT])
    plan, seats, history = _began(tables, names, as_of)
    value, value_name = _value_events(tables, settings, names, today)
    metric, metric_name = _value_metric(tables, settings, names, today)
    if metric is None:
        metric, metric_name = value, value_name
    if value is None:
        value, value_name = metric, metric_name
    return Lives(
        account_id=accounts[ACCOUNT].to_numpy(dtype=str),
        created=_days(accounts["created_at"]),
        end=_ends(tables, names, settings, today),
        before_data=(accounts["created_at"] < pd.Timestamp(tables.data_begin)).to_numpy(),
        plan=plan,
        seats=seats,
        size_band=size_bands(pd.Series(seats), settings.data.size_bands),
        history=history,
        value=value,
        metric=metric,
        value_name=value_name,
        metric_name=metric_name,
        areas=_areas(tables, features, names, today),
        steps=_steps(tables, features, names, today),
        today=today,
    )


def _day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _days(times: pd.Series) -> Ints:
    """Whole days since 1970, NEVER where the time is null."""
    days = times.to_numpy(dtype="datetime64[D]")
    return np.where(np.isnat(days), NEVER, days.astype(np.int64))


def _began(tables: Tables, names: pd.Index, as_of: date) -> tuple[NDArray[np.str_], Floats, SeatHistory]:
    """Plan and seats of the first base subscription, and the seats over time."""
    plan, seats = np.full(len(names), "", dtype=object), np.full(len(names), np.nan)
    if tables.subscriptions is None:
        nothing = np.zeros(0, dtype=np.int64)
        return plan.astype(str), seats, SeatHistory(nothing.astype(np.intp), nothing, np.zeros(0))
    base = tables.subscriptions.filter(tables.subscriptions.item == BASE)
    rows = to_frame(base.filter(base.started_at < midnight(as_of))[[ACCOUNT, "started_at", "plan", "seats"]])
    rows["code"] = names.get_indexer(pd.Index(rows[ACCOUNT]))
    rows = rows[rows["code"] >= 0].sort_values(["code", "started_at"], kind="stable")
    first = rows.drop_duplicates("code")
    plan[first["code"]] = first["plan"].fillna("").to_numpy()
    seats[first["code"]] = first["seats"].to_numpy(dtype=float)
    # a row that starts during a day is known at the next midnight
    history = SeatHistory(
        rows["code"].to_numpy(dtype=np.intp), _days(rows["started_at"]) + 1, rows["seats"].to_numpy(dtype=float)
    )
    return plan.astype(str), seats, history


def _ends(tables: Tables, names: pd.Index, settings: Settings, today: int) -> Ints:
    """The day after which nothing runs any more, known before today and not followed within the grace days."""
    end = np.full(len(names), NEVER, dtype=np.int64)
    if tables.subscriptions is None:
        return end
    covered = spans(tables.subscriptions, settings.windows.grace_days)
    covered = covered[_days(covered["span_start"]) < today]
    last = covered.drop_duplicates(ACCOUNT, keep="last")
    codes, days = names.get_indexer(pd.Index(last[ACCOUNT])), _days(last["span_end"])
    known = (codes >= 0) & (days < today)
    end[codes[known]] = days[known]
    return end


def _value_events(
    tables: Tables, settings: Settings, names: pd.Index, today: int
) -> tuple[DailyCounts | None, str]:  # fmt: skip
    events = settings.data.value_events
    if not events:
        return None, ""
    return _of_events(tables, events, names, today), " or ".join(events)


def _value_metric(tables: Tables, settings: Settings, names: pd.Index, today: int) -> tuple[DailyCounts | None, str]:
    """The metric of the settings; by default resolved conversations where that table is there."""
    asked = settings.milestones.value_metric
    if asked.events:
        return _of_events(tables, asked.events, names, today), " or ".join(asked.events)
    if asked.table:
        table = getattr(tables, asked.table)
        return (None, "") if table is None else (
            _of_times(tables, table, asked.column, names, today), f"{asked.table}.{asked.column}"
        )  # fmt: skip
    if tables.conversations is not None:
        return _of_times(tables, tables.conversations, "resolved_at", names, today), RESOLVED
    return None, ""


def _areas(tables: Tables, features: Sequence[Feature], names: pd.Index, today: int) -> dict[str, DailyCounts]:
    metrics = {feature.area: feature.area_metric for feature in features if feature.area_metric}
    return {area: _of_events(tables, events, names, today) for area, events in metrics.items()}


def _of_events(tables: Tables, events: Sequence[str], names: pd.Index, today: int) -> DailyCounts:
    rows = tables.events.filter(tables.events.event_name.isin(list(events)) & (tables.events.quantity != 0))
    keyed = rows.select(
        ACCOUNT, day=rows.occurred_at.date(), seen=rows.visible_at.date(), quantity=rows.quantity.cast(_EXACT)
    )
    counted = keyed.group_by([ACCOUNT, "day", "seen"]).aggregate(count=keyed.quantity.sum().cast("float64"))
    return _counts(to_frame(counted), names, today)


def _of_times(tables: Tables, table: ibis.Table, column: str, names: pd.Index, today: int) -> DailyCounts:
    """Rows of a table, each on the day of one of its times; a row counts once that time has come."""
    rows = table.filter(table[column].notnull())
    keyed = rows.select(ACCOUNT, day=rows[column].date())
    counted = keyed.group_by([ACCOUNT, "day"]).aggregate(count=keyed.count().cast("float64"))
    frame = to_frame(counted)
    return _counts(frame.assign(seen=frame["day"]), names, today)


def _counts(frame: pd.DataFrame, names: pd.Index, today: int) -> DailyCounts:
    codes = names.get_indexer(pd.Index(frame[ACCOUNT]))
    day, seen = (_days(pd.to_datetime(frame[name])) for name in ("day", "seen"))
    keep = (codes >= 0) & (seen < today) & (day < today)
    return daily_counts(
        codes[keep].astype(np.intp), day[keep], seen[keep], frame["count"].to_numpy(dtype=float)[keep], len(names)
    )


def _steps(tables: Tables, features: Sequence[Feature], names: pd.Index, today: int) -> dict[str, Ints]:
    """Step -> the day it was first known to be done, in the order of the catalogue's steps."""
    wanted = sorted((f for f in features if f.setup_step is not None), key=lambda f: (f.setup_step or 0, f.name))
    if not wanted:
        return {}
    pairs = [(name, place) for place, feature in enumerate(wanted) for name in feature.event_names]
    steps = ibis.memtable(pd.DataFrame(pairs, columns=["event_name", "step"]).astype({"step": "int64"}))
    done = tables.events.filter(tables.events.quantity != 0).inner_join(steps, "event_name")
    first = to_frame(done.group_by([ACCOUNT, "step"]).aggregate(first=done.visible_at.min()))
    codes, days = names.get_indexer(pd.Index(first[ACCOUNT])), _days(first["first"])
    found = np.full((len(names), len(wanted)), NEVER, dtype=np.int64)
    keep = (codes >= 0) & (days < today)
    found[codes[keep], first["step"].to_numpy()[keep]] = days[keep]
    return {feature.name: found[:, place] for place, feature in enumerate(wanted)}
