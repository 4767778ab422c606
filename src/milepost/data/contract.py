"""The tables that go in: their columns, types and what was found when they were read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from milepost.errors import EnvironmentFault, MilepostError
from milepost.terms import Action

if TYPE_CHECKING:
    import ibis
    import pandas as pd


@dataclass(frozen=True)
class Column:
    """One column of the contract; `kind` is text, time, integer, number or flag."""

    name: str
    kind: str
    required: bool = False
    default: str | None = None


@dataclass(frozen=True)
class Finding:
    """What one check found: shared by data checks and reviews.

    `count` is the number of rows (or keys) concerned, `verdict` the action taken, `what_to_do` one sentence.
    """

    check: str
    where: str
    count: int
    verdict: Action
    what_to_do: str


@dataclass(frozen=True)
class RowCount:
    """Where the rows of one table went; `read = used + quarantined + deduplicated + outside`, exactly."""

    table: str
    read: int
    used: int
    quarantined: int
    deduplicated: int
    outside: int

    @property
    def balanced(self) -> bool:
        return self.read == self.used + self.quarantined + self.deduplicated + self.outside


@dataclass(frozen=True)
class Tables:
    """The contract's tables, opened, mapped, typed and checked, as Ibis expressions on one connection.

    Every column of the contract is present in each table that is there (null where the source has none), so that
    nothing downstream asks. Times are timestamps in UTC without a zone; account_id is text.
    `events` also has `visible_at`, the later of occurred_at and loaded_at: a row is visible at a snapshot when
    `visible_at < snapshot`. Daily counts stand at midnight of their day with the count in `quantity`.
    They may live on another engine than `connection`: `to_frame` asks the engine of each expression, and `movable`
    brings an answer of the events to the other tables.
    `data_begin` is midnight of the first event's day, `complete_until` the moment up to which outcomes are known.
    `has_users`, `has_values`, `has_quantities` and `has_reopened` say whether the source has these optional columns.
    `event_files` has the name and a mark of each Parquet file of the events and of how it is read, nothing for other
    sources; `unknown_accounts` counts events left out because no account has their id.
    `used_names` has the names of the events, where they are known without a look at them.
    `event_names` has the distinct names of sound rows, those at or after the date asked for included; None: of all.
    """

    connection: ibis.BaseBackend
    accounts: ibis.Table
    events: ibis.Table
    subscriptions: ibis.Table | None
    conversations: ibis.Table | None
    surveys: ibis.Table | None
    access: ibis.Table | None
    has_users: bool
    has_values: bool
    has_quantities: bool
    data_begin: datetime
    complete_until: datetime
    row_counts: tuple[RowCount, ...]
    findings: tuple[Finding, ...]
    fingerprint: str
    remote: str = ""  # the engine that holds the events where it is not `connection`
    has_reopened: bool = False
    event_names: ibis.Table | None = None
    event_files: tuple[tuple[str, str], ...] = ()
    unknown_accounts: int = 0
    used_names: frozenset[str] | None = None

    def movable(self, answer: ibis.Table) -> ibis.Table:
        """An answer of the events that joins the other tables: itself, or its rows in memory from another engine."""
        import ibis

        return ibis.memtable(to_frame(answer), schema=answer.schema()) if self.remote else answer


def to_frame(expression: ibis.Table) -> pd.DataFrame:
    """The rows of an expression from the engine it belongs to, times in microseconds.

    Raises EnvironmentFault, in one line, where another engine than DuckDB does not answer.
    """
    backend = expression.get_backend()
    with answering(backend):
        frame: pd.DataFrame = backend.to_pyarrow(expression).to_pandas()
    for name in frame.select_dtypes("datetime"):
        frame[name] = frame[name].astype("datetime64[us]")
    return frame


@contextmanager
def answering(backend: ibis.BaseBackend) -> Iterator[None]:
    """Around a question to an engine: raises EnvironmentFault, in one line, where another one than DuckDB fails."""
    try:
        yield
    except MilepostError:
        raise
    except Exception as error:
        if backend.name == "duckdb":
            raise
        raise EnvironmentFault(f"{backend.name} did not answer: {said(error)}", where="tables.events") from error


def said(error: Exception) -> str:
    """What an engine's error says first, in at most 160 characters; its type when it says nothing."""
    lines = [line.strip(": ") for line in str(error).splitlines() if line.strip(": ")]
    if len(lines) > 1 and lines[0].startswith("An error occurred while calling"):
        lines = lines[1:]
    return lines[0][:160] if lines else type(error).__name__


_REQUIRED = True

CONTRACT: dict[str, tuple[Column, ...]] = {
    "accounts": (
        Column("account_id", "text", _REQUIRED),
        Column("created_at", "time", _REQUIRED),
        Column("segment", "text"),
        Column("owner", "text"),
        Column("region", "text"),
        Column("time_zone", "text"),
    ),
    "subscriptions": (
        Column("account_id", "text", _REQUIRED),
        Column("started_at", "time", _REQUIRED),
        Column("ended_at", "time"),
        Column("item", "text", default="base"),
        Column("plan", "text"),
        Column("seats", "number"),
        Column("mrr", "number"),
        Column("term_ends_at", "time"),
        Column("term_months", "number"),
        Column("paid", "flag"),
    ),
    "events": (
        Column("account_id", "text", _REQUIRED),
        Column("occurred_at", "time", _REQUIRED),
        Column("event_name", "text", _REQUIRED),
        Column("user_id", "text"),
        Column("quantity", "number", default="1"),
        Column("value", "number"),
        Column("event_id", "text"),
        Column("loaded_at", "time"),
    ),
    "conversations": (
        Column("conversation_id", "text", _REQUIRED),
        Column("account_id", "text", _REQUIRED),
        Column("opened_at", "time", _REQUIRED),
        Column("first_reply_at", "time"),
        Column("resolved_at", "time"),
        Column("replies", "number"),
        Column("rating", "number"),
        Column("rated_at", "time"),
        Column("channel", "text"),
        Column("topic", "text"),
        Column("kind", "text"),
        Column("quality_score", "number"),
        Column("reopened", "number"),
    ),
    "surveys": (
        Column("account_id", "text", _REQUIRED),
        Column("answered_at", "time", _REQUIRED),
        Column("kind", "text", _REQUIRED),
        Column("score", "number", _REQUIRED),
    ),
    "access": (
        Column("account_id", "text", _REQUIRED),
        Column("feature", "text", _REQUIRED),
        Column("available_from", "time", _REQUIRED),
        Column("available_to", "time"),
    ),
}
