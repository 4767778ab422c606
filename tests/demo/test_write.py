from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from milepost.demo.simulate import Demo
from milepost.demo.write import write_demo
from milepost.errors import EnvironmentFault
from milepost.settings import load
from milepost.signals.catalogue import check_events, read_catalogue


@pytest.fixture(scope="module")
def folder(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("demo") / "product"
    write_demo(demo, target)
    return target


def test_the_files_and_nothing_else(folder: Path) -> None:
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    tables = ("accounts", "subscriptions", "events", "conversations", "surveys", "access")
    assert files == {
        *(f"data/{name}.parquet" for name in tables),
        "features.csv",
        "milepost.toml",
        "truth/truth.json",
        "truth/contact_effect.parquet",
    }


def test_the_settings_run_as_they_are(folder: Path, demo: Demo) -> None:
    settings = load(folder / "milepost.toml")
    windows = settings.windows.windows()
    assert (windows.observation_days, windows.gap_days, windows.outcome_days, windows.grace_days) == (84, 14, 56, 14)
    assert windows.step == "month"
    assert settings.data.value_events == ("conversation_resolved",)
    assert str(settings.data.complete_until) == "2024-03-01"
    assert pd.Timestamp(str(settings.data.complete_until)) == demo.complete_until
    for name, table in settings.tables.given().items():
        columns = pq.read_schema(settings.path(table.path)).names
        assert "account_id" in columns, name
    accounts = pq.read_schema(folder / "data" / "accounts.parquet").names
    assert {*settings.tables.accounts.immutable, settings.data.segment} <= set(accounts)


def test_the_catalogue_fits_the_events(folder: Path, demo: Demo) -> None:
    features = read_catalogue(folder / "features.csv")
    assert len(features) == len(demo.catalogue) >= 60
    names = pq.read_table(folder / "data" / "events.parquet", columns=["event_name"])["event_name"].unique().to_pylist()
    check_events(features, names)
    gated = next(feature for feature in features if feature.name == "response_targets")
    assert gated.plans == ("growth", "premium")
    assert gated.event_names == ("response_target_set", "response_target_met")


def test_what_is_written_is_what_was_simulated(folder: Path, demo: Demo) -> None:
    events = pq.read_table(folder / "data" / "events.parquet")
    assert events.num_rows == demo.events.num_rows
    assert events["occurred_at"].equals(demo.events["occurred_at"])
    rows = pd.read_parquet(folder / "data" / "subscriptions.parquet")
    assert rows["mrr"].sum() == demo.subscriptions["mrr"].sum()
    assert rows["ended_at"].isna().sum() == demo.subscriptions["ended_at"].isna().sum()
    assert json.loads((folder / "truth" / "truth.json").read_text()) == demo.truth


def test_truth_stays_out_of_the_data(folder: Path) -> None:
    for path in (folder / "data").iterdir():
        names = " ".join(pq.read_schema(path).names)
        assert "log_odds" not in names
        assert "health" not in names
    assert "truth.json" not in (folder / "milepost.toml").read_text()


def test_the_same_demo_gives_the_same_bytes(demo: Demo, folder: Path, tmp_path: Path) -> None:
    write_demo(demo, tmp_path)
    for path in sorted(folder.rglob("*.*")):
        again = tmp_path / path.relative_to(folder)
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(again.read_bytes()).digest(), path.name


def test_a_folder_that_is_a_file_is_a_fault_of_the_machine(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(EnvironmentFault, match=r"taken: cannot write the demo: .*; choose another folder"):
        write_demo(demo, tmp_path / "taken")
