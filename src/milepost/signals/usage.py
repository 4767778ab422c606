"""The events of all snapshots, row by row of the matrix: some accounts at a time, so that the long form stays small."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
from numpy.typing import NDArray

from milepost.data.contract import Tables
from milepost.signals.aggregate import Question, keep, use_of_features, valued_features
from milepost.signals.catalogue import Feature
from milepost.signals.cells import MOST_SNAPSHOTS, Cells, cut
from milepost.signals.own_use import Asked
from milepost.signals.population import Population
from milepost.signals.scatter import Here, read_chunk
from milepost.signals.users import Users, note_users
from milepost.signals.wide import AccountUse, FeatureUse, use_of_rows
from milepost.windows import Windows

Progress = Callable[[str], None]
Bools = NDArray[np.bool_]
_ROW_BYTES = 250  # of one long row while it is being spread out
_PLACE_BYTES = 150  # of one account and feature at one snapshot, likewise
_MOST_BYTES = 400_000_000  # beyond, larger chunks are no faster


@dataclass(frozen=True)
class Known:
    """What an account had used by a date, whatever came later: bool [accounts × features and events of own signals]."""

    before: date
    account_ids: NDArray[np.object_]
    ever: Bools


@dataclass(frozen=True)
class Part:
    """Up to 60 snapshots, computed together: `offset` is the number of the first of them."""

    offset: int
    cells: Cells
    use: ibis.Table
    users: tuple[Users, ...]

    def release(self) -> None:
        """Give back the space the tables take."""
        for table in (self.use, *(noted.table for noted in self.users)):
            table.release()


@dataclass(frozen=True)
class Block:
    """The use of some accounts at one snapshot: the rows of the population they are, features, any event, all of it."""

    rows: slice
    use: FeatureUse
    whole: AccountUse
    here: Here


@dataclass(frozen=True)
class Usage:
    """The aggregated events; valid inside the `with` that made it.

    valued: the features of which some event had a value; features: how many there are; ever: bool [accounts × features
    and events of own signals], filled while `blocks` are read: used at any time before the last snapshot.
    """

    parts: tuple[Part, ...]
    valued: frozenset[int]
    features: int
    population: Population
    windows: Windows
    budget: int
    ever: Bools

    def blocks(self, progress: Progress) -> Iterator[Block]:
        """Every row of the population once, some accounts at a time."""
        account = self.population.codes
        for part, first, end in self._chunks(progress):
            chunk = read_chunk(part.use, part.users, part.cells, self.ever.shape[1], first, end)
            known = self.ever[first:end].copy()
            for place, ever in enumerate(chunk.ever(known)):
                self.ever[first:end] = ever[:, :-1]
                rows = _rows(self.population, account, part.offset + place, first, end)
                if rows.start < rows.stop:
                    here = Here(chunk, place, account[rows] - first, ever[:, :-1])
                    yield Block(rows, *use_of_rows(here, self.features, self.windows), here)

    def _chunks(self, progress: Progress) -> Iterator[tuple[Part, int, int]]:
        accounts, columns = self.ever.shape
        for part in self.parts:
            rows = part.use.count().execute()
            step = max(int(self.budget / (rows / accounts * _ROW_BYTES + (columns + 1) * _PLACE_BYTES)), 1)
            for first in range(0, accounts, step):
                end = min(first + step, accounts)
                if step < accounts:
                    progress(f"signals of accounts {first + 1:,} to {end:,} of {accounts:,}")
                yield part, first, end


@contextmanager
def usage(
    tables: Tables,
    features: tuple[Feature, ...],
    population: Population,
    windows: Windows,
    memory_bytes: int,
    asked: Asked,
    known: Known | None = None,
    progress: Progress = lambda text: None,
) -> Iterator[Usage]:
    """Aggregate the events of every snapshot of the population; the space they take is given back at the end.

    `asked` is what own signals need beside the features. With `known` only what came since is read, beside the windows.
    """
    names = [*(feature.event_names for feature in features), *((name,) for name in asked.events)]
    ever = np.zeros((len(population.account_ids), len(names)), dtype=bool)
    if known is not None:
        place = {name: row for row, name in enumerate(known.account_ids)}
        row = np.array([place.get(name, -1) for name in population.account_ids], dtype=np.intp)
        ever[row >= 0] = known.ever[row[row >= 0]]
    # each length once, those that milepost brings first
    lengths = tuple(dict.fromkeys((windows.observation_days, windows.recent_days, *asked.windows)))
    seen_within = tuple(dict.fromkeys((windows.observation_days, *asked.user_windows)))
    since = known.before if known else None
    parts: list[Part] = []
    try:
        for offset in range(0, len(population.snapshots), MOST_SNAPSHOTS):
            dates = population.snapshots[offset : offset + MOST_SNAPSHOTS]
            cells = cut(dates, lengths)
            question = Question(list(population.account_ids), names, cells)
            started = time.perf_counter()
            use = keep(use_of_features(tables, question, since))
            users = note_users(tables, question, seen_within) if tables.has_users else ()
            parts.append(Part(offset, cells, use, users))
            progress(_speed(tables, time.perf_counter() - started))
        valued = frozenset().union(*(valued_features(part.use, part.cells) for part in parts))
        valued = frozenset(place for place in valued if place < len(features) and tables.has_values)
        budget = min(memory_bytes // 8, _MOST_BYTES)
        yield Usage(tuple(parts), valued, len(features), population, windows, budget, ever)
    finally:
        for part in parts:
            part.release()


def _speed(tables: Tables, seconds: float) -> str:
    rows = sum(count.used for count in tables.row_counts if count.table == "events")
    return f"events added up: {rows:,} rows, {rows / max(seconds, 1e-3):,.0f} a second"


def _rows(population: Population, account: NDArray[np.intp], snapshot: int, first: int, end: int) -> slice:
    """The rows of the accounts [first, end) at one snapshot: rows are sorted by snapshot, then account."""
    begin, stop = population.bounds[snapshot : snapshot + 2]
    inside = np.searchsorted(account[begin:stop], [first, end])
    return slice(int(begin + inside[0]), int(begin + inside[1]))
