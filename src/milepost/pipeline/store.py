"""Results on disk between commands: the matrix as arrays, the ranking and the evaluation as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from milepost.data.publish import current, publish
from milepost.errors import InputError
from milepost.importance.evidence import FeatureEvidence
from milepost.importance.ranking import Ranking
from milepost.pipeline.result import plain
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.signals.resume import Built
from milepost.signals.spec import Signal
from milepost.signals.usage import Known
from milepost.terms import ACCOUNT, SNAPSHOT, Goal, Verdict
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
from milepost.windows import Windows

_ABOUT = "about.json"
_PERIODS = ("train_dates", "test_dates")


@dataclass(frozen=True)
class Basis:
    """What rows of a matrix rest on.

    way: a hash of how it was computed; events: a digest of those before its last date; files: the events' files with a
    fingerprint of each, none where they are no files that rows are only added to; unknown: events left out because
    their account was not among the accounts.
    """

    way: str
    events: str
    files: Mapping[str, str]
    unknown: int


def save_observations(folder: Path, version: str, built: Built, fingerprint: str, basis: Basis) -> None:
    """Publish the matrix and what stands beside it; a matrix in a file of its own is moved there."""
    observations, known = built.observations, built.known

    def write(target: Path) -> None:
        np.save(target / "known.npy", np.packbits(known.ever, axis=1))
        pd.DataFrame({ACCOUNT: known.account_ids.astype(str)}).to_parquet(target / "known.parquet", index=False)
        if built.file is None:
            np.save(target / "values.npy", observations.matrix.values)
        else:
            # moved: whoever holds the matrix still does
            os.replace(built.file, target / "values.npy")
        np.save(target / "counts.npy", observations.counts)
        np.save(target / "eligible.npy", np.packbits(observations.eligible, axis=1))
        observations.context.to_parquet(target / "context.parquet", index=False)
        about = {
            "fingerprint": fingerprint,
            "basis": {**asdict(basis), "before": known.before.isoformat(), "known_columns": known.ever.shape[1]},
            "access_known": observations.access_known,
            "signals": [asdict(signal) for signal in observations.matrix.signals],
        }
        (target / _ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")

    publish(folder, version, write)


def has_observations(folder: Path, fingerprint: str) -> bool:
    """Whether a whole matrix with this fingerprint is published."""
    return bool(_whole_matrix(folder, lambda about: bool(about.get("fingerprint") == fingerprint))[1])


def load_observations(
    folder: Path, fingerprint: str, features: tuple[Feature, ...], windows: Windows, memory_bytes: int
) -> Observations | None:
    """The published matrix when it has this fingerprint and is whole, else None."""
    source, about = _whole_matrix(folder, lambda about: bool(about.get("fingerprint") == fingerprint))
    if not about:
        return None
    return _observations(source, about, features, windows, memory_bytes)


def load_earlier(
    folder: Path, way: str, features: tuple[Feature, ...], windows: Windows, memory_bytes: int
) -> tuple[Built, Basis] | None:
    """The published matrix with what it rests on, when it was computed in this way and is whole, else None."""
    source, about = _whole_matrix(folder, lambda about: bool(about.get("basis", {}).get("way") == way))
    if not about:
        return None
    basis = about["basis"]
    try:
        ever = np.unpackbits(np.load(source / "known.npy", allow_pickle=False), axis=1, count=basis["known_columns"])
        accounts = pd.read_parquet(source / "known.parquet")[ACCOUNT].to_numpy(dtype=object)
    except OSError:
        return None
    known = Known(date.fromisoformat(basis["before"]), accounts, ever.astype(bool))
    rests_on = Basis(basis["way"], basis["events"], basis.get("files", {}), basis.get("unknown", 0))
    return Built(_observations(source, about, features, windows, memory_bytes), known), rests_on


def _whole_matrix(folder: Path, wanted: Callable[[dict[str, Any]], bool]) -> tuple[Path, dict[str, Any]]:
    """Where the matrix is and what is said about it; nothing is said where it is not the one wanted or not whole.

    The whole of it is read only where what is said about it says that it is wanted: it may be large.
    """
    _, about = _published_matrix(folder, only=[_ABOUT])
    if not wanted(about):
        return folder, {}
    source, about = _published_matrix(folder)
    return source, about if wanted(about) else {}


def _published_matrix(folder: Path, only: Sequence[str] | None = None) -> tuple[Path, dict[str, Any]]:
    """Where the matrix is and what is said about it; nothing is said where there is none."""
    try:
        source = current(folder, only)
        about: dict[str, Any] = json.loads((source / _ABOUT).read_text(encoding="utf-8"))
    except (InputError, OSError, ValueError):
        return folder, {}
    return source, about


def _observations(
    source: Path, about: dict[str, Any], features: tuple[Feature, ...], windows: Windows, memory_bytes: int
) -> Observations:
    context = pd.read_parquet(source / "context.parquet")
    # a matrix that is large beside the memory allowed is read where it stands
    large = (source / "values.npy").stat().st_size > memory_bytes // 4
    matrix = Matrix(
        np.load(source / "values.npy", allow_pickle=False, mmap_mode="r" if large else None),
        context[[ACCOUNT, SNAPSHOT]].copy(),
        tuple(Signal(**signal) for signal in about["signals"]),
        about["fingerprint"],
    )
    eligible = np.unpackbits(np.load(source / "eligible.npy", allow_pickle=False), axis=1, count=len(features))
    counts = np.load(source / "counts.npy", allow_pickle=False)
    return Observations(matrix, features, counts, eligible.astype(bool), about["access_known"], context, windows)


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
