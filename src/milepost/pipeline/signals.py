"""`milepost signals build`: the matrix, with what it holds."""

from __future__ import annotations

import numpy as np

from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, table


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
