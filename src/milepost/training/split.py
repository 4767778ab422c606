"""Periods forward in time with purges between them, and folds that keep an account together."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.errors import NotEnoughData
from milepost.settings import TrainingSettings
from milepost.terms import SNAPSHOT
from milepost.training.results import IndexArray, Split
from milepost.windows import Windows

Folds = NDArray[np.intp]


def split_forward(rows: pd.DataFrame, windows: Windows, settings: TrainingSettings) -> Split:
    """Positions of `rows` (account_id, snapshot_date) in the train, calibrate and test periods.

    The first `train_share` of the dates train; a later period begins at the first date at least `purge_days` after
    the one before it, so that no outcome known in one period reaches into the next. With a short history fewer
    dates train, so that one is left to test on. Raises NotEnoughData when that is impossible.
    """
    days = pd.to_datetime(rows[SNAPSHOT]).to_numpy().astype("datetime64[D]")
    dates: list[date] = np.unique(days).tolist()
    for train_dates in range(max(1, _share(settings.train_share, len(dates))), 0, -1):
        periods = _periods(dates, train_dates, windows.purge_days, settings.calibrate_share)
        if periods is not None:
            return _split(days, *periods)
    found = "1 snapshot date" if len(dates) == 1 else f"{len(dates)} snapshot dates"
    raise NotEnoughData(
        f"{found} with a known outcome {'leaves' if len(dates) == 1 else 'leave'} none to test on",
        expected=f"a later snapshot at least {windows.purge_days} days after the training period",
        fix="give a longer history, or shorter gap, outcome and grace days",
    )


def account_folds(account_ids: Sequence[str] | pd.Series[str], folds: int, seed: int) -> Folds:
    """Fold of each row, 0 to folds - 1, by a hash of account id and seed: all rows of an account share one."""
    codes, accounts = pd.factorize(pd.Series(account_ids))
    chosen = np.array([_hashed(str(account), seed) % folds for account in accounts], dtype=np.intp)
    return chosen[codes]


def _hashed(account: str, seed: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}\0{account}".encode(), digest_size=8).digest(), "big")


def _share(share: float, count: int) -> int:
    # 0.29 × 100 is 28.999999999999996
    return math.floor(share * count + 1e-9)


def _periods(
    dates: list[date], train: int, purge_days: int, calibrate_share: float
) -> tuple[list[date], list[date], list[date]] | None:
    """Dates that train, calibrate and test; None when a period that is wanted stays empty."""
    calibrate: list[date] = []
    rest = _after(dates, dates[train - 1], purge_days)
    if calibrate_share > 0:
        calibrate = rest[: max(1, _share(calibrate_share, len(dates)))]
        rest = _after(rest, calibrate[-1], purge_days) if calibrate else []
    return (dates[:train], calibrate, rest) if rest else None


def _after(dates: list[date], last: date, purge_days: int) -> list[date]:
    return [day for day in dates if day > last and day >= last + timedelta(days=purge_days)]


def _split(days: NDArray[np.datetime64], train: list[date], calibrate: list[date], test: list[date]) -> Split:
    def places(dates: list[date]) -> IndexArray:
        return np.flatnonzero(np.isin(days, np.array(dates, dtype="datetime64[D]")))

    used = places(train), places(calibrate), places(test)
    purged = len(days) - sum(len(part) for part in used)
    return Split(used[0], used[1], used[2], (train[0], train[-1]), (test[0], test[-1]), purged)
