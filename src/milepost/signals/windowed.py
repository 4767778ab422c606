"""What each observation window holds of value events, conversations and survey answers, in Ibis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import ibis
import pandas as pd

from milepost.data.contract import Tables
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
    return _run(uses.order_by(keys))


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
            resolved=resolved.count(), resolution_minutes=_minutes(resolved.opened_at, resolved.resolved_at).median()
        ),
        rated.group_by(keys).aggregate(
            rated=rated.count(), rating=rated.rating.cast(_EXACT).sum().cast("float64") / rated.count()
        ),
    ]  # fmt: skip
    frames = [_run(part.order_by(keys)).set_index(keys) for part in parts]
    return pd.concat(frames, axis=1).reset_index()


def last_answers(tables: Tables, snapshots: Sequence[date], windows: Windows) -> pd.DataFrame:
    """The last survey answer of each kind in each observation window: at, account_id, kind, score."""
    rows = _windowed(tables.surveys, snapshot_table(snapshots, windows), "answered_at")
    keys = ["at", "account_id", "kind"]
    # ties in time are settled by the lower score, so that the order of rows does not matter
    latest = rows.group_by(keys).mutate(latest=rows.answered_at.max())
    newest = latest.filter(latest.answered_at == latest.latest)
    return _run(newest.group_by(keys).aggregate(score=newest.score.min()).order_by(keys))


def _windowed(table: ibis.Table | None, dates: ibis.Table, time: str) -> ibis.Table:
    assert table is not None
    return table.inner_join(dates, [table[time] < dates.snapshot_at, table[time] >= dates.start_at])


def _minutes(start: ibis.Value, end: ibis.Value) -> ibis.Value:
    return (end.epoch_seconds() - start.epoch_seconds()) / 60.0


def _run(expression: ibis.Table) -> pd.DataFrame:
    frame: pd.DataFrame = expression.to_pyarrow().to_pandas()
    return frame
