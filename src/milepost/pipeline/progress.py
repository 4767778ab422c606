"""How far each account is to each milestone by the definitions in use, 0 to 1, for the scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.framework import Framework
from milepost.maturity.levels import levels_for
from milepost.milestones.journey import Held
from milepost.milestones.utilization import days_of, monthly
from milepost.pipeline.job import Job
from milepost.scoring.score import PROGRESS
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT

Floats = NDArray[np.float64]


def progress_at(job: Job, framework: Framework, rows: Observations, held: Held) -> pd.DataFrame:
    """Columns PROGRESS, one row per row: the share of what the definition asks for that is there before the snapshot.

    Setup: steps done of those needed; activation: value events of those needed, both within the first days that the
    definition leaves. Utilization: last month's metric over the threshold. Maturity: mature categories of those needed.
    NaN without a definition, or where it could not be seen.
    """
    parts = (
        _setup(job, framework, rows, held), _activation(job, framework, rows, held),
        _utilization(job, framework, rows), _maturity(job, framework, rows, held),
    )  # fmt: skip
    unknown = np.full(len(rows.context), np.nan)
    return pd.DataFrame({
        name: unknown if part is None else np.minimum(part, 1.0) for name, part in zip(PROGRESS, parts, strict=True)
    })  # fmt: skip


def _setup(job: Job, framework: Framework, rows: Observations, held: Held) -> Floats | None:
    rule, lives = framework.setup, job.lives
    if rule is None or rule.needed is None or held.set_up_on is None:
        return None
    codes = lives.codes(rows.context[ACCOUNT])
    until = _until(job, rows, codes, rule.within_days)
    done = np.column_stack([lives.steps[step][codes] < until for step in rule.steps]).sum(axis=1)
    return _seen(job, codes, done / rule.needed)


def _activation(job: Job, framework: Framework, rows: Observations, held: Held) -> Floats | None:
    rule, lives = framework.activation, job.lives
    if rule is None or not rule.count or not rule.days or held.activated_on is None or lives.value is None:
        return None
    codes = lives.codes(rows.context[ACCOUNT])
    until = _until(job, rows, codes, rule.days)
    return _seen(job, codes, lives.value.between(codes, lives.created[codes], until) / rule.count)


def _until(job: Job, rows: Observations, codes: NDArray[np.intp], within: int) -> NDArray[np.int64]:
    """The day before which something counts: the snapshot, or the end of the first days."""
    return np.minimum(days_of(rows.context[SNAPSHOT]), job.lives.created[codes] + within)


def _seen(job: Job, codes: NDArray[np.intp], share: Floats) -> Floats:
    """Unknown for accounts from before the data begin: their first days were not seen."""
    return np.where((codes >= 0) & ~job.lives.before_data[codes], share, np.nan)


def _utilization(job: Job, framework: Framework, rows: Observations) -> Floats | None:
    rule = framework.utilization
    if rule is None or not rule.threshold or job.lives.metric is None:
        return None
    codes, day = job.lives.codes(rows.context[ACCOUNT]), days_of(rows.context[SNAPSHOT])
    return np.asarray(monthly(job.lives, codes, day, rule.per) / rule.threshold)


def _maturity(job: Job, framework: Framework, rows: Observations, held: Held) -> Floats | None:
    if held.mature is None:
        return None
    mature = levels_for(rows, framework)["mature_categories"].to_numpy(dtype=float)
    return np.asarray(mature / job.settings.maturity.mature_categories)
