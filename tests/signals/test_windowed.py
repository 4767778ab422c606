"""Value events, conversations and survey answers within each observation window."""

import random
from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from milepost.metrics.help import followed, help_days
from milepost.settings import HelpSettings
from milepost.signals.windowed import (
    days_self_served,
    last_answers,
    snapshot_table,
    use_of_conversations,
    value_events,
)
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


DAY = timedelta(days=1)
READ = datetime(2024, 3, 10, 9)


def served(make_tables, reads, opened, snapshots=SNAPSHOTS, **asked):
    """Days on which help was read and nobody asked: [(snapshot, account, days)]."""
    names = ["account_id", "occurred_at", "event_name", "loaded_at"]
    events = pd.DataFrame([(*row, None)[:4] for row in reads], columns=names).astype({"loaded_at": "datetime64[us]"})
    talks = pd.DataFrame(opened, columns=["account_id", "opened_at"])
    talks = talks.assign(conversation_id=[f"c{number}" for number in range(len(opened))])
    tables = make_tables(events, ACCOUNTS, BEGIN, UNTIL, conversations=talks)
    found = days_self_served(tables, HelpSettings(read_events=("read",), **asked), snapshots, WINDOWS)
    return found.to_numpy().tolist()


@pytest.mark.parametrize(
    ("opened", "alone"),
    [
        (READ - timedelta(microseconds=1), 1),  # asked before reading
        (READ, 0),
        (READ + DAY, 0),
        (READ + DAY + timedelta(microseconds=1), 1),
    ],
)
def test_a_conversation_follows_help_within_a_day(make_tables, opened, alone):
    found = served(make_tables, [("a", READ, "read")], [("a", opened)])
    assert found == ([[0, "a", 1], [1, "a", 1]] if alone else [])


def test_a_day_of_reading_counts_once_and_a_conversation_of_another_account_not(make_tables):
    reads = [("a", READ, "read"), ("a", READ + timedelta(hours=3), "read"), ("a", READ + DAY, "read"),
             ("b", READ, "read"), ("a", READ + 3 * DAY, "searched")]  # fmt: skip
    assert served(make_tables, reads, [("b", READ + timedelta(hours=1))], search_events=("searched",)) == [
        [0, "a", 2], [1, "a", 2],
    ]  # fmt: skip


def test_the_day_begins_with_its_first_search(make_tables):
    reads = [("a", READ, "searched"), ("a", READ + timedelta(hours=8), "read")]
    late = [("a", READ + DAY + timedelta(hours=1))]
    assert served(make_tables, reads, late) == []
    assert served(make_tables, reads, late, search_events=("searched",)) == [[0, "a", 1], [1, "a", 1]]


@pytest.mark.parametrize(
    ("read", "loaded", "found"),
    [
        (datetime(2024, 3, 14), None, [[0, "a", 1], [1, "a", 1]]),  # a day before the snapshot of 03-15, to the moment
        (datetime(2024, 3, 14, 0, 0, 1), None, [[1, "a", 1]]),
        (datetime(2024, 3, 10), datetime(2024, 3, 15), [[1, "a", 1]]),
        (datetime(2024, 3, 2), None, [[0, "a", 1], [1, "a", 1]]),  # the first moment of the window before 04-01
        (datetime(2024, 3, 1, 23), None, [[0, "a", 1]]),
    ],
)
def test_a_day_counts_once_it_can_be_known(make_tables, read, loaded, found):
    assert served(make_tables, [("a", read, "read", loaded)], [("b", READ)]) == found


def test_a_conversation_at_the_snapshot_is_not_there_yet(make_tables):
    # the day of reading ends with the snapshot; whoever asks at that moment is seen from the next one on
    asked = [("a", datetime(2024, 3, 15))]
    assert served(make_tables, [("a", datetime(2024, 3, 14), "read")], asked) == [[0, "a", 1]]


def test_opened_again_counts_once_it_is_resolved(make_tables):
    at = datetime(2024, 3, 5)
    talks = pd.DataFrame(
        [("c1", at, 2.0), ("c2", at, 0.0), ("c3", at, None), ("c4", datetime(2024, 3, 15), 1.0), ("c5", None, 1.0)],
        columns=["conversation_id", "resolved_at", "reopened"],
    ).assign(account_id="a", opened_at=datetime(2024, 3, 1))
    found = use_of_conversations(make_tables(EVENTS, ACCOUNTS, BEGIN, UNTIL, conversations=talks), SNAPSHOTS, WINDOWS)
    # c4 is resolved at the first snapshot, which does not see it; c3 says nothing
    assert found[["at", "resolved", "reopened", "reopened_known"]].to_numpy().tolist() == [[0, 3, 1, 2], [1, 4, 2, 3]]


@pytest.mark.parametrize("seed", range(8))
def test_days_alone_are_those_of_the_metrics(make_tables, seed):
    """The figures of `milepost metrics` count the same days over a period that is the observation window."""
    rng = random.Random(seed)
    times = [BEGIN + timedelta(minutes=rng.randint(0, 130_000)) for _ in range(300)]
    reads = pd.DataFrame({"account_id": [rng.choice("abc") for _ in times], "occurred_at": times,
                          "event_name": [rng.choice(["read", "search", "click"]) for _ in times]})  # fmt: skip
    opened = [BEGIN + timedelta(minutes=rng.randint(0, 130_000)) for _ in range(60)]
    talks = pd.DataFrame({"conversation_id": [f"c{n}" for n in range(60)], "opened_at": opened,
                          "account_id": [rng.choice("abc") for _ in opened]})  # fmt: skip
    tables = make_tables(reads, ACCOUNTS, BEGIN, UNTIL, conversations=talks)
    how = HelpSettings(read_events=("read",), search_events=("search",), click_events=("click",))
    snapshot = SNAPSHOTS[0]
    days = followed(
        help_days(tables.events, how, snapshot - timedelta(days=30), snapshot),
        talks[talks["opened_at"] < pd.Timestamp(snapshot)], snapshot,
    )  # fmt: skip
    wanted = days[(days["reads"] > 0) & (days["followed"] == 0)].groupby("account_id").size()
    found = days_self_served(tables, how, [snapshot], WINDOWS)
    assert dict(zip(found["account_id"], found["alone"], strict=True)) == wanted.to_dict()
    assert wanted.sum() > 10
