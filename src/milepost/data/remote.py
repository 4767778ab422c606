"""Events that stay where they are: mapped, checked and counted with Ibis on another engine, as `checks` does in DuckDB.

Only tables with columns that are already of their kind can be read in place: times that are times, numbers that are
numbers. What has to be parsed first is read with DuckDB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import ibis
import pyarrow as pa

from milepost.data.checks import LATER, OUTSIDE, Balance, balance
from milepost.data.contract import CONTRACT, Column
from milepost.errors import ContractError, nearest
from milepost.settings import Data, Settings, Table

_FIRST, _BEYOND = datetime(1900, 1, 1), datetime(2200, 1, 1)
_TOO_LARGE = 1e15
_COLUMNS = CONTRACT["events"]
_TYPES = {"text": "string", "time": "timestamp", "number": "float64"}
UNKNOWN = "account unknown in accounts"


@dataclass(frozen=True)
class RemoteEvents:
    """The events to use, with `visible_at`, on their own engine; where their rows went; which columns they have."""

    events: ibis.Table
    balance: Balance
    names: frozenset[str]


def open_remote(raw: ibis.Table, table: Table, settings: Settings, accounts: Sequence[str], as_of: datetime | None,
                engine: str) -> RemoteEvents:  # fmt: skip
    """Map and check `raw` on its engine; `accounts` are all ids that the accounts table knows.

    Raises ContractError as the check of a table in DuckDB does, and for a column that would have to be parsed.
    """
    columns = {column.name: _mapped(column, raw, table, engine) for column in _COLUMNS}
    columns["visible_at"] = ibis.greatest(
        columns["occurred_at"], ibis.coalesce(columns["loaded_at"], columns["occurred_at"])
    )
    rules = {**_problems(columns, raw, table)}
    if as_of is not None:
        rules[LATER] = columns["visible_at"] >= ibis.literal(as_of)
    typed = raw.select(**columns, broken=_first(rules))
    known = ibis.memtable(pa.table({"known": pa.array(sorted(set(accounts)), pa.string())}))
    joined = typed.left_join(known, typed.account_id == known.known)
    excluded = _excluded(joined, settings.data, accounts)
    fate = ibis.cases(
        (joined.broken.notnull() & (joined.broken != LATER), joined.broken),
        (excluded, f"{OUTSIDE}excluded account"),
        (joined.broken == LATER, LATER),
        (joined.known.isnull(), UNKNOWN),
        else_=ibis.literal(""),
    )
    judged = joined.mutate(fate=fate)
    counted = judged.group_by("fate").aggregate(rows=judged.count()).to_pyarrow().to_pylist()
    counts = {row["fate"]: int(row["rows"]) for row in counted}
    usable = judged.filter(judged.fate == "").drop("fate", "broken", "known")
    names = frozenset(raw.columns) | set(table.constants)
    ours = frozenset(column.name for column in _COLUMNS if _source(column.name, table) in names
                     or column.name in table.constants)  # fmt: skip
    duplicates = 0
    if "event_id" in ours:
        usable, duplicates = _once(usable)
    return RemoteEvents(usable, balance("events", counts, (), duplicates, settings), ours)


def _source(name: str, table: Table) -> str:
    return table.columns.get(name, name)


def _mapped(column: Column, raw: ibis.Table, table: Table, engine: str) -> ibis.Value:
    """The column of the contract, of its kind."""
    if column.name in table.constants:
        return ibis.literal(table.constants[column.name]).cast(_TYPES[column.kind])
    source = _source(column.name, table)
    if source not in raw.columns:
        if column.required or column.name in table.columns:
            raise ContractError(f"column '{source}' is not in the source", where="tables.events",
                                fix=f"map columns.{column.name}; {nearest(source, raw.columns)}")  # fmt: skip
        return ibis.literal(column.default).cast(_TYPES[column.kind])
    value, kind = raw[source], raw[source].type()
    if column.kind == "time":
        if not (kind.is_timestamp() or kind.is_date()):
            raise _unread(source, column, f"{kind}", "times", engine)
        if table.time_zone != "UTC":
            raise ContractError(f"time_zone '{table.time_zone}' cannot be read in place", where="tables.events",
                                fix="write times in UTC, or leave engine and in_place out")  # fmt: skip
        moment = value.cast("timestamp")
        moment = ibis.ifelse((moment >= ibis.literal(_FIRST)) & (moment < ibis.literal(_BEYOND)), moment, ibis.null())
        return moment.truncate("D") if table.daily and column.name == "occurred_at" else moment
    if column.kind == "number":
        if not kind.is_numeric():
            raise _unread(source, column, f"{kind}", "numbers", engine)
        number = value.cast("float64")
        number = ibis.ifelse(number.isnan(), ibis.null("float64"), number)
        return ibis.coalesce(number, float(column.default)) if column.default else number
    if kind.is_floating():
        raise ContractError(
            f"column '{source}' holds ids as floating-point numbers", where="tables.events",
            expected="integers or text", fix="export it again: large ids are already damaged",
        )  # fmt: skip
    return value.cast("string").nullif("")


def _unread(source: str, column: Column, kind: str, expected: str, engine: str) -> ContractError:
    return ContractError(f"column '{source}' ({column.name}) is {kind}, which {engine} does not parse here",
                         where="tables.events", expected=expected,
                         fix="write it so, or read the table with DuckDB")  # fmt: skip


def _problems(columns: dict[str, ibis.Value], raw: ibis.Table, table: Table) -> dict[str, ibis.Value]:
    """Reason -> whether a row has this problem, in the order in which they are asked."""
    problems: dict[str, ibis.Value] = {}
    for column in _COLUMNS:
        value, source = columns[column.name], _source(column.name, table)
        mapped = source in raw.columns and column.name not in table.constants
        if column.required:
            problems[f"empty {column.name}"] = (raw[source] if mapped and column.kind != "text" else value).isnull()
        if column.kind == "time" and mapped:
            problems[f"unreadable {column.name}"] = raw[source].notnull() & value.isnull()
        if column.kind == "number" and mapped:
            problems[f"{column.name} is infinite"] = value.isinf()
            problems[f"{column.name} is too large"] = value.abs() >= _TOO_LARGE
    return problems


def _first(rules: dict[str, ibis.Value]) -> ibis.Value:
    return ibis.cases(*((condition, ibis.literal(reason)) for reason, condition in rules.items()), else_=None)


def _excluded(rows: ibis.Table, data: Data, accounts: Sequence[str]) -> ibis.Value:
    """Whether the settings leave the account out; ids that the accounts table lacks are asked for only then."""
    if not data.exclude_accounts:
        return ibis.literal(False)
    strangers = rows.filter(rows.known.isnull(), rows.account_id.notnull()).select("account_id").distinct()
    ids = {*accounts, *strangers.to_pyarrow().column(0).to_pylist()}
    return rows.account_id.isin(sorted(name for name in ids if data.excluded(name)))


def _once(rows: ibis.Table) -> tuple[ibis.Table, int]:
    """Each event_id once, the copy that was visible first; and how many rows that leaves out."""
    ids = rows.filter(rows.event_id.notnull())
    found = ids.aggregate(rows=ids.count(), ids=ids.event_id.nunique()).to_pyarrow().to_pylist()[0]
    if found["rows"] == found["ids"]:
        return rows, 0
    order = ["visible_at", *(name for name in rows.columns if name != "visible_at")]
    place = ibis.row_number().over(
        ibis.window(group_by="event_id", order_by=[ibis.asc(rows[name], nulls_first=False) for name in order])
    )
    numbered = rows.mutate(place=place)
    kept = numbered.filter((numbered.place == 0) | numbered.event_id.isnull()).drop("place")
    return kept, int(found["rows"] - found["ids"])
