"""What stands behind one signal of one account: its rows in the window, counted plainly, apart from the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import ibis

from milepost.data.contract import Tables, to_frame
from milepost.terms import ACCOUNT
from milepost.windows import midnight

NEWEST = 3
_EXACT = "decimal(24,6)"
# what may be shown of a row: no text that a person wrote, no id but the account's and its users'
_SHOWN = {
    "events": ("occurred_at", "event_name", "user_id", "quantity", "value", "loaded_at"),
    "conversations": ("opened_at", "first_reply_at", "resolved_at", "rated_at", "rating", "reopened"),
    "surveys": ("answered_at", "kind", "score"),
    "subscriptions": ("started_at", "ended_at", "item", "plan", "seats", "mrr", "term_ends_at", "term_months"),
    "accounts": ("created_at",),
}
_TIMES = {"accounts": "created_at", "subscriptions": "started_at", "conversations": "opened_at",
          "surveys": "answered_at"}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Which rows a signal comes from: of events, `names` (None: all of them); `time` says when a row counts.

    window_days: 0 means all of the past.
    """

    table: str
    window_days: int
    names: tuple[str, ...] | None = None
    time: str = ""


@dataclass(frozen=True)
class Sums:
    """Events of one account in a window: how many rows, sums of quantity and value, days, users, the last moment."""

    rows: int
    uses: float
    value: float
    days: int
    users: int
    last: datetime | None


def of_one_account(tables: Tables, account: str) -> Tables:
    """The tables with the rows of one account only."""
    kept = {
        name: table.filter(table[ACCOUNT] == account)
        for name in ("accounts", "events", "subscriptions", "conversations", "surveys", "access")
        if (table := getattr(tables, name)) is not None
    }
    return replace(tables, **kept)


def rows_of(tables: Tables, source: Source, snapshot: date) -> ibis.Table:
    """The rows of the source that the snapshot sees in the window."""
    table = getattr(tables, source.table)
    end = ibis.literal(midnight(snapshot))
    time = source.time or _TIMES.get(source.table, "occurred_at")
    rows = table.filter(table[time] < end)
    if source.table == "events":
        rows = rows.filter(rows.visible_at < end, rows.quantity != 0)
        if source.names is not None:
            rows = rows.filter(rows.event_name.isin(list(source.names)))
    if source.table == "surveys" and source.names is not None:
        rows = rows.filter(rows.kind.isin(list(source.names)))
    if source.table == "subscriptions":
        rows = rows.filter(rows.ended_at.isnull() | (rows.ended_at >= end))
    if source.window_days and source.table not in ("accounts", "subscriptions"):
        rows = rows.filter(rows[time] >= ibis.literal(midnight(snapshot) - timedelta(days=source.window_days)))
    return rows


def examples(tables: Tables, source: Source, snapshot: date) -> tuple[int, list[dict[str, object]]]:
    """How many rows there are, and the newest of them; what comes at or after the snapshot is left empty."""
    rows = rows_of(tables, source, snapshot)
    columns = [name for name in _SHOWN[source.table] if name in rows.columns]
    time = source.time or _TIMES.get(source.table, "occurred_at")
    newest = (
        rows.order_by(rows[time].desc(), *(rows[name] for name in columns if name != time))
        .select(columns)
        .limit(NEWEST)
    )
    found = []
    for row in newest.to_pyarrow().to_pylist():
        late = {name for name, value in row.items() if isinstance(value, datetime) and value >= midnight(snapshot)}
        late -= {"term_ends_at"}
        # a rating, and how often it was opened again, are known with the time they belong to
        late |= {"rating"} & {"rating" for _ in late & {"rated_at"}}
        late |= {"reopened"} & {"reopened" for _ in late & {"resolved_at"}}
        found.append({name: value for name, value in row.items() if value is not None and name not in late})
    return int(rows.count().to_pyarrow().as_py()), found


def sums(tables: Tables, names: Sequence[str] | None, window_days: int, snapshot: date) -> Sums:
    """Events of these names (None: any) in the window of so many days (0: all of the past)."""
    chosen = None if names is None else tuple(names)
    rows = rows_of(tables, Source("events", window_days, chosen), snapshot)
    found = rows.aggregate(
        rows=rows.count(), uses=rows.quantity.cast(_EXACT).sum().cast("float64"),
        value=rows.value.cast(_EXACT).sum().cast("float64"), days=rows.occurred_at.date().nunique(),
        users=rows.user_id.nunique(), last=rows.occurred_at.max(),
    ).to_pyarrow().to_pylist()[0]  # fmt: skip
    return Sums(
        found["rows"], found["uses"] or 0.0, found["value"] or 0.0, found["days"], found["users"], found["last"]
    )


def first_with_rows(tables: Tables, source: Source, snapshot: date, running: Sequence[str]) -> str:
    """The first running account with a row of the source; the first of all where none has one."""
    rows = rows_of(tables, source, snapshot)
    found = to_frame(rows.select(ACCOUNT).distinct())
    there = sorted(set(found[ACCOUNT].astype(str)) & set(running))
    return there[0] if there else running[0]
