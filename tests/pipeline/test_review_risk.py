"""What a review asks of the model in use, on a product of twelve accounts."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from milepost.outcomes import find_mrr
from milepost.pipeline.review_risk import InUse, _revenue, risk_claims
from milepost.windows import Windows

NAT = np.datetime64("NaT", "D")


class OneRisk:
    """A model for which everybody is at a tenth."""

    def predict(self, matrix):
        return np.full(len(matrix.rows), 0.1)


def test_mrr_at_the_end_of_the_outcome_window_by_hand(make_job):
    """Gap 7 and outcome 30 days: 2024-03-14 asks about 20 April, when a00's last day is over at midnight's end."""
    job = make_job()
    rows = pd.DataFrame({
        "account_id": ["a00", "a00", "a01", "a01", "nobody"],
        "snapshot_date": pd.to_datetime(["2024-03-10", "2024-04-01", "2024-03-10", "2024-06-20", "2024-03-10"]),
    }).astype({"snapshot_date": "datetime64[us]"})  # fmt: skip
    found = find_mrr(job.tables, rows, Windows(observation_days=30, gap_days=7, outcome_days=30, grace_days=7))
    # the fourth ends on 27 July, after the data
    np.testing.assert_array_equal(found, [50, 0, 50, np.nan, 0])
    assert find_mrr(job.tables, rows[:0], Windows()).shape == (0,)


def test_what_was_foretold_and_is_not_there_any_more_cannot_be_told(make_job):
    """A model of an earlier version: nothing of what it foretold was kept."""
    claims = risk_claims(make_job(), date(2024, 3, 1), (InUse(OneRisk(), {"model_id": "old"}, NAT), ""))
    assert [claim.name for claim in claims] == ["calibration", "ranking power", "revenue"]
    assert all(np.isnan(claim.p) and not claim.seen for claim in claims)


def test_without_mrr_revenue_cannot_be_told(make_job, product):
    path = product / "subscriptions.csv"
    pd.read_csv(path).drop(columns="mrr").to_csv(path, index=False)
    job = make_job()
    claim = _revenue(job, InUse(OneRisk(), {"model_id": "old"}, NAT), job.observations, np.zeros(0))
    assert (claim.because, claim.wait) == ("there is no MRR", "give subscriptions their mrr in milepost.toml")


def test_without_a_model_one_line_says_so(make_job):
    (claim,) = risk_claims(make_job(), date(2024, 3, 1), (None, "no model is in use"))
    assert (claim.name, claim.because, claim.wait) == ("all", "no model is in use", "milepost train")
    assert claim.p != pytest.approx(0)
