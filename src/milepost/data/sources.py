"""Open the contract's tables, wherever they live, as checked Ibis tables on one embedded DuckDB."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import ibis

from milepost.data import checks, files
from milepost.data.contract import CONTRACT, Finding, RowCount, Tables
from milepost.data.digest import digests
from milepost.data.mapping import literal, map_table, quoted
from milepost.data.rejects import no_row
from milepost.data.remote import IN_PLACE, RemoteEvents, open_remote
from milepost.data.spark import parquet_on_spark
from milepost.errors import ContractError, EnvironmentFault
from milepost.settings import Settings, Table
from milepost.terms import Action
from milepost.windows import as_utc_naive, midnight

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Raw:
    """A source as it was found: its relation on the connection, its columns, and rows the reader could not split.

    files: the files of a Parquet source, named from its path on, with a fingerprint of each.
    """

    relation: str
    types: dict[str, str]
    unreadable: tuple[checks.Unreadable, ...]
    fingerprint: str
    files: tuple[tuple[str, str], ...] = ()


def open_tables(settings: Settings, as_of: datetime | None = None, progress: Progress = lambda text: None) -> Tables:
    """Read, map, type and check every table; nothing at or after `as_of` is used.

    Raises ContractError for a table that breaks the contract, EnvironmentFault when it cannot be reached.
    """
    connection = connect(settings)
    opened: dict[str, checks.Opened] = {}
    prints: list[str] = []
    where = _engine_of_events(settings)
    remote: RemoteEvents | None = None
    event_files: tuple[tuple[str, str], ...] = ()
    for name, table in settings.tables.given().items():
        progress(f"reading {name}" + (f" on {where}" if name == "events" and where else ""))
        if name == "events" and where:
            remote, mark = _open_remote(connection, table, settings, as_of, where)
            opened[name] = checks.Opened(remote.balance.count, remote.balance.findings, remote.id_kind)
            prints.append(f"{name}:{mark}:{table!r}")
            continue
        raw = open_raw(connection, name, table, settings)
        prints.append(f"{name}:{raw.fingerprint}:{table!r}")
        if name == "events":
            event_files = tuple((file, _mark(mark, table)) for file, mark in raw.files)
        mapped = map_table(name, table, raw.types, settings)
        source = checks.Source(name, table, raw.relation, raw.unreadable)
        with _readable(f"tables.{name}"):
            opened[name] = checks.apply(connection, source, mapped, settings, as_of)
    checks.refuse_mixed_ids({name: part.id_kind for name, part in opened.items()})
    events = remote.events if remote else connection.table("events")
    begin, last, only_days = checks.period(events)
    until = _complete_until(settings, last, as_of)
    about_events = (*checks.about_days(only_days, settings.tables.events.daily), *checks.about_end(last, until))
    names = remote.names if remote else _mapped_names("events", settings, connection)
    return Tables(
        connection=connection,
        accounts=connection.table("accounts"),
        events=events,
        **{
            name: connection.table(name) if name in opened else None
            for name in ("subscriptions", "conversations", "surveys", "access")
        },
        has_users="user_id" in names,
        has_values="value" in names,
        has_quantities="quantity" in names,
        has_reopened="reopened" in _mapped_names("conversations", settings, connection),
        data_begin=midnight(begin),
        complete_until=until,
        row_counts=tuple(part.count for part in opened.values()),
        findings=(*(finding for part in opened.values() for finding in part.findings), *about_events),
        fingerprint=hashlib.sha256("\n".join(prints).encode()).hexdigest(),
        remote=where,
        event_names=remote.event_names if remote else checks.sound_names(connection),
        event_files=event_files,
        used_names=opened["events"].event_names,
        unknown_accounts=checks.unknown_accounts(opened["events"].findings),
    )


def _mark(fingerprint: str, table: Table) -> str:
    """What tells a file, and the settings it is read by, from another."""
    return hashlib.sha256(f"{fingerprint}:{table!r}".encode()).hexdigest()


def _engine_of_events(settings: Settings) -> str:
    """The engine that holds the events, "" for the embedded DuckDB."""
    if settings.tables.events.in_place:
        return urlsplit(settings.tables.events.url).scheme
    return settings.project.engine if settings.project.engine != "duckdb" else ""


def _open_remote(
    connection: Any, table: Table, settings: Settings, as_of: datetime | None, engine: str
) -> tuple[RemoteEvents, str]:
    """The events on their own engine, and what tells this state of them from another."""
    accounts = [row[0] for row in connection.raw_sql("SELECT account_id FROM known_accounts").fetchall()]
    if table.in_place:
        host = urlsplit(table.url).hostname or engine
        if engine not in IN_PLACE:
            raise ContractError(f"in_place is for PostgreSQL, not for {engine}", where="tables.events",
                                fix="leave it out: the table is then copied")  # fmt: skip
        found = open_remote(_remote_table(table, host), table, settings, accounts, as_of, engine)
        return found, digests(found.events, [date.max])[0]
    if table.url:
        raise ContractError("Spark reads Parquet here, not a database", where="tables.events",
                            fix="leave project.engine out, and set in_place = true")  # fmt: skip
    raw, mark = parquet_on_spark(settings)
    found = open_remote(raw, table, settings, accounts, as_of, engine)
    return found, mark or digests(found.events, [date.max])[0]


@contextmanager
def _answering(where: str) -> Iterator[None]:
    """Say in one line that a database failed, without its words: they may hold the password."""
    try:
        yield
    except (ContractError, EnvironmentFault, ImportError):
        raise
    except Exception as error:
        raise EnvironmentFault(f"database cannot be reached ({type(error).__name__})", where=where) from None


def connect(settings: Settings) -> Any:
    """An Ibis connection to an embedded DuckDB: its own temporary folder, bounded memory, UTC."""
    folder = tempfile.mkdtemp(prefix="milepost-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # the rest is for the work on its answers; reading a CSV file takes a quarter of a gigabyte at once
    limit = f"{max(settings.project.memory_bytes * 3 // 4 // 2**20, 500)}MiB"
    connection = ibis.duckdb.connect(threads=settings.project.threads, memory_limit=limit, temp_directory=folder)
    connection.raw_sql("SET TimeZone = 'UTC'")
    connection.raw_sql("SET preserve_insertion_order = false")
    return connection


def _mapped_names(name: str, settings: Settings, connection: Any) -> set[str]:
    """The contract's columns that the source has: what is in them must not decide which signals there are."""
    table = settings.tables.given().get(name)
    if table is None:
        return set()
    raw = connection.table(f"raw_{name}").columns
    own = {column.name for column in CONTRACT[name]}
    return {column for column in own if column in table.constants or table.columns.get(column, column) in raw}


