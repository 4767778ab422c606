from __future__ import annotations

import numpy as np
import pandas as pd

from milepost.demo.columns import NEVER, account_ids, choose, numbered, times


def test_ids_count_from_one_and_stay_whole_beyond_their_digits() -> None:
    assert account_ids(np.array([0, 41])).tolist() == ["acc-00001", "acc-00042"]
    assert numbered("u-", np.array([7, 12345]), 3).to_pylist() == ["u-007", "u-12345"]


def test_never_is_no_time() -> None:
    shown = times(np.array([0, NEVER, 1_500_000]))
    assert shown.isna().tolist() == [False, True, False]
    assert shown[2] == pd.Timestamp("1970-01-01 00:00:01.5")


def test_the_empty_word_may_be_null() -> None:
    assert choose(("", "a"), np.array([1, 0]), empty_is_null=True).isna().tolist() == [False, True]
    assert choose(("", "a"), np.array([1, 0])).tolist() == ["a", ""]
