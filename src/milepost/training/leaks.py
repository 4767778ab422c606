"""Signals that foretell churn too well to have been known beforehand."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.signals.spec import Signal
from milepost.training.candidates import Rows
from milepost.training.guards import varies

FloatArray = NDArray[np.float64]
Bins = NDArray[np.intp]
Which = Literal["first", "last"]

LEAK_AUC, LEAK_SHARE, LEAK_ACCOUNTS = 0.95, 0.95, 20
BINS = 48
# a contract's end is agreed long before; where accounts leave at term only, it may foretell churn that well
KNOWN_AHEAD = "days_to_term_end"
# how long an account was seen says whether its end could be seen, and nothing about the account
_AGES = ("tenure_days", "exposure_days")


@dataclass(frozen=True)
class Leak:
    """One thing that knows too much: its name, the figure that gives it away, and the feature or column it is of."""

    name: str
    figure: str
    belongs: str = ""

    @property
    def text(self) -> str:
        """Name and figure, as people read it."""
        return f"{self.name} ({self.figure})"

    def is_named(self, names: Collection[str]) -> bool:
        """Whether `names` holds it, or the feature or column it belongs to."""
        return self.name in names or (self.belongs != "" and self.belongs in names)


def leak_alarms(rows: Rows, accounts: pd.Series[str], signals: tuple[Signal, ...]) -> tuple[str, ...]:
    """Name and figure of each signal that knows too much; see `signal_leaks`."""
    return tuple(leak.text for leak in signal_leaks(rows, accounts, signals))


def signal_leaks(
    rows: Rows, accounts: pd.Series[str], signals: tuple[Signal, ...], left: FloatArray | None = None
) -> tuple[Leak, ...]:
    """Each signal that by itself foretells churn too well to have been known beforehand.

    Each signal is cut into bins, the churned share of a bin learned on the other folds. Suspicious are an AUC over
    .95, or a bin with 20 churned accounts in which nearly all churned while most others did not. What was overwritten
    when accounts left knows at every earlier snapshot too: so an attribute, which never changes, is also judged by
    account, and what is measured on the account itself by the account's first row.

    left: 1 where the row's account has left by now, float64 [rows]; None takes the accounts that ever churned.
    """
    ever = pd.Series(rows.churned).groupby(accounts.to_numpy()).transform("max").to_numpy() if left is None else left
    by_account = replace(rows, churned=ever)
    last, first = (one_row_an_account(by_account, accounts, which) for which in ("last", "first"))

    def found() -> Iterator[Leak]:
        for place in np.flatnonzero(varies(rows.values)).tolist():
            signal = signals[place]
            if KNOWN_AHEAD in signal.name:
                continue
            if figure := _figure(place, rows, accounts) or _figure_by_account(signal, place, last, first):
                yield Leak(signal.name, figure, signal.feature or signal.column)

    return tuple(found())


def _figure(place: int, rows: Rows, accounts: pd.Series[str]) -> str:
    bins = bins_of(rows.values[:, place])
    if (auc := out_of_fold_auc(bins, rows)) > LEAK_AUC:
        return f"AUC {auc:.3f}"
    share = nearly_certain(bins, rows, accounts)
    return f"churned share {share:.0%}" if share else ""


def _figure_by_account(signal: Signal, place: int, last: Rows, first: Rows) -> str:
    if signal.feature is not None or signal.event or signal.measure in _AGES:
        return ""
    # what is measured may honestly fall before the end: only an account's first row is beyond doubt
    whole = last if signal.column else first
    auc = out_of_fold_auc(bins_of(whole.values[:, place]), whole)
    return f"AUC {auc:.3f} by account" if auc > LEAK_AUC else ""


def one_row_an_account(rows: Rows, accounts: pd.Series[str], which: Which) -> Rows:
    """The first or last row of each account."""
    return rows.take(~accounts.duplicated(keep=which).to_numpy())


def bins_of(values: NDArray[np.float32]) -> Bins:
    """Bin of each row: one per value when few, else by quantile; unknown is a bin of its own, the last."""
    known = values[~np.isnan(values)]
    levels = np.unique(known)
    if len(levels) > BINS:
        levels = np.unique(np.quantile(known, np.linspace(0, 1, BINS), method="lower"))
    # NaN sorts last, so the unknown land in the bin after all levels
    return np.searchsorted(levels, values, side="left")


def out_of_fold_auc(bins: Bins, rows: Rows) -> float:
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


def nearly_certain(bins: Bins, rows: Rows, accounts: pd.Series[str]) -> float:
    """Highest churned share among bins with enough churned accounts, 0 when none is near certainty."""
    if rows.churned.mean() > 0.5:
        return 0.0
    share = np.bincount(bins, weights=rows.churned) / np.maximum(np.bincount(bins), 1)
    for place in np.flatnonzero(share >= LEAK_SHARE):
        if accounts[(bins == place) & (rows.churned == 1)].nunique() >= LEAK_ACCOUNTS:
            return float(share[place])
    return 0.0
