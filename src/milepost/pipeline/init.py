"""`milepost init`: propose milepost.toml and features.csv from the columns and event names of a product's files."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
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
from milepost.settings import Settings, Table, parse
from milepost.signals.catalogue import COLUMNS

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
SHOWN_ITEMS = 20
_DAYS = ("date", "day", "event_date")
_COUNTS = ("n_events", "count", "n", "events", "event_count")
_VERBS = {
    "create", "edit", "update", "delete", "add", "remove", "view", "open", "close", "send", "start", "finish",
    "complete", "set", "use", "run", "win", "lose", "schedule", "make", "receive", "disable", "enable", "new",
    "clicked", "created", "edited", "updated", "deleted", "added", "removed", "viewed", "opened", "sent", "started",
    "completed",
}  # fmt: skip
_MISSING = {
    "accounts": "REQUIRED: one row per account, with account_id and created_at (when it signed up).",
    "subscriptions": "Without it an account counts as churned when its events stop.",
}


@dataclass(frozen=True)
class Found:
    """One file as it was read: our column names mapped to theirs, and what the settings have to say about it."""

    path: Path
    columns: Mapping[str, str]
    settings: Mapping[str, Any]
    other_columns: tuple[str, ...]
    items: Items


def propose(folder: Path, events: Path, accounts: Path | None, subscriptions: Path | None) -> None:
    """Write a commented milepost.toml and features.csv into `folder`, to be read and corrected by a person.

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
    names = _event_names(connection, found["events"])
    texts = (_toml(folder, found), _catalogue(names))
    try:
        for target, text in zip(targets, texts, strict=True):
            _write(target, text)
    except EnvironmentFault:
        # both or none
        targets[0].unlink(missing_ok=True)
        raise


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
    used = set(columns.values())
    others = tuple(column for column in raw.types if column not in used)
    mapped = table.model_copy(update={**extra, "columns": columns})
    items = _items(connection, raw, mapped, settings) if "item" in columns else Items((), ())
    return Found(path.resolve(), columns, extra, others, items)


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


