"""The learning curve: what the champion would know from fewer accounts, or from fewer months."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.training import evaluate
from milepost.training.candidates import Recipe, Rows, fit
from milepost.training.results import LearningPoint

SHARES = (0.25, 0.5, 1.0)


def learning_curve(
    how: Recipe, train: Rows, test: Rows, named: tuple[pd.Series[str], pd.Series[pd.Timestamp]],
    test_accounts: pd.Series[str],
) -> tuple[LearningPoint, ...]:  # fmt: skip
    """AUC on all test rows when `how` learns from a quarter, a half and all of the accounts, or of the latest dates.

    named: account and snapshot of each training row. The same accounts may be on both sides.
    """
    accounts, days = named[0].to_numpy(), named[1].to_numpy()
    names = np.random.default_rng(how.seed).permutation(np.unique(accounts.astype(str)))
    dates = np.unique(days)
    found = []
    for kind, values, all_of in (("accounts", accounts.astype(str), names), ("dates", days, dates[::-1])):
        for share in SHARES if len(all_of) > 1 else ():
            chosen = all_of[: max(1, round(share * len(all_of)))]
            found.append(_point(how, kind, train.take(np.isin(values, chosen)), test, test_accounts, len(chosen)))
    return tuple(found)


def _point(
    how: Recipe, kind: str, rows: Rows, test: Rows, test_accounts: pd.Series[str], count: int
) -> LearningPoint:  # fmt: skip
    risk: NDArray[np.float64] = fit(how, rows)(test.values)[-1]
    auc = evaluate.roc_auc(risk, test.churned)
    low, high = evaluate.auc_interval(risk, test.churned, test_accounts, how.seed)
    return LearningPoint(kind, count, len(rows.churned), int(rows.churned.sum()), auc, low, high)
