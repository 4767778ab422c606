"""`milepost init`: propose milepost.toml and features.csv from the columns and event names of a product's files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from milepost.data import files
from milepost.data.contract import CONTRACT
from milepost.data.items import Items, find_items
from milepost.data.mapping import quoted
from milepost.data.publish import write_atomic
from milepost.data.sources import Raw, connect, open_raw
from milepost.errors import ContractError, EnvironmentFault, InputError
from milepost.pipeline.first_sight import EventsSeen, NameSeen, always_ends, look_at_events
from milepost.pipeline.propose_catalogue import Proposal, catalogue_csv, propose_features
from milepost.pipeline.propose_settings import Found, Sight, proposal_text, settings_toml
from milepost.settings import Settings, Table, parse

# how other products call the columns of the contract, the most telling first
_ALIASES: dict[str, tuple[str, ...]] = {
    "account_id": ("account", "accountid", "customer_id", "customer", "company_id", "org_id", "organization_id",
                   "tenant_id", "workspace_id", "team_id", "client_id"),
    "created_at": ("created", "signup_date", "signed_up_at", "signup_at", "start_date", "created_date", "joined_at"),
    "segment": ("industry", "tier"),
    "owner": ("account_owner", "csm", "manager"),
    "region": ("country", "state"),
    "time_zone": ("timezone", "tz"),
    "started_at": ("start_date", "starts_at", "start", "start_time", "period_start", "valid_from"),
    "ended_at": ("end_date", "ends_at", "end", "end_time", "period_end", "valid_to", "cancelled_at"),
    "item": ("product", "plan", "sku"),
    "plan": ("plan_name", "plan_id", "tier"),
    "seats": ("quantity", "licences", "licenses", "users"),
    "mrr": ("monthly_revenue", "amount", "price"),
    "term_ends_at": ("renewal_date", "renews_at", "contract_end"),
    "term_months": ("bill_period_months", "billing_months"),
    "occurred_at": ("event_time", "timestamp", "event_timestamp", "time", "ts", "created_at", "date", "day",
                    "event_date"),
    "event_name": ("event", "event_type", "action", "name", "type"),
    "user_id": ("user", "userid", "member_id", "seat_id"),
    "quantity": ("n_events", "count", "n", "events", "event_count"),
    "value": ("value_sum", "amount"),
    "event_id": ("id", "uuid", "message_id"),
    "loaded_at": ("ingested_at", "received_at", "inserted_at"),
}  # fmt: skip
_DAYS = ("date", "day", "event_date")
_COUNTS = ("n_events", "count", "n", "events", "event_count")


def propose(folder: Path, events: Path, accounts: Path | None, subscriptions: Path | None) -> str:
    """Write a commented milepost.toml and features.csv into `folder`, to be read and corrected by a person.

    Returns what was recognised, what is left to decide and what is missing for which part, as text.
    Raises InputError when either file is there already, ContractError when a file cannot be read or has no column
    that could be the account, time or name of an event.
    """
    targets = (folder / "milepost.toml", folder / "features.csv")
    for target in targets:
        if target.exists():
            raise InputError("stands here already", where=str(target), fix="move it away, or choose another folder")
    given = {"accounts": accounts, "subscriptions": subscriptions, "events": events}
    settings = parse({"tables": {"accounts": {"path": "-"}, "events": {"path": "-"}}}, folder=Path.cwd())
    connection = connect(settings)
    found = {name: _look(connection, settings, name, path) for name, path in given.items() if path is not None}
    seen, features = _features(connection, settings, found["events"])
    _find_paid_through(connection, found, seen)
    sight = Sight(found, seen, features)
    texts = (settings_toml(folder, sight), catalogue_csv(features))
    try:
        for target, text in zip(targets, texts, strict=True):
            _write(target, text)
    except EnvironmentFault:
        # both or none
        targets[0].unlink(missing_ok=True)
        raise
    return proposal_text(folder, sight)


def _features(connection: Any, settings: Settings, events: Found) -> tuple[EventsSeen | None, tuple[Proposal, ...]]:
    """What the events tell, and the features proposed; names alone where times or accounts cannot be read."""
    _refuse_without_names(events)
    try:
        seen = look_at_events(connection, events.raw, events.table, settings)
    except (ContractError, duckdb.Error):
        seen = None
    if seen is None:
        return None, propose_features(_names_only(connection, events), 0)
    return seen, propose_features(seen.names, seen.newcomers)


def _find_paid_through(connection: Any, found: dict[str, Found], seen: EventsSeen | None) -> None:
    """An end that is known in advance is the end of a paid term too."""
    given = found.get("subscriptions")
    if seen is None or given is None or "ended_at" not in given.columns or "term_ends_at" in given.columns:
        return
    end = given.columns["ended_at"]
    if always_ends(connection, given.raw, end, seen.last):
        found["subscriptions"] = replace(given, columns={**given.columns, "term_ends_at": end}, paid_through=True)


def _write(target: Path, text: str) -> None:
    write_atomic(target, lambda path: path.write_text(text, encoding="utf-8"))


def _look(connection: Any, settings: Settings, name: str, path: Path) -> Found:
    """Read one file's columns and guess what they are; nothing of its rows is kept."""
    table = Table(path=str(path.resolve()))
    delimiter = files.delimiter_of(path) if files.kind_of(path, table) == "csv" else ","
    raw = open_raw(connection, name, table.model_copy(update={"delimiter": delimiter}), settings)
    columns = guess(name, tuple(raw.types))
    extra: dict[str, Any] = {} if delimiter == "," else {"delimiter": delimiter}
    when = next((columns[ours] for ours in ("occurred_at", "created_at", "started_at") if ours in columns), None)
    unit = _unit(connection, raw, when) if when else ""
    if unit:
        extra["time_unit"] = unit
    if name == "events" and columns.get("quantity") in _COUNTS and columns.get("occurred_at") in _DAYS:
        extra["daily"] = True
    mapped = table.model_copy(update={**extra, "delimiter": delimiter, "columns": columns})
    items = _items(connection, raw, mapped, settings) if "item" in columns else Items((), ())
    return Found(path.resolve(), columns, extra, raw, mapped, items)


