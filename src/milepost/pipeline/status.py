"""`milepost status`: what is due, what is late, and who owns which part of the framework."""

from __future__ import annotations

from datetime import date

import pandas as pd

from milepost.bundle import load_bundle, model_in_use
from milepost.data.publish import current
from milepost.framework import Framework
from milepost.pipeline.framework_file import read_framework
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, table
from milepost.pipeline.score_history import History
from milepost.review.calendar import Due, Last, calendar

NEVER = "never"


def find_status(job: Job) -> tuple[tuple[Due, ...], date]:
    """What is due by today, and today: the date asked for, else that of the clock."""
    today, framework = job.asked or job.now.date(), read_framework(job)
    last = Last(
        framework.created if framework else None,
        _reviewed(job),
        framework.review_by if framework else None,
        job.tables.complete_until.date(),
        _scored(job),
        _trained(job),
    )
    return calendar(last, job.settings.review, today), today


def _reviewed(job: Job) -> date | None:
    folder = job.settings.output / "review"
    if not (folder / "CURRENT").exists():
        return None
    found = pd.read_parquet(current(folder) / "review.parquet")
    return date.fromisoformat(str(found["as_of"].iloc[0]))


def _scored(job: Job) -> date | None:
    runs = History(job.settings.output / "scoring").runs()
    return None if runs.empty else pd.Timestamp(runs["snapshot_date"].max()).date()


def _trained(job: Job) -> date | None:
    if not model_in_use(job.settings.models):
        return None
    known = str(load_bundle(job.settings.models)[1].get("as_of", ""))
    return date.fromisoformat(known) if known else None


def status_job(job: Job) -> Result:
    """The calendar; the gate says no where anything is late."""
    found, today = find_status(job)
    framework = read_framework(job)
    late = [f"{one.what} {one.late_days(today)} days late" for one in found if one.late_days(today)]
    answer = {
        "today": today, "late": late, "owners": dict(framework.owners) if framework else {},
        "due": [
            {"what": one.what, "last": one.last, "due": one.due, "late_days": one.late_days(today),
             "what_to_do": one.what_to_do} for one in found
        ],
    }  # fmt: skip
    text = "\n\n".join(part for part in (_table(found, today), _owners(framework)) if part)
    return Result({"status": answer}, text, "; ".join(late))


def _table(found: tuple[Due, ...], today: date) -> str:
    rows = [
        [one.what, one.last or NEVER, one.due, _state(one, today), one.what_to_do if one.late_days(today) else ""]
        for one in found
    ]
    return f"as of {today}\n{table(['', 'last', 'due', '', 'to do'], rows)}"


def _state(one: Due, today: date) -> str:
    late = one.late_days(today)
    return f"{late} days late" if late else "never done" if one.last is None else "in time"


def _owners(framework: Framework | None) -> str:
    if framework is None or not framework.owners:
        return ""
    return table(["part", "owner"], [[part[:48], owner[:48]] for part, owner in framework.owners.items()])
