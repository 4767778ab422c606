"""What a review tells beside its verdicts, from the model in use and the rows of the job."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.bundle import load_bundle, model_in_use
from milepost.errors import BundleError
from milepost.pipeline.job import Job
from milepost.review.beside import Beside, inputs, revenue, scores
from milepost.review.drift import drift
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT

Floats = NDArray[np.float64]
Parted = tuple[Floats, Floats, Floats]
_NONE = np.zeros(0)


def beside(job: Job) -> tuple[Beside, ...]:
    """Inputs, scores and revenue; each says so where it cannot be told."""
    if not model_in_use(job.settings.models):
        return inputs(None), scores(_NONE, _NONE), revenue(_NONE, _NONE, _NONE)
    model, about = load_bundle(job.settings.models)
    old = np.asarray(job.observations.context["tenure_days"].to_numpy() >= job.settings.signals.min_tenure_days)
    days = job.observations.context[SNAPSHOT].to_numpy(dtype="datetime64[D]")

    def at(day: np.datetime64) -> Observations:
        return job.observations.take(old & (days == day))

    def risk_of(rows: Observations) -> Floats:
        return np.asarray(model.predict(rows.matrix), dtype=np.float64) if len(rows.context) else _NONE

    now = np.datetime64(job.as_of, "D")
    trained = np.datetime64(str(about.get("as_of", "")) or "NaT", "D")
    known = np.unique(days)
    taught = known[known + np.timedelta64(job.windows.purge_days, "D") <= trained]
    seen = known[known + np.timedelta64(job.windows.purge_days, "D") <= now]
    try:
        moved = drift(about["reference"], at(now).matrix) if "reference" in about else None
        then = risk_of(at(taught[-1])) if len(taught) else _NONE
        told = revenue(*_paid(at(seen[-1]), at(now), risk_of)) if len(seen) else revenue(_NONE, _NONE, _NONE)
        return inputs(moved), scores(then, risk_of(at(now))), told
    except BundleError:  # trained for other signals: it cannot score these data either, and says so there
        return inputs(None), scores(_NONE, _NONE), revenue(_NONE, _NONE, _NONE)


def _paid(then: Observations, now: Observations, risk_of: Callable[[Observations], Floats]) -> Parted:
    """Risk and MRR of the accounts at a date, and their MRR now, NaN for those that left; each [accounts]."""
    later = pd.Series(now.context["mrr"].to_numpy(dtype=np.float64), index=now.context[ACCOUNT])
    after = later.reindex(then.context[ACCOUNT]).to_numpy()
    return risk_of(then), then.context["mrr"].to_numpy(dtype=np.float64), after
