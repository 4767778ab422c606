"""Events that stay where they are: mapped, checked and counted with Ibis on another engine, as `checks` does in DuckDB.

Only tables with columns that are already of their kind can be read in place: times that are times, numbers that are
numbers. What has to be parsed first is read with DuckDB. The table is never copied: what leaves the engine are counts,
and the account ids where the settings exclude accounts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import pyarrow as pa

from milepost.data.checks import EXCLUDED, LATER, UNKNOWN, Balance, balance
from milepost.data.contract import CONTRACT, Column, answering, to_frame
from milepost.data.mapping import refuse_unknown_mapping
from milepost.errors import ContractError, nearest
from milepost.settings import Data, Settings, Table
from milepost.terms import ACCOUNT

WHERE = "tables.events"
# schemes of databases whose signals were compared with DuckDB's, row for row
IN_PLACE = ("postgres", "postgresql", "duckdb")
_FIRST, _BEYOND = datetime(1900, 1, 1), datetime(2200, 1, 1)
_TOO_LARGE = 1e15
_LARGEST = 1.7976931348623157e308
_COLUMNS = CONTRACT["events"]
_IDS = ("account_id", "user_id", "event_id")
_TYPES = {"text": "string", "time": "timestamp", "number": "float64"}
_ABOUT_ACCOUNTS = {EXCLUDED, UNKNOWN}


@ibis.udf.scalar.builtin(name="convert_to")  # type: ignore[untyped-decorator]
def _convert_to(text: str, encoding: str) -> bytes:  # type: ignore[empty-body]
    """PostgreSQL's own: the bytes of a text."""


@dataclass(frozen=True)
class RemoteEvents:
    """The events to use, with `visible_at`, on their own engine; where their rows went; which columns they have.

    event_names: of all sound rows, those at or after the date asked for included; id_kind: how account ids are
    written, text or integer, "" for a constant.
    """

    events: ibis.Table
    balance: Balance
    names: frozenset[str]
    event_names: ibis.Table
    id_kind: str


def open_remote(raw: ibis.Table, table: Table, settings: Settings, accounts: Sequence[str], as_of: datetime | None,
                engine: str) -> RemoteEvents:  # fmt: skip
    """Map and check `raw` on its engine; `accounts` are all ids that the accounts table knows.

    Raises ContractError as the check of a table in DuckDB does, and for a column that would have to be parsed.
    """
    refuse_unknown_mapping("events", table, raw.columns, settings)
    typed = _typed(raw, table, engine)
    judged = _judged(typed, settings.data, accounts)
    counts = _counts(typed, judged, as_of)
    sound = _sound(typed, judged, counts)
    usable = sound.filter(sound.visible_at < as_of) if LATER in counts else sound
    ours = frozenset(c.name for c in _COLUMNS if c.name in table.constants or _source(c.name, table) in raw.columns)
    usable, duplicates = _once(usable) if "event_id" in ours else (usable, 0)
    found = balance("events", counts, (), duplicates, settings, here=False)
    # a row at or after the date was not asked for its account
    named = sound.semi_join(judged.filter(judged.known), ACCOUNT) if LATER in counts else sound
    return RemoteEvents(usable, found, ours, named.select("event_name").distinct(), _id_kind(raw, table))


def _source(name: str, table: Table) -> str:
    return table.columns.get(name, name)


def _id_kind(raw: ibis.Table, table: Table) -> str:
    if ACCOUNT in table.constants:
        return ""
    return "text" if raw[_source(ACCOUNT, table)].type().is_string() else "integer"


def _typed(raw: ibis.Table, table: Table, engine: str) -> ibis.Table:
    """The contract's columns, visible_at, and `broken`: the first rule that a value breaks, null for none."""
    columns: dict[str, ibis.Value] = {}
    problems: dict[str, ibis.Value] = {}
    for column in _COLUMNS:
        columns[column.name] = value = _mapped(column, raw, table, engine)
        if column.name not in table.constants and _source(column.name, table) in raw.columns:
            problems |= _problems(column, value, raw[_source(column.name, table)])
    seen = ibis.greatest(columns["occurred_at"], ibis.coalesce(columns["loaded_at"], columns["occurred_at"]))
    return raw.select(**columns, visible_at=seen, broken=_first(problems))


