"""`milepost score`: one row per account running at the date, published atomically."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from milepost.bundle import load_bundle, refuse_misfit
from milepost.data.publish import publish, spreadsheet_safe
from milepost.errors import BundleError
from milepost.framework import Framework
from milepost.pipeline.alarms import headed, remembered
from milepost.pipeline.framework_file import read_framework
from milepost.pipeline.job import Job
from milepost.pipeline.milestones import states_at
from milepost.pipeline.next_steps import next_steps_at
from milepost.pipeline.result import Result, shown, table
from milepost.scoring.score import ScoringInputs, score
from milepost.signals.build import build_observations
from milepost.signals.matrix import Observations
from milepost.signals.spec import Signal
from milepost.terms import ACCOUNT, RiskBand


@dataclass(frozen=True)
class Scored:
    """The published scores: the frame, where it lies, who was not scored (account_id, reason), and what to know."""

    frame: pd.DataFrame
    path: Path
    not_scored: pd.DataFrame
    note: str = ""


def score_accounts(job: Job, framework: Framework | None) -> Scored:
    """Score with the bundle in use and publish scores.parquet, scores.csv and not_scored.csv as one version.

    Raises BundleError for a model trained for other windows, or with data later than the scored date.
    """
    model, about = load_bundle(job.settings.models)
    where = f"{job.settings.project.models}/{job.settings.project.name}"
    refuse_misfit(about, job.windows_in_use, where)
    _refuse_later(job, str(about.get("as_of", "")), where)
    job.progress(f"scoring with model {about['model_id']}")
    rows = _with_signals(job, model.signals)
    inputs = ScoringInputs(
        model, about["model_id"], about["young_risk"], about["typical"], framework, job.settings.scoring,
        job.settings.signals.min_tenure_days, None if framework is None else states_at(job, framework, rows),
        None if framework is None else next_steps_at(job, framework, rows),
    )  # fmt: skip
    frame = score(rows, inputs).assign(run_id=job.run_id)
    left_out = not_scored(job, frame)

    def write(target: Path) -> None:
        frame.to_parquet(target / "scores.parquet", index=False)
        spreadsheet_safe(frame).to_csv(target / "scores.csv", index=False)
        spreadsheet_safe(left_out).to_csv(target / "not_scored.csv", index=False)

    publish(job.settings.output / "scores", job.version, write)
    return Scored(frame, job.settings.output / "scores" / "scores.parquet", left_out, _later_framework(job, framework))


def _refuse_later(job: Job, trained: str, where: str) -> None:
    """Refuse a model that learnt what was not known yet at the scored date; `trained` is an ISO date."""
    if trained > str(job.as_of):
        date = f"{'--as-of' if job.asked else 'the scored date'} {job.as_of}"
        raise BundleError(f"the model was trained with data up to {trained}, later than {date}",
                          where=where, fix=f"run 'milepost train --as-of {job.as_of}' first")  # fmt: skip


def _later_framework(job: Job, framework: Framework | None) -> str:
    """A note where the framework knows what came after the scored date: a person may want just that."""
    if framework is None or framework.created <= job.as_of:
        return ""
    return (
        f"{job.settings.framework.name} was made from data up to {framework.created}, later than the scored date "
        f"{job.as_of}: the levels look back with what was learnt since"
    )


def _with_signals(job: Job, signals: tuple[Signal, ...]) -> Observations:
    """The rows of the scored date with the model's own signals, in its order.

    A matrix that is there already is used; else only this one date is built, not the history before it.
    """
    if job.has_observations and job.observations.matrix.signals == signals:
        return job.current
    job.check_names()
    return build_observations(job.tables, job.features, job.settings, [job.as_of], signals, job.progress)


def not_scored(job: Job, scores: pd.DataFrame) -> pd.DataFrame:
    """Accounts without a score, each with the reason, sorted by account."""
    accounts = job.tables.connection.to_pyarrow(job.tables.accounts.select(ACCOUNT, "created_at")).to_pandas()
    missing = accounts[~accounts[ACCOUNT].isin(scores[ACCOUNT])].sort_values(ACCOUNT)
    ended = "no subscription running" if job.tables.subscriptions is not None else "no value event in the window"
    reason = np.where(missing["created_at"] >= np.datetime64(job.as_of), "created at or after the snapshot", ended)
    return pd.DataFrame({ACCOUNT: missing[ACCOUNT].to_numpy(), "reason": reason})


def scores_json(scored: Scored) -> dict[str, object]:
    """The `scores` part of the answer."""
    bands = scored.frame["risk_band"].value_counts()
    return {
        "rows": len(scored.frame),
        "path": str(scored.path),
        "not_scored": len(scored.not_scored),
        "bands": {str(band): int(bands.get(str(band), 0)) for band in RiskBand},
        "model_id": str(scored.frame["model_id"].iloc[0]),
        "note": scored.note,
    }


def scores_text(scored: Scored, count: int = 10) -> str:
    """The accounts at the highest risk, with their first reason."""
    top = scored.frame.head(count)
    reasons = top["reason_1"].fillna("") if "reason_1" in top else pd.Series("", index=top.index)
    rows = [
        [row.risk_rank, str(row.account_id)[:24], f"{row.churn_risk:.1%}", row.risk_band, _short(reason)]
        for row, reason in zip(top.itertuples(), reasons, strict=True)
    ]
    head = f"{len(scored.frame):,} accounts scored, {len(scored.not_scored):,} not (see not_scored.csv)"
    note = f"{scored.note}\n" if scored.note else ""
    return f"{head}\n{table(['', 'account', 'risk', 'band', 'first reason'], rows)}\n\n{note}{shown(scored.path)}"


def _short(reason: str) -> str:
    """A reason that fits beside the other columns."""
    return textwrap.shorten(reason.removeprefix("Raises the risk: "), 56, placeholder=" …")


def score_job(job: Job) -> Result:
    """Score with the model and the framework in use; under a leak alarm found in these data nothing is published."""
    if alarms := remembered(job).texts:
        return headed(Result({"scores": None}, "no scores are published under a leak alarm"), alarms)
    framework = read_framework(job)
    scored = score_accounts(job, framework)
    return Result({"scores": scores_json(scored)}, scores_text(scored))
