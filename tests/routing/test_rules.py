"""Which flags are in force: those brought, those replaced, those left out with the reason."""

import pytest

from milepost.errors import SettingsError
from milepost.routing.defaults import DEFAULT_FLAGS
from milepost.routing.rules import read_rules
from milepost.settings import RoutingSettings

NEEDED = {
    "churn_risk", "mrr", "expected_loss", "risk_band", "tenure_days", "next_milestone", "mature_categories",
}  # fmt: skip
FACTS = {
    "open_unanswered", "unanswered_hours", "bad_ratings_84", "upset_topics_28", "conversations_28", "same_topic_28",
    "help_views_28", "queue_overloaded", "covered_hours", "account.csat", "account.nps", "account.seats_active",
}  # fmt: skip
OWNERS = [{"name": name, "hours": 10} for name in ("success", "support", "sales")]


def read(here=NEEDED | FACTS, **settings):
    given = RoutingSettings.model_validate({"owners": OWNERS} | settings)
    return read_rules(given, here, NEEDED | FACTS)


def test_the_flags_that_are_brought_are_all_in_force_where_every_column_is_there():
    found = read()
    assert [rule.flag.name for rule in found.rules] == [flag.name for flag in DEFAULT_FLAGS]
    assert found.left_out == ()


def test_flags_without_their_columns_or_their_owner_are_left_out_and_said():
    found = read(here=NEEDED, owners=OWNERS[:1])
    assert [rule.flag.name for rule in found.rules] == ["onboarding_behind", "revenue_at_risk"]
    assert "unanswered: these data have no open_unanswered" in " ".join(found.left_out)
    assert "reference: no hours of 'sales'" in " ".join(read(owners=OWNERS[:2]).left_out)


def test_an_own_flag_replaces_the_one_of_its_name_and_others_can_be_left_out():
    own = {"name": "reference", "when": "mrr > 10", "priority": 1, "owner": "sales", "reason": "ours"}
    found = read(flags=[own], without=["upset"])
    assert found.rules[0].flag.reason == "ours"
    assert not found.rules[0].brought
    assert "upset" not in [rule.flag.name for rule in found.rules]
    assert len(found.rules) == len(DEFAULT_FLAGS) - 1
    with pytest.raises(SettingsError, match="no flag 'upst'; did you mean 'upset'"):
        read(without=["upst"])


def test_the_version_changes_with_anything_that_decides():
    assert read().version == read().version
    others = [read(price_floor=7.0), read(without=["upset"]), read(here=NEEDED)]
    assert len({read().version, *(one.version for one in others)}) == 4
