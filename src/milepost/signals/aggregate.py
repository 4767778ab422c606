"""Events to long form in Ibis: one row per snapshot, account and feature, never one aggregate per signal.

A row is visible at a snapshot when `visible_at < snapshot`, with visible_at the later of occurred_at and loaded_at.
Quantities and values are summed as decimals, so that the sums do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import pandas as pd

from milepost.data.contract import Tables
from milepost.signals.catalogue import Feature
from milepost.windows import Windows, midnight

_EXACT = "decimal(24,6)"


@dataclass(frozen=True)
class Usage:
    """Use in long form; `at` is the position of the snapshot, `feature` the position in the catalogue.

    features: at, account_id, feature, uses, recent_uses, value, active_days, users, last_at
    accounts: at, account_id, active_days, active_users, last_at (all events, catalogued or not)
    first_use: account_id, feature, first_visible_at, over all history
    """

    features: pd.DataFrame
    accounts: pd.DataFrame
    first_use: pd.DataFrame


def snapshot_table(snapshots: Sequence[date], windows: Windows) -> ibis.Table:
    """One row per snapshot: at, snapshot_at, start_at, recent_at."""
    starts = [midnight(day) for day in snapshots]
    frame = pd.DataFrame(
        {
            "at": range(len(starts)),
            "snapshot_at": starts,
            "start_at": [start - timedelta(days=windows.observation_days) for start in starts],
            "recent_at": [start - timedelta(days=windows.recent_days) for start in starts],
        }
    )
    return ibis.memtable(frame.astype({"at": "int64", **dict.fromkeys(frame.columns[1:], "datetime64[us]")}))


def use_of_features(tables: Tables, features: Sequence[Feature], snapshots: Sequence[date], windows: Windows) -> Usage:
    """Aggregate the events once per table of the answer.

    Two GROUP BYs give uses and users (by user, then by account), one more over distinct days gives active days.
    """
    dates = snapshot_table(snapshots, windows)
    events = _used(tables.events)
    catalogued = _catalogued(events, features)
    windowed = _in_windows(catalogued, dates)
    return Usage(
        _run(tables, _feature_rows(windowed)),
        _run(tables, _account_rows(_in_windows(events, dates))),
        _run(tables, _first_use(catalogued, snapshots)),
    )


def _used(events: ibis.Table) -> ibis.Table:
    """Events without counts of 0: a daily table may hold a row for every day, used or not."""
    return events.filter(events.quantity != 0)


def _catalogued(events: ibis.Table, features: Sequence[Feature]) -> ibis.Table:
    """Events of catalogued features, with the feature's position; an event may belong to several features."""
    pairs = [(name, position) for position, feature in enumerate(features) for name in feature.event_names]
    names = ibis.memtable(pd.DataFrame(pairs, columns=["event_name", "feature"]).astype({"feature": "int64"}))
    return events.inner_join(names, "event_name")


def _in_windows(events: ibis.Table, dates: ibis.Table) -> ibis.Table:
    """Each event once for every snapshot whose observation window holds it."""
    return events.inner_join(dates, [events.visible_at < dates.snapshot_at, events.occurred_at >= dates.start_at])


def _feature_rows(rows: ibis.Table) -> ibis.Table:
    uses = rows.quantity.cast(_EXACT)
    by_user = rows.group_by("at", "account_id", "feature", "user_id").aggregate(
        uses=uses.sum(),
        recent_uses=ibis.ifelse(rows.occurred_at >= rows.recent_at, uses, ibis.literal(0).cast(_EXACT)).sum(),
        value=rows.value.cast(_EXACT).sum(),
        last_at=rows.occurred_at.max(),
    )
    keys = ["at", "account_id", "feature"]
    by_account = by_user.group_by(keys).aggregate(
        uses=by_user.uses.sum().cast("float64"),
        recent_uses=by_user.recent_uses.sum().cast("float64"),
        value=by_user.value.sum().cast("float64"),
        users=by_user.user_id.count(),
        last_at=by_user.last_at.max(),
    )
    days = _active_days(rows, keys)
    return by_account.inner_join(days, keys).order_by(keys)


def _active_days(rows: ibis.Table, keys: list[str]) -> ibis.Table:
    distinct = rows.select(*keys, day=rows.occurred_at.date()).distinct()
    return distinct.group_by(keys).aggregate(active_days=distinct.count())


def _account_rows(rows: ibis.Table) -> ibis.Table:
    keys = ["at", "account_id"]
    by_user = rows.group_by(*keys, "user_id").aggregate(last_at=rows.occurred_at.max())
    by_account = by_user.group_by(keys).aggregate(active_users=by_user.user_id.count(), last_at=by_user.last_at.max())
    return by_account.inner_join(_active_days(rows, keys), keys).order_by(keys)


def _first_use(events: ibis.Table, snapshots: Sequence[date]) -> ibis.Table:
    seen = events.filter(events.visible_at < ibis.literal(midnight(max(snapshots))))
    keys = ["account_id", "feature"]
    return seen.group_by(keys).aggregate(first_visible_at=seen.visible_at.min()).order_by(keys)


def value_events(tables: Tables, names: Sequence[str], snapshots: Sequence[date], windows: Windows) -> pd.DataFrame:
    """Uses of the value events in each observation window: at, account_id, uses."""
    events = tables.events.filter(tables.events.event_name.isin(list(names))) if names else tables.events
    rows = _in_windows(events, snapshot_table(snapshots, windows))
    keys = ["at", "account_id"]
    uses = rows.group_by(keys).aggregate(uses=rows.quantity.cast(_EXACT).sum().cast("float64"))
    return _run(tables, uses.order_by(keys))


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
    frames = [_run(tables, part.order_by(keys)).set_index(keys) for part in parts]
    return pd.concat(frames, axis=1).reset_index()


def last_answers(tables: Tables, snapshots: Sequence[date], windows: Windows) -> pd.DataFrame:
    """The last survey answer of each kind in each observation window: at, account_id, kind, score."""
    rows = _windowed(tables.surveys, snapshot_table(snapshots, windows), "answered_at")
    keys = ["at", "account_id", "kind"]
    # ties in time are settled by the lower score, so that the order of rows does not matter
    latest = rows.group_by(keys).mutate(latest=rows.answered_at.max())
    newest = latest.filter(latest.answered_at == latest.latest)
    return _run(tables, newest.group_by(keys).aggregate(score=newest.score.min()).order_by(keys))


def _windowed(table: ibis.Table | None, dates: ibis.Table, time: str) -> ibis.Table:
    assert table is not None
    return table.inner_join(dates, [table[time] < dates.snapshot_at, table[time] >= dates.start_at])


def _minutes(start: ibis.Value, end: ibis.Value) -> ibis.Value:
    return (end.epoch_seconds() - start.epoch_seconds()) / 60.0


def _run(tables: Tables, expression: ibis.Table) -> pd.DataFrame:
    frame: pd.DataFrame = tables.connection.to_pyarrow(expression).to_pandas()
    return frame
