"""Events to long form in Ibis: one row per account, feature and cell of days, never one aggregate per signal.

Two GROUP BYs over the events: (account, feature, cell) for what adds up, (account, feature, user) for who was there.
A row is visible at a snapshot when `visible_at < snapshot`, with visible_at the later of occurred_at and loaded_at.
Quantities and values are summed as decimals, so that the sums do not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from milepost.data.contract import Tables, answering
from milepost.signals.bits import WORD_BITS, bits_of_names, words_for
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

    account_ids: their position is the `account` of the answers; names: per feature, the events that count as its use.
    """

    account_ids: Sequence[str]
    names: Sequence[Sequence[str]]
    cells: Cells


def use_of_features(tables: Tables, question: Question, known_before: date | None = None) -> ibis.Table:
    """Use in long form: account, feature, cell, seen_at, uses, value, last_at, days (a bit for each active day).

    OTHER is the feature of events that belong to none, BEFORE the cell of those outside every window, of which only
    these first four columns say anything. With `known_before` (at most the first snapshot) older rows that were visible
    by then are passed over: what they say is known from an earlier run.
    """
    pairs = [(name, place) for place, names in enumerate(question.names) for name in names]
    names = lookup({
        "event_name": pa.array([name for name, _ in pairs], pa.string()),
        "feature": np.array([place for _, place in pairs], dtype=np.int32),
    })  # fmt: skip
    coded = recent_events(tables, question).left_join(names, "event_name")
    coded = coded.mutate(feature=coded.feature.fill_null(OTHER))
    uses = coded.quantity.cast(_EXACT).sum() if tables.has_quantities else coded.count()
    value = coded.value.cast(_EXACT).sum().cast("float64").fill_null(0.0) if tables.has_values else _zero()
    keys = ["account", "feature", "cell", "seen_at"]
    use = coded.group_by(keys).aggregate(
        uses=uses.cast("float64"), value=value, last_at=coded.occurred_at.max(), days=bit_or(coded.bit)
    )
    ever = _ever_used(_older_events(tables, question, known_before), question)
    nothing = {"uses": _zero(), "value": _zero(), "last_at": moment(0), "days": ibis.literal(0).cast("int64")}
    return use.union(ever.mutate(**nothing).cast(use.schema()).select(use.columns))


def _ever_used(older: ibis.Table, question: Question) -> ibis.Table:
    """account, feature, cell (BEFORE), seen_at: once for every feature that these events count for.

    A bit per feature and account is half the work of a group per feature and account, and accounts are numbered last.
    """
    features = len(question.names)
    words = words_for(features)
    coded = older.inner_join(lookup(bits_of_names(question.names, words)), "event_name")
    noted = coded.group_by("account_id", "seen_at").aggregate(
        **{f"word_{word}": bit_or(coded[f"word_{word}"]) for word in range(words)}
    )
    of_features = lookup({
        "feature": np.arange(features, dtype=np.int32),
        "at_word": np.arange(features, dtype=np.int32) // WORD_BITS,
        "mask": np.left_shift(np.int64(1), np.arange(features, dtype=np.int64) % WORD_BITS),
    })  # fmt: skip
    pairs = noted.inner_join(_numbers(question), "account_id").cross_join(of_features)
    own = ibis.cases(*((pairs.at_word == word, pairs[f"word_{word}"]) for word in range(words)), else_=0)
    used = pairs.filter((own & pairs.mask) != 0)
    return used.select("account", "feature", cell=_int(BEFORE), seen_at=used.seen_at)


def recent_events(tables: Tables, question: Question) -> ibis.Table:
    """Events since the first window began: account and cell, bit (of the day), seen_at, since, until_<window>."""
    cells = question.cells
    events = _visible(tables, question)
    days = lookup(cells.days())
    events = events.filter(events.occurred_at >= moment(cells.edges[0]))
    joined = _sighted(events.left_join(days, [events.occurred_at.date() == days.day]), cells)
    missing = {"cell": BEFORE, "bit": 0, **{name: 0 for name in days.columns if name.startswith("until_")}}
    filled = {name: joined[name].fill_null(value) for name, value in missing.items()}
    kept = ("account", "event_name", "user_id", "occurred_at", "quantity", "value", "seen_at", "since")
    return joined.select(*kept, **filled)


