"""Figures of a model on rows it has not seen, with intervals by account."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from milepost.training.fit import Risk
from milepost.training.results import IndexArray, Metrics

DRAWS = 200
ACTED_ON = (0.05, 0.10, 0.20)


def measure(risk: Risk, outcome: Risk, accounts: IndexArray, seed: int) -> Metrics:
    """All figures of one model; `accounts` numbers the account of each row. AUC is NaN with one class only."""
    two = len(np.unique(outcome)) == 2
    low, high = auc_interval(risk, outcome, accounts, seed) if two else (np.nan, np.nan)
    safe = np.clip(risk, 1e-7, 1 - 1e-7)
    return Metrics(
        roc_auc=float(roc_auc_score(outcome, risk)) if two else float("nan"),
        pr_auc=float(average_precision_score(outcome, risk)) if two else float("nan"),
        log_loss=float(log_loss(outcome, safe, labels=[0, 1])),
        brier=float(brier_score_loss(outcome, safe)),
        base_rate=float(outcome.mean()),
        calibration_error=calibration_error(risk, outcome),
        test_rows=len(outcome),
        churned_rows=int(outcome.sum()),
        churned_accounts=len(np.unique(accounts[outcome == 1])),
        low=low,
        high=high,
    )


def auc_interval(risk: Risk, outcome: Risk, accounts: IndexArray, seed: int) -> tuple[float, float]:
    """95 % interval of the AUC in a bootstrap over accounts: all rows of a drawn account come along."""
    order = np.argsort(risk, kind="stable")
    ties = np.unique(risk[order], return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    size = int(accounts.max()) + 1
    draws = [
        _weighted_auc(outcome[order], ties, np.bincount(rng.integers(0, size, size), minlength=size)[accounts[order]])
        for _ in range(DRAWS)
    ]
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return float(low), float(high)


def _weighted_auc(outcome: Risk, ties: NDArray[np.intp], weight: NDArray[np.intp]) -> float:
    """Share of (churned, retained) pairs in the right order, a tie counting half; rows sorted by risk."""
    retained = np.bincount(ties, weight * (1 - outcome))
    churned = np.bincount(ties, weight * outcome)
    pairs = retained.sum() * churned.sum()
    below = np.cumsum(retained) - 0.5 * retained
    return float((churned * below).sum() / pairs) if pairs else float("nan")


def calibration_curve(risk: Risk, outcome: Risk, bins: int = 10) -> tuple[tuple[float, float, int], ...]:
    """(mean predicted, share churned, rows) for tenths of the rows by risk."""
    parts = np.array_split(np.argsort(risk, kind="stable"), min(bins, len(risk)))
    return tuple((float(risk[part].mean()), float(outcome[part].mean()), len(part)) for part in parts)


def calibration_error(risk: Risk, outcome: Risk) -> float:
    """Mean distance of predicted and observed over tenths of the rows by risk."""
    curve = calibration_curve(risk, outcome)
    return float(sum(rows * abs(predicted - observed) for predicted, observed, rows in curve) / len(risk))


def lift(risk: Risk, outcome: Risk) -> tuple[tuple[float, float, float], ...]:
    """(share of rows acted on, lift over the base rate, recall) for the rows at the highest risk."""
    order = np.argsort(-risk, kind="stable")
    figures = []
    for share in ACTED_ON:
        top = order[: max(1, round(share * len(risk)))]
        caught = outcome[top].sum()
        figures.append((share, float(outcome[top].mean() / outcome.mean()), float(caught / outcome.sum())))
    return tuple(figures) if outcome.sum() else ()
