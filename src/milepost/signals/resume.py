"""Rows of an earlier run that still hold: a later run aggregates only the snapshots that came since."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.signals.matrix import Observations
from milepost.signals.population import Population
from milepost.signals.room import Part
from milepost.signals.spec import Signal
from milepost.signals.stacked import Stacked
from milepost.signals.usage import Known
from milepost.terms import ACCOUNT, SNAPSHOT, Measure

Progress = Callable[[str], None]
USED = ["active_users", "active_days", "days_since_last_use"]
# what the measures of features are divided by; a change of it at a past date changes them
_DIVISORS = ["exposure_days", "seats", "before_data"]
_BYTES_AT_A_TIME = 16 * 2**20  # what is let go of is taken up again, beyond 32 MB it is not


@dataclass(frozen=True)
class Built:
    """Observations, and which features every account had used by the last snapshot, from which the next run goes on.

    parts: the files of the matrix by snapshot, where it was too large for memory.
    """

    observations: Observations
    known: Known
    parts: Mapping[date, Part] = field(default_factory=dict)


@dataclass(frozen=True)
class CarriedOver:
    """The rows that stay, in the order of the new matrix, before all others.

    snapshots: their dates; context: what is known of them now, with their use; rows: where they stand in the earlier
    matrix; counts: uses, float32 [rows × features]; valued: features with a value in the earlier matrix; parts: the
    files of the earlier matrix.
    """

    snapshots: tuple[date, ...]
    context: pd.DataFrame
    counts: NDArray[np.float32]
    valued: frozenset[str]
    known: Known
    earlier: Observations
    rows: slice
    parts: Mapping[date, Part]

    def by_snapshot(self) -> Iterator[tuple[date, slice]]:
        """The rows of each snapshot, which are all that the earlier matrix has of it."""
        dates = np.array(self.snapshots, dtype="datetime64[us]")
        ends = np.searchsorted(self.context[SNAPSHOT].to_numpy(), dates, side="right")
        for day, begin, end in zip(self.snapshots, [0, *ends], ends, strict=False):
            yield day, slice(int(begin), int(end))

    def has_columns(self, signals: Sequence[Signal]) -> bool:
        """Whether these are the signals of the earlier matrix."""
        return [signal.name for signal in signals] == [signal.name for signal in self.earlier.matrix.signals]

    def blocks(self, signals: Sequence[Signal], among: slice) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Rows and their block of the matrix, in which the signals of accounts are still to be filled."""
        place = {signal.name: column for column, signal in enumerate(self.earlier.matrix.signals)}
        pairs = [(column, place[signal.name]) for column, signal in enumerate(signals) if signal.name in place]
        into, of = ([pair[side] for pair in pairs] for side in (0, 1))
        values = self.earlier.matrix.values
        step = max(_BYTES_AT_A_TIME // (values.shape[1] * values.dtype.itemsize), 1)
        for start in range(among.start, among.stop, step):
            begin = self.rows.start + start
            there = _rows(values, begin, min(begin + step, self.rows.start + among.stop))
            if self.has_columns(signals):
                block = there
            else:
                # a sum of values that is new had no value in these windows: it is 0 there
                block = np.zeros((len(there), len(signals)), dtype=np.float32)
                block[:, into] = there[:, of]
            yield slice(start, start + len(there)), block


def _rows(values: Any, begin: int, end: int) -> NDArray[np.float32]:
    """A copy of some rows, which are of one snapshot."""
    if not isinstance(values, Stacked):
        return np.array(values[begin:end])
    place = int(np.searchsorted(values.bounds, begin, side="right")) - 1
    first = int(values.bounds[place])
    part: Any = values.parts[place]
    # read: a look through the mapping asks for every page by itself
    skipped, count = part.offset + (begin - first) * part[:1].nbytes, (end - begin) * part.shape[1]
    found: NDArray[np.float32] = np.fromfile(part.filename, dtype=np.float32, count=count, offset=skipped)
    return found.reshape(-1, part.shape[1])


def carry_over(earlier: Built, population: Population, context: pd.DataFrame, progress: Progress) -> CarriedOver | None:
    """What of an earlier run still holds, None where it has to be computed anew, which `progress` is told.

    `context` is what is known of the rows of `population` now.
    """
    before = earlier.observations.context
    dates = {stamp.date() for stamp in before[SNAPSHOT].unique()}
    shared = tuple(day for day in population.snapshots if day in dates)
    later = [day for day in population.snapshots if day not in dates]
    if not shared or not later:
        return None
    if population.snapshots[: len(shared)] != shared or later[0] < earlier.known.before:
        progress("signals: other dates than before, computed anew")
        return None
    now = context.iloc[: population.bounds[len(shared)]]
    begin = int(np.searchsorted(before[SNAPSHOT].to_numpy(), np.datetime64(shared[0], "us")))
    then = before.iloc[begin : begin + len(now)].reset_index(drop=True)
    same = [ACCOUNT, SNAPSHOT, *_DIVISORS]
    if len(then) != len(now) or not then[same].equals(now[same].astype(then[same].dtypes)):
        progress("signals: accounts, seats or ages of earlier dates changed, computed anew")
        return None
    valued = frozenset(
        signal.feature for signal in earlier.observations.matrix.signals
        if signal.feature is not None and signal.measure == Measure.VALUE_SUM and not signal.own
    )  # fmt: skip
    rows = slice(begin, begin + len(now))
    progress(f"signals: {len(shared)} of {len(population.snapshots)} snapshots carried over")
    return CarriedOver(
        shared, now.assign(**{name: then[name].to_numpy() for name in USED}), earlier.observations.counts[rows], valued,
        earlier.known, earlier.observations, rows, earlier.parts,
    )  # fmt: skip
