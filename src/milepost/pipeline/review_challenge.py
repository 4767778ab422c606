"""`milepost review --challenge`: train anew for the latest dates whose outcome is known, and compare."""

from __future__ import annotations

from datetime import timedelta
from math import nan

import numpy as np

from milepost.pipeline.backtest import replay
from milepost.pipeline.job import Job
from milepost.pipeline.review_risk import TRAIN, InUse
from milepost.review.challenge import Met, challenge
from milepost.review.foresight import Claim
from milepost.terms import ACCOUNT, SNAPSHOT

MOST_DATES = 6


def challenge_claim(job: Job, found: tuple[InUse | None, str]) -> Claim:
    """The model in use against one trained for each of the latest dates on what was certain by it.

    Only dates whose outcome began after the training of the model in use: it has learnt from the others.
    """
    using, why = found
    if using is None:
        return Claim("risk", "challenger", nan, False, False, why, TRAIN, TRAIN)
    keys = [ACCOUNT, SNAPSHOT]
    rows = job.observations.matrix.rows
    days = rows[SNAPSHOT].to_numpy(dtype="datetime64[D]")
    known = job.learnable & ~np.isnan(job.outcomes.churned)
    unseen = known & (days + np.timedelta64(job.windows.gap_days, "D") >= using.trained)
    dates = np.unique(days[unseen])[-MOST_DATES:]
    told = replay(job, dates[0].astype(object), None).accounts if len(dates) else None
    if told is None or told.empty:
        return Claim("risk", "challenger", nan, False, False, _not_yet(job, using), TRAIN)
    asked = known & (days >= dates[0])
    ours = rows.loc[asked, keys].assign(champion=using.model.predict(job.observations.take(asked).matrix))
    both = told.astype({SNAPSHOT: ours[SNAPSHOT].dtype}).merge(ours, on=keys)
    met = Met(
        both[ACCOUNT].to_numpy(), both[SNAPSHOT].to_numpy(dtype="datetime64[D]"),
        *(both[name].to_numpy(dtype=np.float64) for name in ("champion", "churn_risk", "churned")),
    )  # fmt: skip
    return challenge(met, job.settings.project.seed)


def _not_yet(job: Job, using: InUse) -> str:
    if np.isnat(using.trained):
        return "the model in use does not say from which data it learnt"
    trained = using.trained.astype(object)
    due = trained + timedelta(days=job.windows.purge_days - job.windows.gap_days)
    return f"the model in use knows the data up to {trained}: outcomes that it has not learnt from are known from {due}"
