"""What the model in use foretold of cohorts that came after its training, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.bundle import load_bundle, model_in_use
from milepost.errors import BundleError
from milepost.outcomes import find_mrr
from milepost.pipeline.job import Job
from milepost.pipeline.promotion import FORETOLD, folder_of, foretold_of
from milepost.review.foresight import Claim, Foretold, calibration, ranking_power
from milepost.review.revenue import Paid, revenue
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.training.model import ChurnModel

_FOUR_ERRORS = 2 * 1.96
TRAIN = "milepost train"


@dataclass(frozen=True)
class InUse:
    """The model in use with what was saved beside it; trained: the date up to which it knows the data, or NaT."""

    model: ChurnModel
    about: Mapping[str, object]
    trained: np.datetime64


def in_use(job: Job) -> tuple[InUse | None, str]:
    """The model that scores these data, or None and why there is none."""
    if not model_in_use(job.settings.models):
        return None, "no model is in use"
    model, about = load_bundle(job.settings.models)
    try:
        model.predict(job.current.take(np.arange(min(len(job.current.context), 1))).matrix)
    except BundleError:  # trained for other signals: it cannot score these data either
        return None, "the model in use was trained for other signals"
    return InUse(model, about, np.datetime64(str(about.get("as_of", "")) or "NaT", "D")), ""


def risk_claims(job: Job, since: date, found: tuple[InUse | None, str]) -> list[Claim]:
    """Calibration, ranking power and revenue of the model in use, on outcomes that began after its training and after
    `since`.
    """
    using, why = found
    if using is None:
        return [Claim("risk", "all", nan, False, False, why, TRAIN, TRAIN)]
    rows, outcomes = job.observations.take(job.learnable), job.outcomes.take(job.learnable)
    known = ~np.isnan(outcomes.churned)
    rows, outcomes = rows.take(known), outcomes.take(known)
    risk = using.model.predict(rows.matrix)
    days, windows = rows.context[SNAPSHOT].to_numpy(dtype="datetime64[D]"), job.windows
    account, churned = rows.context[ACCOUNT].to_numpy(), outcomes.churned.astype(np.float64)

    def part(keep: NDArray[np.bool_]) -> Foretold:
        return Foretold(account[keep], days[keep], risk[keep], churned[keep])

    learnt = np.asarray(days + np.timedelta64(windows.purge_days, "D") <= using.trained)
    begun = max(using.trained, np.datetime64(since, "D"))
    later = np.asarray(days + np.timedelta64(windows.gap_days, "D") >= begun)
    return [
        calibration(part(learnt), part(later)),
        ranking_power(_auc_of(using.about), part(later), job.settings.project.seed),
        _revenue(job, using, rows.take(later), risk[later]),
    ]


def _revenue(job: Job, using: InUse, rows: Observations, risk: NDArray[np.float64]) -> Claim:
    """Score and revenue on the later rows, beside what was foretold out of time of the test rows of the training."""
    if not np.isfinite(job.observations.context["mrr"].to_numpy(dtype=np.float64)).any():
        because, fix = "there is no MRR", "give subscriptions their mrr in milepost.toml"
        return Claim("risk", "revenue", nan, False, False, because, "", fix)
    tested = foretold_of(folder_of(job), str(using.about["model_id"]))
    keys = [ACCOUNT, SNAPSHOT]
    before = pd.DataFrame(columns=[*keys, FORETOLD]) if tested is None else tested
    known = job.observations.context[[*keys, "mrr"]]
    before = before[[*keys, FORETOLD]].astype({SNAPSHOT: known[SNAPSHOT].dtype}).merge(known, on=keys)
    later = rows.context[[*keys, "mrr"]].assign(**{FORETOLD: risk})
    return revenue(_paid(job, before), _paid(job, later), job.settings.project.seed)


def _paid(job: Job, rows: pd.DataFrame) -> Paid:
    after, before = find_mrr(job.tables, rows[[ACCOUNT, SNAPSHOT]], job.windows), rows["mrr"].to_numpy(dtype=np.float64)
    change = np.divide(after - before, before, out=np.full(len(rows), nan), where=before > 0)
    risk = rows[FORETOLD].to_numpy(dtype=np.float64)
    return Paid(rows[ACCOUNT].to_numpy(), rows[SNAPSHOT].to_numpy(dtype="datetime64[D]"), risk, change)


def _auc_of(about: Mapping[str, object]) -> tuple[float, float]:
    """AUC of the training with its standard error, NaN where the bundle does not hold it."""
    kept = about.get("metrics")
    if not isinstance(kept, dict) or not {"roc_auc", "low", "high"} <= set(kept):
        return float("nan"), float("nan")
    value, low, high = (float(kept[name]) for name in ("roc_auc", "low", "high"))
    return value, (high - low) / _FOUR_ERRORS
