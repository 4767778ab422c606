"""One account on the screen, from tables written by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from milepost.data.publish import publish
from milepost.errors import ContractError, InputError
from milepost.pipeline.account import account_card

ROW = {
    "account_id": "acc-1", "snapshot_date": pd.Timestamp("2024-07-01"), "churn_risk": 0.42, "risk_band": "high",
    "risk_rank": 3, "expected_loss": 42.0, "plan": "team", "seats": 1.0, "mrr": 100.0, "size_band": "1-5",
    "segment": "", "tenure_days": 400.4, "level_automation": "basic", "level_reporting": None, "mature_categories": 0.0,
    "milestone": "activation", "setup_on": pd.Timestamp("2023-06-01"), "activated_on": pd.NaT, "utilized": False,
    "next_milestone": "maturity", "next_step": "Start with 'macros': automation is mature from 1 feature, 0 in use",
    "next_step_because": "Retention differs by +4.0 points (+3.0 to +5.0), an association.",
    "next_step_alternatives": "export", "reason_1": "Raises the risk: plan is team", "reason_2": None,
    "scored_by": "model", "model_id": "abc", "framework_version": 2,
}  # fmt: skip
CARD = """\
acc-1 as of 2024-07-01: high risk, 42 % (no. 3), expected loss 42 of 100 MRR
plan team, 1 seat, 400 days since it signed up

milestones  furthest activation; set up 2023-06-01, activated –, utilized no
            mature in 0 of 2 categories: automation basic, reporting –
reasons     Raises the risk: plan is team
next step   Start with 'macros': automation is mature from 1 feature, 0 in use
            Retention differs by +4.0 points (+3.0 to +5.0), an association.
            Or: export.
over time   2024-05-01 none, 2024-06-01 activation
from        model abc, framework version 2"""


@pytest.fixture
def published(make_job, product):
    """Scores of acc-1 and a bare acc-2, acc-3 not scored, and the states of acc-1 at two snapshots, the later first."""
    bare = {**dict.fromkeys(ROW), "account_id": "acc-2", "snapshot_date": ROW["snapshot_date"], "churn_risk": 0.01,
            "risk_band": "low", "risk_rank": 1_234, "tenure_days": 3.0, "scored_by": "rule", "model_id": "abc",
            "framework_version": 0}  # fmt: skip

    def scores(target):
        pd.DataFrame([ROW, bare]).to_parquet(target / "scores.parquet")
        pd.DataFrame([("acc-3", "no subscription running")], columns=["account_id", "reason"]).to_csv(
            target / "not_scored.csv", index=False
        )

    def states(target):
        days = pd.to_datetime(["2024-06-01", "2024-05-01"])
        frame = pd.DataFrame({"account_id": "acc-1", "snapshot_date": days, "milestone": ["activation", "none"]})
        frame.to_parquet(target / "states.parquet")

    publish(product / "out" / "scores", "run", scores)
    publish(product / "out" / "milestones", "run", states)
    return make_job()


def test_the_card_by_hand(published):
    result = account_card(published, "acc-1")
    assert result.as_text() == CARD
    answer = result.as_json()["account"]
    assert (answer["churn_risk"], answer["activated_on"], answer["reason_2"]) == (0.42, None, None)
    assert [past["milestone"] for past in answer["history"]] == ["none", "activation"]


def test_what_is_not_known_is_a_dash(published):
    lines = account_card(published, "acc-2").as_text().splitlines()
    assert lines[0] == "acc-2 as of 2024-07-01: low risk, 1.0 % (no. 1,234), by the rule for young accounts"
    assert lines[1] == "3 days since it signed up"
    assert "furthest –; set up –, activated –, utilized –" in lines[3]
    assert any(line.startswith("next step   –") for line in lines)
    assert not any(line.startswith(("reasons", "over time")) for line in lines)


def test_an_account_that_is_not_there_is_one_line_with_the_nearest(published):
    with pytest.raises(InputError, match=r"no account 'acc-11' among 2 scored.*did you mean 'acc-1'"):
        account_card(published, "acc-11")
    with pytest.raises(InputError, match="account 'acc-3' is not scored: no subscription running"):
        account_card(published, "acc-3")


def test_without_scores_it_says_so(make_job):
    with pytest.raises(ContractError, match="nothing is published here yet"):
        account_card(make_job(), "acc-1")


def test_a_name_that_looks_like_markup_is_text(published):
    with pytest.raises(InputError, match=r"no account '<script>"):
        account_card(published, "<script>alert(1)</script>")