def _items(connection: Any, raw: Raw, table: Table, settings: Settings) -> Items:
    """The subscription items, as far as they can be told; what is wrong with the table `check` will say."""
    try:
        return find_items(connection, raw.relation, raw.types, table, settings)
    except (ContractError, duckdb.Error):
        return Items((), ())


def guess(name: str, theirs: tuple[str, ...]) -> dict[str, str]:
    """Which of their columns is which of ours, by name; each of theirs serves once.

    >>> guess("accounts", ("AccountId", "signup_date", "notes"))
    {'account_id': 'AccountId', 'created_at': 'signup_date'}
    """
    by_name = {_plain(column): column for column in reversed(theirs)}
    found: dict[str, str] = {}
    # our own names first, so that an alias never takes a column that already has the right name
    for rounds in (lambda ours: (ours,), lambda ours: _ALIASES.get(ours, ())):
        for column in CONTRACT[name]:
            for candidate in rounds(column.name) if column.name not in found else ():
                theirs_name = by_name.get(_plain(candidate))
                if theirs_name is not None and theirs_name not in found.values():
                    found[column.name] = theirs_name
                    break
    if name == "subscriptions" and "plan" in found and "item" not in found:
        found["item"] = found["plan"]
    return found


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _unit(connection: Any, raw: Raw, column: str) -> str:
    """The unit of epoch numbers in a column, from their size; "" for anything else."""
    number = f"TRY_CAST(({quoted(column)})::VARCHAR AS DOUBLE)"
    low, high = connection.raw_sql(
        f"SELECT min({number}), max({number}) FROM {raw.relation} WHERE {quoted(column)} IS NOT NULL"
    ).fetchone()
    if low is None or low < 1e8:
        return ""
    return "s" if high < 1e10 else "ms" if high < 1e13 else "us"


def _refuse_without_names(events: Found) -> None:
    if "event_name" not in events.columns:
        raise InputError(
            "no column looks like the name of an event",
            where=events.path.name,
            expected="event_name, event, event_type or action",
            fix=f"found {', '.join(events.other_columns[:6])}",
        )


def _names_only(connection: Any, events: Found) -> list[NameSeen]:
    """Event names with their rows, the most frequent first."""
    name = f"({quoted(events.columns['event_name'])})::VARCHAR"
    rows = connection.raw_sql(
        f"SELECT {name}, count(*) FROM {events.raw.relation} WHERE nullif(trim({name}), '') IS NOT NULL "
        "GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    return [NameSeen(str(row[0]), int(row[1])) for row in rows]
