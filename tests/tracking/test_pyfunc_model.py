from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import exp, nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from milepost.bundle import save_bundle
from milepost.errors import BundleError
from milepost.signals.spec import Signal
from milepost.tracking.aliases import CHAMPION
from milepost.tracking.log import ModelRecord, RunRecord, log_run
from milepost.tracking.store import open_client, tracking_uri
from milepost.training.calibrate import Calibrator
from milepost.training.logistic import Logistic, Scaler
from milepost.training.model import ChurnModel
from milepost.training.season import Season

SIGNALS = tuple(Signal(name, None, "count", 84, "", "", name) for name in ("logins", "seats used"))


@pytest.fixture
def model() -> ChurnModel:
    """Log-odds = 0.5 × logins - 1 × seats used + 0.2, unknown counts as 0."""
    zeros, ones = np.zeros(2, dtype=np.float32), np.ones(2, dtype=np.float32)
    scaler = Scaler(np.zeros(2, dtype=bool), zeros, zeros, ones, np.zeros(2, dtype=bool))
    logistic = Logistic(scaler, np.array([0.5, -1.0]), 0.2)
    return ChurnModel("logistic", SIGNALS, Calibrator("platt"), 0.1, logistic=logistic)


@pytest.fixture
def logged(mlruns: Path, tmp_path: Path, model: ChurnModel) -> Callable[[str], tuple[str, Any]]:
    """Log a saved bundle, and load it back by its alias."""
    bundle = Path(save_bundle(tmp_path / "models", "one", model, {}).path)

    def log_and_load(model_id: str) -> tuple[str, Any]:
        import mlflow

        names = tuple(signal.name for signal in SIGNALS)
        run_id = log_run(mlruns, RunRecord("demo", "boosting", model=ModelRecord(bundle, names, model_id)))
        mlflow.set_tracking_uri(tracking_uri(mlruns))
        mlflow.set_registry_uri(tracking_uri(mlruns))
        return run_id, mlflow.pyfunc.load_model(f"models:/demo@{CHAMPION}")

    return log_and_load


def test_the_registered_model_scores_as_the_bundle_does(logged: Callable[[str], tuple[str, Any]]) -> None:
    _, loaded = logged("abc")
    frame = pd.DataFrame({"seats used": [1.0, nan], "other": [9.0, 9.0], "logins": [2.0, 0.0]}, index=[7, 8])
    risk = loaded.predict(frame)["churn_risk"]
    # log-odds: 0.5 × 2 - 1 + 0.2 = 0.2 and 0.2
    assert risk.tolist() == pytest.approx([1 / (1 + exp(-0.2))] * 2)
    assert list(risk.index) == [7, 8]
    frame["seats used"] = [0.0, 3.0]
    assert loaded.predict(frame)["churn_risk"].tolist() == pytest.approx([1 / (1 + exp(-1.2)), 1 / (1 + exp(2.8))])


def test_the_time_of_year_is_told_by_the_snapshot_date(mlruns: Path, tmp_path: Path, model: ChurnModel) -> None:
    """The cosine is 1 on 1 January; without a date the year's mean stays."""
    seasonal = replace(model, calibrator=replace(model.calibrator, season=Season(0.0, 0.0, 0.6)))
    bundle = Path(save_bundle(tmp_path / "models", "one", seasonal, {}).path)
    names = tuple(signal.name for signal in SIGNALS)
    log_run(mlruns, RunRecord("demo", "boosting", model=ModelRecord(bundle, names, "abc")))
    import mlflow

    mlflow.set_tracking_uri(tracking_uri(mlruns))
    mlflow.set_registry_uri(tracking_uri(mlruns))
    loaded = mlflow.pyfunc.load_model(f"models:/demo@{CHAMPION}")
    frame = pd.DataFrame({"logins": [2.0, 2.0], "seats used": [1.0, 1.0]})
    assert loaded.predict(frame)["churn_risk"].tolist() == pytest.approx([1 / (1 + exp(-0.2))] * 2)
    frame["snapshot_date"] = pd.to_datetime(["2024-01-01", None])
    assert loaded.predict(frame)["churn_risk"].tolist() == pytest.approx([1 / (1 + exp(-0.8)), 1 / (1 + exp(-0.2))])


def test_a_missing_signal_is_refused_by_name(logged: Callable[[str], tuple[str, Any]]) -> None:
    _, loaded = logged("abc")
    with pytest.raises(Exception, match="seats used"):
        loaded.predict(pd.DataFrame({"logins": [2.0]}))


def test_the_model_names_its_signals_and_asks_for_no_package(logged: Callable[[str], tuple[str, Any]]) -> None:
    _, loaded = logged("abc")
    assert loaded.metadata.signature.inputs.input_names() == ["logins", "seats used", "snapshot_date"]
    assert loaded.metadata.signature.outputs.input_names() == ["churn_risk"]
    assert loaded.metadata.metadata == {"model_id": "abc"}


def test_champion_points_at_the_newest_version(mlruns: Path, logged: Callable[[str], tuple[str, Any]]) -> None:
    first, _ = logged("abc")
    second, _ = logged("def")
    client = open_client(mlruns)
    champion = client.get_model_version_by_alias("demo", CHAMPION)
    assert (str(champion.version), champion.run_id, champion.tags["model_id"]) == ("2", second, "def")
    assert client.get_model_version("demo", "1").run_id == first


def test_only_the_bundle_and_mlflows_own_files_are_logged(
    mlruns: Path, logged: Callable[[str], tuple[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\nversion = '1'\n")
    (tmp_path / "uv.lock").write_text("version = 1\n")
    monkeypatch.chdir(tmp_path)
    logged("abc")
    # MLflow runs the file where it lies, and the interpreter keeps what it compiled beside it
    files = (path for path in (mlruns / "artifacts").rglob("*") if path.is_file())
    found = {path.name for path in files if path.parent.name != "__pycache__"}
    bundle = {"calibrator.json", "logistic.json", "manifest.json", "metrics.json", "signals.json"}
    assert found - bundle == {
        "MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt", "pyfunc_model.py", "registered_model_meta",
    }  # fmt: skip


def test_nothing_in_the_logged_model_is_pickled(mlruns: Path, logged: Callable[[str], tuple[str, Any]]) -> None:
    logged("abc")
    files = [path for path in (mlruns / "artifacts").rglob("*") if path.is_file()]
    assert "pyfunc_model.py" in {path.name for path in files}
    assert not [path for path in files if path.suffix in (".pkl", ".pickle", ".joblib", ".cloudpickle")]
    # a pickle of protocol 2 or later begins with 0x80
    assert not [path for path in files if path.read_bytes()[:1] == b"\x80"]


def test_a_damaged_bundle_is_refused_when_it_is_loaded(mlruns: Path, logged: Callable[[str], tuple[str, Any]]) -> None:
    import mlflow

    logged("abc")
    (signals,) = (mlruns / "artifacts").rglob("signals.json")
    signals.write_text(signals.read_text().replace("logins", "logout"))
    with pytest.raises(BundleError, match=r"signals\.json"):
        mlflow.pyfunc.load_model(f"models:/demo@{CHAMPION}")
