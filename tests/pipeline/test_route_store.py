"""Dates are kept apart, and memory is what stood before."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from milepost.errors import EnvironmentFault
from milepost.pipeline.route_store import CONTACTS, DECISIONS, FLAGS, keep, read_memory, routed_dates, routing_here
from milepost.routing.memory import CONTACT_COLUMNS, FLAG_COLUMNS
from milepost.routing.rules import read_rules
from milepost.settings import RoutingSettings

RULES = read_rules(
    RoutingSettings.model_validate({"owners": [{"name": "nobody", "hours": 1}], "within_days": 40}), set(), {
        "open_unanswered", "unanswered_hours", "bad_ratings_84", "upset_topics_28", "account.csat", "account.nps",
        "next_milestone", "tenure_days", "expected_loss", "churn_risk", "mrr", "account.seats_active", "risk_band",
        "mature_categories", "queue_overloaded", "covered_hours", "same_topic_28", "help_views_28", "conversations_28",
    },
)  # fmt: skip


def kept(folder, day, account):
    moment = pd.Timestamp(day)
    flags = pd.DataFrame([(account, "at_risk", moment, True)], columns=FLAG_COLUMNS)
    contacts = pd.DataFrame([(account, moment, "success", "at_risk", 60)], columns=CONTACT_COLUMNS)
    keep(folder, day, "run", {DECISIONS: flags, FLAGS: flags, CONTACTS: contacts})


def test_flags_come_from_the_date_before_contacts_from_all_that_count(tmp_path):
    for day, account in ((date(2024, 1, 1), "old"), (date(2024, 3, 1), "a"), (date(2024, 3, 9), "b")):
        kept(tmp_path, day, account)
    found = read_memory(tmp_path, date(2024, 3, 9), RULES)
    assert found.flags["account_id"].tolist() == ["a"]
    assert found.contacts["account_id"].tolist() == ["a"]
    later = read_memory(tmp_path, date(2024, 4, 1), RULES)
    assert later.flags["account_id"].tolist() == ["b"]
    assert later.contacts["account_id"].tolist() == ["a", "b"]
    assert read_memory(tmp_path, date(2024, 1, 1), RULES).flags.empty
    assert routed_dates(tmp_path) == [date(2024, 1, 1), date(2024, 3, 1), date(2024, 3, 9)]


def test_a_date_kept_again_takes_the_place_of_the_first(tmp_path):
    kept(tmp_path, date(2024, 3, 1), "a")
    kept(tmp_path, date(2024, 3, 1), "b")
    assert read_memory(tmp_path, date(2024, 3, 2), RULES).contacts["account_id"].tolist() == ["b"]


def test_where_nothing_can_be_written_it_says_so():
    with pytest.raises(EnvironmentFault, match="/proc/routing"), routing_here(Path("/proc/routing")):
        pass
