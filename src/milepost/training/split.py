"""Splits that respect time and account."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.errors import NotEnoughData
from milepost.settings import TrainingSettings
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.training.results import Split
from milepost.windows import Windows


def split_forward(rows: pd.DataFrame, windows: Windows, settings: TrainingSettings) -> Split:
    """Train, calibrate and test periods, oldest first, with `purge_days` between them.

    rows: account_id, snapshot_date of the rows whose outcome is known. With 15-day steps and 7 + 30 + 7 days to purge,
    two snapshots are passed over and the third after the last training snapshot is the first to test.
    Raises NotEnoughData when the dates do not leave a test period.
    """
    days = pd.to_datetime(rows[SNAPSHOT]).dt.date.to_numpy()
    dates = sorted(set(days))
    purge = timedelta(days=windows.purge_days)
    train = dates[: max(1, round(settings.train_share * len(dates)))]
    later = [day for day in dates if day >= train[-1] + purge]
    calibrate: list[date] = []
    if settings.calibrate_share and later:
        calibrate = later[: max(1, round(settings.calibrate_share * len(dates)))]
        later = [day for day in later if day >= calibrate[-1] + purge]
    if not later:
        raise NotEnoughData(
            f"{len(dates)} snapshots with a known outcome leave none to test on", where="[windows]",
            fix=f"{windows.purge_days} days must lie between training and testing: give more history",
        )  # fmt: skip
    periods = [np.flatnonzero(np.isin(days, np.array(part, dtype=object))) for part in (train, calibrate, later)]
    purged = len(rows) - sum(len(period) for period in periods)
    return Split(*periods, (train[0], train[-1]), (later[0], later[-1]), purged)


def account_folds(account_ids: pd.Series, folds: int, seed: int) -> NDArray[np.intp]:
    """Fold of each row, 0..folds-1: all rows of an account in one, the same for the same id and seed."""
    codes, names = pd.factorize(account_ids)
    digests = [hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest() for name in names]
    # fold sizes differ by one account at most
    order = np.argsort(np.array([int.from_bytes(digest) for digest in digests], dtype=np.uint64), kind="stable")
    fold_of = np.empty(len(names), dtype=np.intp)
    fold_of[order] = np.arange(len(names)) % folds
    folds_by_row: NDArray[np.intp] = fold_of[codes]
    return folds_by_row


def accounts_of(rows: pd.DataFrame) -> NDArray[np.intp]:
    """A whole number per row that names its account, 0..accounts-1."""
    return np.asarray(pd.factorize(rows[ACCOUNT])[0], dtype=np.intp)
