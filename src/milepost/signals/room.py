"""Where the wide matrix is put together: in memory, or in a file where it is large beside the memory allowed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


class Room(Protocol):
    """Takes blocks of rows in any order."""

    @property
    def path(self) -> Path | None:
        """The file in which they stand, None in memory."""

    def put(self, rows: slice, block: Values) -> None:
        """Put float32 [rows × signals] where it belongs."""

    def whole(self) -> Values:
        """The matrix, once every row is there."""


@dataclass
class InMemory:
    """A matrix in memory."""

    values: Values
    path: None = None

    def put(self, rows: slice, block: Values) -> None:
        self.values[rows] = block

    def whole(self) -> Values:
        return self.values


@dataclass
class InFile:
    """A matrix in a .npy file: written past the memory of this process, read where it stands."""

    path: Path
    handle: int
    begin: int

    def put(self, rows: slice, block: Values) -> None:
        data = np.ascontiguousarray(block, dtype=np.float32).reshape(-1).view(np.uint8).data
        at = self.begin + rows.start * block.shape[1] * block.itemsize
        while data:
            # one call writes at most two gigabytes
            written = os.pwrite(self.handle, data, at)
            data, at = data[written:], at + written

    def whole(self) -> Values:
        values: Values = np.load(self.path, mmap_mode="r", allow_pickle=False)
        return values


@contextmanager
def room(shape: tuple[int, int], memory_bytes: int, scratch: Path | None) -> Iterator[Room]:
    """Room for a matrix of this shape, in the folder `scratch` where it takes more than a quarter of the memory."""
    if scratch is None or shape[0] * shape[1] * 4 <= memory_bytes // 4:
        yield InMemory(np.empty(shape, dtype=np.float32))
        return
    path = scratch / "values.npy"
    empty = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    begin = int(empty.offset)
    del empty
    handle = os.open(path, os.O_WRONLY)
    try:
        yield InFile(path, handle, begin)
    finally:
        os.close(handle)
