"""Events to long form in Ibis: one row per account, feature and cell of days, never one aggregate per signal.

Two GROUP BYs over the events: (account, feature, cell) for what adds up, (account, feature, user) for who was there.
A row is visible at a snapshot when `visible_at < snapshot`, with visible_at the later of occurred_at and loaded_at.
Quantities and values are summed as decimals, so that the sums do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from milepost.data.contract import Tables
from milepost.signals.cells import BEFORE, Cells
from milepost.windows import midnight

_EXACT = "decimal(24,6)"
OTHER = -1  # the feature of an event that belongs to none


@ibis.udf.agg.builtin  # type: ignore[untyped-decorator]
def bit_or(word: int) -> int:  # type: ignore[empty-body]
    """Ibis' own bit_or has no rule for PySpark; the function is called so on DuckDB, Spark and PostgreSQL alike."""


@dataclass(frozen=True)
class Question:
    """What is asked of the events: of which accounts, features and cells.

    account_ids: their position is the `account` of the answers; names: per feature, the events that count as its use;
    user_windows: windows, in days, within which users are counted.
    """

    account_ids: Sequence[str]
    names: Sequence[Sequence[str]]
    cells: Cells
    user_windows: Collection[int] = ()


@dataclass(frozen=True)
class Long:
    """Use in long form, as expressions that were computed once and are kept until `release`.

    use: account, feature, cell, seen_at, uses, value, last_at, days (a bit for each active day of the cell). OTHER is
    the feature of events that belong to none, BEFORE the cell of those older than every window.
    users: account, feature, user_id, seen_<window> (a bit for each snapshot whose window saw the user); None where
    nobody asks for users.
    """

    use: ibis.Table
    users: ibis.Table | None

    def release(self) -> None:
        """Give back the space they take."""
        for part in (self.use, self.users):
            if part is not None:
                part.release()


def use_of_features(tables: Tables, question: Question, known_before: date | None = None) -> Long:
    """Add up the events once per cell, and note once who was seen.

    With `known_before` (at most the first snapshot) rows that were visible by then count only inside the windows: what
    they say of all history is known from an earlier run.
    """
    coded = _coded(tables, question, known_before)
    uses = coded.quantity.cast(_EXACT).sum() if tables.has_quantities else coded.count()
    value = coded.value.cast(_EXACT).sum().cast("float64").fill_null(0.0) if tables.has_values else ibis.literal(0.0)
    use = coded.group_by("account", "feature", "cell", "seen_at").aggregate(
        uses=uses.cast("float64"), value=value, last_at=coded.occurred_at.max(), days=bit_or(coded.bit)
    )
    users = None
    if question.user_windows and tables.has_users:
        seen = {f"seen_{window}": bit_or(coded[f"until_{window}"] & coded.since) for window in question.user_windows}
        inside = coded.filter(coded.cell != BEFORE, coded.user_id.notnull())
        users = inside.group_by("account", "feature", "user_id").aggregate(**seen).cache()
    return Long(use.cache(), users)


def _coded(tables: Tables, question: Question, known_before: date | None) -> ibis.Table:
    """The events that are asked about, with numbers for account, feature and cell."""
    events, cells = tables.events, question.cells
    # a daily table may hold a row for every day, used or not
    events = events.filter(events.quantity != 0, events.visible_at < _moment(int(cells.snapshots[-1])))
    if known_before is not None:
        inside = events.occurred_at >= _moment(int(cells.edges[0]))
        events = events.filter(inside | (events.visible_at >= ibis.literal(midnight(known_before))))
    accounts = _lookup({
        "account_id": pa.array(question.account_ids, pa.string()),
        "account": np.arange(len(question.account_ids), dtype=np.int32),
    })  # fmt: skip
    pairs = [(name, place) for place, names in enumerate(question.names) for name in names]
    names = _lookup({
        "event_name": pa.array([name for name, _ in pairs], pa.string()),
        "feature": np.array([place for _, place in pairs], dtype=np.int32),
    })  # fmt: skip
    days = _lookup(cells.days(question.user_windows))
    sightings = _lookup(cells.sightings()).rename(seen_on="day")
    coded = (
        events.inner_join(accounts, "account_id")
        .left_join(names, "event_name")
        .left_join(days, [events.occurred_at.date() == days.day])
        .left_join(sightings, [events.visible_at.date() == sightings.seen_on])
    )
    columns = {
        "account": coded.account,
        "feature": coded.feature.fill_null(OTHER),
        "cell": coded.cell.fill_null(BEFORE),
        "seen_at": coded.seen_at.fill_null(0),
        "bit": coded.bit.fill_null(0),
        "since": coded.since.fill_null(-1),
        **{name: coded[name].fill_null(0) for name in days.columns if name.startswith("until_")},
    }
    return coded.select("user_id", "occurred_at", "quantity", "value", **columns)


def _lookup(columns: dict[str, Any]) -> ibis.Table:
    return ibis.memtable(pa.table(columns))


def _moment(day: int) -> ibis.Value:
    return ibis.literal(np.datetime64(day, "D").astype(datetime))


def valued_features(long: Long, cells: Cells) -> frozenset[int]:
    """The features with a value that some window saw."""
    rows = long.use.filter(long.use.value != 0, long.use.cell != BEFORE, long.use.feature != OTHER)
    found = _arrays(rows.select("feature", "cell", "seen_at").distinct())
    visible = found["seen_at"] <= cells.last(cells.longest)[found["cell"]]
    return frozenset(found["feature"][visible].tolist())


def use_rows(long: Long, features: int, first: int, end: int) -> dict[str, NDArray[Any]]:
    """Use of the accounts [first, end): the columns of `Long.use`, last_at in microseconds since 1970.

    Beside the features there is one more, numbered `features`: any event at all.
    """
    part = long.use.filter(long.use.account >= first, long.use.account < end)
    whole = part.group_by("account", "cell", "seen_at").aggregate(
        uses=part.uses.sum(), value=ibis.literal(0.0), last_at=part.last_at.max(), days=bit_or(part.days)
    )
    whole = whole.mutate(feature=ibis.literal(features).cast("int32"))
    found = _arrays(part.filter(part.feature != OTHER).union(whole.select(part.columns)))
    found["last_at"] = found["last_at"].astype("datetime64[us]").astype(np.int64)
    return found


def user_rows(long: Long, features: int, window: int, first: int, end: int) -> dict[str, NDArray[Any]]:
    """How many users of the accounts [first, end) were seen by which snapshots: account, feature, seen, users."""
    assert long.users is not None
    part = long.users.filter(long.users.account >= first, long.users.account < end)
    part = part.rename(seen=f"seen_{window}").select("account", "feature", "user_id", "seen")
    whole = part.group_by("account", "user_id").aggregate(seen=bit_or(part.seen))
    whole = whole.mutate(feature=ibis.literal(features).cast("int32")).select(part.columns)
    both = part.filter(part.feature != OTHER).union(whole)
    visible = both.filter(both.seen != 0)
    counted = visible.group_by("account", "feature", "seen").aggregate(users=visible.count())
    return _arrays(counted)


def _arrays(expression: ibis.Table) -> dict[str, NDArray[Any]]:
    table = expression.to_pyarrow()
    return {name: table.column(name).to_numpy() for name in table.column_names}
