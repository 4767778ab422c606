from __future__ import annotations

import numpy as np
import pytest

from milepost.training.forest import fit_forest, impute, medians


def test_unknown_values_get_the_median_of_their_column_and_zero_where_nothing_is_known() -> None:
    nan = np.nan
    values = np.array([[1, nan], [3, nan], [nan, nan], [9, nan]], dtype=np.float32)
    assert medians(values).tolist() == [3, 0]
    assert impute(values, medians(values))[2].tolist() == [3, 0]


def test_the_forest_is_the_same_at_one_and_two_threads_and_its_log_odds_are_finite() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(800, 5)).astype(np.float32)
    churned = (values[:, 0] > 1).astype(np.float64)
    one, two = (fit_forest(values, churned, seed=3, threads=threads, trees=20).log_odds(values) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)
    # 20 trees tell apart at best 1 in 40: log(1/39) and its opposite
    assert one.min() == pytest.approx(np.log(1 / 39))
    assert one[churned == 1].min() > one[churned == 0].mean()
