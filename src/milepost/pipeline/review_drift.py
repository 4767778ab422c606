"""Have the signals and the churn risks of a job moved since a date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import nan

import numpy as np
from numpy.typing import NDArray

from milepost.pipeline.job import Job
from milepost.pipeline.review_risk import TRAIN, InUse
from milepost.review.foresight import Claim
from milepost.review.moved import drawn, inputs_claim, moved, scores_claim
from milepost.signals.matrix import Matrix
from milepost.terms import SNAPSHOT

Floats = NDArray[np.float64]


def drift_claims(
    job: Job, since: date, found: tuple[InUse | None, str], stopped: Sequence[str] = ()
) -> tuple[Claim, Claim]:
    """Inputs and scores of the accounts at the last snapshot, beside those of the snapshots up to `since`.

    stopped: features whose events stopped, which is told elsewhere; their signals are left out.
    """
    rows = job.observations
    old = rows.context["tenure_days"].to_numpy() >= job.settings.signals.min_tenure_days
    each = rows.context[SNAPSHOT].to_numpy(dtype="datetime64[D]")
    days, asked = np.unique(each[old]), np.datetime64(since, "D")
    told = [place for place, signal in enumerate(rows.matrix.signals) if signal.feature not in stopped]
    names = [rows.matrix.signals[place].name for place in told]

    def at(day: np.datetime64) -> Matrix:
        there = np.flatnonzero(old & (each == day))
        return rows.matrix.take(there[drawn(len(there), job.settings.project.seed)])

    def signals(day: np.datetime64) -> Floats:
        return at(day).values[:, told].astype(np.float64)

    using, why = found
    inputs = inputs_claim(moved(names, days, signals, asked) if len(days) else None, since)
    if using is None:
        return inputs, Claim("drift", "scores", nan, False, False, why, TRAIN, TRAIN)

    def risks(day: np.datetime64) -> Floats:
        return np.asarray(using.model.predict(at(day)), dtype=np.float64)[:, None]

    scores = moved(["churn_risk"], days, risks, asked) if len(days) else None
    ends = (days[days <= asked][-1], days[-1]) if scores is not None else ()
    middle = [float(np.median(risks(day))) for day in ends] or [nan, nan]
    return inputs, scores_claim(scores, since, (middle[0], middle[1]))
