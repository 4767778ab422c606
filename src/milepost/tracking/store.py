"""Where tracking lives: `<mlruns>/mlflow.db`, artifacts under `<mlruns>/artifacts`; checked before mlflow opens it."""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from milepost.errors import EnvironmentFault, LockHeld, MilepostError

LOCK_SECONDS = 20.0
_FIX = "the model bundle is not affected; log the run again later"


def database(mlruns: Path) -> Path:
    return mlruns.resolve() / "mlflow.db"


def tracking_uri(mlruns: Path) -> str:
    """The address mlflow opens: sqlite:///<mlruns>/mlflow.db."""
    return f"sqlite:///{database(mlruns).as_posix()}"


def artifact_uri(mlruns: Path) -> str:
    """Where a new experiment puts its artifacts, as a file address (spaces and # are escaped)."""
    return (mlruns.resolve() / "artifacts").as_uri()


def check_store(mlruns: Path, lock_seconds: float = LOCK_SECONDS) -> None:
    """Make the folder, and find out quickly whether the database can be written.

    Raises LockHeld when another process holds its lock for `lock_seconds`, EnvironmentFault when the folder or the
    database cannot be written or is no database.
    """
    path = database(mlruns)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFault(f"cannot make the folder: {error.strerror}", where=str(path.parent), fix=_FIX) from None
    try:
        with closing(sqlite3.connect(path, timeout=lock_seconds, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            # touches the file: SQLite refuses here, not at BEGIN, where the database is read-only or damaged
            connection.execute("PRAGMA user_version")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise _fault(error, path, lock_seconds) from None


def open_client(mlruns: Path) -> Any:
    """MLflow's client for this database, its registry included."""
    from mlflow import MlflowClient

    _make(mlruns)
    uri = tracking_uri(mlruns)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _make(mlruns: Path) -> None:
    """Make a new database aside and move it into place: a half made one could neither be used nor be finished."""
    path = database(mlruns)
    if path.exists() and path.stat().st_size:
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if path.exists() and path.stat().st_size:
            return
        _clear(path)
        # MLflow keeps the engine of an address: a name that comes again would lead to a file that is gone
        aside = path.with_name(f".{path.name}.tmp{secrets.token_hex(4)}")
        try:
            SqlAlchemyStore(f"sqlite:///{aside.as_posix()}", artifact_uri(mlruns)).engine.dispose()
            os.replace(aside, path)
        finally:
            _clear(path)
    finally:
        os.close(folder)


def _clear(path: Path) -> None:
    """Remove what is left of a database that was being made, SQLite's journals included; the folder is locked."""
    for left in path.parent.glob(f".{path.name}.tmp*"):
        left.unlink(missing_ok=True)


@contextmanager
def mlflow_errors(mlruns: Path) -> Iterator[None]:
    """Turn whatever mlflow raises while it writes into one line; a bug is still a bug, but the work is not lost."""
    try:
        yield
    except (MilepostError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise _fault(error, database(mlruns), LOCK_SECONDS) from error


def _fault(error: Exception, path: Path, lock_seconds: float) -> EnvironmentFault:
    text = " ".join(str(error).split())
    if "locked" in text or "busy" in text:
        return LockHeld(f"the tracking database is locked (waited {lock_seconds:g} s)", where=str(path), fix=_FIX)
    if "disk is full" in text or "No space left" in text:
        return EnvironmentFault("no space left on the disk", where=str(path), fix=f"free some space; {_FIX}")
    if "already exists" in text and "CREATE TABLE" in text:
        what = "the tracking database was left half made"
        return EnvironmentFault(what, where=str(path), fix="move it away and run again")
    if "not a database" in text or "malformed" in text:
        return EnvironmentFault("not a readable tracking database", where=str(path), fix="move it away and run again")
    if "Can't locate revision" in text or "out-of-date" in text:
        what = "the tracking database is of another mlflow version"
        return EnvironmentFault(what, where=str(path), fix="run 'mlflow db upgrade' or move it away")
    return EnvironmentFault(f"tracking failed: {type(error).__name__}: {text[:120]}", where=str(path), fix=_FIX)
