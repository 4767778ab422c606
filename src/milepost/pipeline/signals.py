"""`milepost signals build` and `list`: the matrix with what it holds, and the signals there are."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, table
from milepost.signals.build import declared
from milepost.signals.spec import Signal

_WIDTH = 100
UNKNOWN = "–"


def build_signals(job: Job) -> Result:
    """Build (or find) the matrix and describe it."""
    observations, outcomes = job.observations, job.outcomes
    matrix = observations.matrix
    days = matrix.rows["snapshot_date"].to_numpy()
    rows = []
    for day in np.unique(days):
        here = days == day
        known = here & outcomes.known
        churned = int(np.nansum(outcomes.churned[known]))
        rows.append([str(day)[:10], f"{here.sum():,}", f"{known.sum():,}", f"{churned:,}",
                     f"{(outcomes.left_out[here] == 'ended_in_gap').sum():,}"])  # fmt: skip
    head = f"{len(matrix.rows):,} rows × {len(matrix.signals)} signals; {matrix_bytes(matrix.values)}"
    note = (
        ""
        if observations.access_known
        else "\nno plan or access data in the catalogue: every account counts as eligible"
    )
    text = table(["snapshot", "accounts", "outcome known", "churned", "ended in gap"], rows)
    return Result(matrix_json(job), f"{head}{note}\n\n{text}")


def signals_of(job: Job) -> tuple[Signal, ...]:
    """The signals of the matrix where it is built; else those that the tables can give, from one look at each."""
    if job.has_observations:
        return job.observations.matrix.signals
    return declared(job.tables, job.features, job.settings, job.own)


def list_signals(job: Job) -> Result:
    """Every signal, in the order of the matrix. Raises SettingsError for an own signal that cannot be."""
    job.check_names()
    signals = signals_of(job)
    longest = max(len(signal.name) for signal in signals)
    rest = max(_WIDTH - longest - len("recent_count") - len("days") - 4 * 2, 24)
    rows = [
        [signal.name, _cut(signal.feature or UNKNOWN, rest - rest * 3 // 5), _measure(signal), _days(signal),
         _cut(signal.unit, rest * 3 // 5)]
        for signal in signals
    ]  # fmt: skip
    own = sum(signal.own for signal in signals)
    head = f"{len(signals):,} signals, {own:,} of them own" if own else f"{len(signals):,} signals"
    text = table(["name", "feature", "measure", "days", "unit"], rows)
    return Result({"signals": [asdict(signal) for signal in signals]}, f"{head}\n\n{text}")


def _measure(signal: Signal) -> str:
    # a signal of the account is its own measure, which its name says already
    return signal.measure if signal.feature is not None or signal.own else UNKNOWN


def _days(signal: Signal) -> str:
    return str(signal.window_days) if signal.window_days else UNKNOWN


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def matrix_json(job: Job) -> dict[str, object]:
    """The `matrix` part of the answer."""
    matrix = job.observations.matrix
    return {
        "rows": len(matrix.rows),
        "signals": len(matrix.signals),
        "snapshots": int(matrix.rows["snapshot_date"].nunique()),
        "left_out": {
            reason: int((job.outcomes.left_out == reason).sum()) for reason in ("ended_in_gap", "censored")
        },
        "source_hash": matrix.source_hash,
    }  # fmt: skip


def matrix_bytes(values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> str:
    return f"{values.nbytes / 1e6:,.0f} MB"
