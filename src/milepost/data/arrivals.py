"""What each table brought by day: how many rows, which columns were filled, which values came when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import ibis
import pandas as pd

from milepost.data.contract import CONTRACT, Tables, to_frame
from milepost.settings import ContractSettings, Settings
from milepost.terms import ACCOUNT

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
    """Arrivals of every table that is there, of rows before `before`."""
    since = before - timedelta(days=history_days(settings.contract) + 1)
    return tuple(_arrivals(getattr(tables, name), name, since, before) for name in settings.tables.given())


def history_days(rules: ContractSettings) -> int:
    """Days that are looked back over: those judged, and as many weeks before the first of them."""
    return rules.recent_days + 7 * rules.weeks


def _arrivals(table: ibis.Table, name: str, since: datetime, before: datetime) -> Arrivals:
    newest = table["visible_at" if name == "events" else MOMENTS[name]]
    last = to_frame(table.aggregate(last=newest.max(where=newest < before)))["last"].iloc[0]
    dated = table.mutate(day=table[MOMENTS[name]].truncate("D")).filter(table[MOMENTS[name]] < before)
    recent = dated.filter(dated[MOMENTS[name]] >= since)
    filled = {column: recent[column].count() for column in _optional(table, name)}
    daily = recent.group_by("day").aggregate(rows=recent.count(), **filled).order_by("day")
    values = {column: to_frame(_by_value(dated, column)) for column in VALUES.get(name, ())}
    return Arrivals(name, None if pd.isna(last) else last.to_pydatetime(), to_frame(daily), values)


def _by_value(dated: ibis.Table, column: str) -> ibis.Table:
    there = dated.select("day", value=dated[column]).filter(dated[column].notnull())
    return there.group_by(["value", "day"]).aggregate(rows=there.count()).order_by(["value", "day"])


def _optional(table: ibis.Table, name: str) -> list[str]:
    """Columns that may be empty and that the source has."""
    maybe = [column.name for column in CONTRACT[name] if not column.required and column.default is None]
    return [column for column in maybe if column in table.columns and column not in _FILLED_LATER]


def find_gaps(tables: Tables, features: set[str]) -> tuple[Gap, ...]:
    """Accounts without a subscription and running ones without any event; access to features nobody declared."""
    gaps = []
    if tables.subscriptions is not None:
        active = tables.movable(tables.events.select(ACCOUNT).distinct())
        gaps += [
            _gap("accounts", "accounts without a subscription", tables.accounts,
                 tables.accounts.anti_join(tables.subscriptions, ACCOUNT)),
            _gap("subscriptions", "subscriptions of accounts without any event", tables.subscriptions,
                 tables.subscriptions.anti_join(active, ACCOUNT)),
        ]  # fmt: skip
    if tables.access is not None:
        stray = tables.access.filter(~tables.access.feature.isin(sorted(features)))
        gaps.append(_gap("access", "access to features outside the catalogue", tables.access, stray))
    return tuple(gaps)


def _gap(name: str, what: str, table: ibis.Table, without: ibis.Table) -> Gap:
    missing, total = (int(to_frame(rows.aggregate(rows=rows.count()))["rows"].iloc[0]) for rows in (without, table))
    return Gap(name, what, missing, total)
