"""Figures of a model on test rows: ranking and calibration, with intervals that respect accounts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.training.bootstrap import interval, over_draws, row_losses, weighted_aucs, weighted_precisions
from milepost.training.results import Interval, Metrics

FloatArray = NDArray[np.float64]

LIFT_SHARES = (0.01, 0.02, 0.05, 0.10, 0.20, 0.30, 0.50)


def metrics(risk: FloatArray, churned: FloatArray, accounts: pd.Series[str], seed: int) -> Metrics:
    """All figures of one model; `risk` is calibrated, float64 [rows]; `accounts` names the account of each row."""
    low, high = auc_interval(risk, churned, accounts, seed)
    return Metrics(
        roc_auc=roc_auc(risk, churned),
        pr_auc=average_precision(risk, churned),
        log_loss=log_loss(risk, churned),
        brier=float(np.mean((risk - churned) ** 2)),
        base_rate=float(churned.mean()),
        calibration_error=calibration_error(risk, churned),
        test_rows=len(churned),
        churned_rows=int(churned.sum()),
        churned_accounts=int(accounts[churned == 1].nunique()),
        low=low,
        high=high,
    )


def log_loss(risk: FloatArray, churned: FloatArray) -> float:
    """Mean negative log likelihood; a risk of exactly 0 or 1 counts as 1e-7 away from it."""
    return float(np.mean(row_losses(risk, churned)))


def roc_auc(risk: FloatArray, churned: FloatArray) -> float:
    """Share of (churned, retained) pairs that are ranked right, ties half; NaN with one class only."""
    return float(weighted_aucs(risk, churned, np.ones((1, len(risk))))[0])


def auc_interval(risk: FloatArray, churned: FloatArray, accounts: pd.Series[str], seed: int) -> Interval:
    """95 % interval of the AUC over 200 draws of accounts with replacement."""
    return interval(over_draws(lambda weights: weighted_aucs(risk, churned, weights), accounts, seed))


def average_precision(risk: FloatArray, churned: FloatArray) -> float:
    """Area under the precision-recall steps; rows of equal risk are taken together."""
    return float(weighted_precisions(risk, churned, np.ones((1, len(risk))))[0])


def calibration_curve(risk: FloatArray, churned: FloatArray, parts: int = 10) -> tuple[tuple[float, float, int], ...]:
    """(mean predicted, share churned, rows) per tenth of the rows by risk, lowest first."""
    tenths = np.array_split(np.argsort(risk, kind="stable"), parts)
    return tuple((float(risk[t].mean()), float(churned[t].mean()), len(t)) for t in tenths if len(t))


def calibration_error(risk: FloatArray, churned: FloatArray) -> float:
    """Mean distance between predicted and seen share over the tenths, weighted by their rows."""
    curve = calibration_curve(risk, churned)
    return float(sum(abs(predicted - seen) * rows for predicted, seen, rows in curve) / len(risk))


def lift_table(risk: FloatArray, churned: FloatArray) -> tuple[tuple[float, float, float], ...]:
    """(share of rows acted on, lift over the base rate, recall) when the riskiest rows are acted on."""
    found = np.cumsum(churned[np.argsort(-risk, kind="stable")])
    total, rows = float(churned.sum()), len(churned)
    counts = [max(1, round(share * rows)) for share in LIFT_SHARES]
    return tuple((n / rows, float(found[n - 1] / n / (total / rows)), float(found[n - 1] / total)) for n in counts)
