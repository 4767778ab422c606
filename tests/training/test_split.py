from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from milepost.errors import NotEnoughData
from milepost.settings import TrainingSettings
from milepost.training.split import account_folds, split_forward
from milepost.windows import Windows


def rows(dates: list[date], accounts: int = 2) -> pd.DataFrame:
    days = pd.to_datetime(np.repeat(np.array(dates, dtype="datetime64[D]"), accounts))
    return pd.DataFrame({"account_id": ["a", "b"] * len(dates), "snapshot_date": days})


def steps(count: int, days: int = 15) -> list[date]:
    return [date(2024, 1, 1) + timedelta(days=days * place) for place in range(count)]


WINDOWS = Windows(28, 7, 30, 7, 15)


def test_steps_of_15_days_with_44_to_wait_skip_exactly_two_dates() -> None:
    dates = steps(10)
    split = split_forward(rows(dates), WINDOWS, TrainingSettings(train_share=0.6))
    assert split.train.tolist() == list(range(12))
    assert split.test.tolist() == [16, 17, 18, 19]
    assert split.train_dates == (dates[0], dates[5])
    assert split.test_dates == (dates[8], dates[9])
    assert (split.purged, len(split.calibrate)) == (4, 0)


def test_a_test_date_exactly_at_the_end_of_the_purge_is_used_and_one_day_earlier_is_not() -> None:
    first = date(2024, 1, 1)
    at_44, at_43 = [first, first + timedelta(44)], [first, first + timedelta(43), first + timedelta(100)]
    settings = TrainingSettings(train_share=0.5)
    assert split_forward(rows(at_44), WINDOWS, settings).test_dates[0] == first + timedelta(44)
    assert split_forward(rows(at_43), WINDOWS, settings).test_dates[0] == first + timedelta(100)


def test_a_calibration_period_stands_a_purge_away_from_both_neighbours() -> None:
    dates = steps(20)
    split = split_forward(rows(dates), WINDOWS, TrainingSettings(train_share=0.5, calibrate_share=0.1))
    # trains 0-9, waits 10-11, calibrates 12-13, waits 14-15, tests 16-19
    assert (np.unique(split.calibrate // 2).tolist(), np.unique(split.test // 2).tolist()) == (
        [12, 13],
        [16, 17, 18, 19],
    )
    assert split.purged == 8


def test_a_short_history_trains_on_fewer_dates_rather_than_none_left_to_test() -> None:
    split = split_forward(rows(steps(4)), WINDOWS, TrainingSettings(train_share=0.9))
    assert (split.train.tolist(), split.test.tolist()) == ([0, 1], [6, 7])


def test_too_short_a_history_is_refused_with_the_days_needed() -> None:
    with pytest.raises(NotEnoughData, match=r"3 snapshot dates .* at least 44 days after"):
        split_forward(rows(steps(3)), WINDOWS, TrainingSettings())


def test_one_date_is_refused_in_the_singular() -> None:
    with pytest.raises(NotEnoughData, match="1 snapshot date with a known outcome leaves none to test on"):
        split_forward(rows(steps(1)), WINDOWS, TrainingSettings())


def test_folds_keep_an_account_together_and_depend_on_id_and_seed_only() -> None:
    ids = pd.Series([f"account {place % 500}" for place in range(1500)])
    folds = account_folds(ids, 5, seed=7)
    assert ids.groupby(folds).nunique().sum() == 500
    assert np.bincount(folds).min() > 200
    backwards = account_folds(ids[::-1].reset_index(drop=True), 5, seed=7)
    assert (backwards[::-1] == folds).all()
    assert (account_folds(ids, 5, seed=8) != folds).any()
