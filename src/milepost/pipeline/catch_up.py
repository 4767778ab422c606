"""`milepost score --every DAYS`: the dates that were missed are scored in order, the newest last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from milepost.bundle import load_bundle
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result
from milepost.pipeline.score import score_job
from milepost.pipeline.score_history import History


def missing_dates(done: Sequence[date], until: date, every: int) -> list[date]:
    """Dates so many days apart from the first one scored up to `until`, that have not been; `until` is one of them.

    >>> [str(day) for day in missing_dates([date(2024, 5, 1), date(2024, 5, 15)], date(2024, 5, 24), 7)]
    ['2024-05-08', '2024-05-22', '2024-05-24']
    """
    first = min(done, default=until)
    due = {first + timedelta(days=days) for days in range(0, (until - first).days + 1, every)} | {until}
    return sorted(due - set(done))


def catch_up_job(job: Job, every: int, anew: bool = False) -> Result:
    """Score every missing date, oldest first; the job's date comes last even where it is there already, so that the
    published scores are its own. Dates before the model's training are left out and counted: it knows too much there.
    """
    done = History(job.settings.output / "scoring").days()
    trained = str(load_bundle(job.settings.models)[1].get("as_of", ""))
    missing = missing_dates(done, job.as_of, every)
    wanted = [day for day in missing if str(day) >= trained]
    for place, day in enumerate(wanted, start=1):
        if day != job.as_of:
            job.progress(f"catching up: {day}, {place} of {len(wanted)}")
            score_job(Job(job.settings, job.now, day, job.progress), anew)
    last = score_job(job, anew)
    late = len(missing) - len(wanted)
    caught = [str(day) for day in wanted if day != job.as_of]
    answer = {**last.as_json(), "caught_up": caught, "before_training": late}
    words = f"caught up: {len(caught)} dates" + (f"; {late} before the model's training" if late else "")
    return Result(answer, f"{words}\n{last.as_text()}", last.gate)