def _complete_until(settings: Settings, last: datetime, as_of: datetime | None) -> datetime:
    """The settings' date, or the last event; never later than the date asked for."""
    given = settings.data.complete_until
    if given is None:
        # a daily count covers its whole day
        until = midnight(last) + timedelta(days=1) if settings.tables.events.daily else last
    else:
        until = as_utc_naive(given) if isinstance(given, datetime) else midnight(given)
    return min(until, as_of) if as_of else until


def open_raw(connection: Any, name: str, table: Table, settings: Settings) -> Raw:
    """Make the source visible on the connection as raw_<name>.

    Raises ContractError when it is not what it says it is, EnvironmentFault when it cannot be reached.
    """
    relation = f"raw_{name}"
    if table.url:
        return _from_database(connection, relation, table)
    path = settings.path(table.path)
    kind = files.kind_of(path, table)
    with _readable(path.name):
        if kind == "csv":
            return _from_csv(connection, relation, path, table)
        if kind == "duckdb":
            return _from_duckdb(connection, relation, path, table)
        return _from_parquet(connection, relation, path)


@contextmanager
def _readable(where: str) -> Iterator[None]:
    """Say in one line what DuckDB refused: the machine's fault or the table's."""
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException, PermissionError) as error:
        raise EnvironmentFault(f"cannot be read: {str(error).splitlines()[0][:120]}", where=where) from None
    except duckdb.Error as error:
        raise ContractError(f"cannot be read: {str(error).splitlines()[0][:160]}", where=where) from None


def _types(connection: Any, relation: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.raw_sql(f"DESCRIBE {relation}").fetchall()}