def _mapped(column: Column, raw: ibis.Table, table: Table, engine: str) -> ibis.Value:
    """The column of the contract, of its kind."""
    if column.name in table.constants:
        return _constant(column, table.constants[column.name])
    source = _source(column.name, table)
    if source not in raw.columns:
        if column.required:
            raise ContractError(f"column '{source}' is missing", where=WHERE,
                                fix=f"map it with columns.{column.name}; {nearest(source, raw.columns)}")  # fmt: skip
        return ibis.literal(column.default).cast(_TYPES[column.kind])
    value, kind = raw[source], raw[source].type()
    if column.kind == "time":
        return _moment(column, value, table, engine)
    if column.kind == "number":
        if not kind.is_numeric() or kind.is_boolean():
            raise _unread(source, column, f"{kind}", "numbers", engine)
        number = value.cast("float64")
        number = ibis.ifelse(number.isnan(), ibis.null("float64"), number)
        return ibis.coalesce(number, float(column.default)) if column.default else number
    if column.name in _IDS and kind.is_floating():
        raise ContractError(
            f"column '{source}' holds ids as floating-point numbers", where=WHERE,
            expected="integers or text", fix="export it again: large ids are already damaged",
        )  # fmt: skip
    return value.cast("string").nullif("")


def _constant(column: Column, text: str) -> ibis.Value:
    if column.kind == "text":
        return ibis.literal(text).nullif("")
    try:
        if column.kind == "number":
            return ibis.literal(float(text)).cast("float64")
    except ValueError:
        pass
    expected = "a number" if column.kind == "number" else "a column with times"
    raise ContractError(f"constants.{column.name} = '{text}'", where=WHERE, expected=expected)


def _moment(column: Column, value: ibis.Value, table: Table, engine: str) -> ibis.Value:
    """UTC without a zone; null for a time that no event can have."""
    kind = value.type()
    if not (kind.is_timestamp() or kind.is_date()):
        raise _unread(value.get_name(), column, f"{kind}", "times", engine)
    # with a zone of its own the time is absolute; a day is a day wherever it was counted
    local = kind.is_date() or kind.timezone is None
    if table.time_zone != "UTC" and local and not table.daily:
        raise ContractError(f"time_zone '{table.time_zone}' cannot be read in place", where=WHERE,
                            fix="write times in UTC, or leave engine and in_place out")  # fmt: skip
    moment = value.cast("timestamp")
    moment = ibis.ifelse((moment >= ibis.literal(_FIRST)) & (moment < ibis.literal(_BEYOND)), moment, ibis.null())
    return moment.truncate("D") if table.daily and column.name == "occurred_at" else moment


def _unread(source: str, column: Column, kind: str, expected: str, engine: str) -> ContractError:
    return ContractError(f"column '{source}' ({column.name}) is {kind}, which {engine} does not parse here",
                         where=WHERE, expected=expected,
                         fix="write it so, or read the table with DuckDB")  # fmt: skip


def _problems(column: Column, value: ibis.Value, raw: ibis.Value) -> dict[str, ibis.Value]:
    """Reason -> whether a row has this problem, in the order in which they are asked."""
    problems: dict[str, ibis.Value] = {}
    if column.required:
        problems[f"empty {column.name}"] = (value if column.kind == "text" else raw).isnull()
    if column.kind == "time":
        problems[f"unreadable {column.name}"] = raw.notnull() & value.isnull()
    if column.kind == "number":
        # the isinf of Ibis 12 is never true on Spark
        problems[f"{column.name} is infinite"] = value.abs() > _LARGEST
        problems[f"{column.name} is too large"] = value.abs() >= _TOO_LARGE
    return problems


def _first(rules: Mapping[str, ibis.Value]) -> ibis.Value:
    nothing = ibis.null("string")
    return ibis.cases(*((condition, ibis.literal(reason)) for reason, condition in rules.items()), else_=nothing)


