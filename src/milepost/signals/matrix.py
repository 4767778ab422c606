"""The wide matrix and everything else that is visible about an account at a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.signals.catalogue import Feature
from milepost.signals.spec import Signal
from milepost.windows import Windows

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Matrix:
    """Signals, wide.

    values: float32 [rows × signals], NaN where unknown.
    rows: frame with `account_id` (text) and `snapshot_date` (datetime64, midnight), index 0..n-1, sorted by
    snapshot_date then account_id; one row per account running at the snapshot.
    source_hash: fingerprint of the tables, catalogue and settings it came from.
    """

    values: FloatArray
    rows: pd.DataFrame
    signals: tuple[Signal, ...]
    source_hash: str

    def column(self, name: str) -> FloatArray:
        """The values of one signal, float32 [rows]."""
        position = next(i for i, signal in enumerate(self.signals) if signal.name == name)
        column: FloatArray = self.values[:, position]
        return column

    def take(self, keep: NDArray[np.intp] | BoolArray) -> Matrix:
        """The same matrix with some rows only, their index counted anew."""
        rows = self.rows[keep] if keep.dtype == bool else self.rows.iloc[keep]
        return Matrix(self.values[keep], rows.reset_index(drop=True), self.signals, self.source_hash)


@dataclass(frozen=True)
class Observations:
    """What is visible about every account at every snapshot; all parts have the same rows in the same order.

    counts: float32 [rows × features], uses of each feature within the observation window (not per day).
    eligible: bool [rows × features], had access for the whole observation window, by the plan at its start and by
    the access table; all True where neither is known (`access_known` is then False).
    context: frame, one row each: `account_id`, `snapshot_date`, `plan` (text, "" unknown), `plan_at_start` (plan at
    the start of the observation window), `seats`, `mrr`, `size_band` (text), `segment` (text), `tenure_days`,
    `exposure_days` (days observed: the least of window, tenure, time since the data begin), `before_data` (bool:
    account created before the data begin), `days_to_term_end`, `term_months`, `days_since_last_use`, `active_users`.
    """

    matrix: Matrix
    features: tuple[Feature, ...]
    counts: FloatArray
    eligible: BoolArray
    access_known: bool
    context: pd.DataFrame
    windows: Windows

    @cached_property
    def adopted(self) -> BoolArray:
        """bool [rows × features]: used at or above `adopted_at_least` within the observation window."""
        least = np.array([feature.adopted_at_least for feature in self.features], dtype=np.float32)
        return np.asarray(self.counts >= least)

    def take(self, keep: NDArray[np.intp] | BoolArray) -> Observations:
        """The same observations with some rows only."""
        matrix = self.matrix.take(keep)
        context = self.context[keep] if keep.dtype == bool else self.context.iloc[keep]
        return Observations(
            matrix, self.features, self.counts[keep], self.eligible[keep], self.access_known,
            context.reset_index(drop=True), self.windows,
        )  # fmt: skip
