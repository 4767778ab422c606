"""`ChurnModel`: what is shipped; plain numbers and text, so that it can be stored without code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from milepost.errors import BundleError, nearest
from milepost.signals.matrix import Matrix
from milepost.signals.spec import Signal
from milepost.training.calibrate import Platt
from milepost.training.fit import Risk, Values
from milepost.training.logistic import Linear, linear_risk

BOOSTING, LOGISTIC = "boosting", "logistic"


@dataclass(frozen=True)
class ChurnModel:
    """A calibrated churn model. `kind` is `boosting` (with the booster's text) or `logistic` (with `linear`).

    signals: the columns it was trained on, in order; base_rate: churned share of the rows it was trained on.
    """

    kind: str
    signals: tuple[Signal, ...]
    calibrator: Platt
    base_rate: float
    booster_text: str = ""
    linear: Linear | None = None

    @cached_property
    def _booster(self) -> lgb.Booster:
        return lgb.Booster(model_str=self.booster_text)

    def predict(self, matrix: Matrix) -> Risk:
        """Calibrated churn risk, float64 [rows] within [0, 1].

        Columns in another order are put right. Raises BundleError for a missing or renamed signal or infinite values.
        """
        values = self.aligned(matrix)
        if self.kind == LOGISTIC:
            assert self.linear is not None
            return self.calibrator(linear_risk(self.linear, values))
        # one thread: predicting is cheap, and the answer must not depend on their number
        return self.calibrator(np.asarray(self._booster.predict(values, num_threads=1), dtype=np.float64))

    def contributions(self, matrix: Matrix) -> NDArray[np.float64]:
        """Part of each signal in the log-odds of churn, float64 [rows × the matrix's signals].

        LightGBM's `pred_contrib` (TreeSHAP; Lundberg et al. 2020), or the terms of the logistic model; scaled by the
        calibrator, so that they add up to the calibrated log-odds but for a constant.
        """
        values = self.aligned(matrix)
        if self.kind == LOGISTIC:
            assert self.linear is not None
            parts = self.linear.terms(values)
        else:
            parts = np.asarray(self._booster.predict(values, pred_contrib=True, num_threads=1))[:, :-1]
        order = {signal.name: place for place, signal in enumerate(self.signals)}
        back = [order[signal.name] for signal in matrix.signals]
        return self.calibrator.slope * parts[:, back]

    def aligned(self, matrix: Matrix) -> Values:
        """The matrix's values in the model's order, float32 [rows × signals]."""
        places = {signal.name: place for place, signal in enumerate(matrix.signals)}
        missing = [signal.name for signal in self.signals if signal.name not in places]
        if missing:
            raise BundleError(
                f"{len(missing)} signals of the model are missing: {', '.join(missing[:3])}",
                where="matrix", fix=nearest(missing[0], places),
            )  # fmt: skip
        unknown = set(places) - {signal.name for signal in self.signals}
        if unknown:
            raise BundleError(f"signal '{min(unknown)}' is unknown to the model", where="matrix", fix="train again")
        if matrix.values.dtype != np.float32:
            raise BundleError(f"values are {matrix.values.dtype}", where="matrix", expected="float32")
        if np.isinf(matrix.values).any():
            raise BundleError("a signal is infinite", where="matrix", fix="mend the signal's zero denominator")
        return matrix.values[:, [places[signal.name] for signal in self.signals]]
