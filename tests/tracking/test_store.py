from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from milepost.errors import EnvironmentFault, LockHeld
from milepost.tracking.store import artifact_uri, check_store, mlflow_errors, open_client, tracking_uri


def test_everything_lies_below_mlruns(tmp_path: Path) -> None:
    assert tracking_uri(tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    assert artifact_uri(tmp_path) == f"file://{tmp_path}/artifacts"


def test_the_folder_is_made(tmp_path: Path) -> None:
    check_store(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_a_locked_database_is_exit_3_and_names_the_file(mlruns: Path) -> None:
    with closing(sqlite3.connect(mlruns / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LockHeld, match=r"mlflow\.db: the tracking database is locked \(waited 0\.1 s\)") as caught:
            check_store(mlruns, lock_seconds=0.1)
        assert caught.value.exit_code == 3
        other.execute("ROLLBACK")
    check_store(mlruns, lock_seconds=0.1)  # free again


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "mlruns").write_text("")
    with pytest.raises(EnvironmentFault, match="cannot make the folder: File exists"):
        check_store(tmp_path / "mlruns")


def test_a_folder_in_place_of_the_database(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").mkdir()
    with pytest.raises(EnvironmentFault, match="unable to open database file"):
        check_store(tmp_path)


def test_a_damaged_database(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"x" * 5000)
    with pytest.raises(EnvironmentFault, match="not a readable tracking database; move it away"):
        check_store(tmp_path)


@pytest.mark.parametrize(
    ("raised", "kind", "line"),
    [
        (RuntimeError("(sqlite3.OperationalError) database is locked [SQL: UPDATE]"), LockHeld, "is locked"),
        (RuntimeError("Detected out-of-date database schema (found version x)"), EnvironmentFault, "another mlflow"),
        (OSError(28, "No space left on device"), EnvironmentFault, "no space left on the disk; free some space"),
        (RuntimeError("database or disk is full [SQL: INSERT]"), EnvironmentFault, "no space left on the disk"),
        (RuntimeError("table x already exists [SQL: CREATE TABLE x]"), EnvironmentFault, "half made; move it away"),
    ],
)
def test_what_mlflow_raises_becomes_one_line(
    tmp_path: Path, raised: Exception, kind: type[EnvironmentFault], line: str
) -> None:
    with pytest.raises(kind, match=line) as caught, mlflow_errors(tmp_path):
        raise raised
    assert caught.value.exit_code == 3
    assert "\n" not in caught.value.line


def test_our_own_errors_pass_through(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="disk") as caught, mlflow_errors(tmp_path):
        raise EnvironmentFault("disk")
    assert caught.value.where == ""


def test_a_database_that_could_not_be_made_leaves_nothing_and_the_next_one_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.store.tracking import sqlalchemy_store

    def half(uri: str, _: str) -> None:
        path = Path(uri.removeprefix("sqlite:///"))
        path.write_bytes(b"half")
        path.with_name(f"{path.name}-journal").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(sqlalchemy_store, "SqlAlchemyStore", half)
        with pytest.raises(OSError, match="No space left"):
            open_client(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".mlflow.db.tmp12345678").write_bytes(b"of a process that was killed")
    assert [one.name for one in open_client(tmp_path).search_experiments()] == ["Default"]
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]
