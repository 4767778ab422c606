"""Long form to wide with numpy: the use of some accounts at one snapshot, added up from cells of days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
from numpy.typing import NDArray

from milepost.signals.aggregate import use_rows
from milepost.signals.cells import BEFORE, Cells
from milepost.signals.users import Sight, Users, count_users

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
DAY = 86_400_000_000  # microseconds
_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class WindowUse:
    """Use within one window, each float64 [accounts × features + 1]; the last column is any event at all.

    uses, value: sums, 0 where none; active_days, users: counts; last_at: microseconds since 1970, NaN where none.
    """

    uses: Floats
    value: Floats
    active_days: Floats
    last_at: Floats
    users: Floats


@dataclass(frozen=True)
class Here:
    """The use of some accounts (their places in the chunk) at one snapshot.

    ever: bool [accounts of the chunk × columns without that of any event], see `Chunk.ever`.
    """

    chunk: Chunk
    snapshot: int
    accounts: NDArray[np.intp]
    ever: NDArray[np.bool_]

    @property
    def midnight(self) -> int:
        """The snapshot, in microseconds since 1970."""
        return int(self.chunk.cells.snapshots[self.snapshot]) * DAY

    def within(self, window: int) -> WindowUse:
        """What the window of so many days holds, each [these accounts × columns]."""
        found = self.chunk.at(self.snapshot, window)
        parts = (found.uses, found.value, found.active_days, found.last_at, found.users)
        return WindowUse(*(part[self.accounts] for part in parts))


@dataclass(frozen=True)
class Piece:
    """The long rows of one cell that were first seen by one snapshot: each place stands here at most once."""

    cell: int
    seen_at: int
    place: Ints  # account × columns + feature
    uses: Floats
    value: Floats
    last_at: Ints
    new_days: Ints  # active days that no row seen earlier had shown


@dataclass(frozen=True)
class Chunk:
    """The use of the accounts [first, end) at every snapshot, before it is spread out."""

    first: int
    end: int
    columns: int
    cells: Cells
    pieces: tuple[Piece, ...]
    users: Mapping[Sight, Floats]

    def at(self, snapshot: int, window: int) -> WindowUse:
        """What the window of so many days before one snapshot holds."""
        size = (self.end - self.first) * self.columns
        uses, value, days, last = np.zeros(size), np.zeros(size), np.zeros(size), np.full(size, _NEVER)
        for piece in self._within(snapshot, window):
            uses[piece.place] += piece.uses
            value[piece.place] += piece.value
            days[piece.place] += piece.new_days
            last[piece.place] = np.maximum(last[piece.place], piece.last_at)
        last_at = np.where(last == _NEVER, np.nan, last.astype(np.float64))
        shape = (-1, self.columns)
        users = self.users.get(Sight(window, snapshot), np.zeros(size).reshape(shape))
        return WindowUse(uses.reshape(shape), value.reshape(shape), days.reshape(shape), last_at.reshape(shape), users)

    def uses_at(self, snapshot: int, window: int) -> Floats:
        """Only the uses of `at`."""
        uses = np.zeros((self.end - self.first) * self.columns)
        for piece in self._within(snapshot, window):
            uses[piece.place] += piece.uses
        return uses.reshape(-1, self.columns)

    def ever(self, known: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
        """For each snapshot in turn, bool [accounts × columns]: visibly used at any time before it.

        `known` says of which features, [accounts × features], that was known before.
        """
        first = np.full((self.end - self.first) * self.columns, len(self.cells.snapshots))
        for piece in self.pieces:
            first[piece.place] = np.minimum(first[piece.place], piece.seen_at)
        seen_at = first.reshape(-1, self.columns)
        seen_at[:, :-1][known] = 0
        for snapshot in range(len(self.cells.snapshots)):
            yield seen_at <= snapshot

    def _within(self, snapshot: int, window: int) -> Iterator[Piece]:
        begin, end = self.cells.snapshots[snapshot] - window, self.cells.snapshots[snapshot]
        edges = self.cells.edges
        for piece in self.pieces:
            if piece.cell != BEFORE and piece.seen_at <= snapshot and begin <= edges[piece.cell] < end:
                yield piece


def read_chunk(use: ibis.Table, users: Sequence[Users], cells: Cells, features: int, first: int, end: int) -> Chunk:
    """Fetch the use of the accounts [first, end)."""
    rows = use_rows(use, features, first, end)
    place = (rows["account"].astype(np.int64) - first) * (features + 1) + rows["feature"]
    seen: dict[Sight, Floats] = {}
    for noted in users:
        seen |= count_users(noted, features, first, end)
    return Chunk(first, end, features + 1, cells, tuple(_pieces(rows, place, cells)), seen)


def _pieces(rows: Mapping[str, NDArray[Any]], place: Ints, cells: Cells) -> Iterator[Piece]:
    """One piece per cell and sighting, oldest first: sums of fractions then add up in one order, always."""
    kind = (rows["cell"].astype(np.int32) + 1) * (len(cells.snapshots) + 1) + rows["seen_at"]
    # 16 bits are sorted by radix
    order = np.argsort(kind.astype(np.uint16) if kind.max(initial=0) < 2**16 else kind, kind="stable")
    kinds, starts = np.unique(kind[order], return_index=True)
    shown: dict[int, list[tuple[Ints, Ints]]] = {}
    ends = np.append(starts, len(order))[1:]
    for number, start, end in zip(kinds, starts, ends, strict=True):
        rows_of = order[start:end]
        cell, seen_at = divmod(int(number), len(cells.snapshots) + 1)
        cell -= 1
        here, days = place[rows_of], rows["days"][rows_of]
        fresh = days.copy()
        for earlier, their_days in shown.get(cell, ()):
            # rare: rows that came later than a snapshot on a day that had shown use already
            _, mine, theirs = np.intersect1d(here, earlier, assume_unique=True, return_indices=True)
            fresh[mine] &= ~their_days[theirs]
        shown.setdefault(cell, []).append((here, days))
        yield Piece(cell, seen_at, here, rows["uses"][rows_of], rows["value"][rows_of], rows["last_at"][rows_of],
                    np.bitwise_count(fresh).astype(np.int64))  # fmt: skip
