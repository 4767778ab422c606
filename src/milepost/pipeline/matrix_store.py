"""The matrix on disk between commands: the rows of each snapshot in a file, and what it was made from."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from milepost.data.publish import publish, published
from milepost.errors import InputError
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.signals.resume import Built
from milepost.signals.room import Part, is_large, part_name
from milepost.signals.spec import Signal
from milepost.signals.stacked import Stacked
from milepost.signals.usage import Known
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.windows import Windows

_ABOUT = "about.json"
Said = dict[str, Any]


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
    """Publish the matrix and what stands beside it; a matrix in files is moved there."""
    observations, known = built.observations, built.known

    def write(target: Path) -> None:
        np.save(target / "known.npy", np.packbits(known.ever, axis=1))
        pd.DataFrame({ACCOUNT: known.account_ids.astype(str)}).to_parquet(target / "known.parquet", index=False)
        for day, rows in _by_snapshot(observations.context):
            if built.parts:
                # moved: whoever holds the matrix still does
                os.replace(built.parts[day].path, target / part_name(day))
            else:
                np.save(target / part_name(day), observations.matrix.values[rows])
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

    publish(folder, version, write, {part_name(day): part.sha256 for day, part in built.parts.items() if part.sha256})


def _by_snapshot(context: pd.DataFrame) -> Iterator[tuple[date, slice]]:
    stamps = context[SNAPSHOT].to_numpy()
    begins = np.flatnonzero(np.append(True, stamps[1:] != stamps[:-1]))
    for begin, end in pairwise([*begins.tolist(), len(stamps)]):
        yield stamps[begin].astype("datetime64[D]").item(), slice(begin, end)


def has_observations(folder: Path, fingerprint: str) -> bool:
    """Whether a whole matrix with this fingerprint is published."""
    return _whole_matrix(folder, lambda about: bool(about.get("fingerprint") == fingerprint)) is not None


def load_observations(
    folder: Path, fingerprint: str, features: tuple[Feature, ...], windows: Windows, memory_bytes: int
) -> Observations | None:
    """The published matrix when it has this fingerprint and is whole, else None."""
    found = _whole_matrix(folder, lambda about: bool(about.get("fingerprint") == fingerprint))
    if found is None:
        return None
    source, about, _ = found
    return _observations(source, about, features, windows, memory_bytes)


def load_earlier(
    folder: Path, way: str, features: tuple[Feature, ...], windows: Windows, memory_bytes: int
) -> tuple[Built, Basis] | None:
    """The published matrix with what it rests on, when it was computed in this way and is whole, else None."""
    found = _whole_matrix(folder, lambda about: bool(about.get("basis", {}).get("way") == way))
    if found is None:
        return None
    source, about, hashes = found
    basis = about["basis"]
    try:
        ever = np.unpackbits(np.load(source / "known.npy", allow_pickle=False), axis=1, count=basis["known_columns"])
        accounts = pd.read_parquet(source / "known.parquet")[ACCOUNT].to_numpy(dtype=object)
    except OSError:
        return None
    known = Known(date.fromisoformat(basis["before"]), accounts, ever.astype(bool))
    rests_on = Basis(basis["way"], basis["events"], basis.get("files", {}), basis.get("unknown", 0))
    observations = _observations(source, about, features, windows, memory_bytes)
    parts = {
        day: Part(source / part_name(day), hashes[part_name(day)]) for day, _ in _by_snapshot(observations.context)
    }
    return Built(observations, known, parts if isinstance(observations.matrix.values, Stacked) else {}), rests_on


def _whole_matrix(folder: Path, wanted: Callable[[Said], bool]) -> tuple[Path, Said, dict[str, str]] | None:
    """Where the matrix is, what is said about it and the hashes of its files; None where it is not wanted or not whole.

    The whole of it is read only where what is said about it says that it is wanted: it may be large.
    """
    found = _published_matrix(folder, only=[_ABOUT])
    if found is None or not wanted(found[1]):
        return None
    found = _published_matrix(folder)
    return found if found is not None and wanted(found[1]) else None


def _published_matrix(folder: Path, only: Sequence[str] | None = None) -> tuple[Path, Said, dict[str, str]] | None:
    try:
        source, hashes = published(folder, only)
        return source, json.loads((source / _ABOUT).read_text(encoding="utf-8")), hashes
    except (InputError, OSError, ValueError):
        return None


def _observations(
    source: Path, about: dict[str, Any], features: tuple[Feature, ...], windows: Windows, memory_bytes: int
) -> Observations:
    context = pd.read_parquet(source / "context.parquet")
    parts = [np.load(path, mmap_mode="r", allow_pickle=False) for path in sorted(source.glob(part_name("*")))]
    stacked: Any = Stacked(parts)
    matrix = Matrix(
        # one that is large beside the memory allowed is read where it stands
        stacked if is_large(stacked.shape, memory_bytes) else np.concatenate(parts),
        context[[ACCOUNT, SNAPSHOT]].copy(),
        tuple(Signal(**signal) for signal in about["signals"]),
        about["fingerprint"],
    )
    eligible = np.unpackbits(np.load(source / "eligible.npy", allow_pickle=False), axis=1, count=len(features))
    counts = np.load(source / "counts.npy", allow_pickle=False)
    return Observations(matrix, features, counts, eligible.astype(bool), about["access_known"], context, windows)
