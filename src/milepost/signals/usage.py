"""The events of all snapshots to columns of the matrix, some accounts at a time, so that the long form stays small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.data.contract import Tables
from milepost.data.memory import memory_bytes
from milepost.errors import InputError
from milepost.settings import Settings
from milepost.signals.aggregate import Question, use_of_features, valued_features
from milepost.signals.catalogue import Feature
from milepost.signals.cells import MOST_SNAPSHOTS, Cells, cut
from milepost.signals.population import Population
from milepost.signals.scatter import read_chunk
from milepost.signals.spec import Signal
from milepost.signals.users import Users, note_users
from milepost.signals.wide import feature_measures, use_of_rows
from milepost.terms import Measure
from milepost.windows import Windows

Progress = Callable[[str], None]
Values = NDArray[np.float32]
_ROW_BYTES = 200  # of one long row while it is being spread out
_PLACE_BYTES = 150  # of one account and feature at one snapshot, likewise


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
class Usage:
    """The aggregated events; valid inside the `with` that made it.

    valued: the features of which some event had a value.
    """

    parts: tuple[Part, ...]
    valued: frozenset[int]
    features: tuple[Feature, ...]
    population: Population
    windows: Windows
    budget: int

    def fill(self, values: Values, signals: Sequence[Signal], context: pd.DataFrame, progress: Progress) -> Values:
        """Write every signal of a feature into its column, float32 [rows × signals].

        Adds active_users, active_days and days_since_last_use to `context`; returns the uses, float32
        [rows × features]. Raises InputError for a signal of a feature that is not in the catalogue.
        """
        counts = np.zeros((len(values), len(self.features)), dtype=np.float32)
        whole = {name: np.zeros(len(values)) for name in ("active_users", "active_days")}
        context[list(whole)] = 0.0
        since = np.full(len(values), float(self.windows.observation_days))
        columns = _columns(signals, self.features)
        account = self.population.codes
        for part, first, end in self._chunks(progress):
            chunk = read_chunk(part.use, part.users, part.cells, len(self.features), first, end)
            for place, ever in enumerate(chunk.ever()):
                rows = _rows(self.population, account, part.offset + place, first, end)
                use, any_event = use_of_rows(chunk, place, account[rows] - first, ever, self.windows)
                counts[rows] = use.uses
                whole["active_users"][rows] = any_event.users
                whole["active_days"][rows] = any_event.active_days
                since[rows] = np.where(np.isnan(any_event.days_since), since[rows], any_event.days_since)
                here = context.iloc[rows].assign(active_users=any_event.users)
                for measure, found in feature_measures(use, here, self.windows).items():
                    into, of = columns[measure]
                    values[rows, into] = found[:, of]
        for name, found in (*whole.items(), ("days_since_last_use", since)):
            context[name] = found
        return counts

    def _chunks(self, progress: Progress) -> Iterator[tuple[Part, int, int]]:
        accounts = len(self.population.account_ids)
        for part in self.parts:
            rows = part.use.count().execute()
            each = rows / accounts * _ROW_BYTES + (len(self.features) + 1) * _PLACE_BYTES
            step = max(int(self.budget / each), 1)
            for first in range(0, accounts, step):
                end = min(first + step, accounts)
                if step < accounts:
                    progress(f"signals of accounts {first + 1:,} to {end:,} of {accounts:,}")
                yield part, first, end


@contextmanager
def usage(tables: Tables, features: tuple[Feature, ...], settings: Settings, population: Population) -> Iterator[Usage]:
    """Aggregate the events of every snapshot of the population; the space they take is given back at the end."""
    windows = settings.windows.windows()
    lengths = (windows.observation_days, windows.recent_days)
    parts: list[Part] = []
    try:
        for offset in range(0, len(population.snapshots), MOST_SNAPSHOTS):
            dates: tuple[date, ...] = population.snapshots[offset : offset + MOST_SNAPSHOTS]
            cells = cut(dates, lengths)
            question = Question(list(population.account_ids), [feature.event_names for feature in features], cells)
            users = note_users(tables, question, (windows.observation_days,)) if tables.has_users else ()
            parts.append(Part(offset, cells, use_of_features(tables, question).cache(), users))
        valued = frozenset().union(*(valued_features(part.use, part.cells) for part in parts))
        budget = memory_bytes(settings.project.memory_limit) // 4
        yield Usage(tuple(parts), valued if tables.has_values else frozenset(), features, population, windows, budget)
    finally:
        for part in parts:
            part.release()


def not_there(signal: Signal) -> InputError:
    """The error for a signal of a trained model that these tables cannot give."""
    return InputError(f"signal '{signal.name}' cannot be computed from these tables",
                      fix="train again, or map the table it came from")  # fmt: skip


def _columns(signals: Sequence[Signal], features: Sequence[Feature]) -> dict[Measure, tuple[list[int], list[int]]]:
    """Measure -> the columns of the matrix that hold it, and the feature of each."""
    place = {feature.name: number for number, feature in enumerate(features)}
    columns: dict[Measure, tuple[list[int], list[int]]] = {measure: ([], []) for measure in Measure}
    for position, signal in enumerate(signals):
        if signal.feature is None:
            continue
        if signal.feature not in place or signal.measure not in list(Measure):
            raise not_there(signal)
        into, of = columns[Measure(signal.measure)]
        into.append(position)
        of.append(place[signal.feature])
    return columns


def _rows(population: Population, account: NDArray[np.intp], snapshot: int, first: int, end: int) -> slice:
    """The rows of the accounts [first, end) at one snapshot: rows are sorted by snapshot, then account."""
    begin, stop = population.bounds[snapshot : snapshot + 2]
    inside = np.searchsorted(account[begin:stop], [first, end])
    return slice(int(begin + inside[0]), int(begin + inside[1]))