def _event_names(connection: Any, events: Found) -> list[tuple[str, int]]:
    """Event names with their rows (or counted uses), the most frequent first."""
    if "event_name" not in events.columns:
        raise InputError(
            "no column looks like the name of an event",
            where=events.path.name,
            expected="event_name, event, event_type or action",
            fix=f"found {', '.join(events.other_columns[:6])}",
        )
    name = f"({quoted(events.columns['event_name'])})::VARCHAR"
    rows = connection.raw_sql(
        f"SELECT {name}, count(*) FROM raw_events WHERE nullif(trim({name}), '') IS NOT NULL "
        "GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    return [(str(row[0]), int(row[1])) for row in rows]


def _catalogue(names: list[tuple[str, int]]) -> str:
    """One feature per event name; a category is guessed where several names share a word."""
    words = {name: _stem(name) for name, _ in names}
    shared = {word for word in words.values() if list(words.values()).count(word) > 1}
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for name, count in names:
        # a name with a bar, a line break or spaces around it cannot stand in a cell of the catalogue
        if "|" in name or name != name.strip() or "\n" in name or "\r" in name:
            continue
        word = words[name]
        category = word if word in shared else "uncategorised"
        writer.writerow({"feature": name, "event_names": name, "category": category, "adopted_at_least": 1,
                         "description": f"{count:,} {'row' if count == 1 else 'rows'} in the events"})  # fmt: skip
    return text.getvalue()


def _stem(name: str) -> str:
    """The thing an event is about: its last word that is no verb, in the singular."""
    words = [word for word in "".join(c if c.isalnum() else " " for c in name.casefold()).split() if word not in _VERBS]
    if not words:
        return "uncategorised"
    return words[-1].removesuffix("s") or words[-1]


def _toml(folder: Path, found: Mapping[str, Found]) -> str:
    tables = [
        _table(folder, name, found[name]) if name in found else _placeholder(name)
        for name in ("accounts", "subscriptions", "events")
    ]
    return _HEAD.replace("PROJECT", _project_name(folder)) + "\n".join(tables) + _TAIL


def _project_name(folder: Path) -> str:
    """The folder's name, as far as a project may be called so."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", folder.resolve().name).strip("-_")[:60] or "milepost"


def _table(folder: Path, name: str, found: Found) -> str:
    lines = [f"[tables.{name}]", f"path = {_quoted(_relative(found.path, folder))}"]
    lines += [f"{key} = {_value(value)}" for key, value in found.settings.items()]
    for column in CONTRACT[name]:
        theirs = found.columns.get(column.name)
        if theirs is not None and theirs != column.name:
            lines.append(f"columns.{column.name} = {_quoted(theirs)}")
        elif theirs is None and column.required:
            lines.append(f'# columns.{column.name} = "..."   # REQUIRED: no column looks like it')
    if found.other_columns:
        lines.append(f"# not used: {', '.join(_quoted(column) for column in found.other_columns[:20])}")
    lines += _base_items(found.items) if name == "subscriptions" else []
    lines += _EXTRA.get(name, [])
    return "\n".join(lines) + "\n"


def _base_items(items: Items) -> list[str]:
    """Every item with its accounts, and those that may be the product itself."""
    about = "# Which items are the base product (wildcards allowed); the others are add-ons."
    if not items.held:
        return [about, '# base_items = ["starter_*", "pro_*"]']
    shown = ", ".join(f"{_quoted(name)} ({count:,})" for name, count in items.held[:SHOWN_ITEMS])
    more = f" and {len(items.held) - SHOWN_ITEMS:,} more" if len(items.held) > SHOWN_ITEMS else ""
    lines = [about, f"# Items found (accounts that hold them): {shown}{more}"]
    if not items.base:
        return [*lines, "# the item 'base' is the product itself"]
    named = ", ".join(_quoted(name) for name in items.base)
    return [*lines, f"base_items = [{named}]   # proposed: no account has two of these at once. Correct it"]


_EXTRA = {
    "accounts": ['# immutable = ["channel"]   # attributes that never change after sign-up and may become signals'],
    "subscriptions": [
        '# columns.term_ends_at = "end_date"   # only when the end is a renewal date known in advance',
    ],
    "events": [
        '# time_zone = "Europe/Berlin"      # when times are local; otherwise they are UTC',
        '# time_format = "%d/%m/%Y %H:%M"   # when times are not written as 2024-01-31 10:00:00',
    ],
}


def _placeholder(name: str) -> str:
    columns = ", ".join(column.name for column in CONTRACT[name] if column.required)
    head = f'# {_MISSING[name]}\n# Columns needed: {columns}; map other names with columns.OURS = "theirs".\n'
    if name == "accounts":
        # the settings cannot be read without this table, so that its place is kept
        return f'{head}[tables.accounts]\npath = "accounts.csv"   # put your file here\n'
    return f'{head}# [tables.{name}]\n# path = "{name}.csv"\n'


def _relative(path: Path, folder: Path) -> str:
    """Relative where the file lies in or under the project's folder, else absolute."""
    inside = path.is_relative_to(folder.resolve())
    return Path(os.path.relpath(path, folder.resolve())).as_posix() if inside else path.as_posix()


def _quoted(text: str) -> str:
    """A TOML basic string; JSON writes the same escapes, except for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: object) -> str:
    return "true" if value is True else _quoted(str(value))


_HEAD = """\
# Proposed by 'milepost init' from the names of your columns. Read it, correct it, then run 'milepost check'.

[project]
name = "PROJECT"          # names the model; letters, digits, - and _

[windows]
observation_days = 84      # what is looked at before a snapshot
gap_days = 14              # time left to act between the snapshot and the outcome
outcome_days = 56          # how long an account must stay to count as retained
grace_days = 14            # a gap in the subscription shorter than this is no churn
step = "month"             # a snapshot every month, or every so many days

# Each table: path (a CSV or Parquet file, a folder of Parquet files, or a DuckDB file with table = "name"), and
# columns.OURS = "theirs" for columns that are called differently there. Paths are relative to this file.

"""
_TAIL = """
[data]
# complete_until = 2024-12-31            # the day up to which the data are complete; without it: the last event
# exclude_accounts = ["test_*"]          # internal and test accounts
# value_events = ["report_exported"]     # the events in which your product does its job
# segment = "industry"                   # a column of accounts that groups them beside plan and size
"""
