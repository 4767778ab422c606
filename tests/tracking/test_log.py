from __future__ import annotations

import csv
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from milepost.errors import LockHeld
from milepost.tracking import log
from milepost.tracking.log import NOTE, RunRecord, TrialRecord, log_run, table_csv
from milepost.tracking.store import open_client


@pytest.fixture
def record(tmp_path: Path) -> RunRecord:
    (tmp_path / "framework.toml").write_text("version = 1\n")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "one.txt").write_text("1")
    return RunRecord(
        project="demo",
        run_name="boosting 2024-07-01",
        description="Trained on nine months, tested on five.",
        params={"models": "boosting", "long": "x" * 10_000} | {f"p{n}": n for n in range(150)},
        metrics={"roc_auc": 0.781, "not_known": float("nan")},
        tags={"data_fingerprint": "f1f1", "git_commit": ""},
        artifacts={
            "report/report.html": "<!doctype html>\n",
            "raw.bin": b"\x00\r\n",
            "framework.toml": tmp_path / "framework.toml",
            "parts": tmp_path / "parts",
        },
        figures={"lift": "<svg/>"},
        ranking=[{"rank": 1, "feature": "=macros", "effect": 4.2}, {"rank": 2, "feature": "b", "effect": float("nan")}],
        trials=[
            TrialRecord(0, {"num_leaves": 15}, [0.2, 0.4], 0.3),
            TrialRecord(1, {"num_leaves": 31}, [0.1, 0.3], 0.2),
        ],
    )


def read(client: Any, run: Any, path: str) -> str:
    """An artifact's text, read where the run says it lies."""
    return (Path(run.info.artifact_uri.removeprefix("file://")) / path).read_bytes().decode()


def test_a_run_reads_back_as_it_was_written(mlruns: Path, record: RunRecord) -> None:
    client = open_client(mlruns)
    run = client.get_run(log_run(mlruns, record))
    assert run.info.run_name == "boosting 2024-07-01"
    assert run.info.status == "FINISHED"
    assert run.data.params["p149"] == "149"
    assert len(run.data.params) == 152
    assert len(run.data.params["long"]) == 6000
    assert run.data.metrics == {"roc_auc": 0.781}
    assert run.data.tags["data_fingerprint"] == "f1f1"
    assert "git_commit" not in run.data.tags
    assert run.data.tags[NOTE] == "Trained on nine months, tested on five."
    assert run.info.artifact_uri.startswith(f"file://{mlruns}/artifacts/")


def test_artifacts_stand_where_they_were_named(mlruns: Path, record: RunRecord) -> None:
    client = open_client(mlruns)
    run = client.get_run(log_run(mlruns, record))
    assert read(client, run, "report/report.html") == "<!doctype html>\n"
    assert read(client, run, "raw.bin") == "\x00\r\n"
    assert read(client, run, "framework.toml") == "version = 1\n"
    assert read(client, run, "parts/one.txt") == "1"
    assert read(client, run, "figures/lift.svg") == "<svg/>"


def test_the_ranking_is_a_table_of_the_run_and_a_safe_csv(mlruns: Path, record: RunRecord) -> None:
    client = open_client(mlruns)
    run = client.get_run(log_run(mlruns, record))
    assert json.loads(read(client, run, "ranking.json")) == {
        "columns": ["rank", "feature", "effect"],
        "data": [[1, "=macros", 4.2], [2, "b", None]],
    }
    rows = list(csv.reader(read(client, run, "ranking.csv").splitlines()))
    assert rows == [["rank", "feature", "effect"], ["1", "'=macros", "4.2"], ["2", "b", ""]]


def test_trials_are_nested_runs_with_their_fold_scores(mlruns: Path, record: RunRecord) -> None:
    client = open_client(mlruns)
    run_id = log_run(mlruns, record)
    experiment = client.get_experiment_by_name("demo").experiment_id
    nested = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run_id}'", order_by=["metrics.log_loss"])
    assert [run.data.params["num_leaves"] for run in nested] == ["31", "15"]
    assert nested[0].data.metrics == {"log_loss": 0.2, "fold_0_log_loss": 0.1, "fold_1_log_loss": 0.3}
    assert {run.info.status for run in nested} == {"FINISHED"}


def test_one_experiment_per_project_even_after_it_was_deleted(mlruns: Path) -> None:
    client = open_client(mlruns)
    first, second = (log_run(mlruns, RunRecord("demo", name)) for name in ("a", "b"))
    assert client.get_run(first).info.experiment_id == client.get_run(second).info.experiment_id
    client.delete_experiment(client.get_run(first).info.experiment_id)
    third = log_run(mlruns, RunRecord("demo", "c"))
    assert client.get_run(third).info.experiment_id == client.get_run(first).info.experiment_id


def test_a_run_that_breaks_is_marked_failed(mlruns: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(log, "_log_files", full)
    with pytest.raises(KeyboardInterrupt):
        log_run(mlruns, RunRecord("demo", "a"))
    client = open_client(mlruns)
    (run,) = client.search_runs([client.get_experiment_by_name("demo").experiment_id])
    assert run.info.status == "FAILED"


def test_a_locked_database_stops_the_run_before_anything_is_written(mlruns: Path) -> None:
    with closing(sqlite3.connect(mlruns / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LockHeld, match="log the run again later"):
            log_run(mlruns, RunRecord("demo", "a"), lock_seconds=0.1)
        other.execute("ROLLBACK")
    assert open_client(mlruns).get_experiment_by_name("demo") is None


def test_nothing_is_written_beside_the_working_folder(
    mlruns: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record: RunRecord
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    log_run(mlruns, record)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_telemetry_is_off_before_mlflow_is_imported() -> None:
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


@pytest.mark.parametrize("start", list("=+-@\t\r＝＋－＠"))
def test_text_that_a_spreadsheet_would_run_is_quoted(start: str) -> None:
    text = table_csv([{"feature": f"{start}cmd()", "effect": -1.5}])
    (row,) = csv.DictReader(text.splitlines(keepends=True))
    assert row["feature"].startswith(f"'{start}")
    assert row["effect"] == "-1.5"


def test_groups_are_json_and_unknown_figures_are_empty() -> None:
    text = table_csv([{"adoption_by_plan": {"team": 0.5, "pro": float("nan")}, "q": float("inf"), "kept": True}])
    (row,) = csv.DictReader(text.splitlines())
    assert json.loads(row["adoption_by_plan"]) == {"team": 0.5, "pro": None}
    assert (row["q"], row["kept"]) == ("", "True")
