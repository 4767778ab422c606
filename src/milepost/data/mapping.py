"""From the columns a source has to the contract's columns: one SQL SELECT per table, nothing interpreted as code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import available_timezones

from milepost.data.contract import CONTRACT, Column
from milepost.errors import ContractError, nearest
from milepost.settings import Settings, Table

_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
_FLOATS = {"FLOAT", "DOUBLE"}
_NUMBERS = _INTEGERS | _FLOATS | {"DECIMAL"}
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000}
# ends that exports write as the year 9999, and that mean there is none
_OPEN_ENDS = ("ended_at", "term_ends_at")


@dataclass(frozen=True)
class Mapped:
    """The SELECT list of a table, and the conditions under which a row has a problem: (reason, SQL), first match.

    sound: the SELECT list for a table none of whose rows has a problem: the same values for less work.
    """

    select: tuple[tuple[str, str], ...]
    problems: tuple[tuple[str, str], ...]
    sound: tuple[tuple[str, str], ...]


def quoted(name: str) -> str:
    """An identifier for SQL, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string for SQL, whatever is in it."""
    return "'" + text.replace("'", "''") + "'"


def map_table(name: str, table: Table, types: Mapping[str, str], settings: Settings) -> Mapped:
    """How each column of the contract comes from the source's columns (`types`: name -> DuckDB type).

    Raises ContractError when a required or a mapped column is not there, or its type cannot hold what it should.
    """
    where = f"tables.{name}"
    refuse_unknown_mapping(name, table, types, settings)
    if table.daily:
        # a day is a day wherever it was counted: moved by hours it would become another one
        table = table.model_copy(update={"time_zone": "UTC"})
    select, problems, sound = [], [], []
    for column in CONTRACT[name]:
        raw = _raw(column, table, types, where)
        if raw is None:
            select.append((column.name, _default(column)))
            sound.append(select[-1])
            continue
        source, kind = raw
        expression = _converted(column, source, kind, table, where)
        select.append((column.name, expression))
        sound.append((column.name, _sound(column, source, kind, table, where) or expression))
        problems += _problems(column, source, _base(kind), expression)
    for attribute in _attributes(name, table, settings):
        source = table.columns.get(attribute, attribute)
        _present(source, types, where)
        select.append((attribute, f"nullif(({quoted(source)})::VARCHAR, '')"))
        sound.append(select[-1])
    return Mapped(tuple(select), tuple(problems), tuple(sound))


def _attributes(name: str, table: Table, settings: Settings) -> list[str]:
    """Columns of accounts beyond the contract's own that the settings name."""
    if name != "accounts":
        return []
    wanted = [*table.immutable, *([settings.data.segment] if settings.data.segment else [])]
    own = {column.name for column in CONTRACT["accounts"]}
    return [attribute for attribute in dict.fromkeys(wanted) if attribute not in own]


def refuse_unknown_mapping(name: str, table: Table, types: Iterable[str], settings: Settings) -> None:
    """Raise ContractError where the settings name a column or a time zone that does not exist."""
    where = f"tables.{name}"
    allowed = [column.name for column in CONTRACT[name]] + _attributes(name, table, settings)
    for ours, theirs in table.columns.items():
        if ours not in allowed:
            raise ContractError(f"columns.{ours} is no column of {name}", where=where, fix=nearest(ours, allowed))
        _present(theirs, types, where)
    for ours in table.constants:
        if ours not in allowed:
            raise ContractError(f"constants.{ours} is no column of {name}", where=where, fix=nearest(ours, allowed))
    if table.time_zone not in available_timezones():
        raise ContractError(f"time_zone '{table.time_zone}' does not exist", where=where,
                            fix=nearest(table.time_zone, sorted(available_timezones())))  # fmt: skip


def _present(column: str, types: Iterable[str], where: str) -> None:
    if column not in types:
        raise ContractError(f"column '{column}' is not in the source", where=where, fix=nearest(column, types))


def _raw(column: Column, table: Table, types: Mapping[str, str], where: str) -> tuple[str, str] | None:
    """SQL of the unconverted value and its type, or None when there is no source for it."""
    if column.name in table.constants:
        return literal(table.constants[column.name]), "VARCHAR"
    source = table.columns.get(column.name, column.name)
    if source in types:
        name = quoted(source)
        if column.name in _OPEN_ENDS:
            never = f"({name})::VARCHAR LIKE '9999-%' OR ({name})::VARCHAR = 'infinity'"
            return f"CASE WHEN {never} THEN NULL ELSE {name} END", types[source]
        return name, types[source]
    if column.required:
        raise ContractError(f"column '{column.name}' is missing", where=where,
                            fix=f"map it with columns.{column.name}; {nearest(column.name, types)}")  # fmt: skip
    return None


def _default(column: Column) -> str:
    sql_type = {"text": "VARCHAR", "time": "TIMESTAMP", "number": "DOUBLE", "flag": "BOOLEAN"}[column.kind]
    value = "NULL" if column.default is None else literal(column.default)
    return f"CAST({value} AS {sql_type})"


def _base(kind: str) -> str:
    """DECIMAL(18,2) -> DECIMAL."""
    return kind.split("(")[0].upper()


