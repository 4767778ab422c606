"""Facts at a date, worked by hand: what happens at or after it is not known, and who never asked has asked nothing."""

from datetime import date, datetime

import pandas as pd
import pytest

from milepost.pipeline.route_facts import FACTS, covered_hours, facts_at
from milepost.settings import Settings, TeamHours

DAY = date(2024, 3, 1)
NOON = datetime(2024, 2, 29, 12)
MIDNIGHT = datetime(2024, 3, 1)
ACCOUNTS = pd.DataFrame({
    "account_id": ["a", "b", "c"], "created_at": datetime(2024, 1, 1), "region": ["eu", None, "us"],
    "time_zone": ["Europe/Berlin", "Nowhere/City", None], "owner": ["team", None, None],
})  # fmt: skip
COLUMNS = ["conversation_id", "account_id", "opened_at", "first_reply_at", "resolved_at", "topic", "rating", "rated_at"]
TALKS = [
    ("1", "a", NOON, None, None, None, None, None),  # waits for 12 hours
    ("2", "a", datetime(2024, 2, 28), MIDNIGHT, MIDNIGHT, "bug", 1, MIDNIGHT),  # answered at midnight: not yet
    ("3", "a", datetime(2024, 2, 2), datetime(2024, 2, 3), datetime(2024, 2, 3), "bug", 2, datetime(2024, 2, 3)),
    ("4", "a", datetime(2024, 2, 2), datetime(2024, 2, 3), datetime(2024, 2, 4), "bug", 3, datetime(2024, 2, 4)),
    ("5", "a", datetime(2024, 2, 1), datetime(2024, 2, 3), datetime(2024, 2, 4), "bug", 1, datetime(2023, 11, 1)),
    (
        "6",
        "b",
        datetime(2024, 2, 1, 23),
        datetime(2024, 2, 3),
        datetime(2024, 2, 9),
        "price",
        None,
        datetime(2024, 2, 9),
    ),
    ("7", "c", MIDNIGHT, None, None, None, None, None),  # opened at midnight: not there
]
EVENTS = pd.DataFrame({
    "account_id": ["a", "a", "a", "b", "b"], "event_name": ["help", "help", "other", "help", "help"],
    "occurred_at": [NOON, datetime(2024, 2, 1), NOON, datetime(2024, 2, 2), MIDNIGHT], "quantity": [2.0, 1, 1, 1, 1],
})  # fmt: skip


@pytest.fixture
def tables(make_tables):
    talks = pd.DataFrame(TALKS, columns=COLUMNS)
    return make_tables(EVENTS, ACCOUNTS, datetime(2024, 1, 1), datetime(2024, 3, 5), conversations=talks)


def facts(tables, reads=(), **routing):
    tables_there = {"accounts": {"path": "a.csv"}, "events": {"path": "e.csv"}}
    settings = Settings.model_validate({"tables": tables_there, "routing": routing, "help": {"read_events": reads}})
    found = facts_at(tables, DAY, settings, pd.Series(["c", "a", "b"]))
    return found.set_axis(["c", "a", "b"])


def test_conversations_as_known_at_the_date(tables):
    found = facts(tables, upset_topics=["price"])
    assert found["open_unanswered"].to_dict() == {"c": 0, "a": 2, "b": 0}
    assert found["unanswered_hours"].to_dict() == {"c": 0, "a": 48, "b": 0}
    # the 28 days before March 1 begin on February 2
    assert found["conversations_28"].to_dict() == {"c": 0, "a": 4, "b": 0}
    assert found["same_topic_28"].to_dict() == {"c": 0, "a": 2, "b": 0}
    assert found["bad_ratings_84"].to_dict() == {"c": 0, "a": 1, "b": 0}
    assert found["upset_topics_28"].to_dict() == {"c": 0, "a": 0, "b": 0}


def test_help_that_was_read_in_the_last_28_days(tables):
    assert facts(tables, reads=["help"])["help_views_28"].to_dict() == {"c": 0, "a": 2, "b": 1}
    assert "help_views_28" not in facts(tables)


def test_the_queue_is_overloaded_for_everybody(tables):
    assert facts(tables, backlog_at_most=1)["queue_overloaded"].tolist() == [1, 1, 1]
    assert facts(tables, backlog_at_most=2)["queue_overloaded"].tolist() == [0, 0, 0]


def test_accounts_and_hours_of_a_zone_that_is_not_known(tables):
    found = facts(tables)
    assert found.loc["a", "account_owner"] == "team"
    assert found["covered_hours"].isna().to_dict() == {"c": True, "a": False, "b": True}
    assert set(found) <= set(FACTS)


def test_without_conversations_there_are_no_facts_of_them(make_tables):
    bare = make_tables(EVENTS, ACCOUNTS, datetime(2024, 1, 1), datetime(2024, 3, 5))
    assert set(facts(bare)) == {"region", "time_zone", "account_owner", "covered_hours"}


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("UTC", 8), ("Europe/Berlin", 7), ("America/New_York", 3), ("Asia/Singapore", 0), ("Pacific/Auckland", 0),
        ("Australia/Perth", 0), ("Pacific/Kiritimati", 0),
    ],
)  # fmt: skip
def test_hours_that_a_team_from_9_to_17_utc_covers(zone, hours):
    """March 1, 2024: Berlin works 8 to 16 UTC, New York 14 to 22, Singapore 1 to 9."""
    assert covered_hours(zone, DAY, TeamHours(opens=9, closes=17)) == hours


def test_a_team_around_the_clock_covers_the_whole_day():
    assert covered_hours("Pacific/Kiritimati", DAY, TeamHours()) == 8


def test_a_team_that_rests_on_the_day_covers_nothing_of_it():
    """March 1, 2024 is a Friday."""
    assert covered_hours("UTC", DAY, TeamHours(days=("mon", "tue", "wed", "thu"))) == 0
