"""History cut into cells: runs of days that no window begins or ends in, so that events are added up once per cell.

The worked example of the comments: snapshots 2024-03-01 and 2024-04-01, windows of 30 and 10 days. The windows begin on
01-31, 02-20, 03-02 and 03-22, so the cells are

    01-31 ...... 02-20 ...... 03-01 . 03-02 ...... 03-22 ...... 04-01
    [ cell 0    )[ cell 1    )[ 2    )[ cell 3    )[ cell 4    )

and the window of 30 days at 03-01 is cells 0 and 1, at 04-01 cells 3 and 4.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
MOST_SNAPSHOTS = 60  # one bit of a signed 64-bit integer each
WORD_DAYS = 62  # days of a cell, one bit each: further ones wrap without an error on Spark
BEFORE = -1  # the cell of everything older than every window


@dataclass(frozen=True)
class Cells:
    """Days are counted since 1970.

    snapshots: [snapshots], rising; edges: [cells + 1], cell c is the days [edges[c], edges[c + 1]); windows: their
    lengths.
    """

    snapshots: Ints
    edges: Ints
    windows: tuple[int, ...]

    @property
    def longest(self) -> int:
        return max(self.windows)

    @property
    def count(self) -> int:
        return len(self.edges) - 1

    @property
    def first(self) -> Ints:
        """[cells]: the first snapshot after each cell."""
        return np.searchsorted(self.snapshots, self.edges[:-1], side="right").astype(np.int64)

    def last(self, window_days: int) -> Ints:
        """[cells]: the last snapshot whose window reaches back to each cell; below `first` where none does."""
        return np.searchsorted(self.snapshots - window_days, self.edges[:-1], side="right").astype(np.int64) - 1

    def days(self) -> dict[str, NDArray[Any]]:
        """Columns with one entry per day that a window covers: day, cell, bit (of the day in its cell), until_<window>.

        until_<window> has a bit for every snapshot up to the last whose window reaches back to the day.
        """
        cell = np.repeat(np.arange(self.count), np.diff(self.edges))
        day = np.arange(self.edges[0], self.edges[-1])
        columns = {"day": day.astype("datetime64[D]"), "cell": cell.astype(np.int32)}
        columns["bit"] = np.int64(1) << (day - self.edges[cell])
        for window in self.windows:
            columns[f"until_{window}"] = ((np.int64(1) << (self.last(window) + 1)) - 1)[cell]
        covered = (self.last(self.longest) >= self.first)[cell]
        return {name: values[covered] for name, values in columns.items()}

    def sightings(self) -> dict[str, NDArray[Any]]:
        """Columns with one entry per day from the first snapshot on: day, seen_at, since.

        seen_at is the first snapshot after the day, `since` has a bit for every snapshot from that one on. What
        happened on a day that is not there was seen by every snapshot.
        """
        day = np.arange(self.snapshots[0], self.snapshots[-1])
        seen_at = np.searchsorted(self.snapshots, day, side="right").astype(np.int64)
        return {
            "day": day.astype("datetime64[D]"), "seen_at": seen_at.astype(np.int32), "since": -(np.int64(1) << seen_at)
        }  # fmt: skip


def cut(snapshots: Sequence[date], window_days: Collection[int]) -> Cells:
    """The cells of up to 60 snapshots, oldest first, and windows of these lengths.

    Raises ValueError for more snapshots, none, or dates that do not rise.
    """
    days = np.array(snapshots, dtype="datetime64[D]").astype(np.int64)
    if not 1 <= len(days) <= MOST_SNAPSHOTS or (np.diff(days) <= 0).any():
        raise ValueError(f"1 to {MOST_SNAPSHOTS} snapshots in rising order, got {len(days)}")
    marks = np.unique(np.concatenate([days, *(days - window for window in window_days)]))
    pieces = [np.arange(low, high, WORD_DAYS) for low, high in pairwise(marks)]
    return Cells(days, np.append(np.concatenate(pieces), marks[-1]), tuple(window_days))
