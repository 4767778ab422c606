"""The rows that were left out because they break a rule, as the source has them, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from milepost.data.mapping import literal, quoted
from milepost.settings import Table

_AT_A_TIME = 50_000
# what was left out is looked into by people; who used the product is none of their business
_NOT_SHOWN = ("user_id",)
REASON, LINE = "reason", "line"
_NO_ROW = {
    "MISSING COLUMNS": "a field too many or too few",
    "TOO MANY COLUMNS": "a field too many or too few",
    "INVALID ENCODING": "not UTF-8 text",
    "UNQUOTED VALUE": "a quote that does not fit",
}


def no_row(kind: str) -> str:
    """Why a line of a CSV file is no row, by DuckDB's name for it."""
    return _NO_ROW.get(kind, "a line that cannot be split")


def declare_rejects(
    connection: Any, name: str, table: Table, relation: str, columns: Sequence[str], fate: str, outside: str
) -> None:
    """Make the view rejected_<name>: reason, then the source's columns that are mapped, without those of users.

    `columns` are the contract's; `fate` is SQL for the rule a row breaks, and those that begin with `outside` are none.
    """
    there = {row[0] for row in connection.raw_sql(f"DESCRIBE {relation}").fetchall()}
    asked = [column for column in columns if column not in (*_NOT_SHOWN, *table.constants)]
    hidden = {table.columns.get(column, column) for column in _NOT_SHOWN}
    sources = dict.fromkeys(table.columns.get(column, column) for column in asked)
    kept = [source for source in sources if source in there and source not in hidden]
    shown = "".join(f", {quoted(source)} AS {quoted(_apart(source))}" for source in kept)
    connection.raw_sql(
        f"CREATE TEMP VIEW rejected_{name} AS SELECT * FROM (SELECT {fate} AS {REASON}{shown} FROM {relation}) "
        f"WHERE {REASON} IS NOT NULL AND NOT starts_with({REASON}, {literal(outside)})"
    )


def rejected(connection: Any, name: str) -> Iterator[pd.DataFrame]:
    """The rows of a table that were left out, some at a time, in an order that does not change.

    Lines of a CSV file that are no row come first, by number and reason only: what is in them is not known.
    """
    lines = _lines(connection, name)
    if len(lines):
        yield lines
    view = connection.table(f"rejected_{name}")
    for batch in view.order_by(view.columns).to_pyarrow_batches(chunk_size=_AT_A_TIME):
        if batch.num_rows:
            frame = batch.to_pandas()
            frame.insert(1, LINE, pd.array([pd.NA] * len(frame), dtype="Int64"))
            yield frame


def _lines(connection: Any, name: str) -> pd.DataFrame:
    if f"rejects_raw_{name}" not in connection.list_tables():
        return pd.DataFrame()
    found = connection.raw_sql(
        f"SELECT line, min(error_type)::VARCHAR AS kind FROM rejects_raw_{name} GROUP BY line ORDER BY line"
    ).fetchall()
    frame = pd.DataFrame({
        REASON: [no_row(kind) for _, kind in found], LINE: [line for line, _ in found],
    })  # fmt: skip
    return frame.astype({LINE: "Int64"})


def _apart(source: str) -> str:
    """A column of the source that is called like one of ours is told from it."""
    return f"{source} (source)" if source.lower() in (REASON, LINE) else source
