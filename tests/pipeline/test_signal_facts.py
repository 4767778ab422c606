"""Rows behind a signal: what the date sees of them, and no more."""

from datetime import date, datetime

import pandas as pd
import pytest

from milepost.pipeline.signal_facts import NEWEST, Source, Sums, examples, first_with_rows, of_one_account, sums

BEGIN, UNTIL = datetime(2024, 1, 1), datetime(2024, 12, 1)
SNAPSHOT = date(2024, 4, 1)
ROWS = [
    ("a", datetime(2024, 3, 2), "e1", "u1", 2.0, 1.5, None),  # the first moment of thirty days
    ("a", datetime(2024, 3, 1, 23, 59), "e1", "u2", 1.0, None, None),
    ("a", datetime(2024, 3, 31), "e1", "u1", 1.0, 1.0, datetime(2024, 4, 1)),  # loaded at the date
    ("a", datetime(2024, 3, 30), "e2", None, 1.0, None, None),
    ("a", datetime(2024, 3, 29), "e1", "u3", 0.0, None, None),  # a count of none
    ("a", datetime(2024, 4, 1), "e1", "u1", 1.0, None, None),
    ("b", datetime(2024, 3, 20), "e1", "u4", 1.0, None, None),
]


@pytest.fixture
def tables(make_tables):
    names = ["account_id", "occurred_at", "event_name", "user_id", "quantity", "value", "loaded_at"]
    events = pd.DataFrame(ROWS, columns=names).astype({"loaded_at": "datetime64[us]", "value": "float64"})
    accounts = pd.DataFrame({"account_id": ["a", "b"], "created_at": [BEGIN] * 2, "owner": "somebody"})
    talks = pd.DataFrame({
        "conversation_id": ["c"], "account_id": ["a"], "opened_at": [datetime(2024, 3, 5)],
        "resolved_at": [datetime(2024, 4, 2)], "rated_at": [datetime(2024, 4, 3)], "rating": [4.0], "reopened": [2.0],
        "topic": ["a secret"],
    })  # fmt: skip
    return make_tables(events, accounts, BEGIN, UNTIL, conversations=talks)


def test_sums_of_one_account(tables):
    one = of_one_account(tables, "a")
    assert sums(one, ["e1"], 30, SNAPSHOT) == Sums(1, 2.0, 1.5, 1, 1, datetime(2024, 3, 2))
    assert sums(one, None, 30, SNAPSHOT) == Sums(2, 3.0, 1.5, 2, 1, datetime(2024, 3, 30))
    assert sums(one, ["e1"], 0, SNAPSHOT) == Sums(2, 3.0, 1.5, 2, 2, datetime(2024, 3, 2))
    assert sums(one, ["e9"], 30, SNAPSHOT) == Sums(0, 0.0, 0.0, 0, 0, None)


def test_examples_are_the_newest_and_say_how_many_there_are(make_tables):
    rows = [("a", datetime(2024, 3, day), "e1") for day in (5, 9, 7, 8)]
    accounts = pd.DataFrame({"account_id": ["a"], "created_at": [BEGIN]})
    tables = make_tables(
        pd.DataFrame(rows, columns=["account_id", "occurred_at", "event_name"]), accounts, BEGIN, UNTIL
    )
    count, found = examples(tables, Source("events", 30, ("e1",)), SNAPSHOT)
    assert (count, [row["occurred_at"].day for row in found]) == (4, [9, 8, 7])
    assert len(found) == NEWEST


def test_what_came_later_and_what_people_wrote_is_not_shown(tables):
    _, (talk,) = examples(tables, Source("conversations", 30), SNAPSHOT)
    assert talk == {"opened_at": datetime(2024, 3, 5)}
    _, found = examples(of_one_account(tables, "a"), Source("accounts", 0), SNAPSHOT)
    assert found == [{"created_at": BEGIN}]


def test_the_first_running_account_with_a_row(tables):
    assert first_with_rows(tables, Source("events", 15, ("e1",)), SNAPSHOT, ["a", "b"]) == "b"
    assert first_with_rows(tables, Source("events", 30, ("e1",)), SNAPSHOT, ["b", "c"]) == "b"
    assert first_with_rows(tables, Source("events", 30, ("e9",)), SNAPSHOT, ["a", "b"]) == "a"
