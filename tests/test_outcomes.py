"""Outcomes worked out by hand: gap 7, outcome 30, grace 7 days around the snapshot 2024-04-01.

gap [04-01, 04-08)   outcome [04-08, 05-08)   grace until 05-15
"""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from milepost.outcomes import find_outcomes
from milepost.settings import Data
from milepost.windows import Windows

SNAPSHOT = datetime(2024, 4, 1)
WINDOWS = Windows(30, 7, 30, 7)
MICRO = timedelta(microseconds=1)
OPENS, CLOSES = datetime(2024, 4, 8), datetime(2024, 5, 8)
COLUMNS = ["account_id", "started_at", "ended_at", "item", "plan", "seats", "mrr"]
NO_EVENTS = pd.DataFrame({"account_id": ["a"], "occurred_at": [datetime(2024, 1, 1)], "event_name": ["x"]})
ACCOUNTS = pd.DataFrame({"account_id": ["a"], "created_at": [datetime(2023, 1, 1)]})
ROWS = pd.DataFrame({"account_id": ["a"], "snapshot_date": [pd.Timestamp(SNAPSHOT)]})


def span(start, end, item="base", seats=5.0, mrr=50.0):
    return ("a", start, end, item, "plan", seats, mrr)


def outcome(make_tables, spans, until=datetime(2024, 12, 1)):
    table = pd.DataFrame(spans, columns=COLUMNS).astype({"started_at": "datetime64[us]", "ended_at": "datetime64[us]"})
    tables = make_tables(NO_EVENTS, ACCOUNTS, datetime(2024, 1, 1), until, subscriptions=table)
    return find_outcomes(tables, ROWS, Data(), WINDOWS)


START = datetime(2024, 1, 1)


@pytest.mark.parametrize(
    ("end", "churned", "left_out"),
    [
        (None, 0, ""),  # still running
        (SNAPSHOT, np.nan, "ended_in_gap"),
        (OPENS - MICRO, np.nan, "ended_in_gap"),
        (OPENS, 1, ""),  # first moment of the outcome window
        (CLOSES - MICRO, 1, ""),
        (CLOSES, 0, ""),  # belongs to a later snapshot
        (datetime(2024, 11, 1), 0, ""),
    ],
)
def test_the_end_decides_to_the_microsecond(make_tables, end, churned, left_out):
    found = outcome(make_tables, [span(START, end)])
    np.testing.assert_equal(found.churned, np.array([churned], dtype=np.float32))
    assert found.left_out.tolist() == [left_out]


@pytest.mark.parametrize(
    ("back", "churned"),
    [
        (datetime(2024, 4, 20), 0),  # renewed at once
        (datetime(2024, 4, 27), 0),  # the last moment of grace
        (datetime(2024, 4, 27) + MICRO, 1),  # a win-back is not a stay
    ],
)
def test_a_return_within_the_grace_days_is_no_churn(make_tables, back, churned):
    found = outcome(make_tables, [span(START, datetime(2024, 4, 20)), span(back, None)])
    assert found.churned.tolist() == [churned]


def test_an_item_beside_the_plan_keeps_the_account(make_tables):
    found = outcome(make_tables, [span(START, datetime(2024, 4, 20)), span(START, None, item="sms")])
    assert found.churned.tolist() == [0]


@pytest.mark.parametrize("end", [None, datetime(2024, 4, 20), datetime(2024, 4, 2)])
def test_an_unfinished_window_is_unknown_for_churned_and_retained_alike(make_tables, end):
    last = datetime(2024, 5, 15)  # gap, outcome and grace are over at this moment
    assert outcome(make_tables, [span(START, end)], until=last).left_out[0] != "censored"
    found = outcome(make_tables, [span(START, end)], until=last - MICRO)
    assert found.left_out.tolist() == ["censored"]
    assert np.isnan(found.churned[0])
    assert np.isnan(found.expanded[0])
    assert not found.known[0]


@pytest.mark.parametrize(
    ("after", "expanded"),
    [
        (span(datetime(2024, 4, 20), None, seats=6.0), 1),
        (span(datetime(2024, 4, 20), None, mrr=60.0), 1),
        (span(datetime(2024, 4, 20), None), 0),
        (span(datetime(2024, 4, 20), None, seats=4.0, mrr=40.0), 0),
        (span(datetime(2024, 4, 20), datetime(2024, 5, 1), seats=9.0, mrr=90.0), 0),  # grew, then left
        (span(CLOSES, None, seats=9.0, mrr=90.0), 0),  # grew too late
    ],
)
def test_expanded_compares_the_end_of_the_window_with_the_snapshot(make_tables, after, expanded):
    found = outcome(make_tables, [span(START, after[1]), after])
    assert found.expanded.tolist() == [expanded]


@pytest.mark.parametrize(
    ("used_at", "dormant"),
    [(OPENS - MICRO, 1), (OPENS, 0), (CLOSES - MICRO, 0), (CLOSES, 1)],
)
def test_without_subscriptions_silence_is_churn(make_tables, used_at, dormant):
    events = pd.DataFrame({"account_id": ["a", "a"], "occurred_at": [used_at, OPENS], "event_name": ["value", "other"]})
    tables = make_tables(events, ACCOUNTS, datetime(2024, 1, 1), datetime(2024, 12, 1))
    found = find_outcomes(tables, ROWS, Data(value_events=("value",)), WINDOWS)
    assert found.churned.tolist() == found.dormant.tolist() == [dormant]
    assert np.isnan(found.expanded[0])
