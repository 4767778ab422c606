"""`ChurnModel`: everything that turns a matrix into churn risks, as text and arrays that can be stored without code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milepost.errors import BundleError, nearest
from milepost.signals.matrix import Matrix
from milepost.signals.spec import Signal
from milepost.terms import SNAPSHOT
from milepost.training.calibrate import Calibrator
from milepost.training.logistic import Logistic

Values = NDArray[np.float32]
FloatArray = NDArray[np.float64]

BOOSTING, LOGISTIC = "boosting", "logistic"
FEW_ROWS = 5_000


@dataclass(frozen=True)
class ChurnModel:
    """A trained model with its gate.

    kind: `boosting` (then `booster` is LightGBM's text) or `logistic` (then `logistic` holds the arrays).
    signals: what it was trained on, in order. base_rate: churned share of the rows it was trained on.
    """

    kind: str
    signals: tuple[Signal, ...]
    calibrator: Calibrator
    base_rate: float
    booster: str = ""
    logistic: Logistic | None = None

    def predict(self, matrix: Matrix) -> FloatArray:
        """Calibrated churn risk, float64 [rows], within [0, 1].

        Columns in another order are put right, additional ones ignored. Rows without a snapshot date (NaT) get the risk
        of a mean time of year.
        Raises BundleError for a signal that is missing, renamed, defined otherwise, or infinite.
        """
        seasonal = self.calibrator.season.height > 0
        days = matrix.rows[SNAPSHOT].to_numpy(dtype="datetime64[D]") if seasonal else None
        return self.calibrator.risk(self._log_odds(self._gate(matrix)), days)

    def contributions(self, matrix: Matrix) -> FloatArray:
        """What each signal of `matrix` adds to the log-odds of churn, float64 [rows × signals of the matrix].

        A row's sum plus a constant is its log-odds; after Platt scaling these are the calibrated ones.
        """
        values = self._gate(matrix)
        if self.logistic is not None:
            added = self.logistic.contributions(values)
        else:
            added = np.asarray(self._booster.predict(values, pred_contrib=True, num_threads=_threads(values)))[:, :-1]
        added *= self.calibrator.slope
        places = self._places(matrix)
        if np.array_equal(places, np.arange(matrix.values.shape[1])):
            return np.asarray(added)
        placed = np.zeros(matrix.values.shape)
        placed[:, places] = added
        return placed

    @cached_property
    def _booster(self) -> Any:
        import lightgbm

        return lightgbm.Booster(model_str=self.booster)

    def _log_odds(self, values: Values) -> FloatArray:
        if self.logistic is not None:
            return self.logistic.log_odds(values)
        return np.asarray(self._booster.predict(values, raw_score=True, num_threads=_threads(values)))

    def _gate(self, matrix: Matrix) -> Values:
        places = self._places(matrix)
        same = np.array_equal(places, np.arange(matrix.values.shape[1]))
        values = matrix.values if same else matrix.values[:, places]
        infinite = np.isinf(values).any(axis=0)
        if infinite.any():
            name = self.signals[int(np.flatnonzero(infinite)[0])].name
            raise BundleError(
                f"signal '{name}' holds infinite values ({int(infinite.sum())} signals do)",
                where="matrix", expected="numbers, or empty where unknown",
            )  # fmt: skip
        return values

    def _places(self, matrix: Matrix) -> NDArray[np.intp]:
        """Where each of the model's signals stands in the matrix."""
        found = {signal.name: place for place, signal in enumerate(matrix.signals)}
        missing = [signal.name for signal in self.signals if signal.name not in found]
        if missing:
            spare = sorted(set(found) - {signal.name for signal in self.signals})
            shown = ", ".join(f"'{name}'" for name in missing[:3]) + (" …" if len(missing) > 3 else "")
            hint = f"for '{missing[0]}' {nearest(missing[0], spare)}; " if spare else ""
            raise BundleError(
                f"the model needs {len(missing)} signals that are not there: {shown}",
                where="matrix", fix=f"{hint}train again, or give the signals the model knows",
            )  # fmt: skip
        for signal in self.signals:
            _check_same(signal, matrix.signals[found[signal.name]])
        return np.array([found[signal.name] for signal in self.signals], dtype=np.intp)


def _threads(values: Values) -> int:
    """One for few rows, else 0, which is what OMP_NUM_THREADS or the machine allows; rows are independent."""
    return 1 if len(values) < FEW_ROWS else 0


def _check_same(known: Signal, given: Signal) -> None:
    for part in ("feature", "event", "measure", "window_days", "per", "unit", "column", "equals"):
        was, now = getattr(known, part), getattr(given, part)
        if was != now:
            raise BundleError(
                f"signal '{known.name}' is not the one the model knows: {part} was {was!r}, is {now!r}",
                where="matrix", fix="train again after changing how signals are built",
            )  # fmt: skip
