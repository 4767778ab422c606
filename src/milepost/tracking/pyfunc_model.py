"""What MLflow runs to load a registered model: the bundle's own loader, which checks hashes and unpickles nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from milepost.bundle import load_bundle
from milepost.errors import BundleError
from milepost.signals.matrix import Matrix
from milepost.terms import ACCOUNT, SNAPSHOT


class ChurnRisk(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Frame with one column per signal -> frame with `churn_risk`, float64 within [0, 1], in the same order.

    A column `snapshot_date` tells the time of year, for models that know a season; without it, or where it is empty,
    the risk is that of a mean time of year.
    """

    def load_context(self, context: Any) -> None:
        self.model, _ = load_bundle(Path(context.artifacts["bundle"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Raises BundleError naming the signals that are missing."""
        names = [signal.name for signal in self.model.signals]
        if missing := [name for name in names if name not in model_input]:
            raise BundleError(f"{len(missing)} signals are missing, first '{missing[0]}'", where="model input")
        values = model_input[names].to_numpy(dtype=np.float32)
        days = pd.to_datetime(model_input[SNAPSHOT]).to_numpy() if SNAPSHOT in model_input else pd.NaT
        rows = pd.DataFrame({ACCOUNT: np.arange(len(values)).astype(str), SNAPSHOT: days})
        risk = self.model.predict(Matrix(values, rows, self.model.signals, ""))
        return pd.DataFrame({"churn_risk": np.asarray(risk, dtype=np.float64)}, index=model_input.index)


mlflow.models.set_model(ChurnRisk())
