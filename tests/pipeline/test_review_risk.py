"""What a review asks of the model in use, on a product of twelve accounts."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from milepost.framework import ActivationRule, AreaRule, Framework, SetupRule
from milepost.outcomes import find_mrr
from milepost.pipeline.review_challenge import challenge_claim
from milepost.pipeline.review_leads import lead_claims, leads
from milepost.pipeline.review_risk import InUse, _revenue, risk_claims
from milepost.pipeline.review_states import area_states
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


def test_a_model_that_has_seen_everything_meets_no_challenger(make_job):
    """Trained on 2024-07-01; gap 7, outcome 30 and grace 7 days: what begins after it is known 37 days later."""
    trained = InUse(OneRisk(), {"model_id": "old"}, np.datetime64("2024-07-01"))
    claim = challenge_claim(make_job(), (trained, ""))
    assert claim.because == (
        "the model in use knows the data up to 2024-07-01: outcomes that it has not learnt from are known from "
        "2024-08-07"
    )
    unknown = challenge_claim(make_job(), (InUse(OneRisk(), {"model_id": "old"}, NAT), ""))
    assert unknown.because == "the model in use does not say from which data it learnt"
    assert challenge_claim(make_job(), (None, "no model is in use")).because == "no model is in use"


AREA_CATALOGUE = (
    "feature,event_names,category,area,area_metric,area_metric_per\n"
    "macros,macro,automation,help,macro,account\nexport,export,reporting,,,\n"
)


def test_the_state_of_an_area_by_hand(make_job, product):
    """As many macros as a00 used in the 30 days before 1 April, 2 March to 31 March, reach the threshold; one less
    does not.
    """
    (product / "features.csv").write_text(AREA_CATALOGUE, encoding="utf-8")
    job = make_job()
    rows = job.observations
    there = (rows.context["snapshot_date"] == "2024-04-01").to_numpy() & (
        rows.context["account_id"] == "a00"
    ).to_numpy()
    uses = pd.read_csv(product / "events.csv", parse_dates=["occurred_at"]).query("account_id == 'a00'")
    inside = uses["occurred_at"].between("2024-03-02", "2024-04-01", inclusive="left") & (uses["event_name"] == "macro")
    count = int(inside.sum())
    assert count > 0

    def held(threshold, area="help"):
        made = Framework(1, date(2024, 5, 1), "abc", (), areas=(AreaRule(area, "macro", "account", threshold),))
        return [(state.kind, state.name, state.values[there].tolist()) for state in area_states(job, rows, made)]

    assert held(count) == [("area", "help", [1.0])]
    assert held(count + 1) == [("area", "help", [0.0])]
    assert held(None) == []
    ((_, _, unknown),) = held(1, "gone")
    assert np.isnan(unknown).all()


STEPS = (
    "feature,event_names,category,setup_step\nmacros,macro,automation,1\nexport,export,reporting,\n"
    "login,login,support,\n"
)


def test_the_steps_of_the_journey_are_seen_from_their_landmarks(make_job, product):
    """Accounts began on 1 January, days 0 to 28 are for setup, activation counts until the landmark on day 91."""
    (product / "features.csv").write_text(STEPS, encoding="utf-8")
    settings = (product / "milepost.toml").read_text(encoding="utf-8")
    (product / "milepost.toml").write_text(f'{settings}\n[data]\nvalue_events = ["export"]\n', encoding="utf-8")
    made = Framework(
        1, date(2024, 5, 1), "abc", (), SetupRule(("macros",), 1, 28), ActivationRule("export", 3, 14)
    )  # fmt: skip
    (lead,) = leads(make_job(), made)
    first = int(np.datetime64("2024-01-01").astype("M8[D]").astype(int))
    assert (lead.milestone, lead.following) == ("setup", "activation")
    assert set(lead.begins) == {first + 28}
    assert set(lead.ends) == {first + 91}
    (claim,) = lead_claims(make_job(), date(2024, 4, 15), made)
    assert claim.because.startswith("not enough data: since then 0 accounts with setup and 0 without")


def test_without_milestones_nothing_leads_to_anything(make_job):
    assert lead_claims(make_job(), date(2024, 4, 15), Framework(1, date(2024, 5, 1), "abc", ())) == []
