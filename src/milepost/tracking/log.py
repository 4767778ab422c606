"""Write one training to MLflow: a parent run with figures and tables, a nested run per trial, the model by name."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from milepost.terms import SNAPSHOT
from milepost.tracking import store
from milepost.tracking.aliases import CHAMPION, set_alias
from milepost.tracking.store import open_client

NOTE = "mlflow.note.content"
_PARENT = "mlflow.parentRunId"
_BATCH = 100  # mlflow refuses more parameters in one call
_LONGEST_PARAM, _LONGEST_TAG = 6000, 8000


@dataclass(frozen=True)
class TrialRecord:
    """One trial of the search: its settings, its score, and the score of every fold."""

    number: int
    params: Mapping[str, object]
    fold_scores: Sequence[float]
    score: float
    metric: str = "log_loss"


@dataclass(frozen=True)
class ModelRecord:
    """The model to register: its bundle folder, the signals it asks for in order, and the bundle's id."""

    bundle: Path
    signals: tuple[str, ...]
    model_id: str
    description: str = ""
    alias: str = CHAMPION


@dataclass(frozen=True)
class RunRecord:
    """All that is logged for one training; `run_name` starts with what differs, since lists cut it.

    artifacts: path below the run -> text, bytes, or a file or folder to copy. figures: name -> SVG text.
    ranking: one dict per feature. description: plain words for the run's page.
    """

    project: str
    run_name: str
    description: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, str | bytes | Path] = field(default_factory=dict)
    figures: Mapping[str, str] = field(default_factory=dict)
    ranking: Sequence[Mapping[str, object]] = ()
    trials: Sequence[TrialRecord] = ()
    model: ModelRecord | None = None


def log_run(mlruns: Path, record: RunRecord, lock_seconds: float = store.LOCK_SECONDS) -> str:
    """Log the training and return its run id. A run that fails on the way is marked as failed.

    Raises EnvironmentFault when the database is locked, unwritable or damaged.
    """
    store.check_store(mlruns, lock_seconds)
    with store.mlflow_errors(mlruns):
        client = open_client(mlruns)
        experiment = experiment_id(client, mlruns, record.project)
        run_id = _start(client, experiment, record.run_name, {**record.tags, NOTE: record.description})
        with _ended(client, run_id):
            _log_values(client, run_id, record.params, record.metrics)
            _log_files(client, run_id, record)
            for trial in record.trials:
                _log_trial(client, experiment, run_id, trial)
            if record.model is not None:
                _register(client, mlruns, run_id, record.project, record.model)
    return run_id


def experiment_id(client: Any, mlruns: Path, project: str) -> str:
    """The project's experiment, made when it is not there; one that was deleted in the UI is brought back."""
    found = client.get_experiment_by_name(project)
    if found is None:
        created: str = client.create_experiment(project, artifact_location=store.artifact_uri(mlruns))
        return created
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _start(client: Any, experiment: str, name: str, tags: Mapping[str, str]) -> str:
    kept = {key: value[:_LONGEST_TAG] for key, value in tags.items() if value}
    return str(client.create_run(experiment, tags=kept, run_name=name).info.run_id)


@contextmanager
def _ended(client: Any, run_id: str) -> Iterator[None]:
    """The run ends as FINISHED, or as FAILED when anything is raised; never left running."""
    try:
        yield
    except BaseException:
        client.set_terminated(run_id, status="FAILED")
        raise
    client.set_terminated(run_id, status="FINISHED")


def _log_values(client: Any, run_id: str, params: Mapping[str, object], metrics: Mapping[str, float]) -> None:
    from mlflow.entities import Metric, Param

    wanted = [Param(key, str(value)[:_LONGEST_PARAM]) for key, value in params.items()]
    for start in range(0, len(wanted), _BATCH):
        client.log_batch(run_id, params=wanted[start : start + _BATCH], synchronous=True)
    # a metric that is not a number would be shown as 0; the time is the run's own, not a clock's
    moment = client.get_run(run_id).info.start_time
    figures = [Metric(key, float(value), moment, 0) for key, value in metrics.items() if isfinite(value)]
    client.log_batch(run_id, metrics=figures, synchronous=True)


def _log_files(client: Any, run_id: str, record: RunRecord) -> None:
    """Everything is laid out in one folder first and copied in one go."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for place, content in record.artifacts.items():
            if isinstance(content, Path):
                parent = str(Path(place).parent) if "/" in place else None
                (client.log_artifacts if content.is_dir() else client.log_artifact)(
                    run_id, str(content), place if content.is_dir() else parent
                )
            else:
                _write(folder / place, content)
        for figure, svg in record.figures.items():
            _write(folder / "figures" / f"{figure}.svg", svg)
        if record.ranking:
            _write(folder / "ranking.csv", table_csv(record.ranking))
        if any(folder.iterdir()):
            client.log_artifacts(run_id, name)
    if record.ranking:
        columns = {key: [_cell(row.get(key)) for row in record.ranking] for key in record.ranking[0]}
        client.log_table(run_id, columns, "ranking.json")


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def table_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows as CSV that a spreadsheet may open: text that begins like a formula gets an apostrophe in front."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]))
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _inert(_cell(value)) for key, value in row.items()})
    return buffer.getvalue()


def _cell(value: object) -> object:
    """A value as a table can hold it: numbers as they are, groups as JSON, others as text; NaN as nothing."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return json.dumps({str(key): _cell(part) for key, part in value.items()}, ensure_ascii=False)
    return value if value is None or isinstance(value, bool | int) else str(value)


def _inert(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r＝＋－＠" and value else value


def _log_trial(client: Any, experiment: str, parent: str, trial: TrialRecord) -> None:
    run_id = _start(client, experiment, f"trial {trial.number:03d}", {_PARENT: parent})
    with _ended(client, run_id):
        folds = {f"fold_{place}_{trial.metric}": score for place, score in enumerate(trial.fold_scores)}
        _log_values(client, run_id, trial.params, {trial.metric: trial.score, **folds})


def _register(client: Any, mlruns: Path, run_id: str, project: str, model: ModelRecord) -> None:
    """Log the bundle as a model made from code, register it under the project's name, point its alias at it."""
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    signals = [ColSpec(DataType.double, name) for name in model.signals]
    inputs = Schema([*signals, ColSpec(DataType.datetime, SNAPSHOT, required=False)])
    outputs = Schema([ColSpec(DataType.double, "churn_risk")])
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*input example.*")  # rows of accounts do not belong in a model
        folder = Path(name) / "model"
        mlflow.pyfunc.save_model(
            folder,
            python_model=str(Path(__file__).with_name("pyfunc_model.py")),
            artifacts={"bundle": str(model.bundle)},
            signature=ModelSignature(inputs=inputs, outputs=outputs),
            # none: a list would be installed from a registry by name; it is served from this environment
            pip_requirements=[],
            metadata={"model_id": model.model_id},
        )
        client.log_artifacts(run_id, str(folder), "model")
    if not _registered(client, project):
        client.create_registered_model(project)
    source = f"{client.get_run(run_id).info.artifact_uri}/model"
    version = client.create_model_version(
        project, source, run_id=run_id, tags={"model_id": model.model_id}, description=model.description
    )
    set_alias(client, project, model.alias, str(version.version))


def _registered(client: Any, project: str) -> bool:
    return any(found.name == project for found in client.search_registered_models(f"name = '{project}'"))
