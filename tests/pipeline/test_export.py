"""An account list for a campaign: who lacks what, by hand; who cannot be judged is counted and left out."""

from __future__ import annotations

import pandas as pd
import pytest

from milepost.data.publish import publish
from milepost.errors import InputError
from milepost.pipeline.export import COLUMNS, export_job


@pytest.fixture
def scored(make_job, product):
    """Scores of five accounts; ids that a spreadsheet would run are text."""
    job = make_job()
    frame = pd.DataFrame({
        "account_id": ["a01", "a02", "a03", "a04", "=a05"], "snapshot_date": pd.Timestamp("2024-06-30"),
        "plan": "pro", "segment": None, "seats": 5.0, "mrr": [10.0, 20.0, 30.0, 40.0, None], "tenure_days": 181.0,
        "risk_band": "low", "churn_risk": 0.1, "expected_loss": [1.0, 2.0, 3.0, 2.0, None], "milestone": "setup",
        "next_step": "x", "route": None, "run_id": job.run_id,
        "setup_progress": [1.0, 0.5, None, 0.2, 0.1], "setup_on": pd.to_datetime(
            [None, None, None, "2024-02-01", None]),
        "activation_progress": None, "activated_on": pd.NaT, "utilization_progress": 1.0, "maturity_progress": 0.0,
        "level_automation": ["basic", "mature", None, "basic", "basic"],
    })  # fmt: skip
    publish(product / "out/scores", "v", lambda target: frame.to_parquet(target / "scores.parquet", index=False))
    return product


def written(product, name):
    return pd.read_csv(product / "out/exports" / f"unmet-{name}.csv")


def test_who_lacks_a_milestone_the_largest_loss_first(make_job, scored):
    """a01 is there, a04 was once, of a03 it is not known; an unknown loss comes last."""
    answer = export_job(make_job(), "setup").as_json()
    assert (answer["accounts"], answer["met"], answer["not_known"], answer["mrr"]) == (2, 2, 1, 20.0)
    found = written(scored, "setup")
    assert found["account_id"].tolist() == ["a02", "'=a05"]
    assert list(found.columns) == COLUMNS
    assert found["unmet"].unique().tolist() == ["setup"]


def test_what_nobody_can_be_judged_by_is_an_empty_list_with_the_reason(make_job, scored):
    result = export_job(make_job(), "activation")
    assert result.as_json()["not_known"] == 5
    assert "0 of 5 accounts lack activation; 0 have it, of 5 it is not known" in result.as_text()
    assert written(scored, "activation").empty


def test_who_lacks_a_category_or_a_feature(make_job, scored, monkeypatch):
    monkeypatch.setattr("milepost.pipeline.export.read_framework", lambda job: category_of("automation"))
    assert export_job(make_job(), "automation").as_json()["accounts"] == 3
    answer = export_job(make_job(), "macros").as_json()
    assert (answer["accounts"], answer["met"], answer["not_known"]) == (
        3,
        1,
        1,
    )  # a03 uses it


def category_of(name):
    class Category:
        def __init__(self):
            self.name = name

    class Framework:
        categories = (Category(),)
        setup = None

    return Framework()


def test_names_that_are_nothing_get_the_nearest(make_job, scored):
    with pytest.raises(InputError, match="no milestone, category, setup step or feature 'activatoin'") as caught:
        export_job(make_job(), "activatoin")
    assert "did you mean 'activation'" in caught.value.line
    assert not (scored / "out/exports").exists()


def test_scores_of_another_date_or_none_are_named(make_job, product):
    with pytest.raises(InputError, match="there are none yet; run 'milepost score' first"):
        export_job(make_job(), "setup")


def test_the_list_goes_where_it_is_asked_for(make_job, scored, tmp_path):
    target = tmp_path / "lists" / "mine.csv"
    assert export_job(make_job(), "setup", target).as_json()["path"] == str(target)
    assert len(pd.read_csv(target)) == 2
