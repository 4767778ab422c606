"""What is refused before training: too little to learn from."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.errors import NotEnoughData
from milepost.settings import TrainingSettings
from milepost.training.candidates import Rows

FloatArray = NDArray[np.float64]


def smallest_effect_points(accounts: int, churned_accounts: int) -> float:
    """Smallest difference in the retained share, in percentage points, between two equal halves of the accounts that
    is found with 80 % power at the 5 % level, two-sided; normal approximation.

    >>> round(smallest_effect_points(400, 40), 1)
    8.4
    """
    if accounts == 0:
        return float("nan")
    share = churned_accounts / accounts
    return float(100 * (1.959964 + 0.841621) * np.sqrt(4 * share * (1 - share) / accounts))


def check_enough(train: Rows, accounts: pd.Series[str], test_churned: FloatArray, settings: TrainingSettings) -> None:
    """Raise NotEnoughData, with the counts, when the training period holds too little to learn from."""
    rows, total = len(train.churned), int(accounts.nunique())
    churned = int(accounts[train.churned == 1].nunique())
    if problem := _problem(train, churned, test_churned, settings):
        effect = smallest_effect_points(total, churned)
        found = "" if np.isnan(effect) or not effect else f"; at best a difference of {effect:.1f} points could be seen"
        raise NotEnoughData(
            f"{problem} ({rows:,} rows, {total:,} accounts, {churned:,} churned in the training period{found})",
            where="training",
            expected=f"at least {settings.min_churned} churned accounts and {settings.min_rows} rows, both outcomes",
            fix="give a longer history",
        )


def _problem(train: Rows, churned: int, test_churned: FloatArray, settings: TrainingSettings) -> str:
    if len(train.churned) < settings.min_rows:
        return "too few rows to learn from"
    if churned == 0 or train.churned.min() == 1:
        return "only one outcome in the training period"
    if churned < settings.min_churned:
        return "too few churned accounts to learn from"
    if not len(test_churned) or test_churned.min() == test_churned.max():
        return "only one outcome in the test period"
    if not varies(train.values).any():
        return "every signal has one value only"
    return ""


def varies(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """bool [signals]: the column has two values, or is known for some rows and unknown for others."""
    unknown = np.isnan(values)
    different = np.fmin.reduce(values, axis=0) < np.fmax.reduce(values, axis=0)
    return np.asarray(different | (unknown.any(axis=0) & ~unknown.all(axis=0)))
