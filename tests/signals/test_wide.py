"""Ratios with a rule for every zero, and measures worked out by hand."""

import warnings

import numpy as np
import pandas as pd
import pytest

from milepost.signals.wide import FeatureUse, feature_measures, ratio
from milepost.windows import Windows

NAN = np.nan


def column(*values):
    return np.array([values], dtype=np.float32).T


@pytest.mark.parametrize(
    ("top", "bottom", "zero", "expected"),
    [(6, 3, 0.0, 2), (6, 0, 0.0, 0), (6, 0, NAN, NAN), (0, 0, NAN, NAN), (6, NAN, 0.0, NAN), (NAN, 2, 0.0, NAN),
     (-6, 3, 0.0, -2)],
)  # fmt: skip
def test_a_ratio_never_divides_by_zero(top, bottom, zero, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ratio(column(top), column(bottom), zero=zero)
    np.testing.assert_equal(found, column(expected))
    assert found.dtype == np.float32


def measured(uses, recent, exposure, seats=4.0, users=2.0, before=False, ever=1.0, since=3.0):
    use = FeatureUse(column(uses), column(recent), column(5.0), column(2.0), column(1.0), column(since), column(ever))
    context = pd.DataFrame(
        {"exposure_days": [exposure], "seats": [seats], "active_users": [users], "before_data": [before]}
    )
    found = feature_measures(use, context, Windows(84, 14, 56, 14))
    return {str(measure): float(values[0, 0]) for measure, values in found.items()}


def test_every_measure_by_hand():
    # 42 uses in 84 days, 28 of them in the last 28: 1 a day recently, 14 / 56 = .25 a day before
    assert measured(42, 28, 84.0) == pytest.approx(
        {"count": 0.5, "recent_count": 1.0, "active_days": 2 / 84, "users": 1, "user_share": 0.5, "value_sum": 5 / 84,
         "recency": 3, "trend": 0.75 / 1.25, "ever": 1, "per_seat": 0.125}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("uses", "recent", "exposure", "trend"),
    [(10, 10, 84.0, 1), (10, 0, 84.0, -1), (0, 0, 84.0, 0), (10, 10, 28.0, 0), (10, 10, 3.0, 0), (84, 28, 84.0, 0)],
)
def test_trend_runs_from_minus_one_to_one_and_is_zero_without_an_earlier_part(uses, recent, exposure, trend):
    assert measured(uses, recent, exposure)["trend"] == pytest.approx(trend)


@pytest.mark.parametrize("seats", [0.0, NAN])
def test_without_seats_per_seat_is_unknown(seats):
    assert np.isnan(measured(10, 10, 84.0, seats=seats)["per_seat"])


def test_no_use_is_the_whole_window_away_and_no_share():
    found = measured(0, 0, 84.0, users=0.0, since=NAN, ever=0.0)
    assert (found["recency"], found["user_share"], found["ever"]) == (84, 0, 0)


def test_never_seen_is_unknown_for_an_account_older_than_the_data():
    assert np.isnan(measured(0, 0, 84.0, before=True, ever=0.0)["ever"])
    assert measured(1, 0, 84.0, before=True, ever=1.0)["ever"] == 1
