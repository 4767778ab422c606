"""How to open MLflow's own pages on what was logged; starting the process is left to the command line."""

from __future__ import annotations

import sys
from pathlib import Path

from milepost.tracking import ENVIRONMENT, store
from milepost.tracking.store import open_client

HOST = "127.0.0.1"


def ui_command(mlruns: Path, port: int) -> list[str]:
    """The command that serves the pages on this machine only: one worker (0.5 GB; four take 2.1 GB)."""
    return [
        sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store.tracking_uri(mlruns),
        "--default-artifact-root", store.artifact_uri(mlruns), "--host", HOST, "--port", str(port), "--workers", "1",
    ]  # fmt: skip


def ui_environment(inherited: dict[str, str]) -> dict[str, str]:
    """The environment for that process: the given one, with telemetry and background jobs off."""
    return {**inherited, **ENVIRONMENT}


def runs_page(mlruns: Path, project: str, port: int) -> str:
    """The address of the project's table of runs; the pages open on another one, so it is worth printing.

    The page's switch must stand on "Model training". Without a run yet, the address of the list of experiments.
    """
    base = f"http://{HOST}:{port}/#/experiments"
    if not store.database(mlruns).exists():
        return base
    store.check_store(mlruns)
    with store.mlflow_errors(mlruns):
        found = open_client(mlruns).get_experiment_by_name(project)
    return base if found is None else f"{base}/{found.experiment_id}/runs"
