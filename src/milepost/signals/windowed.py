"""What each observation window holds of value events, conversations and survey answers, in Ibis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import ibis
import pandas as pd

from milepost.data.contract import Tables, to_frame
from milepost.settings import HelpSettings
from milepost.windows import Windows, midnight

_EXACT = "decimal(24,6)"


def snapshot_table(snapshots: Sequence[date], windows: Windows) -> ibis.Table:
    """One row per snapshot: at, snapshot_at, start_at."""
    starts = [midnight(day) for day in snapshots]
    frame = pd.DataFrame(
        {
            "at": range(len(starts)),
            "snapshot_at": starts,
            "start_at": [start - timedelta(days=windows.observation_days) for start in starts],
        }
    )
    return ibis.memtable(frame.astype({"at": "int64", **dict.fromkeys(frame.columns[1:], "datetime64[us]")}))


def _in_windows(events: ibis.Table, dates: ibis.Table) -> ibis.Table:
    """Each event once for every snapshot whose observation window holds it."""
    return events.inner_join(dates, [events.visible_at < dates.snapshot_at, events.occurred_at >= dates.start_at])


def value_events(tables: Tables, names: Sequence[str], snapshots: Sequence[date], windows: Windows) -> pd.DataFrame:
    """Uses of the value events in each observation window: at, account_id, uses."""
    events = tables.events.filter(tables.events.event_name.isin(list(names))) if names else tables.events
    rows = _in_windows(events, snapshot_table(snapshots, windows))
    keys = ["at", "account_id"]
    uses = rows.group_by(keys).aggregate(uses=rows.quantity.cast(_EXACT).sum().cast("float64"))
    return to_frame(uses.order_by(keys))


def use_of_conversations(tables: Tables, snapshots: Sequence[date], windows: Windows) -> pd.DataFrame:
    """Support figures in each observation window: at, account_id and one column per figure.

    A reply, a resolution or a rating counts from its own time on: one that comes after the snapshot is not there yet.
    """
    dates = snapshot_table(snapshots, windows)
    opened = _windowed(tables.conversations, dates, "opened_at")
    replied = opened.filter(opened.first_reply_at < opened.snapshot_at)
    resolved = _windowed(tables.conversations, dates, "resolved_at")
    rated = _windowed(tables.conversations, dates, "rated_at")
    # a survey that was sent and not answered may have its time and no rating
    rated = rated.filter(rated.rating.notnull())
    keys = ["at", "account_id"]
    parts = [
        opened.group_by(keys).aggregate(opened=opened.count()),
        replied.group_by(keys).aggregate(
            first_reply_minutes=_minutes(replied.opened_at, replied.first_reply_at).median()
        ),
        resolved.group_by(keys).aggregate(
            resolved=resolved.count(), resolution_minutes=_minutes(resolved.opened_at, resolved.resolved_at).median(),
            # how often it was opened again is known once it is resolved
            reopened=(resolved.reopened > 0).sum(), reopened_known=resolved.reopened.count(),
        ),
        rated.group_by(keys).aggregate(
            rated=rated.count(), rating=rated.rating.cast(_EXACT).sum().cast("float64") / rated.count()
        ),
    ]  # fmt: skip
    frames = [to_frame(part.order_by(keys)).set_index(keys) for part in parts]
    return pd.concat(frames, axis=1).reset_index()


def days_self_served(
    tables: Tables, help_settings: HelpSettings, snapshots: Sequence[date], windows: Windows
) -> pd.DataFrame:
    """Days of each observation window on which help was read and no conversation was opened within a day after the
    first help event of the day: at, account_id, alone. A day counts once that can be known.
    """
    dates = snapshot_table(snapshots, windows)
    reading = list(help_settings.read_events)
    wanted = sorted({*reading, *help_settings.search_events, *help_settings.click_events})
    events = tables.events.filter(tables.events.event_name.isin(wanted), tables.events.quantity != 0)
    seen = _in_windows(events, dates)
    seen = seen.mutate(day=seen.occurred_at.date(), reads=ibis.ifelse(seen.event_name.isin(reading), 1, 0))
    days = seen.group_by("at", "account_id", "day", "snapshot_at").aggregate(
        first_at=seen.occurred_at.min(), reads=seen.reads.sum()
    )
    days = tables.movable(days.filter(days.reads > 0, days.first_at + ibis.interval(days=1) <= days.snapshot_at))
    talks = tables.conversations
    assert talks is not None
    # opened before the snapshot follows from the day being known, but for the moment at which it becomes so
    asked = days.semi_join(
        talks,
        [
            days.account_id == talks.account_id, talks.opened_at >= days.first_at,
            talks.opened_at <= days.first_at + ibis.interval(days=1), talks.opened_at < days.snapshot_at,
        ],
    ).select("at", "account_id", "day")  # fmt: skip
    alone = days.anti_join(asked, ["at", "account_id", "day"])
    keys = ["at", "account_id"]
    return to_frame(alone.group_by(keys).aggregate(alone=alone.count()).order_by(keys))


def last_answers(tables: Tables, snapshots: Sequence[date], windows: Windows) -> pd.DataFrame:
    """The last survey answer of each kind in each observation window: at, account_id, kind, score."""
    rows = _windowed(tables.surveys, snapshot_table(snapshots, windows), "answered_at")
    keys = ["at", "account_id", "kind"]
    # ties in time are settled by the lower score, so that the order of rows does not matter
    latest = rows.group_by(keys).mutate(latest=rows.answered_at.max())
    newest = latest.filter(latest.answered_at == latest.latest)
    return to_frame(newest.group_by(keys).aggregate(score=newest.score.min()).order_by(keys))


def _windowed(table: ibis.Table | None, dates: ibis.Table, time: str) -> ibis.Table:
    assert table is not None
    return table.inner_join(dates, [table[time] < dates.snapshot_at, table[time] >= dates.start_at])


def _minutes(start: ibis.Value, end: ibis.Value) -> ibis.Value:
    return (end.epoch_seconds() - start.epoch_seconds()) / 60.0
