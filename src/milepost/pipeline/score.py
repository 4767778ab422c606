"""`milepost score`: one row per account running at the date, published atomically."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from milepost.bundle import load_bundle, refuse_misfit
from milepost.data.publish import holding, publish, spreadsheet_safe
from milepost.data.sinks import address_of, to_database, to_duckdb
from milepost.errors import BundleError, InputError
from milepost.framework import Framework
from milepost.pipeline.alarms import headed, remembered
from milepost.pipeline.framework_file import read_framework
from milepost.pipeline.job import Job
from milepost.pipeline.milestones import held_by, states_at
from milepost.pipeline.next_steps import next_steps_at
from milepost.pipeline.progress import progress_at
from milepost.pipeline.result import Result, shown, table
from milepost.pipeline.score_history import History, changes, content_of
from milepost.review.drift import Drift, drift
from milepost.scoring.score import ScoringInputs, score
from milepost.signals.build import build_observations
from milepost.signals.matrix import Observations
from milepost.signals.spec import Signal
from milepost.terms import ACCOUNT, SNAPSHOT, RiskBand
from milepost.training.hazard import from_saved
from milepost.training.model import ChurnModel

SHOWN = 5


@dataclass(frozen=True)
class Scored:
    """The published scores: the frame, where it lies, who was not scored (account_id, reason), what to know, how many
    rows changed since the scored date before, and how the signals have moved since training (None: not known).
    """

    frame: pd.DataFrame
    path: Path
    not_scored: pd.DataFrame
    note: str = ""
    changed: int = 0
    moved: Drift | None = None


def score_accounts(job: Job, framework: Framework | None, anew: bool = True) -> Scored:
    """Score with the bundle in use and publish scores.parquet, scores.csv, changes.csv and not_scored.csv as one
    version, after the tables of the settings; the same date and model give the same rows again.

    Raises BundleError for a model trained for other windows, or with data later than the scored date; InputError when
    the date was scored by another model, unless `anew` is asked for; LockHeld while another process scores here.
    """
    model, about = load_bundle(job.settings.models)
    where = f"{job.settings.project.models}/{job.settings.project.name}"
    refuse_misfit(about, job.windows_in_use, where)
    _refuse_later(job, str(about.get("as_of", "")), where)
    history = History(job.settings.output / "scoring")
    _refuse_other_model(job, history, str(about["model_id"]), anew)
    with holding(history.folder):
        job.progress(f"scoring with model {about['model_id']}")
        rows = _with_signals(job, model.signals)
        frame = score(rows, _inputs(job, (model, about), framework, rows)).assign(run_id=job.run_id)
        moved = drift(about["reference"], rows.matrix) if "reference" in about else None
        scored = Scored(frame, job.settings.output / "scores" / "scores.parquet", not_scored(job, frame),
                        _later_framework(job, framework), moved=moved)  # fmt: skip
        return _publish(job, history, scored)


def _refuse_other_model(job: Job, history: History, model_id: str, anew: bool) -> None:
    there = history.run_of(job.as_of).get("model_id", model_id)
    if there != model_id and not anew:
        raise InputError(f"{job.as_of} was scored by model {there} already, the model in use is {model_id}",
                         where="scores", fix="add --replace to score it anew")  # fmt: skip


def _inputs(
    job: Job, loaded: tuple[ChurnModel, dict[str, Any]], framework: Framework | None, rows: Observations
) -> ScoringInputs:
    model, about = loaded
    states = steps = None
    if framework is not None:
        held = held_by(job, framework, rows)
        states = states_at(job, rows, held).join(progress_at(job, framework, rows, held))
        steps = next_steps_at(job, framework, rows, held)
    return ScoringInputs(
        model, about["model_id"], about["young_risk"], about["typical"], framework, job.settings.scoring,
        job.settings.signals.min_tenure_days, states, steps,
        from_saved(about["hazard"]) if about.get("hazard") else None,
    )  # fmt: skip


def _publish(job: Job, history: History, scored: Scored) -> Scored:
    """To the tables of the settings, the history and the files; whatever stops on the way is put right by a rerun."""
    frame = scored.frame
    known, content = history.run_of(job.as_of), content_of(frame)
    # scored again with the same result, it is as old as it was
    moment = pd.Timestamp(str(known["scored_at"])) if known.get("content") == content else pd.Timestamp(job.now)
    scored = replace(scored, frame=frame.assign(scored_at=moment))
    changed = deliver(job, history, scored.frame, scored.not_scored, _run_row(job, scored, content))
    return replace(scored, changed=changed)


def deliver(job: Job, history: History, frame: pd.DataFrame, others: pd.DataFrame, run: dict[str, object]) -> int:
    """Scores to the tables of the settings, the history and the files; returns how many rows changed since the date
    before. `others`: accounts without a score; `run`: the date's row of `scoring_runs`, completed here.
    """
    settings = job.settings
    changed = changes(frame, history.before(job.as_of))
    run = {**run, "changed": len(changed)}
    for sink in settings.scoring.sinks:
        job.progress(f"scores: writing table {sink.table}")
        if sink.kind == "duckdb":
            to_duckdb(settings.output_path(sink.path), sink.table, frame, run)
        else:
            to_database(address_of(sink.url_env), sink.table, frame, run)

    def write(target: Path) -> None:
        frame.to_parquet(target / "scores.parquet", index=False)
        for name, part in (("scores", frame), ("changes", changed), ("not_scored", others)):
            spreadsheet_safe(part).to_csv(target / f"{name}.csv", index=False)

    history.keep(frame, run, settings.scoring.keep_dates)
    publish(settings.output / "scores", job.version, write)
    return len(changed)


def _run_row(job: Job, scored: Scored, content: str) -> dict[str, object]:
    """One row of `scoring_runs`."""
    frame, moved = scored.frame, scored.moved
    bands = frame["risk_band"].value_counts()
    drifted = [] if moved is None else moved.drifted
    return {
        SNAPSHOT: pd.Timestamp(job.as_of), "model_id": frame["model_id"].iloc[0], "run_id": job.run_id,
        "framework_version": int(frame["framework_version"].iloc[0]), "accounts": len(frame),
        "not_scored": len(scored.not_scored), "changed": 0,
        **{f"band_{band}": int(bands.get(str(band), 0)) for band in RiskBand},
        "mean_risk": float(frame["churn_risk"].mean()), "expected_loss": float(frame["expected_loss"].sum()),
        "signals_compared": 0 if moved is None else len(moved.signals), "signals_drifted": len(drifted),
        "largest_psi": None if moved is None or moved.signals.empty else float(moved.signals["psi"].iloc[0]),
        "drifted": "; ".join(drifted[:SHOWN]), "content": content, "scored_at": frame["scored_at"].iloc[0],
    }  # fmt: skip


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
    job.check_names(tuple(signal for signal in signals if signal.own))
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
        "changed": scored.changed,
        "drift": None if scored.moved is None else _drift_json(scored.moved),
        "note": scored.note,
    }


def _drift_json(moved: Drift) -> dict[str, object]:
    largest = moved.signals.head(SHOWN)[["signal", "psi", "limit", "drifted"]].to_dict("records")
    return {"signals": len(moved.signals), "drifted": len(moved.drifted), "largest": largest}


def drift_text(moved: Drift | None) -> str:
    """One sentence on whether the accounts still look like those in training; "" when that is not known."""
    if moved is None or moved.signals.empty:
        return ""
    first = moved.signals.iloc[0]
    largest = f"the largest is {first['signal']}, PSI {first['psi']:.2f} (limit {first['limit']:.2f})"
    found = f"{len(moved.drifted):,} of {len(moved.signals):,} signals lie otherwise than in training"
    return textwrap.fill(f"drift: {found}; {largest}", 100, subsequent_indent="  ")


def scores_text(scored: Scored, count: int = 10) -> str:
    """The accounts at the highest risk, with their first reason."""
    top = scored.frame.head(count)
    reasons = top["reason_1"].fillna("") if "reason_1" in top else pd.Series("", index=top.index)
    rows = [
        [row.risk_rank, str(row.account_id)[:24], f"{row.churn_risk:.1%}", row.risk_band, _short(reason)]
        for row, reason in zip(top.itertuples(), reasons, strict=True)
    ]
    head = f"{len(scored.frame):,} accounts scored, {len(scored.not_scored):,} not (see not_scored.csv)"
    note = "".join(f"{line}\n" for line in (scored.note, drift_text(scored.moved)) if line)
    return f"{head}\n{table(['', 'account', 'risk', 'band', 'first reason'], rows)}\n\n{note}{shown(scored.path)}"


def _short(reason: str) -> str:
    """A reason that fits beside the other columns."""
    return textwrap.shorten(reason.removeprefix("Raises the risk: "), 56, placeholder=" …")


def score_job(job: Job, anew: bool = False) -> Result:
    """Score with the model and the framework in use; under a leak alarm found in these data nothing is published."""
    if alarms := remembered(job).texts:
        return headed(Result({"scores": None}, "no scores are published under a leak alarm"), alarms)
    framework = read_framework(job)
    scored = score_accounts(job, framework, anew)
    return Result({"scores": scores_json(scored)}, scores_text(scored))
