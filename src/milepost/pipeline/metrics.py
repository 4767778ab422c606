"""`milepost metrics`: retention figures of a date, kept beside those of earlier dates."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from milepost.data.publish import current, publish, spreadsheet_safe
from milepost.data.subscriptions import as_of, spans
from milepost.errors import ContractError, InputError, NotEnoughData, nearest
from milepost.metrics.alerts import check_alerts, raised
from milepost.metrics.bridge import movements, visible
from milepost.metrics.cohorts import cohort_curves, stays
from milepost.metrics.definitions import DEFINITIONS, explain
from milepost.metrics.renewals import due_terms, renewal_rows
from milepost.metrics.retention import COLUMNS, TOTAL, retention_rows
from milepost.metrics.support import support_rows, visible_conversations
from milepost.pipeline.job import Job
from milepost.pipeline.metrics_words import metrics_text
from milepost.pipeline.result import Result
from milepost.signals.build import size_bands
from milepost.terms import ACCOUNT
from milepost.windows import midnight

SEGMENTS = ("plan", "size", "cohort", "billing")
_FILES = ("metrics", "cohorts")
_COHORT_METRIC = "cohort_retention"  # a table of its own


@dataclass(frozen=True)
class Metrics:
    """start, end: the period [start, end); rows: metrics.retention.COLUMNS; cohorts: metrics.cohorts.COLUMNS."""

    start: date
    end: date
    rows: pd.DataFrame
    cohorts: pd.DataFrame


def metrics_job(job: Job, by: Sequence[str] = ()) -> Result:
    """Compute the metrics of the date, keep them, and say which alert was raised. `by` chooses what is shown."""
    settings = job.settings.metrics
    _check_segments(by)
    check_alerts(settings.alerts, [name for name in DEFINITIONS if name != _COHORT_METRIC])
    found = compute(job)
    folder = keep(job, found)
    alerts = raised(found.rows, settings.alerts)
    answer = {
        "as_of": found.end, "period_start": found.start, "grace_days": job.settings.windows.grace_days,
        "metrics": found.rows[found.rows["segment_by"].isin([TOTAL, "billing", *by])].to_dict("records"),
        "cohorts": found.cohorts.to_dict("records"), "alerts": alerts, "path": folder,
    }  # fmt: skip
    words = metrics_text(found.rows, found.cohorts, (found.start, found.end), by, alerts, folder)
    return Result(answer, words, "; ".join(alerts))


def explain_metric(name: str) -> Result:
    """What a metric means."""
    found = explain(name)
    parts = (f"{found.name} ({found.unit})", found.text, f"Interval: {found.interval}.")
    return Result(asdict(found), "\n".join(textwrap.fill(part, 100) for part in parts))


def _check_segments(by: Sequence[str]) -> None:
    for name in by:
        if name not in SEGMENTS:
            raise InputError(f"no segment '{name}'", where="--by", fix=nearest(name, SEGMENTS))


def compute(job: Job) -> Metrics:
    """All figures of the job's date.

    Raises InputError without subscriptions or for a date beyond the data, NotEnoughData when no account ever ran.
    """
    table, end = job.tables.subscriptions, job.as_of
    if table is None:
        raise InputError(
            "metrics of retention need subscriptions", where="milepost.toml", fix="add [tables.subscriptions]"
        )
    if end > job.last_date:
        raise InputError(f"--as-of {end} lies after the last data", expected=f"at most {job.last_date}")
    start = (pd.Timestamp(end) - pd.DateOffset(months=job.settings.metrics.months)).date()
    history = visible(table, end)
    if history.empty:
        raise NotEnoughData(f"no subscription began before {end}", where="subscriptions", fix="choose a later --as-of")
    created = _cohorts(job)
    covered = spans(table.filter(table.started_at < midnight(end)), job.settings.windows.grace_days)
    return Metrics(start, end, _rows(job, history, (start, end), created), _curves(job, covered, end, created))


def _rows(job: Job, history: pd.DataFrame, period: tuple[date, date], created: pd.Series) -> pd.DataFrame:
    """Rates and bridge in total and by every segment, and renewals."""
    (start, end), settings, grace = period, job.settings.metrics, job.settings.windows.grace_days
    states = as_of(job.tables.subscriptions, period)
    moves = movements(history, states, start, end, grace)
    segments = {
        "plan": moves["plan"].fillna("unknown"),
        "size": pd.Series(size_bands(moves["seats"], job.settings.data.size_bands), index=moves.index),
        "cohort": moves[ACCOUNT].map(created).fillna("unknown"),
    }
    due = due_terms(history, start, end, grace)
    parts = (
        _support(job, moves, segments, period),
        retention_rows(moves, segments, settings.min_accounts, bool(states["mrr"].notna().any())),
        renewal_rows(due, settings.min_accounts),
    )
    return pd.concat([part for part in parts if len(part)] or [parts[0]], ignore_index=True)


def _support(
    job: Job, moves: pd.DataFrame, segments: Mapping[str, pd.Series], period: tuple[date, date]
) -> pd.DataFrame:
    """Support figures; no rows without conversations."""
    table = job.tables.conversations
    if table is None:
        return pd.DataFrame(columns=COLUMNS)
    labels = {name: values.set_axis(moves[ACCOUNT]) for name, values in segments.items()}
    rows, least = visible_conversations(table, period[1]), job.settings.metrics.min_accounts
    return support_rows(rows, moves[moves["runs"]], labels, period[0], least, job.settings.project.seed)


def _curves(job: Job, covered: pd.DataFrame, end: date, created: pd.Series) -> pd.DataFrame:
    """Curves of all accounts together and of every cohort."""
    lived = stays(covered, end, job.settings.windows.grace_days)
    labels = pd.Series("all", index=lived.index), lived[ACCOUNT].map(created).fillna("unknown")
    found = [cohort_curves(lived, label, job.settings.metrics.min_accounts) for label in labels]
    return pd.concat(found, ignore_index=True)


def _cohorts(job: Job) -> pd.Series:
    """The month in which each account was created, such as 2024-03, by account."""
    accounts = job.tables.connection.to_pyarrow(job.tables.accounts.select(ACCOUNT, "created_at")).to_pandas()
    created: pd.Series = accounts.set_index(ACCOUNT)["created_at"].dt.strftime("%Y-%m")
    return created


def keep(job: Job, found: Metrics) -> Path:
    """Publish the figures beside those of other dates; the rows of the same date are replaced. Returns the folder."""
    folder = job.settings.output / "metrics"
    stamp = {"as_of": found.end.isoformat(), "period_start": found.start.isoformat()}
    history = {
        name: _with_earlier(folder, name, frame.assign(**stamp)[[*stamp, *frame.columns]])
        for name, frame in zip(_FILES, (found.rows, found.cohorts), strict=True)
    }

    def write(target: Path) -> None:
        for name, frame in history.items():
            frame.to_parquet(target / f"{name}.parquet", index=False)
            spreadsheet_safe(frame).to_csv(target / f"{name}.csv", index=False)

    publish(folder, f"{found.end}-{job.now:%Y%m%dT%H%M%S%f}", write)
    return folder


def _with_earlier(folder: Path, name: str, new: pd.DataFrame) -> pd.DataFrame:
    if not (folder / "CURRENT").exists():
        return new
    earlier = pd.read_parquet(current(folder) / f"{name}.parquet")
    if list(earlier.columns) != list(new.columns):
        raise ContractError(f"{name} was written with other columns", where=str(folder), fix="move this folder away")
    others = earlier[earlier["as_of"] != new["as_of"].iloc[0]]
    kept = pd.concat([others, new], ignore_index=True) if len(others) else new
    return kept.sort_values("as_of", kind="stable", ignore_index=True)
