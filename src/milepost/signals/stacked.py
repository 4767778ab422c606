"""A wide matrix that stands in one file per snapshot, asked like an array: only what is asked for is read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


class Stacked:
    """Arrays [rows × signals] one above the other. `values[rows]` and `values[rows, columns]` give plain arrays.

    Rows are a slice, a bool mask or places; columns likewise, or one of them. Anything else makes one array of it all.
    """

    def __init__(self, parts: Sequence[Values]) -> None:
        self.parts = tuple(parts)
        self.dtype = np.dtype(np.float32)
        self.ndim = 2

    @cached_property
    def bounds(self) -> NDArray[np.intp]:
        """[parts + 1]: the rows of part k are those from bounds[k] to bounds[k + 1]."""
        return np.concatenate([[0], np.cumsum([len(part) for part in self.parts])]).astype(np.intp)

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.bounds[-1]), self.parts[0].shape[1]

    @property
    def nbytes(self) -> int:
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        whole = np.concatenate(self.parts)
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def __getitem__(self, key: Any) -> Any:
        both = isinstance(key, tuple) and len(key) == 2
        rows: Any = key[0] if both else key
        columns: Any = key[1] if both else slice(None)
        crossed = np.ndim(rows) == 2 and np.ndim(columns) == 2
        if crossed:  # as numpy.ix_ makes them
            rows, columns = np.ravel(rows), np.ravel(columns)
        if isinstance(rows, slice):
            return self._between(*rows.indices(len(self)), columns)
        rows = np.asarray(rows)
        if rows.ndim != 1 or (np.ndim(columns) == 1 and not crossed):
            return np.asarray(self)[key]
        if rows.dtype == bool:
            pieces = zip(self.parts, np.split(rows, self.bounds[1:-1]), strict=True)
            return np.concatenate([part[mask][:, columns] for part, mask in pieces])
        return self._at(np.where(rows < 0, rows + len(self), rows).astype(np.intp), columns)

    def _between(self, start: int, stop: int, step: int, columns: Any) -> Any:
        if step != 1:
            return np.asarray(self)[start:stop:step][:, columns]
        pieces = []
        for part, begin in zip(self.parts, self.bounds, strict=False):
            here = slice(max(start - begin, 0), max(min(stop - begin, len(part)), 0))
            pieces.append(part[here][:, columns])
        return np.concatenate(pieces)

    def _at(self, rows: NDArray[np.intp], columns: Any) -> Any:
        if len(rows) and rows.max() >= len(self):
            raise IndexError(f"row {rows.max()} of {len(self)}")
        where = np.searchsorted(self.bounds, rows, side="right") - 1
        found = np.empty((len(rows), *self.parts[0][:0][:, columns].shape[1:]), dtype=self.dtype)
        for place, part in enumerate(self.parts):
            here = where == place
            found[here] = part[rows[here] - self.bounds[place]][:, columns]
        return found
