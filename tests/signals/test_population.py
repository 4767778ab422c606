"""Who is seen at a snapshot, and who had access for the whole window."""

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from milepost.settings import Data
from milepost.signals.catalogue import Feature
from milepost.signals.population import Population, eligible_rows, find_population
from milepost.windows import Windows

BEGIN, UNTIL = datetime(2024, 1, 1), datetime(2024, 12, 1)
WINDOWS = Windows(30, 7, 30, 7)  # observed before 2024-04-01: from 2024-03-02
SNAPSHOT = date(2024, 4, 1)
ACCOUNTS = pd.DataFrame({"account_id": ["a", "b", "c"], "created_at": pd.to_datetime(["2024-01-02"] * 3)})
SPANS = ["account_id", "started_at", "ended_at", "item", "plan", "seats", "mrr"]


def used(*rows):
    frame = pd.DataFrame(rows, columns=["account_id", "occurred_at", "event_name", "quantity"])
    return frame.astype({"occurred_at": "datetime64[us]", "quantity": "float64"})


ONE = used(("a", datetime(2024, 3, 20), "x", 1))


def test_a_row_is_found_by_snapshot_and_account():
    rows = [("a", "2024-03-01"), ("c", "2024-03-01"), ("a", "2024-04-01")]
    frame = pd.DataFrame(rows, columns=["account_id", "snapshot_date"]).astype({"snapshot_date": "datetime64[us]"})
    population = Population(frame, (date(2024, 3, 1), SNAPSHOT), np.array(["a", "b", "c"], dtype=object))
    asked = pd.Series([0, 0, 0, 1, 1, 1]), pd.Series(["a", "c", "nobody", "a", "c", "nobody"])
    assert population.position(*asked).tolist() == [0, 1, -1, 2, -1, -1]


def test_rows_by_account_and_by_snapshot_and_those_that_are_left():
    days = [date(2024, 3, 1), SNAPSHOT, date(2024, 5, 1)]
    rows = [("a", "2024-03-01"), ("c", "2024-03-01"), ("a", "2024-04-01"), ("b", "2024-05-01"), ("c", "2024-05-01")]
    frame = pd.DataFrame(rows, columns=["account_id", "snapshot_date"]).astype({"snapshot_date": "datetime64[us]"})
    population = Population(frame, tuple(days), np.array(["a", "b", "c"], dtype=object))
    assert population.codes.tolist() == [0, 2, 0, 1, 2]
    assert population.bounds.tolist() == [0, 2, 3, 5]
    left = population.since([days[0]])
    assert left.snapshots == (days[1], days[2])
    assert left.frame.values.tolist() == population.frame.iloc[2:].values.tolist()
    assert left.frame.index.tolist() == [0, 1, 2]
    assert left.account_ids.tolist() == ["a", "b", "c"]
    assert population.since(days).frame.empty


def test_an_account_made_at_the_snapshot_is_not_seen_at_it(make_tables):
    accounts = ACCOUNTS.assign(
        created_at=pd.to_datetime(["2024-01-02 00:00:00", "2024-04-01 00:00:00", "2024-03-31 23:59:59"])
    )
    spans = [(name, "2024-01-02", None, "base", "pro", 3, 30) for name in "abc"]
    tables = make_tables(ONE, accounts, BEGIN, UNTIL, subscriptions=pd.DataFrame(spans, columns=SPANS))
    found = find_population(tables, Data(), [SNAPSHOT], WINDOWS)
    assert found.frame["account_id"].tolist() == ["a", "c"]
    assert found.account_ids.tolist() == ["a", "b", "c"]


def test_what_began_within_the_window_and_what_has_no_base_item_are_there(make_tables):
    spans = [
        ("a", "2024-03-20", "2024-03-25", "base", "free", 2, 0),
        ("a", "2024-03-25", None, "base", "pro", 8, 80),
        ("b", "2024-01-02", None, "sms", None, None, 5.5),
        ("b", "2024-04-01", None, "base", "pro", 3, 30),  # begins at the snapshot: not known before
    ]
    tables = make_tables(ONE, ACCOUNTS, BEGIN, UNTIL, subscriptions=pd.DataFrame(spans, columns=SPANS))
    a, b = find_population(tables, Data(), [SNAPSHOT], WINDOWS).frame.to_dict("records")
    # with nothing at the start of the window, the plan it began with counts; seats then are not known
    assert (a["account_id"], a["plan"], a["plan_at_start"]) == ("a", "pro", "free")
    assert np.isnan(a["seats_at_start"])
    assert np.isnan(a["mrr_at_start"])
    assert (b["account_id"], b["plan"], b["plan_at_start"], b["mrr"]) == ("b", "", "", 5.5)


