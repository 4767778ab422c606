"""Values of accounts from small tables, worked out by hand: windows [enrolment, enrolment + days)."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from milepost.errors import PlanError
from milepost.experiments.measures import before, check_measurable, first_times, measure
from milepost.experiments.plan import Metric

UNITS = pd.DataFrame({"account_id": ["a", "b", "c"], "enrolled_at": pd.to_datetime(["2024-01-01 12:00"] * 3)})
START = pd.Timestamp("2024-01-01 12:00")


def metric(measure, kind="mean", days=10, **others):
    return Metric(name="m", role="secondary", kind=kind, measure=measure, window_days=days, **others)


def times(*texts):
    return pd.to_datetime(pd.Series(list(texts)), format="ISO8601")


@pytest.fixture
def tables(make_tables):
    # the first microsecond of the window, the last one, the one before and the one after
    events = pd.DataFrame({
        "account_id": ["a", "a", "a", "b", "b"], "event_name": ["go", "go", "other", "go", "go"],
        "occurred_at": times("2024-01-01 12:00:00", "2024-01-11 11:59:59.999999", "2024-01-02",
                             "2024-01-01 11:59:59.999999", "2024-01-11 12:00:00"),
        "quantity": [2.0, 3.0, 50.0, 7.0, 11.0], "value": [10.0, 20.0, 1.0, 1.0, 1.0],
    })  # fmt: skip
    accounts = pd.DataFrame({"account_id": ["a", "b", "c"], "created_at": [START] * 3})
    subscriptions = pd.DataFrame({
        "account_id": ["a", "a", "b", "c"],
        "started_at": times("2024-01-01 12:00", "2024-01-06 12:00", "2023-12-01", "2024-01-20"),
        "ended_at": times("2024-01-06 12:00", None, "2024-01-11 12:00", None),
        "mrr": [0.0, 304.375, 30.4375, 5.0], "paid": [False, True, True, True],
    })  # fmt: skip
    talks = pd.DataFrame({
        "conversation_id": ["1", "2", "3"], "account_id": ["a", "a", "b"],
        "opened_at": times("2024-01-02 00:00", "2024-01-03 00:00", "2024-01-02 00:00"),
        "first_reply_at": times("2024-01-02 00:10", "2024-01-03 00:30", None),
    })  # fmt: skip
    surveys = pd.DataFrame({
        "account_id": ["a", "b", "b"], "answered_at": times("2024-01-05", "2024-01-05", "2024-01-06"),
        "kind": ["nps", "nps", "nps"], "score": [9.0, 8.0, 6.0],
    })  # fmt: skip
    until = datetime(2024, 1, 25)
    return make_tables(events, accounts, datetime(2023, 12, 1), until, subscriptions=subscriptions,
                       conversations=talks, surveys=surveys)  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (metric("events", "count", events=("go",)), [5, 0, 0]),
        (metric("value", events=("go",)), [30, 0, 0]),
        (metric("active", "conversion", events=("go",)), [1, 0, 0]),
        (metric("paid", "conversion"), [1, 0, 0]),
        # b ended at the very end of the window: it covers it
        (metric("running", "conversion"), [1, 1, 0]),
        (metric("mrr"), [304.375, 30.4375, 0]),
        # 5 days at 10 a day; 10 days at 1 a day; not yet
        (metric("revenue"), [50, 10, 0]),
        (metric("conversations", "count"), [2, 1, 0]),
        (metric("first_reply_minutes"), [20, np.nan, np.nan]),
        (metric("survey", survey="nps"), [100, -50, np.nan]),
    ],
    ids=lambda value: value.measure if isinstance(value, Metric) else "",
)
def test_values_by_hand(tables, asked, expected):
    np.testing.assert_allclose(measure(tables, UNITS, asked).value, expected)


def test_units_keep_their_order(tables):
    found = measure(tables, UNITS.iloc[::-1], metric("conversations", "count"))
    assert found.value.tolist() == [0, 1, 2]


def test_a_ratio_has_totals_above_and_below(tables):
    asked = metric("first_reply_minutes", "ratio", per="replied")
    found = measure(tables, UNITS, asked)
    assert (found.value.tolist(), found.below.tolist()) == ([40, 0, 0], [2, 0, 0])
    each = measure(tables, UNITS, asked.model_copy(update={"estimand": "mean_of_ratios"}))
    np.testing.assert_allclose(each.value, [20, np.nan, np.nan])


def test_days_to_an_event_stop_at_the_end_of_what_is_seen(tables):
    asked = metric("days_to_paid", "time_to_event", days=30)
    found = measure(tables, UNITS, asked)
    # paid after 5 days; paid before it enrolled, so never afterwards; after 18.5 days; the data end after 23.5
    np.testing.assert_allclose(found.value, [5.0, 23.5, 18.5])
    assert found.happened.tolist() == [True, False, True]
    assert first_times(tables, UNITS, asked).dt.day.tolist() == [6, 1, 20]


def test_what_was_before_enrolment_is_the_same_measure_earlier(tables):
    assert before(tables, UNITS, metric("events", "count", events=("go",))).tolist() == [0, 7, 0]


def test_what_is_not_there_is_named(tables, make_tables):
    with pytest.raises(PlanError, match="metric 'm': no event 'gone' in events"):
        check_measurable(metric("active", "conversion", events=("gone",)), tables, {"go"})
    bare = make_tables(
        pd.DataFrame({"account_id": ["a"], "event_name": ["go"], "occurred_at": [START]}),
        pd.DataFrame({"account_id": ["a"], "created_at": [START]}), datetime(2024, 1, 1), datetime(2024, 2, 1),
    )  # fmt: skip
    with pytest.raises(PlanError, match="metric 'm' needs the table subscriptions"):
        check_measurable(metric("paid", "conversion"), bare, {"go"})
