"""Retention and support as a part of the page: counted in a run, or read from what `milepost metrics` kept."""

from __future__ import annotations

from datetime import date

import pandas as pd

from milepost.data.publish import current
from milepost.errors import InputError, MilepostError
from milepost.metrics.alerts import raised
from milepost.pipeline.job import Job
from milepost.pipeline.metrics import keep
from milepost.pipeline.metrics_count import Metrics, compute
from milepost.pipeline.metrics_together import TOGETHER
from milepost.reporting.metric_data import MetricsPart


def counted_part(job: Job) -> MetricsPart | None:
    """Count the metrics of the job's date and keep them; None where these data hold none."""
    if job.tables.subscriptions is None:
        return None
    try:
        job.progress("metrics: retention and support of the period")
        found = compute(job)
    except MilepostError:
        return None
    keep(job, found)
    return _part(job, found)


def published_part(job: Job) -> MetricsPart | None:
    """What was kept for the job's date; None without."""
    try:
        folder = current(job.settings.output / "metrics")
        tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in ("metrics", "cohorts", "issues")}
    except (InputError, OSError):
        return None
    mine = {name: frame[frame["as_of"] == str(job.as_of)] for name, frame in tables.items()}
    if mine["metrics"].empty:
        return None
    start = date.fromisoformat(str(mine["metrics"]["period_start"].iloc[0]))
    empty = pd.DataFrame()
    found = Metrics(start, job.as_of, mine["metrics"], mine["cohorts"], mine["issues"], empty, empty)
    return _part(job, found)


def _part(job: Job, found: Metrics) -> MetricsPart:
    alerts = raised(found.rows, job.settings.metrics.alerts)
    return MetricsPart(found.start, found.end, found.rows, found.cohorts, found.issues, alerts, _together(job))


def _together(job: Job) -> pd.DataFrame:
    """The comparison of support with outcomes, if it was made from the same data."""
    try:
        rows = pd.read_parquet(current(job.settings.output / TOGETHER) / "together.parquet")
    except (InputError, OSError):
        return pd.DataFrame()
    return rows[rows["run_id"] == job.run_id]
