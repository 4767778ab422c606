from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from milepost.errors import LockHeld
from milepost.tracking.aliases import CHALLENGER, CHAMPION, name_champion, set_alias
from milepost.tracking.store import open_client


def versions(mlruns: Path, *model_ids: str) -> None:
    client = open_client(mlruns)
    client.create_registered_model("demo")
    for model_id in model_ids:
        client.create_model_version("demo", (mlruns / "artifacts").as_uri(), tags={"model_id": model_id})


def aliases(mlruns: Path) -> dict[str, str]:
    found = open_client(mlruns).get_registered_model("demo").aliases
    return {name: str(version) for name, version in found.items()}


def test_the_champion_is_the_newest_version_of_its_model(mlruns: Path) -> None:
    versions(mlruns, "abc", "def", "abc")
    set_alias(open_client(mlruns), "demo", CHALLENGER, "3")
    assert name_champion(mlruns, "demo", "abc")
    assert aliases(mlruns) == {CHAMPION: "3"}  # and is nobody's challenger
    assert name_champion(mlruns, "demo", "def")
    assert aliases(mlruns) == {CHAMPION: "2"}


def test_a_challenger_leaves_the_champion_alone(mlruns: Path) -> None:
    versions(mlruns, "abc", "def")
    name_champion(mlruns, "demo", "abc")
    set_alias(open_client(mlruns), "demo", CHALLENGER, "2")
    assert aliases(mlruns) == {CHAMPION: "1", CHALLENGER: "2"}


def test_a_model_that_was_never_logged_has_no_version(mlruns: Path) -> None:
    versions(mlruns, "abc")
    assert not name_champion(mlruns, "demo", "xyz")


def test_a_locked_database_is_said(mlruns: Path) -> None:
    with closing(sqlite3.connect(mlruns / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LockHeld, match="locked"):
            name_champion(mlruns, "demo", "abc", lock_seconds=0.1)
