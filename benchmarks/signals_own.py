"""One contestant of benchmarks/signals.py: the bare scan, or milepost; prints its cost as JSON."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from milepost.pipeline.job import Job, open_job
from milepost.signals.build import build_observations


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measured(work: Callable[[], object]) -> dict[str, float]:
    """CPU and wall seconds of the work, gigabytes at the peak of the process."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    work()
    return {
        "cpu": cpu_seconds() - cpu,
        "wall": time.perf_counter() - wall,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def last_day(folder: Path) -> date:
    """The midnight after the last event."""
    found = duckdb.sql(f"SELECT max(occurred_at) FROM '{folder / 'events.parquet'}'").fetchone()
    assert found is not None
    return found[0].date() + timedelta(days=1)


def scan(folder: Path) -> Callable[[], object]:
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    columns = "min(account_id), max(occurred_at), min(event_name), min(user_id), sum(value), max(loaded_at)"
    return lambda: connection.execute(f"SELECT {columns} FROM '{folder / 'events.parquet'}'").fetchall()


def ready(folder: Path, as_of: date, limit: str = "") -> Job:
    """A job whose tables are open and checked: only the signals are measured."""
    job = open_job(folder / "milepost.toml", datetime(2026, 1, 1), as_of)
    if limit:
        project = job.settings.project.model_copy(update={"memory_limit": limit})
        job.settings = job.settings.model_copy(update={"project": project})
    _ = job.tables
    return job


def one(folder: Path, limit: str = "") -> Callable[[], object]:
    last = last_day(folder)
    job = ready(folder, last, limit)
    return lambda: build_observations(job.tables, job.features, job.settings, [last])


def twelve(folder: Path) -> Callable[[], object]:
    job = ready(folder, date(2025, 3, 1))
    assert len(job.snapshots) == 12
    return lambda: build_observations(job.tables, job.features, job.settings, job.snapshots)


def following(folder: Path) -> Callable[[], object]:
    """The digest of the past, the new snapshot and writing the matrix; the twelve before it are on disk already."""
    current, twelve_done = folder / "out" / "signals" / "CURRENT", folder / "CURRENT-of-twelve"
    if not twelve_done.exists():
        _ = ready(folder, date(2025, 3, 1)).observations
        shutil.copy(current, twelve_done)
    shutil.copy(twelve_done, current)
    # old versions are forgotten by their age
    os.utime(folder / "out" / "signals" / "versions" / json.loads(twelve_done.read_text(encoding="utf-8"))["run"])
    job = ready(folder, last_day(folder))
    return lambda: job.observations


def main() -> None:
    case, folder = sys.argv[1], Path(sys.argv[2])
    cases: dict[str, Callable[[], Callable[[], object]]] = {
        "scan": lambda: scan(folder),
        "one": lambda: one(folder),
        "limit": lambda: one(folder, "2GB"),
        "twelve": lambda: twelve(folder),
        "next": lambda: following(folder),
    }
    print(json.dumps(measured(cases[case]())))


if __name__ == "__main__":
    main()