def test_running_means_a_subscription_just_before_the_snapshot(make_tables):
    spans = [
        ("a", "2024-01-02", "2024-04-01", "base", "pro", 3, 30),  # ends at the snapshot: runs just before it
        ("b", "2024-01-02", "2024-03-31 23:59", "base", "pro", 3, 30),
        ("c", "2024-04-01", None, "base", "pro", 3, 30),  # starts at it
    ]
    tables = make_tables(ONE, ACCOUNTS, BEGIN, UNTIL, subscriptions=pd.DataFrame(spans, columns=SPANS))
    found = find_population(tables, Data(), [SNAPSHOT], WINDOWS)
    assert found.frame["account_id"].tolist() == ["a"]


def test_without_subscriptions_use_within_the_window_is_running(make_tables):
    events = used(
        ("a", datetime(2024, 3, 2), "value", 1), ("b", datetime(2024, 3, 1, 23), "value", 1),
        ("c", datetime(2024, 3, 20), "value", 0), ("c", datetime(2024, 3, 20), "login", 1),
    )  # fmt: skip
    tables = make_tables(events, ACCOUNTS, BEGIN, UNTIL)
    by_value = find_population(tables, Data(value_events=("value",)), [SNAPSHOT], WINDOWS)
    assert by_value.frame["account_id"].tolist() == ["a"]
    assert np.isnan(by_value.frame["seats"]).all()
    by_any = find_population(tables, Data(), [SNAPSHOT], WINDOWS)
    assert by_any.frame["account_id"].tolist() == ["a", "c"]


def test_state_at_the_snapshot_and_at_the_start_of_the_window(make_tables):
    spans = [
        ("a", "2024-01-02", "2024-03-15", "base", "free", 2, 0),
        ("a", "2024-03-15", None, "base", "pro", 8, 80),
        ("a", "2024-03-16", None, "sms", None, None, 5.5),
    ]
    tables = make_tables(ONE, ACCOUNTS, BEGIN, UNTIL, subscriptions=pd.DataFrame(spans, columns=SPANS))
    (row,) = find_population(tables, Data(), [SNAPSHOT], WINDOWS).frame.to_dict("records")
    assert (row["plan"], row["seats"], row["mrr"], row["items"]) == ("pro", 8, 85.5, 2)
    assert (row["plan_at_start"], row["seats_at_start"], row["mrr_at_start"]) == ("free", 2, 0)


@pytest.mark.parametrize(
    ("rows", "open_to"),
    [
        ([("2024-03-02", None)], True),
        ([("2024-03-02 00:00:01", None)], False),  # got it inside the window
        ([("2024-01-01", "2024-04-01")], True),
        ([("2024-01-01", "2024-03-31 23:59")], False),  # lost it inside the window
        ([("2024-03-20", None), ("2024-01-01", "2024-12-01")], True),  # one row that covers it is enough
    ],
)
def test_access_has_to_cover_the_whole_window(make_tables, rows, open_to):
    access = pd.DataFrame([("a", "one", *row) for row in rows],
                          columns=["account_id", "feature", "available_from", "available_to"])  # fmt: skip
    spans = [(name, "2024-01-02", None, "base", "pro", 3, 30) for name in "abc"]
    tables = make_tables(
        ONE, ACCOUNTS, BEGIN, UNTIL, subscriptions=pd.DataFrame(spans, columns=SPANS), access=access
    )  # fmt: skip
    population = find_population(tables, Data(), [SNAPSHOT], WINDOWS)
    eligible, known = eligible_rows(
        population, tables, [Feature("one", ("x",), "c"), Feature("two", ("y",), "c")], WINDOWS
    )
    assert known
    assert eligible[:, 0].tolist() == [open_to, False, False]
    # a feature the access table does not name is open to all
    assert eligible[:, 1].all()


def test_without_plans_and_access_everybody_is_eligible_and_it_is_said(make_tables):
    spans = [(name, "2024-01-02", None, "base", "pro", 3, 30) for name in "abc"]
    tables = make_tables(ONE, ACCOUNTS, BEGIN, UNTIL, subscriptions=pd.DataFrame(spans, columns=SPANS))
    population = find_population(tables, Data(), [SNAPSHOT], WINDOWS)
    eligible, known = eligible_rows(population, tables, [Feature("one", ("x",), "c")], WINDOWS)
    assert eligible.all()
    assert not known


def test_an_access_table_without_rows_says_nothing(make_tables):
    columns = {"account_id": str, "feature": str, "available_from": "datetime64[us]", "available_to": "datetime64[us]"}
    access = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    spans = [(name, "2024-01-02", None, "base", "pro", 3, 30) for name in "abc"]
    subscriptions = pd.DataFrame(spans, columns=SPANS)
    tables = make_tables(ONE, ACCOUNTS, BEGIN, UNTIL, subscriptions=subscriptions, access=access)
    population = find_population(tables, Data(), [SNAPSHOT], WINDOWS)
    eligible, known = eligible_rows(population, tables, [Feature("one", ("x",), "c")], WINDOWS)
    assert eligible.all()
    assert not known
