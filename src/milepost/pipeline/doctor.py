"""`milepost doctor`: which parts of the answer these data can give, and what each of the others would need."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

import ibis

from milepost.data.contract import to_frame
from milepost.pipeline.check import churned_within
from milepost.pipeline.job import Job
from milepost.pipeline.milestones import NO_METRIC, NO_STEPS, NO_VALUE
from milepost.pipeline.needs import NEEDS
from milepost.pipeline.result import Result
from milepost.reporting.text import printable
from milepost.training.guards import smallest_effect_points

WIDTH, _NAME = 100, 26


class State(StrEnum):
    """Whether a part can be made of these data."""

    WORKS = "works"
    PARTLY = "partly"
    MISSING = "missing"


@dataclass(frozen=True)
class Part:
    """One part of the answer: what it has, or what is in the way; `needs` is what to bring, "" for nothing."""

    name: str
    state: State
    why: str
    needs: str = ""


def doctor_job(job: Job) -> Result:
    """Read the tables and say of every part whether it can be made; writes nothing and fits nothing."""
    parts = diagnose(job)
    missing = sum(part.state == State.MISSING for part in parts)
    partly = sum(part.state == State.PARTLY for part in parts)
    head = f"{len(parts) - missing - partly} of {len(parts)} parts work, {partly} partly, {missing} not yet"
    text = "\n".join([head, "", *(_line(part) for part in parts)])
    return Result({"parts": [{**asdict(part), "state": str(part.state)} for part in parts]}, printable(text))


def diagnose(job: Job) -> tuple[Part, ...]:
    """Every part, in the order in which a newcomer meets them. Raises what opening the tables raises."""
    job.check_names()
    makers: tuple[Callable[[Job], Part], ...] = (
        _adoption, _access, _churn, _model, _categories, _utilization, _activation, _setup, _money, _renewals, _users,
        _segment, _hypotheses, _late,
    )  # fmt: skip
    return tuple(make(job) for make in makers)


def _adoption(job: Job) -> Part:
    outside = len(set(job.event_names) - {name for feature in job.features for name in feature.event_names})
    why = f"{_several(len(job.features), 'feature')}, {_several(outside, 'event name')} outside the catalogue"
    return Part("adoption of features", State.WORKS, why)


def _access(job: Job) -> Part:
    if job.tables.access is not None or any(feature.plans for feature in job.features):
        return Part("who has access", State.WORKS, "plan in features.csv or an access table")
    return Part("who has access", State.PARTLY, "every account counts as eligible",
                "plan in features.csv, or an access table")  # fmt: skip


def _churn(job: Job) -> Part:
    if job.tables.subscriptions is not None:
        return Part("churned or retained", State.WORKS, "by the end of a subscription")
    value = job.settings.data.value_events
    event = f"event of {', '.join(value[:3])}" if value else "event at all"
    return Part("churned or retained", State.PARTLY, f"no subscriptions: churned is no {event} in the outcome window",
                f"subscriptions, for {NEEDS['subscriptions']}")  # fmt: skip


def _model(job: Job) -> Part:
    """Ranking, churn model and scores stand and fall with the churned accounts whose end lies in the data."""
    name = "ranking, model, scores"
    known = [day for day in job.snapshots if job.windows.matured_at(day) <= job.tables.complete_until]
    if len(known) < 2:
        lengths = job.settings.windows.model_dump()
        days = ", ".join(f"{key} {lengths[key]}" for key in ("observation_days", "gap_days", "outcome_days"))
        return Part(name, State.MISSING, f"{len(known)} snapshots with a known outcome ({days})",
                    "a longer history, or shorter windows")  # fmt: skip
    churned, needed = churned_within(job), job.settings.training.min_churned
    if churned is None:
        return Part(name, State.WORKS, f"{len(known)} snapshots with a known outcome; churned accounts are counted by "
                    "'milepost train'")  # fmt: skip
    accounts = _number(job.tables.accounts.count())
    found = f"{churned:,} of {accounts:,} accounts churned over {len(known)} snapshots with a known outcome"
    if churned < needed:
        return Part(name, State.MISSING, f"{found}; {needed} are needed in the training period alone",
                    "a longer history, or more accounts")  # fmt: skip
    points = smallest_effect_points(accounts, churned)
    return Part(name, State.WORKS, f"{found}; a difference of about {points:.1f} points between two halves could be "
                "seen")  # fmt: skip


def _categories(job: Job) -> Part:
    named = sorted({feature.category for feature in job.features} - {"uncategorised"})
    needed = job.settings.maturity.mature_categories
    why = f"{len(named)} categories: {', '.join(named[:6])}{' …' if len(named) > 6 else ''}"
    if _model(job).state == State.MISSING:
        return Part("maturity", State.MISSING, f"{why}; it needs the ranking")
    if len(named) >= needed:
        return Part("maturity", State.WORKS, f"{why}; {needed} must hold a kept feature with a clear cut")
    return Part("maturity", State.MISSING, why, f"category in features.csv: at least {needed}")


def _utilization(job: Job) -> Part:
    settings, tables = job.settings, job.tables
    metric = settings.milestones.value_metric
    resolved = tables.conversations is not None and _known(tables.conversations, "resolved_at") > 0
    if not (metric.events or metric.table or resolved or settings.data.value_events):
        return Part("utilization", State.MISSING, "no value metric", NO_METRIC.removeprefix("needs "))
    if tables.subscriptions is None or not _known(tables.subscriptions, "seats"):
        return Part("utilization", State.PARTLY, "per account: no seats are known",
                    f"seats, for {NEEDS['subscriptions.seats']}")  # fmt: skip
    return Part("utilization", State.WORKS, "the value metric a month per seat")


def _activation(job: Job) -> Part:
    value = job.settings.data.value_events
    if not value:
        return Part("activation", State.MISSING, "no value event", NO_VALUE.removeprefix("needs "))
    begin = job.tables.data_begin
    since = _number(job.tables.accounts.filter(job.tables.accounts.created_at >= begin).count())
    if not since:
        return Part("activation", State.MISSING, "no account signed up since the data begin", "a longer history")
    return Part("activation", State.WORKS, f"{since:,} accounts signed up since the data begin")


def _setup(job: Job) -> Part:
    steps = [feature.name for feature in job.features if feature.setup_step is not None]
    if not steps:
        return Part("setup", State.MISSING, "no setup steps", NO_STEPS.removeprefix("needs "))
    if not job.settings.data.value_events:
        return Part(
            "setup",
            State.MISSING,
            f"{_several(len(steps), 'step')}, but no value event",
            NO_VALUE.removeprefix("needs "),
        )
    return Part("setup", State.WORKS, f"{_several(len(steps), 'step')}: {', '.join(steps[:5])}")


def _money(job: Job) -> Part:
    return _column(job, "mrr", "MRR and expected loss")


def _renewals(job: Job) -> Part:
    return _column(job, "term_ends_at", "renewals")


def _column(job: Job, column: str, name: str) -> Part:
    """A part that stands on one column of the subscriptions."""
    table, needs = job.tables.subscriptions, f"subscriptions.{column}, for {NEEDS[f'subscriptions.{column}']}"
    known = 0 if table is None else _known(table, column)
    if table is None or not known:
        return Part(name, State.MISSING, f"no {column} is known", needs)
    rows = _number(table.count())
    return Part(name, State.WORKS, f"{column} of {known:,} of {rows:,} subscription rows")


def _users(job: Job) -> Part:
    if job.tables.has_users:
        return Part("users of an account", State.WORKS, "events carry a user_id")
    return Part("users of an account", State.MISSING, "no user_id", f"events.user_id, for {NEEDS['events.user_id']}")


def _segment(job: Job) -> Part:
    segment = job.settings.data.segment
    known = segment or ("segment" if _known(job.tables.accounts, "segment") else "")
    if known:
        return Part("segments", State.WORKS, f"by {known}, beside plan and size")
    return Part("segments", State.PARTLY, "by plan and size only", "segment under [data]: a column of accounts")


def _hypotheses(job: Job) -> Part:
    stated = sum(bool(feature.hypothesis) for feature in job.features)
    if stated:
        return Part("hypotheses", State.WORKS, f"{stated} of {len(job.features)} features have one")
    return Part("hypotheses", State.MISSING, "none is stated", "hypothesis in features.csv: mature, basic or none")


def _late(job: Job) -> Part:
    if _known(job.tables.events, "loaded_at"):
        return Part("late rows", State.WORKS, "a row counts from its loaded_at on")
    return Part("late rows", State.PARTLY, "every row counts as if it had been there at once",
                f"events.loaded_at, for {NEEDS['events.loaded_at']}")  # fmt: skip


def _several(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def _known(table: ibis.Table, column: str) -> int:
    """Rows in which the column is not null."""
    return _number(table[column].count())


def _number(scalar: ibis.Value) -> int:
    return int(to_frame(scalar.name("rows").as_table())["rows"].iloc[0])


def _line(part: Part) -> str:
    lead = f"{part.state:<8}{part.name:<{_NAME}}"
    needs = f" Needs {part.needs}." if part.needs else ""
    return textwrap.fill(f"{part.why}.{needs}", WIDTH, initial_indent=lead, subsequent_indent=" " * (8 + _NAME))
