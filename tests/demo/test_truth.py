from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from milepost.demo.features import DRIVER, FEATURES, HARMFUL, MEDIATOR, NICHE_DRIVER, RELEVANT
from milepost.demo.simulate import Demo, simulate
from milepost.demo.world import World

EFFECTIVE = (DRIVER, NICHE_DRIVER, MEDIATOR, HARMFUL)


def test_signs_of_the_truth(demo: Demo) -> None:
    for told in demo.truth["features"].values():
        points = told["total_effect_points"]
        if told["role"] == HARMFUL:
            assert points < -0.3
        elif told["role"] in RELEVANT:
            assert points > 0.2
        else:
            assert points == 0
        assert told["relevant"] == (told["role"] in RELEVANT)


def test_a_mediator_acts_through_another_feature_only(demo: Demo) -> None:
    told = demo.truth["features"]
    assert told["publish_articles"]["log_odds"] == 0
    assert 0 < told["publish_articles"]["total_effect_points"] < told["help_center"]["total_effect_points"]


def test_a_world_without_effects_says_so(null_demo: Demo) -> None:
    told = null_demo.truth["features"]
    assert {f["log_odds"] for f in told.values()} == {0.0}
    assert {f["total_effect_points"] for f in told.values()} == {0.0}
    assert not any(f["relevant"] for f in told.values())
    assert not {f["role"] for f in told.values()} & set(EFFECTIVE)
    assert (null_demo.contact_effect["contact_log_odds"] == 0).all()


def test_without_effects_use_does_not_fall_before_an_account_leaves(null_demo: Demo, demo: Demo) -> None:
    assert _last_against_before(null_demo) == pytest.approx(1.0, abs=0.12)
    assert _last_against_before(demo) < 0.75


def test_the_contact_effect_is_partly_unrelated_to_risk(demo: Demo) -> None:
    known = demo.contact_effect.dropna()
    assert len(demo.contact_effect) == len(demo.accounts)
    related = np.corrcoef(known["contact_log_odds"], known["mean_log_odds"])[0, 1]
    assert -0.6 < related < -0.2
    assert (known["contact_log_odds"] > 0).mean() > 0.1, "some are better left alone"


def test_seven_setup_steps_in_order(demo: Demo) -> None:
    order = {f.name: f.setup_step for f in FEATURES}
    assert [order[name] for name in demo.truth["setup_steps"]] == [1, 2, 3, 4, 5, 6, 7]


def test_a_late_launch_has_a_date_and_no_event_before_it() -> None:
    late = simulate(World(accounts=200, months=8, seed=3, kind="late_launch"))
    assert late.truth["launched"] == {"custom_reports": "2023-07-01"}
    row = next(row for row in late.catalogue if row["feature"] == "custom_reports")
    assert row["launched_at"] == "2023-07-01"
    events = late.events.to_pandas()
    used = events.loc[events["event_name"] == "custom_report_run", "occurred_at"]
    assert len(used) > 0
    assert used.min() >= pd.Timestamp("2023-07-01")
    assert late.complete_until - used.min() < pd.Timedelta(days=84)


def _last_against_before(demo: Demo) -> float:
    """Feature use in the last 20 days before churn over that in days 50 to 70 before, over accounts there for both."""
    last = demo.subscriptions.query("item == 'base'").sort_values("started_at").groupby("account_id").tail(1)
    end = last.set_index("account_id")["ended_at"].dropna()
    begun = demo.accounts.set_index("account_id")["created_at"].reindex(end.index)
    end = end[(begun < end - pd.Timedelta(days=150)) & (end > pd.Timestamp("2023-05-01"))]
    events = demo.events.to_pandas().astype({"account_id": "str"})
    before = (events["account_id"].map(end) - events["occurred_at"]).dt.days
    return float((before < 20).sum() / before.between(50, 69).sum())
