from __future__ import annotations

import sys
from pathlib import Path

from milepost.tracking.log import RunRecord, log_run
from milepost.tracking.store import open_client
from milepost.tracking.ui import runs_page, ui_command, ui_environment


def test_the_pages_are_served_on_this_machine_by_one_worker(tmp_path: Path) -> None:
    command = ui_command(tmp_path, 5010)
    assert command[:4] == [sys.executable, "-m", "mlflow", "server"]
    options = dict(zip(command[4::2], command[5::2], strict=True))
    assert options["--host"] == "127.0.0.1"
    assert options["--port"] == "5010"
    assert options["--workers"] == "1"
    assert options["--backend-store-uri"] == f"sqlite:///{tmp_path}/mlflow.db"


def test_background_jobs_and_telemetry_are_off_whatever_was_set() -> None:
    environment = ui_environment({"PATH": "/bin", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "true"})
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert environment["PATH"] == "/bin"


def test_the_link_leads_to_the_projects_runs(mlruns: Path) -> None:
    log_run(mlruns, RunRecord("demo", "a"))
    number = open_client(mlruns).get_experiment_by_name("demo").experiment_id
    assert runs_page(mlruns, "demo", 5010) == f"http://127.0.0.1:5010/#/experiments/{number}/runs"


def test_without_a_run_the_link_leads_to_the_list(tmp_path: Path) -> None:
    assert runs_page(tmp_path / "none", "demo", 5010) == "http://127.0.0.1:5010/#/experiments"
    assert not (tmp_path / "none").exists()
