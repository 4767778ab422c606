"""What features are ranked by besides retention: rows and outcomes for each goal."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.errors import InputError
from milepost.framework import Framework
from milepost.maturity.levels import levels_for
from milepost.outcomes import Outcomes
from milepost.pipeline.framework_file import read_framework
from milepost.pipeline.job import Job
from milepost.signals.matrix import Matrix, Observations
from milepost.terms import ACCOUNT, SNAPSHOT, Goal

Flags = NDArray[np.float32]


def rows_for(job: Job, goal: Goal) -> tuple[Observations, Outcomes]:
    """The rows that say something about the goal, their `churned` telling who missed it."""
    if goal == Goal.MATURE:
        return _maturing(job)
    outcomes = job.outcomes
    if goal == Goal.EXPANDED:
        outcomes = outcomes.missing(1 - outcomes.expanded)
    elif goal == Goal.ACTIVE:
        outcomes = outcomes.missing(outcomes.dormant)
    keep = job.learnable & outcomes.known
    return job.observations.take(keep), outcomes.take(keep)


def _maturing(job: Job) -> tuple[Observations, Outcomes]:
    """Accounts not mature in enough categories yet, and whether they are after the outcome window.

    Features of the framework are left out: they are what maturity means.
    """
    framework = read_framework(job)
    if framework is None:
        raise InputError(
            "no framework says what maturity is", where=job.settings.project.framework, fix="run milepost derive first"
        )
    needed = job.settings.maturity.mature_categories
    mature = levels_for(job.observations, framework)["mature_categories"].to_numpy() >= needed
    outcomes = job.outcomes.missing(_missed(job, mature))
    keep = job.learnable & outcomes.known & ~mature
    return without_features(job.observations.take(keep), defining(framework)), outcomes.take(keep)


def defining(framework: Framework) -> frozenset[str]:
    """Features that a category of the framework counts."""
    return frozenset(feature for category in framework.categories for feature in category.features)


def _missed(job: Job, mature: NDArray[np.bool_]) -> Flags:
    """1 where an account churned, or is not mature at its first row after the outcome window; NaN without one."""
    rows = job.observations.matrix.rows
    ahead = np.timedelta64(job.windows.gap_days + job.windows.outcome_days, "D")
    keyed = pd.DataFrame({ACCOUNT: rows[ACCOUNT], SNAPSHOT: rows[SNAPSHOT] + ahead, "row": np.arange(len(rows))})
    later = pd.DataFrame({ACCOUNT: rows[ACCOUNT], SNAPSHOT: rows[SNAPSHOT], "mature": mature.astype(np.float32)})
    joined = pd.merge_asof(
        keyed.sort_values(SNAPSHOT, kind="stable"), later.sort_values(SNAPSHOT, kind="stable"),
        on=SNAPSHOT, by=ACCOUNT, direction="forward", tolerance=pd.Timedelta(days=45),
    ).sort_values("row")  # fmt: skip
    reached = joined["mature"].to_numpy(dtype=np.float32)
    return np.where(job.outcomes.churned == 1, np.float32(1), 1 - reached).astype(np.float32)


def without_features(observations: Observations, names: frozenset[str]) -> Observations:
    """The same rows without some features and their signals."""
    stay = np.array([feature.name not in names for feature in observations.features])
    matrix = observations.matrix
    events = {name for feature in observations.features if feature.name in names for name in feature.event_names}
    columns = np.array([signal.feature not in names and signal.event not in events for signal in matrix.signals])
    signals = tuple(signal for signal, kept in zip(matrix.signals, columns, strict=True) if kept)
    return Observations(
        Matrix(matrix.values[:, columns], matrix.rows, signals, matrix.source_hash),
        tuple(feature for feature, kept in zip(observations.features, stay, strict=True) if kept),
        observations.counts[:, stay], observations.eligible[:, stay], observations.access_known,
        observations.context, observations.windows,
    )  # fmt: skip