def _converted(column: Column, source: str, kind: str, table: Table, where: str) -> str:
    base = _base(kind)
    if column.kind == "text":
        if column.name in ("account_id", "user_id", "event_id", "conversation_id") and base in _FLOATS:
            raise ContractError(
                f"column {source} holds ids as floating-point numbers",
                where=where,
                expected="integers or text",
                fix="export it again: large ids are already damaged",
            )
        return f"nullif(({source})::VARCHAR, '')"
    if column.kind == "time":
        moment = _time(column, source, base, table, where)
        # milliseconds read as seconds land in the far future, seconds read as milliseconds in January 1970
        first = "1970-02-01" if table.time_unit else "1900-01-01"
        sane = f"CASE WHEN {moment} >= TIMESTAMP '{first}' AND {moment} < TIMESTAMP '2200-01-01' THEN {moment} END"
        return f"date_trunc('day', {sane})" if table.daily and column.name == "occurred_at" else sane
    if column.kind == "flag":
        return source if base == "BOOLEAN" else f"TRY_CAST(nullif(({source})::VARCHAR, '') AS BOOLEAN)"
    # a missing number, however it is written, is null from here on
    number = f"nullif({_number(source, base)}, 'nan'::DOUBLE)"
    return f"coalesce({number}, {column.default})" if column.default else number


def _sound(column: Column, source: str, kind: str, table: Table, where: str) -> str:
    """SQL for a column without a problem: required text is not empty, times are sane; "" where nothing is saved."""
    if column.kind == "text" and column.required:
        return f"({source})::VARCHAR"
    if column.kind == "time" and not table.daily and _base(kind) != "VARCHAR":
        return _time(column, source, _base(kind), table, where)
    return ""


def _number(source: str, base: str) -> str:
    """A double; what is a number already is not written as text first, which would cost ten times the rest."""
    if base in _NUMBERS:
        return f"({source})::DOUBLE"
    return f"TRY_CAST(nullif(({source})::VARCHAR, '') AS DOUBLE)"


def _time(column: Column, source: str, base: str, table: Table, where: str) -> str:
    if base in ("TIMESTAMP WITH TIME ZONE",):
        return f"({source})::TIMESTAMP"
    if base.startswith("TIMESTAMP") or base == "DATE":
        return _in_utc(f"({source})::TIMESTAMP", table)
    if base in _INTEGERS | _FLOATS:
        if not table.time_unit:
            raise ContractError(f"column {source} ({column.name}) holds numbers", where=where,
                                fix='set time_unit = "s", "ms" or "us"')  # fmt: skip
        return _from_epoch(source, base, table.time_unit)
    if base != "VARCHAR":
        raise ContractError(f"column {source} ({column.name}) is {base}", where=where, expected="times")
    text = f"nullif(trim({source}), '')"
    if table.time_unit:
        return _from_epoch(text, base, table.time_unit)
    if table.time_format:
        return _in_utc(f"try_strptime({text}, {literal(table.time_format)})", table)
    # with an offset in the text it is honoured, without one the table's zone counts
    absolute = f"TRY_CAST(TRY_CAST({text} AS TIMESTAMPTZ) AS TIMESTAMP)"
    if table.time_zone == "UTC":
        return absolute
    local = _in_utc(f"TRY_CAST({text} AS TIMESTAMP)", table)
    return f"CASE WHEN regexp_matches({text}, ':.*([+-][0-9:]+|[Zz])$') THEN {absolute} ELSE {local} END"


def _from_epoch(number: str, base: str, unit: str) -> str:
    """Seconds, milli- or microseconds since 1970 as a timestamp; null for what is no time at all."""
    kind = "HUGEINT" if base in _INTEGERS else "DECIMAL(28, 6)"
    return f"TRY(make_timestamp(CAST(TRY_CAST({number} AS {kind}) * {1_000_000 // _PER_SECOND[unit]} AS BIGINT)))"


def _in_utc(naive: str, table: Table) -> str:
    """A local time as UTC; one that the change to summer time leaves out becomes null."""
    if table.time_zone == "UTC":
        return naive
    zone = literal(table.time_zone)
    moment = f"timezone({zone}, {naive})"
    return f"CASE WHEN timezone({zone}, {moment}) = {naive} THEN ({moment})::TIMESTAMP END"


def _problems(column: Column, source: str, base: str, expression: str) -> list[tuple[str, str]]:
    there = f"nullif({source}, '') IS NOT NULL" if base == "VARCHAR" else f"({source}) IS NOT NULL"
    problems = []
    if column.required:
        problems.append((f"empty {column.name}", f"NOT ({there})"))
    if column.kind == "time":
        problems.append((f"unreadable {column.name}", f"{there} AND ({expression}) IS NULL"))
    elif column.kind == "number":
        if base not in _NUMBERS:
            problems.append((f"{column.name} is not a number", f"{there} AND {_number(source, base)} IS NULL"))
        problems.append((f"{column.name} is infinite", f"isinf({expression})"))
        problems.append((f"{column.name} is too large", f"abs({expression}) >= 1e15"))
    elif column.kind == "flag" and base != "BOOLEAN":
        problems.append((f"{column.name} is not true or false", f"{there} AND ({expression}) IS NULL"))
    return problems
