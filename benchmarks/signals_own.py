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

from milepost.pipeline.check import check_tables
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


def following(source: Path, rewritten: bool) -> Callable[[], object]:
    """The next snapshot and writing its matrix; the twelve before it are on disk already.

    What could be seen since stands in a file that came, or in one that holds everything and took the place of the old.
    """
    folder = source / "nightly"
    events, ready_made = folder / "events", folder / "ready"
    if not ready_made.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _split(source, folder)
    current, twelve_done = folder / "out" / "signals" / "CURRENT", folder / "CURRENT-of-twelve"
    _only(events, folder / "before.parquet")
    if not ready_made.exists():
        _ = ready(folder, date(2025, 3, 1)).observations
        shutil.copy(current, twelve_done)
        ready_made.touch()
    shutil.copy(twelve_done, current)
    # old versions are forgotten by their age
    os.utime(folder / "out" / "signals" / "versions" / json.loads(twelve_done.read_text(encoding="utf-8"))["run"])
    grown = (folder / "before.parquet", folder / "since.parquet")
    _only(events, *((source / "events.parquet",) if rewritten else grown))
    job = ready(folder, last_day(source))
    return lambda: job.observations


def _split(source: Path, folder: Path) -> None:
    """The same product with its events in two files: what could be seen before March 2025, and the rest."""
    (folder / "events").mkdir(parents=True)
    connection = duckdb.connect()
    connection.execute("SET threads = 2; SET memory_limit = '4GB'")
    for name, condition in (("before", "<"), ("since", ">=")):
        connection.execute(
            f"COPY (SELECT * FROM '{source / 'events.parquet'}' WHERE greatest(occurred_at, loaded_at) {condition} "
            f"TIMESTAMP '2025-03-01') TO '{folder / name}.parquet' (FORMAT parquet, COMPRESSION zstd)"
        )
    for name in ("accounts.parquet", "subscriptions.parquet", "features.csv"):
        shutil.copy(source / name, folder / name)
    text = (source / "milepost.toml").read_text(encoding="utf-8").replace('"events.parquet"', '"events"')
    (folder / "milepost.toml").write_text(text, encoding="utf-8")


def _only(folder: Path, *files: Path) -> None:
    """Make these the files of the folder."""
    for old in folder.iterdir():
        old.unlink()
    for file in files:
        os.link(file, folder / file.name)


def main() -> None:
    case, folder = sys.argv[1], Path(sys.argv[2])
    cases: dict[str, Callable[[], Callable[[], object]]] = {
        "scan": lambda: scan(folder),
        "one": lambda: one(folder),
        "limit": lambda: one(folder, "2GB"),
        "twelve": lambda: twelve(folder),
        "check": lambda: lambda: check_tables(open_job(folder / "milepost.toml", datetime(2026, 1, 1))),
        "next": lambda: following(folder, rewritten=False),
        "rewritten": lambda: following(folder, rewritten=True),
    }
    print(json.dumps(measured(cases[case]())))


if __name__ == "__main__":
    main()
