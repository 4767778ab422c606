"""Facts that flags look at beside scores and signals: open questions, topics, ratings, help read, hours covered."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import numpy as np
import pandas as pd

from milepost.data.contract import Tables, to_frame
from milepost.settings import WEEK, HelpSettings, RoutingSettings, Settings, TeamHours
from milepost.terms import ACCOUNT
from milepost.windows import midnight

# name -> what it says; all as known at the snapshot
CONVERSATION_FACTS = {
    "open_unanswered": "conversations without a reply and not resolved",
    "unanswered_hours": "hours since the oldest of them was opened; 0 without one",
    "conversations_28": "conversations opened in the last 28 days",
    "same_topic_28": "the most of them about one topic, counted once resolved",
    "upset_topics_28": "those about one of upset_topics, counted once resolved",
    "bad_ratings_84": "ratings of 2 or less given in the last 84 days",
    "queue_overloaded": "1 where all accounts together wait with more open_unanswered than backlog_at_most",
}
HELP_FACTS = {"help_views_28": "read_events of [help] in the last 28 days"}
ACCOUNT_FACTS = {
    "region": "of the account", "time_zone": "of the account", "account_owner": "of the account",
    "covered_hours": "hours of the account's working day, 9 to 17 where it is, in which the team answers",
}  # fmt: skip
FACTS = {**CONVERSATION_FACTS, **HELP_FACTS, **ACCOUNT_FACTS}
_BAD_RATING = 2
_OPENS, _CLOSES = 9, 17


def facts_at(tables: Tables, day: date, settings: Settings, accounts: pd.Series) -> pd.DataFrame:
    """One row per account, in the order given: the facts these data have, columns among FACTS."""
    known = _of_accounts(tables, day, settings.team)
    parts = [known.set_index(ACCOUNT).reindex(accounts)]
    if tables.conversations is not None:
        found = _of_conversations(tables.conversations, day, settings.routing).set_index(ACCOUNT)
        # who never asked has asked nothing
        counted = found.reindex(accounts).fillna(0.0)
        waiting = float(found["open_unanswered"].sum())
        parts.append(counted.assign(queue_overloaded=float(waiting > settings.routing.backlog_at_most)))
    if settings.help.read_events:
        parts.append(_of_help(tables, day, settings.help).set_index(ACCOUNT).reindex(accounts).fillna(0.0))
    return pd.concat(parts, axis=1).reset_index(drop=True)


def _of_conversations(table: ibis.Table, day: date, settings: RoutingSettings) -> pd.DataFrame:
    """CONVERSATION_FACTS but the queue, of accounts with any conversation before the day."""
    now = midnight(day)
    recent = now - timedelta(days=28)
    seen = table.filter(table.opened_at < now)
    waits = _is_open(seen.first_reply_at, now) & _is_open(seen.resolved_at, now)
    bad = (seen.rated_at < now) & (seen.rated_at >= now - timedelta(days=84)) & (seen.rating <= _BAD_RATING)
    # what a conversation was about is known once it is resolved
    upset = (seen.resolved_at < now) & (seen.opened_at >= recent) & seen.topic.isin(list(settings.upset_topics))
    oldest = ibis.ifelse(waits, seen.opened_at, None).min()
    waited = (ibis.literal(now).epoch_seconds() - oldest.epoch_seconds()) / 3600
    counts = seen.group_by(ACCOUNT).aggregate(
        open_unanswered=waits.sum(), unanswered_hours=waited,
        conversations_28=(seen.opened_at >= recent).sum(),
        upset_topics_28=upset.sum() if settings.upset_topics else ibis.literal(0), bad_ratings_84=bad.sum(),
    )  # fmt: skip
    known = seen.filter((seen.resolved_at < now) & (seen.opened_at >= recent) & seen.topic.notnull())
    topics = known.group_by([ACCOUNT, "topic"]).aggregate(number=known.count())
    most = topics.group_by(ACCOUNT).aggregate(same_topic_28=topics.number.max())
    found = to_frame(counts).merge(to_frame(most), on=ACCOUNT, how="left")
    numbers = [name for name in found if name != ACCOUNT]
    return found.fillna(dict.fromkeys(numbers, 0)).astype(dict.fromkeys(numbers, "float64"))


def _is_open(moment: ibis.Value, now: datetime) -> ibis.Value:
    """It had not happened by now."""
    return (moment.isnull() | (moment >= now)).fill_null(True)


def _of_help(tables: Tables, day: date, settings: HelpSettings) -> pd.DataFrame:
    now, events = midnight(day), tables.events
    since = now - timedelta(days=28)
    seen = events.filter((events.visible_at < now) & (events.occurred_at >= since))
    read = seen.filter(seen.event_name.isin(list(settings.read_events)))
    return to_frame(read.group_by(ACCOUNT).aggregate(help_views_28=read.quantity.sum().cast("float64")))


def _of_accounts(tables: Tables, day: date, team: TeamHours) -> pd.DataFrame:
    accounts = to_frame(tables.accounts.select(ACCOUNT, "region", "time_zone", account_owner=tables.accounts.owner))
    hours = {zone: covered_hours(str(zone), day, team) for zone in accounts["time_zone"].dropna().unique() if zone}
    return accounts.assign(covered_hours=accounts["time_zone"].map(hours).astype(float))


def covered_hours(zone: str, day: date, team: TeamHours) -> float:
    """Hours of the working day at `zone` in which the team answers; NaN for a zone nobody knows."""
    place, home = _zone(zone), ZoneInfo(team.time_zone)
    if place is None:
        return float("nan")
    theirs = _span(day, _OPENS, _CLOSES, place)
    # their day may overlap with the team's day before, or with the one after
    around = [day + timedelta(days=shift) for shift in (-1, 0, 1)]
    ours = [_span(one, team.opens, team.closes, home) for one in around if WEEK[one.weekday()] in team.days]
    shared = [max(0.0, (min(theirs[1], end) - max(theirs[0], start)).total_seconds()) for start, end in ours]
    return sum(shared) / 3600


def _span(day: date, opens: int, closes: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    first = datetime(day.year, day.month, day.day, tzinfo=zone)
    return first.replace(hour=opens), first.replace(hour=closes) if closes < 24 else first + timedelta(days=1)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def named_signals(signals: Any, values: np.ndarray[Any, Any], names: set[str]) -> pd.DataFrame:
    """The signals that are asked for, one column each; rows as in `values`."""
    places = {signal.name: place for place, signal in enumerate(signals) if signal.name in names}
    return pd.DataFrame({name: values[:, place].astype(np.float64) for name, place in places.items()})
