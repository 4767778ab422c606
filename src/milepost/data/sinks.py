"""Where a table of scores goes besides its files: a DuckDB file or a database, in one transaction each.

A target holds many dates: the rows of one date are replaced as a whole, those of other dates stay. A second table,
`<table>_runs`, has one row per date with what it was made from, written in the same transaction.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from milepost.errors import EnvironmentFault, InputError, LockHeld, SettingsError

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")
DATE = "snapshot_date"
_COME_AND_GO = ("level_", "reason_")


def to_duckdb(path: Path, table: str, frame: pd.DataFrame, run: Mapping[str, object]) -> None:
    """Replace the rows of the frame's date in a table of a DuckDB file, made where it is not there.

    Raises LockHeld when another process has the file open, EnvironmentFault when it cannot be written, InputError when
    the table there has other columns.
    """
    check_name(table)
    with _duckdb(path) as connection:
        connection.execute("BEGIN")
        for name, rows in ((table, frame), (f"{table}_runs", pd.DataFrame([dict(run)]))):
            connection.register("given", _typed(rows))
            connection.execute(f'CREATE TABLE IF NOT EXISTS "{name}" AS SELECT * FROM given LIMIT 0')
            there = [str(row[0]) for row in connection.execute(f'DESCRIBE "{name}"').fetchall()]
            kinds = {str(row[0]): str(row[1]) for row in connection.execute("DESCRIBE given").fetchall()}
            for column in _new_columns(there, rows, f"{path.name}, table {name}"):
                connection.execute(f'ALTER TABLE "{name}" ADD COLUMN {_quoted(column)} {kinds[column]}')
            connection.execute(f'DELETE FROM "{name}" WHERE {DATE} = ?', [_date(rows)])
            connection.execute(f'INSERT INTO "{name}" BY NAME SELECT * FROM given')
            connection.unregister("given")
        connection.execute("COMMIT")


def to_database(url: str, table: str, frame: pd.DataFrame, run: Mapping[str, object]) -> None:
    """Replace the rows of the frame's date in a table of a database that SQLAlchemy reaches.

    Raises EnvironmentFault, without the address, when it cannot be reached or written; InputError when the table there
    has other columns.
    """
    import sqlalchemy

    check_name(table)
    try:
        engine = sqlalchemy.create_engine(url)
        with engine.begin() as connection:
            for name, rows in ((table, frame), (f"{table}_runs", pd.DataFrame([dict(run)]))):
                _replace_date(connection, name, rows)
        engine.dispose()
    except (sqlalchemy.exc.SQLAlchemyError, ImportError, OSError) as error:
        # the message of a driver may hold the address with its password
        raise EnvironmentFault(f"the database cannot be written: {type(error).__name__}", where=f"table {table}",
                               fix="check the address, the driver and the permissions") from None  # fmt: skip


def _replace_date(connection: Any, name: str, rows: pd.DataFrame) -> None:
    import sqlalchemy

    inspector = sqlalchemy.inspect(connection)
    if inspector.has_table(name):
        there = [str(column["name"]) for column in inspector.get_columns(name)]
        for column in _new_columns(there, rows, f"table {name}"):
            kind = "FLOAT" if pd.api.types.is_numeric_dtype(rows[column]) else "TEXT"
            connection.execute(sqlalchemy.text(f'ALTER TABLE "{name}" ADD COLUMN {_quoted(column)} {kind}'))
        known = sqlalchemy.Table(name, sqlalchemy.MetaData(), autoload_with=connection)
        connection.execute(known.delete().where(known.c[DATE] == _date(rows)))
    rows.to_sql(name, connection, if_exists="append", index=False, chunksize=10_000)


def address_of(variable: str) -> str:
    """A database's address from the environment, where passwords belong. Raises SettingsError when it is not set."""
    found = os.environ.get(variable, "")
    if not found:
        raise SettingsError(f"the environment variable {variable} is not set", where="scoring.sinks",
                            fix=f"set it to the address, such as {variable}=postgresql+psycopg://…")  # fmt: skip
    return found


def check_name(table: str) -> None:
    """Raise SettingsError for a table name that is more than letters, digits and underscores."""
    if not _NAME.match(table):
        raise SettingsError("a table's name must be letters, digits and '_'", where="scoring.sinks",
                            fix="rename it")  # fmt: skip


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    """Columns with the types a table keeps: times in microseconds whatever they were read from, and text, also where
    no row has a value yet, which DuckDB by itself takes for integers.
    """
    loose = [name for name in rows if rows[name].dtype == object]
    text = {name: "string" for name in loose if all(isinstance(value, str) for value in rows[name].dropna())}
    times = {name: "datetime64[us]" for name in rows if rows[name].dtype.kind == "M" and rows[name].dt.tz is None}
    return rows.astype({**text, **times})


def _date(rows: pd.DataFrame) -> Any:
    return pd.Timestamp(rows[DATE].iloc[0]).to_pydatetime()


def _new_columns(there: list[str], rows: pd.DataFrame, where: str) -> list[str]:
    """Columns to add to the table. Levels and reasons come and go with the framework and the settings; another column
    that scores no longer have is what some reader may rely on, so a person decides.
    """
    given = [str(name) for name in rows.columns]
    lost = [name for name in there if name not in given and not name.startswith(_COME_AND_GO)]
    if lost:
        raise InputError(f"the table there has a column '{lost[0]}' that scores do not have", where=where,
                         fix="drop it there, or name another table")  # fmt: skip
    return [name for name in given if name not in there]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _duckdb(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(path))
    except (duckdb.Error, OSError) as error:
        if "lock" in str(error).lower():
            raise LockHeld("another process has this file open", where=str(path), fix="close it there") from None
        raise EnvironmentFault("this DuckDB file cannot be opened", where=str(path), fix="check the disk and the "
                               "permissions, or move the file away") from None  # fmt: skip
    try:
        yield connection
    except duckdb.Error as error:
        raise EnvironmentFault(f"DuckDB cannot write: {type(error).__name__}", where=str(path),
                               fix="check the disk") from None  # fmt: skip
    finally:
        connection.close()
