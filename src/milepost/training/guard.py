"""Before any model: is there enough data, and does one signal know the answer?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from milepost.errors import NotEnoughData
from milepost.settings import TrainingSettings
from milepost.training.fit import Risk, Values

SUSPICIOUS_AUC = 0.95


def refuse_too_little(accounts: pd.Series, outcome: Risk, values: Values, settings: TrainingSettings) -> None:
    """Raise NotEnoughData, with the counts, when nothing could be learnt from these rows."""
    churned = accounts[outcome == 1].nunique()
    counts = f"{len(outcome):,} rows, {accounts.nunique():,} accounts, {churned:,} of them churned"
    if len(outcome) < settings.min_rows:
        raise NotEnoughData(counts, where="training", expected=f"at least {settings.min_rows} rows")
    if outcome.min() == outcome.max():
        word = "churned" if outcome.max() else "was retained"
        raise NotEnoughData(f"one class only, every account {word}: {counts}", where="training")
    if churned < settings.min_churned:
        effect = smallest_effect(accounts.nunique(), churned)
        raise NotEnoughData(
            f"{counts}; the smallest difference that could be found is {effect:.0f} points", where="training",
            expected=f"at least {settings.min_churned} churned accounts",
        )  # fmt: skip
    if np.all(np.isnan(values) | (values == values[0])):
        raise NotEnoughData(f"every signal is constant: {counts}", where="training")


def smallest_effect(accounts: int, churned: int) -> float:
    """Difference in points of the churned share between two halves that is found with 80 % power at 5 %.

    (z.975 + z.80) · sqrt(p (1 - p) · 4 / n), the usual formula for two equal groups.
    """
    share = churned / max(accounts, 1)
    return 100 * 2.8016 * float(np.sqrt(max(share * (1 - share), 1e-9) * 4 / max(accounts, 1)))


def leaking(values: Values, outcome: Risk, half: NDArray[np.bool_]) -> list[int]:
    """Signals that foretell churn almost perfectly alone: AUC over .95 on accounts not used to choose the direction.

    half: bool [rows], one half of the accounts. A signal that is missing just for the churned counts too.
    """
    found = []
    for place in range(values.shape[1]):
        column = values[:, place]
        missing = np.isnan(column)
        candidates = [np.where(missing, -np.inf, column)] + ([missing.astype(float)] if missing.any() else [])
        if any(_auc_both_ways(candidate, outcome, half) > SUSPICIOUS_AUC for candidate in candidates):
            found.append(place)
    return found


def _auc_both_ways(column: NDArray[np.float64], outcome: Risk, half: NDArray[np.bool_]) -> float:
    first, second = _auc(column[half], outcome[half]), _auc(column[~half], outcome[~half])
    # the direction comes from the first half, the figure from the second
    return second if first >= 0.5 else 1 - second


def _auc(column: NDArray[np.float64], outcome: Risk) -> float:
    churned = outcome == 1
    count = int(churned.sum())
    if count in (0, len(outcome)):
        return 0.5
    ranks = rankdata(column)
    return float((ranks[churned].sum() - count * (count + 1) / 2) / (count * (len(outcome) - count)))
