"""Outcomes worked out by hand: gap 7, outcome 30, grace 7 days around the snapshot 2024-04-01.

gap [04-01, 04-08)   outcome [04-08, 05-08)   grace until 05-15
"""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from milepost.outcomes import Outcomes, find_outcomes, find_times
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


def many(make_tables, spans, rows, until, events=NO_EVENTS, data=None):
    """Outcomes of many accounts at many snapshots; spans: (account, start, end)."""
    table = pd.DataFrame(spans, columns=["account_id", "started_at", "ended_at"])
    table = table.astype({"started_at": "datetime64[us]", "ended_at": "datetime64[us]"})
    tables = make_tables(events, ACCOUNTS, datetime(2024, 1, 1), until, subscriptions=table)
    frame = pd.DataFrame(rows, columns=["account_id", "snapshot_date"]).astype({"snapshot_date": "datetime64[us]"})
    return find_outcomes(tables, frame, data or Data(), WINDOWS)


def test_another_goal_takes_the_place_of_churned_where_it_is_known():
    nan = np.float32(np.nan)
    own = np.array([1, 0, 0, nan], dtype=np.float32)
    left_out = np.array(["", "", "", "censored"])
    found = Outcomes(own, own, own, left_out).missing(np.array([0, nan, 1, 1], dtype=np.float32))
    # the second is not known by the goal, the last was left out before
    assert found.left_out.tolist() == ["", "unknown", "", "censored"]
    np.testing.assert_equal(found.churned, np.array([0, nan, 1, nan], dtype=np.float32))
    assert found.churned.dtype == np.float32
    np.testing.assert_equal(found.expanded, own)
    assert found.known.tolist() == [True, False, True, False]
    kept = found.take(np.array([2, 3]))
    assert kept.left_out.tolist() == ["", "censored"]
    np.testing.assert_equal(kept.dormant, own[2:])


def test_an_account_without_a_subscription_at_the_snapshot_keeps_its_row(make_tables):
    rows = [("a", SNAPSHOT), ("b", SNAPSHOT)]
    found = many(make_tables, [("a", START, None), ("b", datetime(2024, 4, 2), None)], rows, datetime(2024, 12, 1))
    assert found.expanded.tolist() == found.churned.tolist() == [0, 0]


@pytest.mark.promise("an unfinished outcome window is never retained (accounts)", cases=200)
def test_an_unfinished_window_is_never_retained(make_tables):
    rng = np.random.default_rng(5)
    until = datetime(2024, 9, 15, 13)
    days = [datetime(2024, month, 1) for month in range(3, 11)]
    spans = []
    for number in range(200):
        start = datetime(2024, 1, 1) + timedelta(hours=int(rng.integers(0, 1_000)))
        end = start + timedelta(hours=int(rng.integers(1, 8_000)))
        spans.append((f"a{number}", start, end if rng.random() < 0.8 else None))
    rows = [(name, day) for day in days for name, start, end in spans if start < day and (end is None or end >= day)]
    found = many(make_tables, spans, rows, until)
    finished = np.array([day + timedelta(days=7 + 30 + 7) <= until for _, day in rows])
    assert 0 < finished.sum() < len(rows)
    assert (found.left_out[~finished] == "censored").all()
    assert np.isnan(found.churned[~finished]).all()
    assert (found.left_out[finished] != "censored").all()
    # every finished row by the definition, worked out one by one
    ends = {name: end for name, _, end in spans}
    for (name, day), churned, left_out in zip(rows, found.churned, found.left_out, strict=True):
        if left_out != "censored":
            past = None if ends[name] is None else ends[name] - day
            in_gap = past is not None and past < timedelta(days=7)
            in_window = past is not None and timedelta(days=7) <= past < timedelta(days=37)
            assert (left_out == "ended_in_gap") == in_gap
            np.testing.assert_equal(churned, np.float32(np.nan if in_gap else in_window))


def test_a_paid_through_date_beyond_the_data_is_no_outcome_yet(make_tables):
    # paid until December; the data end in June: known to stay in April's window, unknown in June's
    spans = [("a", START, datetime(2024, 12, 31))]
    rows = [("a", SNAPSHOT), ("a", datetime(2024, 6, 1)), ("a", datetime(2024, 12, 1))]
    found = many(make_tables, spans, rows, until=datetime(2024, 6, 15))
    np.testing.assert_equal(found.churned, np.array([0, np.nan, np.nan], dtype=np.float32))
    assert found.left_out.tolist() == ["", "censored", "censored"]


