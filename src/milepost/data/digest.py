"""Whether the events before a date are still those that an earlier run saw: one number over all rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import ibis

from milepost.data.contract import to_frame
from milepost.windows import midnight

_COLUMNS = ("account_id", "occurred_at", "visible_at", "event_name", "user_id", "quantity", "value")
_LOW_BITS = (1 << 31) - 1  # of the hash of a row, so that the sum over all rows fits


@ibis.udf.scalar.builtin(name="hash")  # type: ignore[untyped-decorator]
def _hash(  # type: ignore[empty-body]
    account: str, occurred: datetime, visible: datetime, event: str, user: str, quantity: float, value: float
) -> int:
    """DuckDB and Spark have it; Ibis' own takes one column and costs three times as much."""


@ibis.udf.scalar.builtin(name="hashtext")  # type: ignore[untyped-decorator]
def _hash_text(row: str) -> int:  # type: ignore[empty-body]
    """What PostgreSQL has instead."""


def digests(events: ibis.Table, before: Sequence[date]) -> tuple[str, ...]:
    """One text per date over the rows visible before it, in one pass; their order does not matter."""
    row = _row(events) & _LOW_BITS
    sums = {}
    for place, day in enumerate(before):
        seen = events.visible_at < ibis.literal(midnight(day))
        sums[f"rows_{place}"] = ibis.ifelse(seen, 1, 0).sum()
        sums[f"sum_{place}"] = ibis.ifelse(seen, row, 0).sum()
    found = to_frame(events.aggregate(**{name: total.fill_null(0) for name, total in sums.items()})).iloc[0]
    return tuple(f"{found[f'rows_{place}']}-{found[f'sum_{place}']}" for place in range(len(before)))


def added(earlier: str, events: ibis.Table, since: date, before: date) -> str:
    """The digest of the rows before a date from the one of those before an earlier date, which are not read again."""
    begin = ibis.literal(midnight(since))
    # apart and by the columns as they are stored, so that parts of a file without such rows are passed over
    happened = events.filter(events.occurred_at >= begin)
    late = events.filter(events.occurred_at < begin, events.loaded_at >= begin)
    rows = happened.union(late)
    pairs = zip(earlier.split("-"), digests(rows, [before])[0].split("-"), strict=True)
    return "-".join(str(int(old) + int(new)) for old, new in pairs)


def _row(events: ibis.Table) -> ibis.Value:
    if events.get_backend().name != "postgres":
        return _hash(*(events[name] for name in _COLUMNS))
    # a mark that no value begins with keeps what is missing apart from what is empty
    parts = [ibis.coalesce(events[name].cast("string"), "\x02") for name in _COLUMNS]
    return _hash_text(ibis.literal("\x01").join(parts)).cast("int64")
