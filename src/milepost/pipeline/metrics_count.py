"""What `milepost metrics` counts: the tables of a date from subscriptions, conversations and help events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from milepost.data.publish import current
from milepost.data.subscriptions import as_of, spans
from milepost.errors import InputError, NotEnoughData
from milepost.metrics.bridge import movements, visible
from milepost.metrics.clock import HOUR_COLUMNS, hours_of_day
from milepost.metrics.cohorts import cohort_curves, stays
from milepost.metrics.help import followed, help_days
from milepost.metrics.renewals import due_terms, renewal_rows
from milepost.metrics.retention import retention_rows
from milepost.metrics.support import Support, support_rows, visible_conversations
from milepost.metrics.topics import FIX_COLUMNS, ISSUE_COLUMNS, days_around, fixes, issues
from milepost.pipeline.job import Job
from milepost.signals.build import size_bands
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.windows import midnight


@dataclass(frozen=True)
class Metrics:
    """start, end: the period [start, end); rows: metrics.retention.COLUMNS; cohorts: metrics.cohorts.COLUMNS; issues,
    fixes: metrics.topics; hours: metrics.clock (these three empty without conversations).
    """

    start: date
    end: date
    rows: pd.DataFrame
    cohorts: pd.DataFrame
    issues: pd.DataFrame
    fixes: pd.DataFrame
    hours: pd.DataFrame

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """File name -> table."""
        return {"metrics": self.rows, "cohorts": self.cohorts, "issues": self.issues, "fixes": self.fixes,
                "hours": self.hours}  # fmt: skip


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
    curves = _curves(job, covered, end, created)
    return _counted(job, history, (start, end), created, curves)


def _counted(
    job: Job, history: pd.DataFrame, period: tuple[date, date], created: pd.Series, curves: pd.DataFrame
) -> Metrics:
    """Rates and bridge in total and by every segment, renewals, and what conversations and help events say."""
    (start, end), settings, grace = period, job.settings.metrics, job.settings.windows.grace_days
    states = as_of(job.tables.subscriptions, period)
    moves = movements(history, states, start, end, grace)
    segments = {name: labels.set_axis(moves.index) for name, labels in _segments(job, moves, period, created).items()}
    support = support_inputs(job, moves[moves["runs"]], period)
    due = due_terms(history, start, end, grace)
    parts = [
        retention_rows(moves, segments, settings.min_accounts, bool(states["mrr"].notna().any())),
        renewal_rows(due, settings.min_accounts),
    ]
    if support is None:
        nothing = (pd.DataFrame(columns=names) for names in (ISSUE_COLUMNS, FIX_COLUMNS, HOUR_COLUMNS))
        return Metrics(start, end, _joined(parts), curves, *nothing)
    labels = {name: values.set_axis(moves[ACCOUNT]) for name, values in segments.items()}
    parts.insert(0, support_rows(support, labels, settings.min_accounts))
    money = states[states[SNAPSHOT] == pd.Timestamp(end)]
    return Metrics(
        start, end, _joined(parts), curves, issues(support.rows, money, job.settings.help.topics, start),
        _fixes(job, support, period), hours_of_day(support.rows, job.settings.team, start),
    )  # fmt: skip


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([part for part in parts if len(part)] or [parts[0]], ignore_index=True)


def _segments(job: Job, moves: pd.DataFrame, period: tuple[date, date], created: pd.Series) -> dict[str, pd.Series]:
    """Segment -> the label of each row of `moves`; milestones only where they are known."""
    found = {
        "plan": moves["plan"].fillna("unknown"),
        "size": pd.Series(size_bands(moves["seats"], job.settings.data.size_bands), index=moves.index),
        "cohort": moves[ACCOUNT].map(created).fillna("unknown"),
    }
    states = known_milestones(job)
    if len(states):
        first, second = (_furthest(states, day) for day in period)
        reached = moves[ACCOUNT].map(first).where(moves["ran"], moves[ACCOUNT].map(second))
        found["milestone"] = reached.fillna("unknown")
    return found


def known_milestones(job: Job) -> pd.DataFrame:
    """The published states; empty without."""
    try:
        return pd.read_parquet(current(job.settings.output / "milestones") / "states.parquet",
                               columns=[ACCOUNT, SNAPSHOT, "milestone"])  # fmt: skip
    except (InputError, OSError):
        return pd.DataFrame(columns=[ACCOUNT, SNAPSHOT, "milestone"])


def _furthest(states: pd.DataFrame, day: date) -> pd.Series:
    """The furthest milestone of each account at its last snapshot up to a day."""
    before = states[states[SNAPSHOT] <= pd.Timestamp(day)].sort_values(SNAPSHOT, kind="stable")
    found: pd.Series = before.drop_duplicates(ACCOUNT, keep="last").set_index(ACCOUNT)["milestone"]
    return found


def support_inputs(job: Job, running: pd.DataFrame, period: tuple[date, date]) -> Support | None:
    """What support figures are counted from; None without conversations."""
    table, settings = job.tables.conversations, job.settings
    if table is None:
        return None
    start, end = period
    rows, days = visible_conversations(table, end), None
    if settings.help.read_events or settings.help.search_events:
        days = followed(help_days(job.tables.events, settings.help, start, end), rows, end)
    return Support(rows, running, start, settings.team, settings.help, days)


def _fixes(job: Job, support: Support, period: tuple[date, date]) -> pd.DataFrame:
    """Topics before and after they were mended."""
    topics = [one for one in job.settings.help.topics if one.fixed_at and period[0] < one.fixed_at < period[1]]
    ends = [
        one.fixed_at + way * timedelta(days=days_around(one.fixed_at, period))
        for one in topics if one.fixed_at for way in (-1, 1)
    ]  # fmt: skip
    states = as_of(job.tables.subscriptions, sorted(set(ends))) if ends else pd.DataFrame(columns=[ACCOUNT, SNAPSHOT])
    running = {day: frozenset(states.loc[states[SNAPSHOT] == pd.Timestamp(day), ACCOUNT]) for day in ends}
    return fixes(support.rows, running, topics, period, job.settings.metrics.min_accounts)


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
