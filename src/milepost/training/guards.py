"""What is refused before training, and what makes a trained model suspicious."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.errors import NotEnoughData
from milepost.settings import TrainingSettings
from milepost.signals.spec import Signal
from milepost.training.candidates import Rows

FloatArray = NDArray[np.float64]

LEAK_AUC, LEAK_SHARE, LEAK_ACCOUNTS = 0.95, 0.95, 20
BINS = 48
# a contract's end is agreed long before; where accounts leave at term only, it may foretell churn that well
KNOWN_AHEAD = "days_to_term_end"


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


def leak_alarms(rows: Rows, accounts: pd.Series[str], signals: tuple[Signal, ...]) -> tuple[str, ...]:
    """Name and figure of each signal that by itself foretells churn too well to have been known beforehand.

    Each signal is cut into bins, the churned share of a bin learned on the other folds. Suspicious are an AUC over
    .95, or a bin with 20 churned accounts in which nearly all churned while most others did not. An attribute that
    is said never to change is judged per account: overwritten when accounts leave, it knows at every earlier snapshot.
    """
    alarms = []
    whole = _one_row_an_account(rows, accounts)
    for place in np.flatnonzero(varies(rows.values)):
        if KNOWN_AHEAD in signals[place].name:
            continue
        bins = _bins(rows.values[:, place])
        auc = out_of_fold_auc(bins, rows)
        if auc > LEAK_AUC:
            alarms.append(f"{signals[place].name} (AUC {auc:.3f})")
        elif share := _nearly_certain(bins, rows, accounts):
            alarms.append(f"{signals[place].name} (churned share {share:.0%})")
        elif signals[place].column and (auc := out_of_fold_auc(_bins(whole.values[:, place]), whole)) > LEAK_AUC:
            alarms.append(f"{signals[place].name} (AUC {auc:.3f} by account)")
    return tuple(alarms)


def _one_row_an_account(rows: Rows, accounts: pd.Series[str]) -> Rows:
    """The last row of each account, churned when it ever did."""
    names = accounts.to_numpy()
    last = ~pd.Series(names).duplicated(keep="last").to_numpy()
    ever = pd.Series(rows.churned).groupby(names).transform("max").to_numpy()
    return Rows(rows.values[last], ever[last], rows.folds[last])


def _bins(values: NDArray[np.float32]) -> NDArray[np.intp]:
    """Bin of each row: one per value when few, else by quantile; unknown is a bin of its own, the last."""
    known = values[~np.isnan(values)]
    levels = np.unique(known)
    if len(levels) > BINS:
        levels = np.unique(np.quantile(known, np.linspace(0, 1, BINS), method="lower"))
    # NaN sorts last, so the unknown land in the bin after all levels
    return np.searchsorted(levels, values, side="left")


def out_of_fold_auc(bins: NDArray[np.intp], rows: Rows) -> float:
    """AUC of the bins' churned shares learned on the other folds, averaged over folds by their pairs of rows."""
    folds, count = int(rows.folds.max()) + 1, int(bins.max()) + 1
    cell = rows.folds * count + bins
    all_rows = np.bincount(cell, minlength=folds * count).reshape(folds, count).astype(np.float64)
    churned = np.bincount(cell, weights=rows.churned, minlength=folds * count).reshape(folds, count)
    base = rows.churned.mean()
    learned = (churned.sum(0) - churned + base) / (all_rows.sum(0) - all_rows + 1)
    right = pairs = 0.0
    for fold in range(folds):
        order = np.argsort(learned[fold], kind="stable")
        lost, stayed = churned[fold, order], (all_rows - churned)[fold, order]
        right += float(lost @ (np.cumsum(stayed) - stayed / 2))
        pairs += float(lost.sum() * stayed.sum())
    return right / pairs if pairs else 0.5


def _nearly_certain(bins: NDArray[np.intp], rows: Rows, accounts: pd.Series[str]) -> float:
    """Highest churned share among bins with enough churned accounts, 0 when none is near certainty."""
    if rows.churned.mean() > 0.5:
        return 0.0
    share = np.bincount(bins, weights=rows.churned) / np.maximum(np.bincount(bins), 1)
    for place in np.flatnonzero(share >= LEAK_SHARE):
        if accounts[(bins == place) & (rows.churned == 1)].nunique() >= LEAK_ACCOUNTS:
            return float(share[place])
    return 0.0
