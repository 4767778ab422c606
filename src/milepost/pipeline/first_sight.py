"""What the rows of a new product's files tell before anything is set up: spans, hours, names and how they are used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from milepost.data.mapping import map_table, quoted
from milepost.data.sources import Raw
from milepost.settings import Settings, Table

# accounts whose first event lies in the first days of the data were there before: their beginning is not seen
_EARLY_DAYS = 7
_BUSY_HOURS = 8


@dataclass(frozen=True)
class NameSeen:
    """One event name. rows: rows, or counted uses of daily counts; accounts: share of the accounts that begin within
    the data and have it; uses, first_day: medians over those, uses in all and days after their first event (NaN when
    nobody begins within the data).
    """

    name: str
    rows: int
    accounts: float = float("nan")
    uses: float = float("nan")
    first_day: float = float("nan")


@dataclass(frozen=True)
class EventsSeen:
    """first, last: days of the first and last event; busy: the eight hours (UTC, from and to) that hold most events
    and their share, None for daily counts; newcomers: accounts that begin within the data; names: most rows first.
    """

    first: date
    last: date
    busy: tuple[int, int, float] | None
    newcomers: int
    names: tuple[NameSeen, ...]

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


def look_at_events(connection: Any, raw: Raw, table: Table, settings: Settings) -> EventsSeen | None:
    """Read the events once; None when no time can be read. Raises ContractError when a required column is missing."""
    select = dict(map_table("events", table, raw.types, settings).select)
    wanted = ("account_id", "occurred_at", "event_name", "quantity")
    columns = ", ".join(f"{select[name]} AS {name}" for name in wanted)
    connection.raw_sql(
        "CREATE OR REPLACE TEMP TABLE seen_events AS "
        f"SELECT account_id, event_name, min(occurred_at) AS first, max(occurred_at) AS last, sum(quantity) AS uses "
        f"FROM (SELECT {columns} FROM {raw.relation}) "
        "WHERE account_id IS NOT NULL AND event_name IS NOT NULL AND occurred_at IS NOT NULL AND quantity > 0 "
        "GROUP BY ALL"
    )
    first, last = connection.raw_sql("SELECT min(first)::DATE, max(last)::DATE FROM seen_events").fetchone()
    if first is None:
        return None
    busy = None if table.daily else _busy(connection, f"SELECT {columns} FROM {raw.relation}")
    newcomers, names = _names(connection)
    return EventsSeen(first, last, busy, newcomers, names)


def _busy(connection: Any, rows: str) -> tuple[int, int, float] | None:
    """The eight hours in a row, round the clock, with most events."""
    found = connection.raw_sql(
        f"SELECT hour(occurred_at), count(*) FROM ({rows}) WHERE occurred_at IS NOT NULL GROUP BY 1"
    ).fetchall()
    counts: Mapping[int, int] = dict(found)
    total = sum(counts.values())
    held = [sum(counts.get((start + hour) % 24, 0) for hour in range(_BUSY_HOURS)) for start in range(24)]
    start = held.index(max(held))
    return (start, (start + _BUSY_HOURS) % 24, max(held) / total) if total else None


def _names(connection: Any) -> tuple[int, tuple[NameSeen, ...]]:
    connection.raw_sql(
        "CREATE OR REPLACE TEMP TABLE seen_starts AS SELECT account_id, min(first) AS start FROM seen_events "
        f"GROUP BY 1 HAVING min(first) >= (SELECT min(first) FROM seen_events) + INTERVAL {_EARLY_DAYS} DAY"
    )
    newcomers = int(connection.raw_sql("SELECT count(*) FROM seen_starts").fetchone()[0])
    rows = connection.raw_sql(
        "SELECT event_name, sum(e.uses) AS n, count(s.account_id), "
        "median(e.uses) FILTER (s.account_id IS NOT NULL), "
        "median(date_diff('day', s.start, e.first)) FILTER (s.account_id IS NOT NULL) "
        "FROM seen_events e LEFT JOIN seen_starts s USING (account_id) GROUP BY 1 ORDER BY n DESC, event_name"
    ).fetchall()
    nan = float("nan")
    return newcomers, tuple(
        NameSeen(str(name), int(n), accounts / newcomers if newcomers else nan,
                 nan if uses is None else float(uses), nan if day is None else float(day))
        for name, n, accounts, uses, day in rows
    )  # fmt: skip


def always_ends(connection: Any, raw: Raw, column: str, last_event: date) -> bool:
    """Whether every subscription row has an end and some ends lie after the last event: paid-through dates do that."""
    moment = f"TRY_CAST(({quoted(column)})::VARCHAR AS TIMESTAMP)"
    end = f"CASE WHEN {moment} < TIMESTAMP '2200-01-01' THEN {moment} END"  # the year 9999 means that there is none
    rows, known, latest = connection.raw_sql(
        f"SELECT count(*), count({end}), max({end})::DATE FROM {raw.relation}"
    ).fetchone()
    return bool(rows and rows == known and latest > last_event)
