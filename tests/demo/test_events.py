from __future__ import annotations

import numpy as np
import pandas as pd

from milepost.demo.events import EVENT_NAMES, _names
from milepost.demo.features import FEATURES, POSITION
from milepost.demo.simulate import Demo


def test_no_event_before_the_account_or_after_its_end(demo: Demo, events: pd.DataFrame) -> None:
    span = events.astype({"account_id": "str"}).groupby("account_id")["occurred_at"].agg(["min", "max"])
    created = demo.accounts.set_index("account_id")["created_at"].reindex(span.index)
    assert (span["min"] >= created).all()
    assert (span["min"] >= pd.Timestamp("2023-01-01")).all()
    last = demo.subscriptions.query("item == 'base'").sort_values("started_at").groupby("account_id").tail(1)
    end = last.set_index("account_id")["ended_at"].fillna(demo.complete_until).reindex(span.index)
    trial = created + pd.Timedelta(days=14)
    assert (span["max"] < end.fillna(trial).clip(upper=demo.complete_until)).all()
    assert end.isna().sum() > 5, "some trials never pay and still leave events"


def test_gated_features_are_used_on_their_plans_only(demo: Demo, events: pd.DataFrame) -> None:
    plans = {name: f.plans for f in FEATURES if f.plans for name in f.events.split("|")}
    used = events[events["event_name"].isin(list(plans))].astype({"account_id": "str", "event_name": "str"})
    base = demo.subscriptions.query("item == 'base'")[["account_id", "started_at", "plan"]]
    held = pd.merge_asof(
        used.sort_values("occurred_at"),
        base.sort_values("started_at"),
        left_on="occurred_at",
        right_on="started_at",
        by="account_id",
    )
    assert len(held) > 1000
    allowed = [plan in plans[name] for plan, name in zip(held["plan"], held["event_name"], strict=True)]
    assert all(allowed)


def test_what_is_sold_apart_is_used_by_its_holders_only(demo: Demo, events: pd.DataFrame) -> None:
    apart = {f.events: f.name for f in FEATURES if f.entitlement}
    used = events[events["event_name"].isin(list(apart))].astype({"account_id": "str"})
    used = used.assign(feature=used["event_name"].astype("str").map(apart))
    held = used.merge(demo.access, on=["account_id", "feature"], how="left")
    assert len(held) > 100
    assert (held["occurred_at"] >= held["available_from"]).all()
    assert (held["occurred_at"] < held["available_to"].fillna(demo.complete_until)).all()


def test_events_stand_in_order_with_ids_of_their_own(events: pd.DataFrame) -> None:
    assert events["occurred_at"].is_monotonic_increasing
    assert events["event_id"].is_unique
    assert set(events["event_name"]) == set(EVENT_NAMES)


def test_a_few_per_cent_load_late(events: pd.DataFrame) -> None:
    delay = events["loaded_at"] - events["occurred_at"]
    assert delay.min() > pd.Timedelta(0)
    assert delay.max() <= pd.Timedelta(days=3, minutes=2)
    assert 0.02 < (delay > pd.Timedelta(minutes=2)).mean() < 0.04


def test_users_belong_to_one_account_and_number_no_more_than_seats(demo: Demo, events: pd.DataFrame) -> None:
    users = events.dropna(subset="user_id").astype({"account_id": "str", "user_id": "str"})
    assert users.groupby("user_id")["account_id"].nunique().max() == 1
    seats = demo.subscriptions.query("item == 'base'").groupby("account_id")["seats"].max()
    number = users.groupby("account_id")["user_id"].nunique()
    assert (number <= seats.reindex(number.index).fillna(500)).all()


def test_setup_steps_are_done_once(events: pd.DataFrame) -> None:
    done = events[events["event_name"] == "messenger_installed"].astype({"account_id": "str"})
    assert len(done) > 50
    assert not done["account_id"].duplicated().any()


def test_a_feature_of_two_events_shows_both() -> None:
    place = np.full(1000, POSITION["response_targets"])
    shown = {EVENT_NAMES[name] for name in _names(np.random.default_rng(1), place)}
    assert shown == {"response_target_set", "response_target_met"}
