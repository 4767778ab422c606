"""What was scored before, and what of it has changed."""

from datetime import date

import pandas as pd

from milepost.pipeline.score_history import History, changes, content_of

DAY = pd.Timestamp("2024-06-01")


def scores(day=DAY, **columns):
    given = {"account_id": ["a", "b", "c"], "snapshot_date": day, "churn_risk": [0.3, 0.2, 0.1],
             "risk_band": ["high", "high", "low"], "mature_categories": [1, 2, 3],
             "next_step": ["Raise use from 1.5 to 3", "Start with 'x'", None]}  # fmt: skip
    return pd.DataFrame({**given, **columns})


def test_the_first_time_everybody_is_new():
    found = changes(scores(), None)
    assert found["change"].tolist() == ["new"] * 3
    assert list(found)[:2] == ["account_id", "snapshot_date"]
    assert "churn_risk" not in found


def test_only_what_differs_is_delivered():
    steps = ["Raise use from 1.2 to 3", "Start with 'x'", "z"]
    before = scores(pd.Timestamp("2024-05-01"), account_id=["a", "b", "d"], risk_band=["high", "low", "low"],
                    mature_categories=[1.0, 2.0, 3.0], next_step=steps)  # fmt: skip
    found = changes(scores(), before).set_index("account_id")
    # a: only the figure in the sentence moved; b: another band; c: not there before; d: no longer scored
    assert found["change"].to_dict() == {"b": "changed", "c": "new", "d": "gone"}
    assert found.loc["b", "risk_band"] == "high"
    assert pd.isna(found.loc["d", "risk_band"])
    assert found.loc["d", "snapshot_date"] == DAY


def test_nothing_has_changed():
    assert changes(scores(), scores(pd.Timestamp("2024-05-01"))).empty


def test_dates_are_kept_apart_and_the_oldest_forgotten(tmp_path):
    history = History(tmp_path)
    assert history.before(date(2024, 6, 1)) is None
    assert history.run_of(date(2024, 6, 1)) == {}
    for day in ("2024-05-01", "2024-07-01", "2024-06-01"):
        run = {"snapshot_date": pd.Timestamp(day), "model_id": f"m{day}", "content": "c"}
        history.keep(scores(pd.Timestamp(day)), run, dates=2)
    assert history.runs()["model_id"].tolist() == ["m2024-05-01", "m2024-06-01", "m2024-07-01"]
    assert history.run_of(date(2024, 6, 1))["model_id"] == "m2024-06-01"
    assert history.before(date(2024, 7, 1))["snapshot_date"].iloc[0] == DAY
    assert history.before(date(2024, 6, 1)) is None  # May was the oldest of three


def test_the_content_is_what_is_said_not_when():
    one = content_of(scores(scored_at=pd.Timestamp("2024-06-01 10:00")))
    assert one == content_of(scores(scored_at=pd.Timestamp("2024-06-02 11:00"))) == content_of(scores())
    assert one != content_of(scores(churn_risk=[0.3, 0.2, 0.11]))
    assert one != content_of(scores().rename(columns={"churn_risk": "risk"}))
