"""One template database for the whole session: making one takes seconds, copying it milliseconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from milepost.tracking.store import check_store, open_client


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    mlruns = tmp_path_factory.mktemp("template")
    check_store(mlruns)
    open_client(mlruns).search_experiments()
    return mlruns / "mlflow.db"


@pytest.fixture
def mlruns(template: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "mlruns"
    folder.mkdir()
    shutil.copy(template, folder / "mlflow.db")
    return folder
