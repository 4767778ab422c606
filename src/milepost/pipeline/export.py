"""`milepost export --unmet WHAT`: the accounts that lack a milestone, category, setup step or feature, as a list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from milepost.adoption import available
from milepost.data.publish import current, spreadsheet_safe, write_atomic
from milepost.errors import InputError, nearest
from milepost.milestones.daily import NEVER, Floats
from milepost.pipeline.framework_file import read_framework
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, shown
from milepost.terms import ACCOUNT, SNAPSHOT, Level, Milestone

COLUMNS = [
    ACCOUNT, SNAPSHOT, "unmet", "owner", "plan", "segment", "seats", "mrr", "tenure_days", "risk_band", "churn_risk",
    "expected_loss", "milestone", "next_step", "route",
]  # fmt: skip


def export_job(job: Job, unmet: str, target: Path | None = None) -> Result:
    """Write the scored accounts that lack it, the largest expected loss first; who cannot be judged is counted.

    Raises InputError for a name that is none of these, or without scores of this date and these data.
    """
    scores = _scores(job)
    lacks = _lacks(job, scores, unmet)
    path = target or job.settings.output / "exports" / f"unmet-{unmet}.csv"
    found = _list(job, scores[lacks == 1.0], unmet)
    write_atomic(path, lambda place: spreadsheet_safe(found).to_csv(place, index=False))
    unknown = int(np.isnan(lacks).sum())
    answer = {"unmet": unmet, "accounts": len(found), "met": int((lacks == 0).sum()), "not_known": unknown,
              "mrr": float(found["mrr"].sum()), "path": str(path)}  # fmt: skip
    words = f"{len(found):,} of {len(scores):,} accounts lack {unmet}; {answer['met']:,} have it" + (
        f", of {unknown:,} it is not known" if unknown else ""
    )
    return Result(answer, f"{words}\n{shown(path)}")


def _scores(job: Job) -> pd.DataFrame:
    try:
        scores = pd.read_parquet(current(job.settings.output / "scores") / "scores.parquet")
    except InputError:
        raise InputError("there are none yet", where="scores", fix="run 'milepost score' first") from None
    if scores["run_id"].iloc[0] != job.run_id:
        raise InputError(f"they are of run {scores['run_id'].iloc[0]}, not of {job.run_id}", where="scores",
                         fix=f"run 'milepost score --as-of {job.as_of}'")  # fmt: skip
    return scores


def _lacks(job: Job, scores: pd.DataFrame, unmet: str) -> Floats:
    """1 where the account lacks it, 0 where it has it, NaN where that is not known: [rows of scores]."""
    framework = read_framework(job)
    milestones = [str(one) for one in Milestone]
    levels = {one.name: f"level_{one.name}" for one in framework.categories} if framework else {}
    features = [feature.name for feature in job.features]
    if unmet in milestones:
        return _milestone(scores, unmet)
    if unmet in levels and levels[unmet] in scores:
        level = scores[levels[unmet]]
        return np.asarray((level == Level.BASIC.value).astype(float).where(level.notna()), dtype=np.float64)
    if framework and framework.setup and unmet in framework.setup.steps and unmet in job.lives.steps:
        return _step(job, scores, unmet)
    if unmet in features:
        return _feature(job, scores, features.index(unmet))
    raise InputError(f"no milestone, category, setup step or feature '{unmet}'", where="--unmet",
                     fix=nearest(unmet, [*milestones, *levels, *features]))  # fmt: skip


def _milestone(scores: pd.DataFrame, name: str) -> Floats:
    """By how far the account is on the way to it: progress of 1 has reached it."""
    progress = scores[f"{name}_progress"].to_numpy(dtype=np.float64)
    if name in ("setup", "activation"):  # these stay, whatever came after
        reached = scores["setup_on" if name == "setup" else "activated_on"].notna().to_numpy()
        progress = np.where(reached, 1.0, progress)
    return np.where(np.isnan(progress), np.nan, (progress < 1).astype(np.float64))


def _step(job: Job, scores: pd.DataFrame, name: str) -> Floats:
    codes = job.lives.codes(scores[ACCOUNT])
    done = job.lives.steps[name][codes] != NEVER
    # what an account did before the data begin is not known
    unknown = (codes < 0) | (job.lives.before_data[codes] & ~done)
    return np.where(unknown, np.nan, (~done).astype(np.float64))


def _feature(job: Job, scores: pd.DataFrame, column: int) -> Floats:
    rows = job.current
    used = pd.Series(1.0 - rows.adopted[:, column], rows.context[ACCOUNT].to_numpy())
    lacks = used.where(available(rows)[:, column])
    return np.asarray(lacks.reindex(scores[ACCOUNT]), dtype=np.float64)


def _list(job: Job, rows: pd.DataFrame, unmet: str) -> pd.DataFrame:
    accounts = job.tables.connection.to_pyarrow(job.tables.accounts.select(ACCOUNT, "owner")).to_pandas()
    owned = rows.assign(unmet=unmet, owner=rows[ACCOUNT].map(accounts.set_index(ACCOUNT)["owner"]))
    ordered = owned.sort_values(["expected_loss", ACCOUNT], ascending=[False, True], ignore_index=True)
    return ordered.reindex(columns=COLUMNS)
