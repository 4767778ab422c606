"""Value events, conversations and survey answers within each observation window."""

from datetime import date, datetime

import pandas as pd
import pytest

from milepost.signals.windowed import last_answers, snapshot_table, use_of_conversations, value_events
from milepost.windows import Windows

BEGIN, UNTIL = datetime(2024, 1, 1), datetime(2024, 12, 1)
WINDOWS = Windows(30, 7, 30, 7)
SNAPSHOTS = [date(2024, 3, 15), date(2024, 4, 1)]
ACCOUNTS = pd.DataFrame({"account_id": ["a"], "created_at": [BEGIN]})
EVENTS = pd.DataFrame(
    [
        ("a", datetime(2024, 3, 10), "e1", "u1", 0.1, 1.0),
        ("a", datetime(2024, 3, 10, 5), "shared", "u2", 0.2, None),
        ("a", datetime(2024, 3, 28), "shared", None, 1.0, None),
        ("b", datetime(2024, 1, 5), "e1", "u1", 1.0, None),  # before both windows
        ("a", datetime(2024, 3, 12), "login", "u3", 1.0, None),
    ],
    columns=["account_id", "occurred_at", "event_name", "user_id", "quantity", "value"],
)


@pytest.fixture
def tables(make_tables):
    return make_tables(EVENTS, ACCOUNTS, BEGIN, UNTIL)


def test_the_dates_around_each_snapshot():
    found = snapshot_table(SNAPSHOTS, WINDOWS).execute().astype(str).to_numpy().tolist()
    assert found == [["0", "2024-03-15", "2024-02-14"], ["1", "2024-04-01", "2024-03-02"]]


def test_value_events_named_and_not(tables):
    named = value_events(tables, ["e1"], SNAPSHOTS, WINDOWS)
    assert named.to_numpy().tolist() == [[0, "a", 0.1], [1, "a", 0.1]]
    assert value_events(tables, [], SNAPSHOTS, WINDOWS)["uses"].tolist() == [1.3, 2.3]


def test_no_row_in_any_window_is_an_empty_answer(make_tables):
    nothing = pd.DataFrame({"conversation_id": ["c"], "account_id": ["a"], "opened_at": [datetime(2023, 1, 1)]})
    surveys = pd.DataFrame(
        {"account_id": ["a"], "answered_at": [datetime(2023, 1, 1)], "kind": ["nps"], "score": [1.0]}
    )
    tables = make_tables(EVENTS, ACCOUNTS, BEGIN, UNTIL, conversations=nothing, surveys=surveys)
    conversations = use_of_conversations(tables, SNAPSHOTS, WINDOWS)
    assert len(conversations) == 0
    assert {"at", "account_id", "opened", "resolved", "rated", "rating"} <= set(conversations.columns)
    assert len(last_answers(tables, SNAPSHOTS, WINDOWS)) == 0


def test_two_answers_at_one_moment_are_settled_by_the_lower(make_tables):
    surveys = pd.DataFrame(
        {"account_id": ["a"] * 3, "answered_at": [datetime(2024, 3, 9), datetime(2024, 3, 10), datetime(2024, 3, 10)],
         "kind": ["nps"] * 3, "score": [1.0, 9.0, 4.0]}
    )  # fmt: skip
    tables = make_tables(EVENTS, ACCOUNTS, BEGIN, UNTIL, surveys=surveys)
    assert last_answers(tables, SNAPSHOTS, WINDOWS)["score"].tolist() == [4.0, 4.0]


def test_a_rating_asked_for_and_not_given_does_not_count(make_tables):
    talks = pd.DataFrame(
        {"conversation_id": ["c1", "c2"], "account_id": ["a", "a"], "opened_at": [datetime(2024, 3, 20)] * 2,
         "resolved_at": [datetime(2024, 3, 21)] * 2, "rated_at": [datetime(2024, 3, 22)] * 2, "rating": [4.0, None]}
    )  # fmt: skip
    found = use_of_conversations(make_tables(EVENTS, ACCOUNTS, BEGIN, UNTIL, conversations=talks), SNAPSHOTS, WINDOWS)
    assert found[["at", "opened", "resolved", "rated", "rating"]].to_numpy().tolist() == [[1, 2, 2, 1, 4.0]]