def _older_events(tables: Tables, question: Question, known_before: date | None) -> ibis.Table:
    events = _seen(tables, question)
    first = midnight(np.datetime64(int(question.cells.edges[0]), "D").astype(date))
    events = events.filter(events.occurred_at < ibis.literal(first))
    if known_before is not None:
        known = ibis.literal(midnight(known_before))
        new = events.loaded_at >= known
        if midnight(known_before) < first:
            new = new | (events.occurred_at >= known)
        # by the columns as they are stored, so that parts of a file without such rows are not read
        events = events.filter(new)
    return _sighted(events, question.cells)


def _visible(tables: Tables, question: Question) -> ibis.Table:
    """The events that the last snapshot sees, with the number of the account."""
    return _seen(tables, question).inner_join(_numbers(question), "account_id")


def _seen(tables: Tables, question: Question) -> ibis.Table:
    events = tables.events
    # a daily table may hold a row for every day, used or not
    return events.filter(events.quantity != 0, events.visible_at < moment(question.cells.snapshots[-1]))


def _numbers(question: Question) -> ibis.Table:
    """account_id -> account."""
    return lookup({
        "account_id": pa.array(question.account_ids, pa.string()),
        "account": np.arange(len(question.account_ids), dtype=np.int32),
    })  # fmt: skip


def _sighted(events: ibis.Table, cells: Cells) -> ibis.Table:
    """With seen_at, the first snapshot that saw the event, and since, a bit for each from that one on."""
    if len(cells.snapshots) == 1:
        return events.mutate(seen_at=_int(0), since=ibis.literal(-1).cast("int64"))
    sightings = lookup(cells.sightings()).rename(seen_on="day")
    joined = events.left_join(sightings, [events.visible_at.date() == sightings.seen_on])
    return joined.mutate(seen_at=joined.seen_at.fill_null(0), since=joined.since.fill_null(-1))


def _zero() -> ibis.Value:
    """A literal 0.0 would be a decimal on Spark."""
    return ibis.literal(0).cast("float64")


def _int(value: int) -> ibis.Value:
    return ibis.literal(value).cast("int32")


def lookup(columns: Mapping[str, Any]) -> ibis.Table:
    """A small table to join with."""
    return ibis.memtable(pa.table(dict(columns)))


def keep(expression: ibis.Table) -> ibis.Table:
    """The answer, computed now and kept until it is released."""
    backend: Any = expression.get_backend()
    if backend.name == "pyspark":
        # Ibis 12 forgets the small tables joined with when it caches on Spark
        backend._run_pre_execute_hooks(expression)
    with answering(backend):
        return expression.cache()


def moment(day: int | np.int64) -> ibis.Value:
    """Midnight of a day since 1970."""
    return ibis.literal(midnight(np.datetime64(int(day), "D").astype(date)))


def valued_features(use: ibis.Table, cells: Cells) -> frozenset[int]:
    """The features with a value that some window saw."""
    rows = use.filter(use.value != 0, use.cell != BEFORE, use.feature != OTHER)
    found = arrays(rows.select("feature", "cell", "seen_at").distinct())
    visible = found["seen_at"] <= cells.last(cells.longest)[found["cell"]]
    return frozenset(found["feature"][visible].tolist())


def use_rows(use: ibis.Table, features: int, first: int, end: int) -> dict[str, NDArray[Any]]:
    """Use of the accounts [first, end): the columns of `use_of_features`, last_at in microseconds since 1970.

    Beside the features there is one more, numbered `features`: any event at all.
    """
    part = use.filter(use.account >= first, use.account < end)
    whole = part.group_by("account", "cell", "seen_at").aggregate(
        uses=part.uses.sum(), value=_zero(), last_at=part.last_at.max(), days=bit_or(part.days)
    )
    whole = whole.mutate(feature=ibis.literal(features).cast("int32"))
    found = arrays(part.filter(part.feature != OTHER).union(whole.select(part.columns)))
    found["last_at"] = found["last_at"].astype("datetime64[us]").astype(np.int64)
    return found


def arrays(expression: ibis.Table) -> dict[str, NDArray[Any]]:
    """The answer to an expression, column by column."""
    backend = expression.get_backend()
    with answering(backend):
        table = backend.to_pyarrow(expression)
    return {name: table.column(name).to_numpy() for name in table.column_names}
