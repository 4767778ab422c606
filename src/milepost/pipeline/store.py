"""Results on disk between commands: the matrix as arrays, the ranking and the evaluation as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from milepost.data.publish import current, publish
from milepost.errors import InputError
from milepost.importance.evidence import FeatureEvidence
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.signals.spec import Signal
from milepost.terms import ACCOUNT, SNAPSHOT, Verdict
from milepost.windows import Windows


def save_observations(folder: Path, version: str, observations: Observations, fingerprint: str) -> None:
    """Publish the matrix and what stands beside it."""

    def write(target: Path) -> None:
        np.save(target / "values.npy", observations.matrix.values)
        np.save(target / "counts.npy", observations.counts)
        np.save(target / "eligible.npy", np.packbits(observations.eligible, axis=1))
        observations.context.to_parquet(target / "context.parquet", index=False)
        about = {
            "fingerprint": fingerprint,
            "access_known": observations.access_known,
            "signals": [asdict(signal) for signal in observations.matrix.signals],
        }
        (target / "about.json").write_text(json.dumps(about, indent=1), encoding="utf-8")

    publish(folder, version, write)


def load_observations(
    folder: Path, fingerprint: str, features: tuple[Feature, ...], windows: Windows
) -> Observations | None:
    """The published matrix when it has this fingerprint and is whole, else None."""
    try:
        source = current(folder)
        about = json.loads((source / "about.json").read_text(encoding="utf-8"))
    except (InputError, OSError, ValueError):
        return None
    if about["fingerprint"] != fingerprint:
        return None
    context = pd.read_parquet(source / "context.parquet")
    matrix = Matrix(
        np.load(source / "values.npy", allow_pickle=False),
        context[[ACCOUNT, SNAPSHOT]].copy(),
        tuple(Signal(**signal) for signal in about["signals"]),
        fingerprint,
    )
    eligible = np.unpackbits(np.load(source / "eligible.npy", allow_pickle=False), axis=1, count=len(features))
    counts = np.load(source / "counts.npy", allow_pickle=False)
    return Observations(matrix, features, counts, eligible.astype(bool), about["access_known"], context, windows)


def evidence_to_json(evidence: tuple[FeatureEvidence, ...]) -> str:
    """The ranking with everything it holds; NaN as null."""
    return pd.Series([asdict(row) for row in evidence]).to_json(orient="values", double_precision=12)


def evidence_from_json(text: str) -> tuple[FeatureEvidence, ...]:
    """The ranking as it was saved."""
    rows = []
    for saved in json.loads(text):
        numbers = {key: float("nan") if value is None else value for key, value in saved.items()}
        rows.append(FeatureEvidence(**{**numbers, "verdict": Verdict(saved["verdict"])}))
    return tuple(rows)
