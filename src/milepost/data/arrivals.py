"""What each table brought by day: how many rows, which columns were filled, which values came when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from milepost.data.contract import CONTRACT, Tables
from milepost.data.mapping import literal, quoted
from milepost.settings import ContractSettings, Settings

MOMENTS = {
    "accounts": "created_at", "subscriptions": "started_at", "events": "occurred_at", "conversations": "opened_at",
    "surveys": "answered_at", "access": "available_from",
}  # fmt: skip
# tables that bring rows every day; accounts and subscriptions come when somebody signs up
FLOWING = ("events", "conversations", "surveys")
VALUES = {"events": ("event_name",), "subscriptions": ("plan", "item"), "conversations": ("channel",),
          "surveys": ("kind",)}  # fmt: skip
# empty in a new row and filled later: that a recent row lacks them says nothing
_FILLED_LATER = {"ended_at", "available_to", "first_reply_at", "resolved_at", "replies", "rating", "rated_at", "topic",
                 "kind", "quality_score"}  # fmt: skip


@dataclass(frozen=True)
class Arrivals:
    """What one table brought before a moment.

    newest: the latest row, by `loaded_at` where that is known; None without one. daily: one row per day that has rows,
    columns `day`, `rows` and, for every optional column that the source has, how many rows fill it. values: column ->
    frame with `value`, `day`, `rows` over all history.
    """

    table: str
    newest: datetime | None
    daily: pd.DataFrame
    values: dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Gap:
    """Keys of one table that another one lacks: `missing` of `total`."""

    where: str
    what: str
    missing: int
    total: int


def find_arrivals(tables: Tables, settings: Settings, before: datetime) -> tuple[Arrivals, ...]:
    """Arrivals of every table that is there, of rows before `before`; not of events that live on another engine."""
    since = before - timedelta(days=history_days(settings.contract) + 1)
    here = [name for name in settings.tables.given() if name != "events" or not tables.remote]
    return tuple(_arrivals(tables.connection, name, since, before) for name in here)


def history_days(rules: ContractSettings) -> int:
    """Days that are looked back over: those judged, and as many weeks before the first of them."""
    return rules.recent_days + 7 * rules.weeks


def _arrivals(connection: Any, name: str, since: datetime, before: datetime) -> Arrivals:
    moment, seen = MOMENTS[name], f"TIMESTAMP {literal(before.isoformat())}"
    newest = "visible_at" if name == "events" else moment
    (last,) = connection.raw_sql(f"SELECT max({newest}) FILTER ({newest} < {seen}) FROM {name}").fetchone()
    day = f"date_trunc('day', {moment})::TIMESTAMP"
    filled = "".join(f", count({column}) AS {column}" for column in _optional(connection, name))
    daily = connection.raw_sql(
        f"SELECT {day} AS day, count(*) AS rows{filled} FROM {name} WHERE {moment} >= "
        f"TIMESTAMP {literal(since.isoformat())} AND {moment} < {seen} GROUP BY 1 ORDER BY 1"
    ).df()
    values = {
        column: connection.raw_sql(
            f"SELECT {column} AS value, {day} AS day, count(*) AS rows FROM {name} "
            f"WHERE {column} IS NOT NULL AND {moment} < {seen} GROUP BY 1, 2 ORDER BY 1, 2"
        ).df()
        for column in VALUES.get(name, ())
    }
    return Arrivals(name, last, daily, values)


def _optional(connection: Any, name: str) -> list[str]:
    """Columns that may be empty and that the source has."""
    source = {row[0] for row in connection.raw_sql(f"DESCRIBE {name}").fetchall()}
    maybe = [column.name for column in CONTRACT[name] if not column.required and column.default is None]
    return [quoted(column) for column in maybe if column in source and column not in _FILLED_LATER]


def find_gaps(tables: Tables, features: set[str]) -> tuple[Gap, ...]:
    """Accounts without a subscription and running ones without any event; access to features nobody declared."""
    connection: Any = tables.connection
    gaps = []
    if tables.subscriptions is not None:
        gaps.append(_gap(connection, "accounts", "accounts without a subscription",
                         "account_id NOT IN (SELECT account_id FROM subscriptions)"))  # fmt: skip
        if not tables.remote:
            gaps.append(_gap(connection, "subscriptions", "subscriptions of accounts without any event",
                             "account_id NOT IN (SELECT DISTINCT account_id FROM events)"))  # fmt: skip
    if tables.access is not None:
        known = ", ".join(literal(name) for name in sorted(features))
        gaps.append(_gap(connection, "access", "access to features outside the catalogue", f"feature NOT IN ({known})"))
    return tuple(gaps)


def _gap(connection: Any, name: str, what: str, condition: str) -> Gap:
    missing, total = connection.raw_sql(f"SELECT count(*) FILTER ({condition}), count(*) FROM {name}").fetchone()
    return Gap(name, what, int(missing), int(total))
