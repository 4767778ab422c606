"""What the model in use foretold of cohorts that came after its training, and what came of it."""

from __future__ import annotations

from datetime import date

import numpy as np

from milepost.bundle import load_bundle, model_in_use
from milepost.errors import BundleError
from milepost.pipeline.job import Job
from milepost.review.foresight import Claim, Foretold, calibration, ranking_power
from milepost.terms import ACCOUNT, SNAPSHOT

_FOUR_ERRORS = 2 * 1.96


def risk_claims(job: Job, since: date) -> list[Claim]:
    """Calibration and ranking power of the model in use, on outcomes that began after its training and after `since`;
    [] without a model that these signals fit.
    """
    if not model_in_use(job.settings.models):
        return []
    model, about = load_bundle(job.settings.models)
    trained = np.datetime64(str(about.get("as_of", "")) or "NaT", "D")
    rows, outcomes = job.observations.take(job.learnable), job.outcomes.take(job.learnable)
    known = ~np.isnan(outcomes.churned)
    rows, outcomes = rows.take(known), outcomes.take(known)
    try:
        risk = model.predict(rows.matrix)
    except BundleError:  # trained for other signals: it cannot score these data either, and says so there
        return []
    days, windows = rows.context[SNAPSHOT].to_numpy(dtype="datetime64[D]"), job.windows
    account, churned = rows.context[ACCOUNT].to_numpy(), outcomes.churned.astype(np.float64)

    def part(keep: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Foretold:
        return Foretold(account[keep], days[keep], risk[keep], churned[keep])

    learnt = part(np.asarray(days + np.timedelta64(windows.purge_days, "D") <= trained))
    later = part(np.asarray(days + np.timedelta64(windows.gap_days, "D") >= max(trained, np.datetime64(since, "D"))))
    return [calibration(learnt, later), ranking_power(_auc_of(about), later, job.settings.project.seed)]


def _auc_of(about: dict[str, object]) -> tuple[float, float]:
    """AUC of the training with its standard error, NaN where the bundle does not hold it."""
    kept = about.get("metrics")
    if not isinstance(kept, dict) or not {"roc_auc", "low", "high"} <= set(kept):
        return float("nan"), float("nan")
    value, low, high = (float(kept[name]) for name in ("roc_auc", "low", "high"))
    return value, (high - low) / _FOUR_ERRORS