def _judged(typed: ibis.Table, data: Data, accounts: Sequence[str]) -> ibis.Table:
    """account_id, known, excluded: the accounts that are known, and those of events that the settings exclude."""
    known = set(accounts)
    strangers: set[str] = set()
    if data.exclude_accounts:
        ids = to_frame(typed.filter(typed.account_id.notnull()).select(ACCOUNT).distinct())[ACCOUNT]
        strangers = {name for name in set(ids) - known if data.excluded(name)}
    named = sorted(known | strangers)
    flags = {"known": [name in known for name in named], "excluded": [data.excluded(name) for name in named]}
    columns = {name: pa.array(values, pa.bool_()) for name, values in flags.items()}
    return ibis.memtable(pa.table({ACCOUNT: pa.array(named, pa.string()), **columns}))


def _counts(typed: ibis.Table, judged: ibis.Table, as_of: datetime | None) -> dict[str, int]:
    """How many rows met each fate, "" those to use; the first rule that a row breaks decides."""
    joined = typed.left_join(judged, ACCOUNT)
    rules = {EXCLUDED: joined.excluded.fill_null(False)}
    if as_of is not None:
        rules[LATER] = joined.visible_at >= ibis.literal(as_of)
    rules[UNKNOWN] = ~joined.known.fill_null(False)
    fated = joined.mutate(fate=ibis.coalesce(joined.broken, _first(rules), ibis.literal("")))
    found = to_frame(fated.group_by("fate").aggregate(rows=fated.count()).order_by("fate"))
    return {str(fate): int(rows) for fate, rows in zip(found["fate"], found["rows"], strict=True)}


def _sound(typed: ibis.Table, judged: ibis.Table, counts: Mapping[str, int]) -> ibis.Table:
    """Rows that break no rule but perhaps that of the date; what no row broke is not asked again by every query."""
    rows = typed
    if set(counts) - _ABOUT_ACCOUNTS - {"", LATER}:
        rows = rows.filter(rows.broken.isnull())
    if set(counts) & _ABOUT_ACCOUNTS:
        rows = rows.semi_join(judged.filter(judged.known & ~judged.excluded), ACCOUNT)
    return rows.drop("broken")


def _once(rows: ibis.Table) -> tuple[ibis.Table, int]:
    """Each event_id once, the copy that was visible first; and how many rows that leaves out.

    Only rows whose id stands twice are compared, and only once.
    """
    keyed = rows.filter(rows.event_id.notnull())
    ids = keyed.group_by("event_id").aggregate(copies=keyed.count())
    twice = ids.filter(ids.copies > 1)
    found = to_frame(twice.aggregate(ids=twice.count(), copies=twice.copies.sum().fill_null(0))).iloc[0]
    if not found["ids"]:
        return rows, 0
    repeated = _kept(twice.select("event_id"))
    copies = rows.semi_join(repeated, "event_id")
    # every column takes part in the order, so that it does not matter which copy came first
    order = ["visible_at", *(name for name in rows.columns if name != "visible_at")]
    keys = [ibis.asc(_in_bytes(copies[name]), nulls_first=False) for name in order]
    numbered = copies.mutate(place=ibis.row_number().over(ibis.window(group_by="event_id", order_by=keys)))
    once = _kept(numbered.filter(numbered.place == 0).drop("place"))
    rest = rows.anti_join(repeated, "event_id")
    # what is kept says how fine its times are, which Ibis takes for another type
    return rest.union(once.cast(rest.schema())), int(found["copies"] - found["ids"])


def _in_bytes(column: ibis.Value) -> ibis.Value:
    """A key that sorts text by its bytes, as DuckDB and Spark do; PostgreSQL sorts it by the rules of a language."""
    if column.type().is_string() and column.get_backend().name == "postgres":
        return _convert_to(column, "UTF8")
    return column


def _kept(expression: ibis.Table) -> ibis.Table:
    """The rows, computed once and kept by their engine until its session ends."""
    backend: Any = expression.get_backend()
    with answering(backend):
        # Ibis 12 forgets the small tables joined with when it keeps a table on Spark
        backend._run_pre_execute_hooks(expression)
        # `cache` would drop it when the program ends: by then the engine may be gone
        kept: ibis.Table = backend._create_cached_table(ibis.util.gen_name("kept"), expression)
    return kept
