"""What training returns: the split, the figures of every model, and the champion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

IndexArray = NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """Row positions of the periods, forward in time; between any two stand at least `purge_days`.

    `calibrate` is empty when calibration uses out-of-fold predictions inside the training period.
    `purged` counts rows that lie between the periods and are used by none.
    """

    train: IndexArray
    calibrate: IndexArray
    test: IndexArray
    train_dates: tuple[date, date]
    test_dates: tuple[date, date]
    purged: int


@dataclass(frozen=True)
class Metrics:
    """Figures of one model on the test rows; `low` and `high` bound the AUC in a bootstrap over accounts."""

    roc_auc: float
    pr_auc: float
    log_loss: float
    brier: float
    base_rate: float
    calibration_error: float
    test_rows: int
    churned_rows: int
    churned_accounts: int
    low: float
    high: float


@dataclass(frozen=True)
class Evaluation:
    """How well each model foretold churn in periods it had not seen.

    shared: model name -> Metrics, forward in time, the same accounts may be on both sides.
    disjoint: the same test rows, each scored by a model that saw no row of its account.
    headline: `disjoint` or `shared`, the one the settings ask for; `champion` has its best log loss.
    predictions: float [test rows], the champion's calibrated risk on the headline's test rows, `outcome` beside it.
    calibration_curve: (mean predicted, share churned, rows) per tenth of predicted risk.
    lift: (share of rows acted on, lift, recall).
    """

    shared: dict[str, Metrics]
    disjoint: dict[str, Metrics]
    champion: str
    headline: str
    split: Split
    predictions: NDArray[np.float64]
    outcome: NDArray[np.float64]
    calibration_curve: tuple[tuple[float, float, int], ...]
    lift: tuple[tuple[float, float, float], ...]

    @property
    def best(self) -> Metrics:
        """The champion's figures under the headline."""
        return (self.disjoint if self.headline == "disjoint" else self.shared)[self.champion]
