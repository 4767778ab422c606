"""`milepost metrics`: retention and support figures of a date, kept beside those of earlier dates."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from milepost import __version__
from milepost.data.publish import current, publish, spreadsheet_safe
from milepost.errors import ContractError, InputError, nearest
from milepost.metrics.alerts import check_alerts, raised
from milepost.metrics.definitions import DEFINITIONS, explain
from milepost.metrics.retention import TOTAL, records
from milepost.pipeline.job import Job
from milepost.pipeline.metrics_count import Metrics, compute, known_milestones
from milepost.pipeline.metrics_words import metrics_text
from milepost.pipeline.result import Result
from milepost.pipeline.track import git_commit
from milepost.tracking.log import RunRecord, log_run, table_csv

SEGMENTS = ("plan", "size", "cohort", "milestone", "billing")
_COHORT_METRIC = "cohort_retention"  # a table of its own


def metrics_job(job: Job, by: Sequence[str] = ()) -> Result:
    """Compute the metrics of the date, keep them, log them, and say which alert was raised. `by` chooses what is shown.

    A fault of MLflow is raised last, when everything else is written.
    """
    settings = job.settings.metrics
    _check_segments(job, by)
    check_alerts(settings.alerts, [name for name in DEFINITIONS if name != _COHORT_METRIC])
    found = compute(job)
    folder = keep(job, found)
    alerts = raised(found.rows, settings.alerts)
    run = log_run(job.settings.mlruns, metrics_record(job, found, alerts))
    answer = {
        "as_of": found.end, "period_start": found.start, "grace_days": job.settings.windows.grace_days,
        "metrics": found.rows[found.rows["segment_by"].isin([TOTAL, "billing", *by])].to_dict("records"),
        **{name: frame.to_dict("records") for name, frame in found.tables.items() if name != "metrics"},
        "alerts": alerts, "path": folder, "run": run,
    }  # fmt: skip
    return Result(answer, metrics_text(found.tables, (found.start, found.end), by, alerts, folder), "; ".join(alerts))


def metrics_record(job: Job, found: Metrics, alerts: Sequence[str]) -> RunRecord:
    """The figures of a date as a run: totals as metrics, tables as files."""
    total = found.rows[(found.rows["segment_by"] == TOTAL) & found.rows["value"].notna()]
    named = [str(name) for name in total["metric"]]
    return RunRecord(
        project=job.settings.project.name,
        run_name=f"metrics {found.end}",
        description="\n\n".join([f"Retention and support from {found.start} to {found.end}.", *alerts]),
        params={"as_of": str(found.end), "period_start": str(found.start),
                "grace_days": job.settings.windows.grace_days},
        metrics=dict(zip(named, map(float, total["value"]), strict=True)),
        tags={"kind": "metrics", "alerts": str(len(alerts)), "git_commit": git_commit(job.settings.folder),
              "milepost": __version__},
        artifacts={f"{name}.csv": table_csv(records(frame)) for name, frame in found.tables.items() if len(frame)},
    )  # fmt: skip


def explain_metric(name: str) -> Result:
    """What a metric means."""
    found = explain(name)
    parts = (f"{found.name} ({found.unit})", found.text, f"Interval: {found.interval}.")
    return Result(asdict(found), "\n".join(textwrap.fill(part, 100) for part in parts))


def _check_segments(job: Job, by: Sequence[str]) -> None:
    for name in by:
        if name not in SEGMENTS:
            raise InputError(f"no segment '{name}'", where="--by", fix=nearest(name, SEGMENTS))
    if "milestone" in by and known_milestones(job).empty:
        raise InputError("no milestone of any account is known", where="--by milestone", fix="run 'milepost derive'")


def keep(job: Job, found: Metrics) -> Path:
    """Publish the figures beside those of other dates; the rows of the same date are replaced. Returns the folder."""
    folder = job.settings.output / "metrics"
    stamp = {"as_of": found.end.isoformat(), "period_start": found.start.isoformat()}
    history = {
        name: _with_earlier(folder, name, frame.assign(**stamp)[[*stamp, *frame.columns]])
        for name, frame in found.tables.items()
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
    path = current(folder) / f"{name}.parquet"
    if not path.exists():
        return new
    earlier = pd.read_parquet(path)
    if new.empty:
        return earlier
    if list(earlier.columns) != list(new.columns):
        raise ContractError(f"{name} was written with other columns", where=str(folder), fix="move this folder away")
    others = earlier[earlier["as_of"] != new["as_of"].iloc[0]]
    kept = pd.concat([others, new], ignore_index=True) if len(others) else new
    return kept.sort_values("as_of", kind="stable", ignore_index=True)