def _from_csv(connection: Any, relation: str, path: Path, table: Table) -> Raw:
    """Every column as text, no guessing; lines that do not fit are counted, never dropped silently."""
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in files.csv_header(path, table))
    packed = ", compression='gzip'" if files.is_gzip(path) else ""
    connection.raw_sql(
        f"CREATE TEMP TABLE {relation} AS SELECT * FROM read_csv({literal(str(path))}, auto_detect=false, header=true, "
        f"delim={literal(table.delimiter)}, quote={literal(table.quote)}, escape={literal(table.quote)}, "
        f"columns={{{columns}}}, null_padding=false, strict_mode=true, max_line_size=16777216, store_rejects=true, "
        f"rejects_table='rejects_{relation}', rejects_scan='scans_{relation}', rejects_limit=0{packed})"
    )
    return Raw(relation, _types(connection, relation), _unreadable(connection, relation, path.name),
               files.fingerprint([path]))  # fmt: skip


def _unreadable(connection: Any, relation: str, where: str) -> tuple[checks.Unreadable, ...]:
    """What the reader could not split, by reason. Raises ContractError for a quote that swallows the rest of a file."""
    rows = connection.raw_sql(
        "SELECT kind, count(*), min(line), list(line ORDER BY line)[:5], bool_or(open) FROM "
        "(SELECT line, min(error_type)::VARCHAR AS kind, bool_or(error_type = 'UNQUOTED VALUE' AND "
        f"contains(rtrim(csv_line, chr(10) || chr(13)), chr(10))) AS open FROM rejects_{relation} GROUP BY line) "
        "GROUP BY kind"
    ).fetchall()
    found: dict[str, checks.Unreadable] = {}
    for kind, count, first, lines, is_open in rows:
        if is_open:
            raise ContractError(f"a quote opened in or after line {first} is never closed", where=where,
                                fix="close it, or set quote in milepost.toml")  # fmt: skip
        reason = no_row(kind)
        known = found.get(reason, checks.Unreadable(reason, 0, ()))
        found[reason] = checks.Unreadable(reason, known.count + count, tuple(sorted({*known.lines, *lines}))[:5])
    return tuple(found.values())


def _from_parquet(connection: Any, relation: str, path: Path) -> Raw:
    found = files.parquet_files(path)
    names = ", ".join(literal(str(file)) for file in found)
    connection.raw_sql(f"CREATE TEMP VIEW {relation} AS SELECT * FROM read_parquet([{names}])")
    marks = tuple((str(file.relative_to(path)), files.fingerprint_of(file)) for file in found)
    whole = hashlib.sha256("".join(mark for _, mark in marks).encode()).hexdigest()
    return Raw(relation, _types(connection, relation), (), whole, marks)


def _from_duckdb(connection: Any, relation: str, path: Path, table: Table) -> Raw:
    alias = f"file_{relation}"
    connection.raw_sql(f"ATTACH {literal(str(path))} AS {alias} (READ_ONLY)")
    known = connection.raw_sql(
        f"SELECT table_name FROM information_schema.tables WHERE table_catalog = {literal(alias)}"
    ).fetchall()
    _known_table(table, [row[0] for row in known], path.name)
    connection.raw_sql(f"CREATE TEMP VIEW {relation} AS SELECT * FROM {alias}.{quoted(table.table)}")
    return Raw(relation, _types(connection, relation), (), files.fingerprint([path]))


def _from_database(connection: Any, relation: str, table: Table) -> Raw:
    """A table of any database Ibis reads, copied in batches."""
    host = urlsplit(table.url).hostname or urlsplit(table.url).scheme
    with _answering(host):
        connection.create_table(relation, _remote_table(table, host).to_pyarrow_batches().read_all(), temp=True)
    digest = connection.raw_sql(f"SELECT count(*), bit_xor(hash(t)) FROM {relation} t").fetchone()
    return Raw(relation, _types(connection, relation), (), str(digest))


def _remote_table(table: Table, host: str) -> ibis.Table:
    """A table of a database. Passwords in the URL never reach a message."""
    try:
        with _answering(host):
            remote = ibis.connect(table.url)
            _known_table(table, remote.list_tables(), host)
            return remote.table(table.table)
    except ImportError:
        backend = urlsplit(table.url).scheme
        raise EnvironmentFault(
            f"the Ibis backend '{backend}' is not installed", where=host, fix=f"pip install 'ibis-framework[{backend}]'"
        ) from None


def _known_table(table: Table, known: Iterable[str], where: str) -> None:
    names = list(known)
    if table.table not in names:
        raise ContractError(f"no table '{table.table}'", where=where, expected=f"one of {', '.join(sorted(names)[:6])}")


__all__ = ["Action", "Finding", "RowCount", "connect", "open_tables"]
