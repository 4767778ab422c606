"""Where the wide matrix is put together: in memory, or in files where it is large beside the memory allowed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from milepost.signals.stacked import Stacked

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """The rows of one snapshot in a .npy file, with its sha256 where that is known."""

    path: Path
    sha256: str = ""


class Room(Protocol):
    """Takes the rows of each snapshot in any order, a block of one snapshot at a time."""

    @property
    def parts(self) -> Mapping[date, Part]:
        """The files in which they stand, by snapshot; none in memory."""

    def put(self, rows: slice, block: Values) -> None:
        """Put float32 [rows × signals] where it belongs."""

    def adopt(self, day: date, part: Part) -> bool:
        """Take the file of an earlier matrix as it is; False where that is not possible."""

    def whole(self) -> Any:
        """The matrix, once every row is there: an array, or `Stacked`."""


@dataclass
class InMemory:
    """A matrix in memory."""

    values: Values
    parts: Mapping[date, Part] = field(default_factory=dict)

    def put(self, rows: slice, block: Values) -> None:
        self.values[rows] = block

    def adopt(self, day: date, part: Part) -> bool:
        return False

    def whole(self) -> Values:
        return self.values


@dataclass
class InFiles:
    """A matrix in a .npy file per snapshot: written past the memory of this process, read where it stands."""

    folder: Path
    snapshots: Sequence[date]
    bounds: NDArray[np.intp]
    width: int
    parts: dict[date, Part] = field(default_factory=dict)
    handles: dict[date, tuple[int, int]] = field(default_factory=dict)

    def put(self, rows: slice, block: Values) -> None:
        place = int(np.searchsorted(self.bounds, rows.start, side="right")) - 1
        handle, begin = self._open(place)
        data = np.ascontiguousarray(block, dtype=np.float32).reshape(-1).view(np.uint8).data
        at = begin + (rows.start - int(self.bounds[place])) * self.width * block.itemsize
        while data:
            # one call writes at most two gigabytes
            written = os.pwrite(handle, data, at)
            data, at = data[written:], at + written

    def adopt(self, day: date, part: Part) -> bool:
        path = self.folder / part_name(day)
        try:
            os.link(part.path, path)
        except OSError:  # another disk, or forgotten meanwhile
            return False
        self.parts[day] = Part(path, part.sha256)
        return True

    def whole(self) -> Stacked:
        paths = [part.path for _, part in sorted(self.parts.items())]
        return Stacked([np.load(path, mmap_mode="r", allow_pickle=False) for path in paths])

    def _open(self, place: int) -> tuple[int, int]:
        day = self.snapshots[place]
        if day not in self.handles:
            path = self.folder / part_name(day)
            shape = (int(self.bounds[place + 1] - self.bounds[place]), self.width)
            begin = int(np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape).offset)
            self.handles[day] = os.open(path, os.O_WRONLY), begin
            self.parts[day] = Part(path)
        return self.handles[day]


def part_name(day: date | str) -> str:
    """The file of a snapshot's rows; in the order of names stand the rows of the matrix."""
    return f"values-{day}.npy"


@contextmanager
def room(
    snapshots: Sequence[date], bounds: NDArray[np.intp], width: int, memory_bytes: int, scratch: Path | None
) -> Iterator[Room]:
    """Room for a matrix, in the folder `scratch` where it takes more than a quarter of the memory.

    The rows of snapshot k are those from bounds[k] to bounds[k + 1].
    """
    shape = (int(bounds[-1]), width)
    if scratch is None or not is_large(shape, memory_bytes):
        yield InMemory(np.empty(shape, dtype=np.float32))
        return
    files = InFiles(scratch, snapshots, bounds, width)
    try:
        yield files
    finally:
        for handle, _ in files.handles.values():
            os.close(handle)


def is_large(shape: tuple[int, int], memory_bytes: int) -> bool:
    """Whether a matrix of this shape is large beside the memory allowed."""
    return shape[0] * shape[1] * 4 > memory_bytes // 4
