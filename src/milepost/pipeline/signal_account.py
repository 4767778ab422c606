"""Signals of the account itself: which table they come from, and their arithmetic in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.data.contract import Tables
from milepost.pipeline.job import Job
from milepost.pipeline.signal_facts import Source, sums
from milepost.pipeline.signal_words import UNKNOWN, many, number
from milepost.signals.matrix import Observations
from milepost.signals.population import find_population
from milepost.signals.spec import Signal
from milepost.signals.windowed import days_self_served, use_of_conversations
from milepost.windows import Windows

_SUBSCRIPTIONS = ("seats", "mrr", "seats_growth", "mrr_growth", "items", "term_months", "days_to_term_end",
                  "term_end_in_outcome_window")  # fmt: skip
# signal -> the time by which a conversation counts for it
_CONVERSATIONS = {
    "conversations_opened": "opened_at", "first_reply_minutes": "opened_at", "self_served_share": "opened_at",
    "conversations_resolved": "resolved_at", "conversations_resolved_per_seat": "resolved_at",
    "resolution_minutes": "resolved_at", "reopened_share": "resolved_at", "rated_share": "resolved_at",
    "rating": "rated_at",
}  # fmt: skip


def account_source(signal: Signal, job: Job) -> Source:
    """The table a signal of the account comes from, and the window of it that is looked at."""
    days, name = job.windows.observation_days, signal.measure
    if name in _CONVERSATIONS:
        return Source("conversations", days, time=_CONVERSATIONS[name])
    if name in ("nps", "csat"):
        return Source("surveys", days, (name,))
    if name in _SUBSCRIPTIONS or signal.column == "plan":
        return Source("subscriptions", 0)
    if signal.column or name in ("tenure_days", "exposure_days"):
        return Source("accounts", 0)
    if name in ("events_per_day", "breadth"):
        names = {name: None for feature in job.features for name in feature.event_names}
        return Source("events", days, tuple(names))
    return Source("events", days)


def account_words(signal: Signal, job: Job, tables: Tables, observations: Observations) -> str:
    """How the value comes about; what is read from one row as it stands needs no arithmetic and says nothing."""
    context = observations.context.iloc[0]
    if signal.measure in _CONVERSATIONS:
        return _of_conversations(signal.measure, job, tables, context)
    if signal.measure in ("seats_growth", "mrr_growth"):
        return _growth(signal.measure.removesuffix("_growth"), job, tables)
    said = _WORDS.get(signal.measure)
    return (
        said(context, observations.counts[0], job.windows) if said else _of_events(signal.measure, job, tables, context)
    )


def _growth(what: str, job: Job, tables: Tables) -> str:
    row = find_population(tables, job.settings.data, [job.as_of], job.windows).frame.iloc[0]
    now, before = float(row[what]), float(row[f"{what}_at_start"])
    named = "MRR" if what == "mrr" else what
    said = f"{named} {number(before)} at the start of the window, {number(now)} now"
    if np.isnan(now) or np.isnan(before) or before == 0:
        return f"{said}: {UNKNOWN}, there is nothing to compare with"
    a, b = number(now), number(before)
    return f"{said}: ({a} - {b}) / {b} = {number((now - before) / before)}"


def _of_events(measure: str, job: Job, tables: Tables, context: pd.Series) -> str:
    if measure not in ("active_days", "active_users", "seats_active", "days_since_last_use"):
        return ""
    days, seen = job.windows.observation_days, int(context["exposure_days"])
    found = sums(tables, None, days, job.as_of)
    if measure == "active_days":
        return f"{many(found.days, 'days')} with an event, {many(seen, 'days observed')}: {_over(found.days, seen)}"
    if measure == "days_since_last_use":
        return f"no event in {days} days: {days}" if found.last is None else f"last event {found.last:%Y-%m-%d %H:%M}"
    if measure == "active_users":
        return many(found.users, "users")
    return f"{many(found.users, 'users')}, {number(context['seats'])} seats: {_over(found.users, context['seats'])}"


def _of_conversations(measure: str, job: Job, tables: Tables, context: pd.Series) -> str:
    names = ("opened", "resolved", "rated", "reopened", "reopened_known")
    long = use_of_conversations(tables, [job.as_of], job.windows)
    row = long.iloc[0] if len(long) else pd.Series(dtype=float)
    found = {name: 0 if pd.isna(row.get(name)) else int(row[name]) for name in names}
    seen = int(context["exposure_days"])
    if measure == "conversations_opened":
        return f"{found['opened']} opened, {many(seen, 'days observed')}: {_over(found['opened'], seen)}"
    if measure == "conversations_resolved":
        return f"{found['resolved']} resolved, {many(seen, 'days observed')}: {_over(found['resolved'], seen)}"
    if measure == "conversations_resolved_per_seat":
        monthly, seats = found["resolved"] / seen * 30, context["seats"]
        return (f"{found['resolved']} resolved in {many(seen, 'days observed')}, {number(monthly)} per 30 days, "
                f"{number(seats)} seats: {_over(monthly, seats)}")  # fmt: skip
    if measure == "rated_share":
        return f"{found['rated']} rated, {found['resolved']} resolved: {_over(found['rated'], found['resolved'])}"
    if measure == "reopened_share":
        again, known = found["reopened"], found["reopened_known"]
        return f"{again} opened again of {known} resolved: {_over(again, known)}"
    if measure == "self_served_share":
        days = days_self_served(tables, job.settings.help, [job.as_of], job.windows)
        alone = int(days["alone"].iloc[0]) if len(days) else 0
        return (f"{many(alone, 'days')} of help without a conversation, {found['opened']} conversations opened: "
                f"{_over(alone, alone + found['opened'])}")  # fmt: skip
    return f"mean of {many(found['rated'], 'ratings')}" if measure == "rating" else "median over these conversations"


def _over(top: float, bottom: float) -> str:
    if not bottom or np.isnan(bottom):
        return f"{UNKNOWN}, there is nothing to divide by"
    return f"{number(top)} / {number(bottom)} = {number(top / bottom)}"


Counts = NDArray[np.float32]
_Words = Callable[[pd.Series, Counts, Windows], str]


def _events_per_day(context: pd.Series, counts: Counts, windows: Windows) -> str:
    uses, seen = float(counts.sum()), int(context["exposure_days"])
    return f"{many(uses, 'uses')} of catalogued features, {many(seen, 'days observed')}: {_over(uses, seen)}"


def _breadth(context: pd.Series, counts: Counts, windows: Windows) -> str:
    return f"{int((counts > 0).sum())} of {len(counts)} features"


def _exposure(context: pd.Series, counts: Counts, windows: Windows) -> str:
    age = number(np.ceil(context["tenure_days"]))
    return f"the least of {windows.observation_days}, {age} since it was created, and the days since the data begin"


_WORDS: Mapping[str, _Words] = {"events_per_day": _events_per_day, "breadth": _breadth, "exposure_days": _exposure}