def test_who_left_in_the_gap_and_came_back_within_grace_stayed(make_tables):
    found = outcome(make_tables, [span(START, datetime(2024, 4, 3)), span(datetime(2024, 4, 10), None)])
    assert found.left_out.tolist() == [""]
    assert found.churned.tolist() == [0]


def test_who_left_in_the_gap_and_came_back_later_is_left_out(make_tables):
    found = outcome(make_tables, [span(START, datetime(2024, 4, 3)), span(datetime(2024, 4, 20), None)])
    assert found.left_out.tolist() == ["ended_in_gap"]


def test_an_add_on_bought_makes_the_account_expanded(make_tables):
    add_on = span(datetime(2024, 4, 20), None, item="sms", seats=None, mrr=10.0)
    assert outcome(make_tables, [span(START, None), add_on]).expanded.tolist() == [1]


def test_accounts_and_snapshots_do_not_mix(make_tables):
    # b's end is not a's, and a's second life begins after its first churn
    spans = [
        ("a", START, datetime(2024, 4, 20)), ("a", datetime(2024, 6, 15), None), ("b", START, datetime(2024, 7, 20)),
    ]  # fmt: skip
    rows = [("b", SNAPSHOT), ("a", SNAPSHOT), ("a", datetime(2024, 7, 1)), ("b", datetime(2024, 7, 1))]
    found = many(make_tables, spans, rows, until=datetime(2024, 12, 1))
    assert found.churned.tolist() == [0, 1, 0, 1]


def test_a_count_of_zero_is_no_use(make_tables):
    # a daily table may hold a row for every day, used or not
    events = pd.DataFrame(
        {"account_id": ["a", "b"], "occurred_at": [datetime(2024, 4, 15)] * 2, "event_name": ["x"] * 2,
         "quantity": [0.0, 2.0]}
    )  # fmt: skip
    spans = [("a", START, None), ("b", START, None)]
    found = many(make_tables, spans, [("a", SNAPSHOT), ("b", SNAPSHOT)], datetime(2024, 12, 1), events)
    assert found.dormant.tolist() == [1, 0]


def test_taking_rows_takes_them_from_every_part(make_tables):
    spans = [("a", START, datetime(2024, 4, 20)), ("b", START, datetime(2024, 4, 2)), ("c", START, None)]
    found = many(make_tables, spans, [(name, SNAPSHOT) for name in "abc"], datetime(2024, 12, 1))
    assert found.known.tolist() == [True, False, True]
    some = found.take(np.array([2, 0]))
    assert some.churned.tolist() == [0, 1]
    assert some.left_out.tolist() == ["", ""]
    assert found.take(~found.known).left_out.tolist() == ["ended_in_gap"]


@pytest.mark.parametrize(
    ("end", "until", "left_after", "watched"),
    [
        (datetime(2024, 4, 18), datetime(2024, 6, 14), 10.0, 60.0),  # counted from April 8; grace ends June 7
        (None, datetime(2024, 6, 14), np.inf, 60.0),
        (datetime(2024, 6, 10), datetime(2024, 6, 14), np.inf, 60.0),  # it may still come back until June 17
        (datetime(2024, 6, 7), datetime(2024, 6, 14), 60.0, 60.0),
        (datetime(2024, 4, 5), datetime(2024, 6, 14), -3.0, 60.0),  # left in the gap
        (None, datetime(2024, 4, 10), np.inf, 0.0),
    ],
)
def test_times_count_from_the_outcome_window(make_tables, end, until, left_after, watched):
    table = pd.DataFrame([span(START, end)], columns=COLUMNS)
    table = table.astype({"started_at": "datetime64[us]", "ended_at": "datetime64[us]"})
    tables = make_tables(NO_EVENTS, ACCOUNTS, datetime(2024, 1, 1), until, subscriptions=table)
    found = find_times(tables, ROWS, WINDOWS)
    assert (found.left_after.tolist(), found.watched.tolist()) == ([left_after], [watched])


def test_without_subscriptions_nobody_knows_when_accounts_left(make_tables):
    tables = make_tables(NO_EVENTS, ACCOUNTS, datetime(2024, 1, 1), datetime(2024, 12, 1))
    assert find_times(tables, ROWS, WINDOWS) is None
