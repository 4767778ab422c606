from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from milepost.data.subscriptions import spans
from milepost.metrics.cohorts import MONTHS, cohort_curves, stays

END, GRACE = date(2024, 4, 1), 14


def test_who_left_and_who_is_still_watched(by_hand):
    before = by_hand.filter(by_hand.started_at < pd.Timestamp(END))
    lived = stays(spans(before, GRACE), END, GRACE).set_index("account_id")
    assert lived.index[lived["churned"]].tolist() == ["came_and_left", "gone", "grace_just_over", "won_back"]
    assert lived.loc["came_and_left", "days"] == 31
    assert lived.loc["fresh", "days"] == 1
    # its end is not known to be one: watched until then, censored
    assert lived.loc["pausing", "days"] == 293
    assert lived.loc["ends_at_midnight", "days"] == 305


def test_a_curve_by_hand():
    """Ten accounts: two leave on day 20, one is lost from sight on day 50, one leaves on day 100; seven left then."""
    lived = pd.DataFrame({"days": [20, 20, 50, 100, *[400] * 6], "churned": [True, True, False, True, *[False] * 6]})
    found = cohort_curves(lived, pd.Series("2024-01", index=lived.index), 1).set_index("month")
    assert found["share"].tolist()[:4] == pytest.approx([0.8, 0.8, 0.8 * 6 / 7, 0.8 * 6 / 7])
    assert found["at_risk"].tolist() == [8, 7, 6, 6, 0, 0]
    assert found["note"].tolist()[4] == "not enough data: 0 accounts still watched, 1 needed"
    assert found["share"].isna().tolist() == [False] * 4 + [True] * 2
    assert found[["accounts", "churned", "censored"]].iloc[0].tolist() == [10, 3, 7]


def test_cohorts_with_the_same_hazard_agree_with_the_truth():
    """5,000 lives that end at 5 % a month, watched 1 to 24 months: the share at 12 months is exp(-.6) = .549."""
    rng = np.random.default_rng(2)
    life, watched = rng.exponential(365.25 / 12 / 0.05, 5000), rng.uniform(30, 730, 5000)
    lived = pd.DataFrame({"days": np.minimum(life, watched), "churned": life <= watched})
    found = cohort_curves(lived, pd.Series(["a", "b"] * 2500), 20)
    year = found[found["month"] == 12]
    assert ((year["low"] <= np.exp(-0.6)) & (np.exp(-0.6) <= year["high"])).all()
    assert len(found) == 2 * len(MONTHS)
