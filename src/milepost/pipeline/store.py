"""Results on disk between commands: the ranking and the evaluation as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from milepost.data.publish import current, publish
from milepost.errors import InputError
from milepost.importance.evidence import FeatureEvidence
from milepost.importance.ranking import Ranking
from milepost.pipeline.result import plain
from milepost.terms import Goal, Verdict
from milepost.training.results import (
    Acting,
    Canary,
    Evaluation,
    HorizonFigures,
    LearningPoint,
    Metrics,
    Reliability,
    Saving,
    SegmentFigures,
    Split,
    Versus,
)

_PERIODS = ("train_dates", "test_dates")


def save_ranking(target: Path, ranking: Ranking, fingerprint: str) -> None:
    """Write ranking.json into a version's folder: everything a ranking holds, NaN as null."""
    saved = {**asdict(ranking), "fingerprint": fingerprint}
    (target / "ranking.json").write_text(_json(saved), encoding="utf-8")


def load_ranking(folder: Path, fingerprint: str) -> Ranking | None:
    """The published ranking when it belongs to these data and is whole, else None."""
    saved = _published(folder, "ranking.json", fingerprint)
    if saved is None:
        return None
    try:
        evidence = tuple(_evidence(row) for row in saved.pop("evidence"))
        return Ranking(evidence, **{**_numbers(saved), "goal": Goal(saved["goal"]), "notes": tuple(saved["notes"])})
    except (KeyError, TypeError, ValueError):  # written by a version whose ranking held other parts
        return None


def _evidence(saved: dict[str, Any]) -> FeatureEvidence:
    lists = {name: tuple(saved[name]) for name in ("leads_to", "bundle")}
    return FeatureEvidence(**{**_numbers(saved), **lists, "verdict": Verdict(saved["verdict"])})


def _numbers(saved: dict[str, Any]) -> dict[str, Any]:
    return {key: float("nan") if value is None else value for key, value in saved.items()}


def save_evaluation(folder: Path, version: str, evaluation: Evaluation, fingerprint: str, model_id: str) -> None:
    """Publish the figures of a training."""
    # row positions are of no use to a reader
    empty = np.array([], dtype=np.intp)
    lean = replace(evaluation, split=replace(evaluation.split, train=empty, calibrate=empty, test=empty))
    saved = {**asdict(lean), "fingerprint": fingerprint, "model_id": model_id}
    publish(folder, version, lambda target: (target / "evaluation.json").write_text(_json(saved), encoding="utf-8"))


def load_evaluation(folder: Path, fingerprint: str) -> tuple[Evaluation | None, str]:
    """The published figures and their model's id when they belong to these data, else (None, "")."""
    saved = _published(folder, "evaluation.json", fingerprint)
    if saved is None:
        return None, ""
    model_id = saved.pop("model_id")
    split = saved["split"]
    empty = np.array([], dtype=np.intp)
    trained, tested = ((date.fromisoformat(split[name][0]), date.fromisoformat(split[name][1])) for name in _PERIODS)
    saved |= {
        "split": Split(empty, empty, empty, trained, tested, split["purged"]),
        "shared": {name: _metrics(figures) for name, figures in saved["shared"].items()},
        "disjoint": {name: _metrics(figures) for name, figures in saved["disjoint"].items()},
        "predictions": np.array(saved["predictions"], dtype=np.float64),
        "outcome": np.array(saved["outcome"], dtype=np.float64),
        "calibration_curve": tuple(tuple(point) for point in saved["calibration_curve"]),
        "lift": tuple(tuple(point) for point in saved["lift"]),
        **{name: tuple(kind(**_known(row)) for row in saved.get(name, ())) for name, kind in _ROWS.items()},
        **{name: kind(**_known(saved[name])) for name, kind in _PARTS.items() if saved.get(name)},
    }
    return Evaluation(**saved), model_id


_ROWS: dict[str, Any] = {"against": Versus, "segments": SegmentFigures, "acting": Acting,
                          "saving": Saving, "learning": LearningPoint, "horizons": HorizonFigures}  # fmt: skip
_PARTS: dict[str, Any] = {"reliability": Reliability, "canary": Canary}


def _known(saved: dict[str, Any]) -> dict[str, Any]:
    """Numbers and intervals as they were; only an AUC may be missing on purpose."""
    nan = float("nan")
    return {
        key: tuple(nan if end is None else end for end in value) if isinstance(value, list)
        else nan if value is None and key != "auc" else value
        for key, value in saved.items()
    }  # fmt: skip


def _metrics(saved: dict[str, Any]) -> Metrics:
    numbers: dict[str, Any] = {key: float("nan") if value is None else value for key, value in saved.items()}
    return Metrics(**numbers)


def _published(folder: Path, name: str, fingerprint: str) -> dict[str, Any] | None:
    try:
        saved: dict[str, Any] = json.loads((current(folder) / name).read_text(encoding="utf-8"))
    except (InputError, OSError, ValueError):
        return None
    return saved if saved.pop("fingerprint", None) == fingerprint else None


def _json(value: Any) -> str:
    return json.dumps(plain(value), indent=1)
