"""`milepost train --matrix`: train on a table somebody brings, save the champion, log the run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from milepost import __version__
from milepost.bundle import SavedBundle, save_bundle
from milepost.errors import InputError
from milepost.pipeline.own_matrix import Options, OwnMatrixResult, train_own_matrix
from milepost.pipeline.result import Result, table
from milepost.pipeline.track import git_commit
from milepost.tracking.log import ModelRecord, RunRecord, log_run


@dataclass(frozen=True)
class OwnMatrix:
    """What the command line says: the table, its label column, and optionally the columns for account and time.

    `folder` is where models/ and mlruns/ are kept.
    """

    path: Path
    label: str
    id_column: str | None
    time_column: str | None
    folder: Path


def train_own(own: OwnMatrix, now: datetime, progress: Callable[[str], None]) -> Result:
    """Compare the models over folds, save the best as a bundle and log the run to MLflow.

    A leak alarm is a quality gate: the figures are printed and nothing is saved.
    """
    if not own.label:
        raise InputError("--matrix needs --label", where="train", fix="name the column with the outcome")
    result = train_own_matrix(own.path, own.label, own.id_column, own.time_column, Options(), progress)
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", own.path.stem).strip("-") or "matrix"
    answer, text = _json(result), _text(result)
    if result.alarms:
        return Result(answer, text, f"leak alarm: {result.alarms[0]}; nothing is saved")
    run = f"{hashlib.sha256(own.path.read_bytes()).hexdigest()[:8]}-{now:%Y%m%dT%H%M%S%f}"
    saved = save_bundle(
        own.folder / "models" / name, run, result.model, {"figures": answer["figures"], "typical": result.typical}
    )
    log_run(own.folder / "mlruns", _record(own, name, result, saved, now))
    return Result(answer | {"bundle": str(saved.path), "model_id": saved.model_id}, f"{text}\nsaved: {saved.path}")


def _record(own: OwnMatrix, name: str, result: OwnMatrixResult, saved: SavedBundle, now: datetime) -> RunRecord:
    metrics = {f"{model}_{what}": getattr(figures, what) for model, figures in result.figures.items()
               for what in ("auc", "log_loss")}  # fmt: skip
    return RunRecord(
        project=name,
        run_name=f"{now:%H:%M:%S} {saved.model_id}",
        description=f"Trained on {own.path.name}: {result.rows:,} rows, {result.churned:,} churned.",
        params={"label": own.label, "champion": result.champion, "rows": result.rows},
        metrics=metrics,
        tags={"milepost": __version__, "git_commit": git_commit(Path.cwd())},
        model=ModelRecord(saved.path, tuple(signal.name for signal in result.model.signals), saved.model_id),
    )


def _json(result: OwnMatrixResult) -> dict[str, object]:
    return {
        "rows": result.rows,
        "churned": result.churned,
        "champion": result.champion,
        "figures": {name: asdict(figures) for name, figures in result.figures.items()},
        "forward": {name: asdict(metrics) for name, metrics in result.forward.items()},
        "findings": [{**asdict(finding), "verdict": str(finding.verdict)} for finding in result.findings],
        "alarms": list(result.alarms),
    }


def _text(result: OwnMatrixResult) -> str:
    rows = [
        ["*" if name == result.champion else "", name, f"{f.auc:.4f}", f"{f.auc_spread:.4f}", f"{f.log_loss:.4f}",
         f"{result.forward[name].roc_auc:.4f}" if name in result.forward else "-"]
        for name, f in result.figures.items()
    ]  # fmt: skip
    head = f"{result.rows:,} rows, {result.churned:,} churned; mean over folds, no account in two folds"
    notes = [f"{f.verdict}: {f.where}: {f.check}; {f.what_to_do}" for f in result.findings]
    header = ["", "model", "AUC", "spread", "log loss", "AUC on later rows"]
    return "\n".join([head, table(header, rows), *notes])
