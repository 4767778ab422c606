"""What is said of a routing: who just missed, what is measured, which dates came later, within 100 columns."""

from datetime import date

import pandas as pd
import pytest

from milepost.framework import Proven
from milepost.pipeline.route_words import flags_table, missed, pools_table, route_text, what_if_text
from milepost.routing.decide import route_accounts
from milepost.routing.fairness import fairness
from milepost.routing.memory import no_memory
from milepost.routing.rules import read_rules
from milepost.routing.table import decisions
from milepost.settings import RoutingSettings

DAY = date(2024, 4, 1)
LONG = "an_account_whose_name_is_far_too_long_for_a_column_of_the_table"
FRAME = pd.DataFrame({
    "account_id": [LONG, "b", "c", "d"], "churn_risk": [0.2, 0.1, 0.05, 0.3], "mrr": [1000.0, 900.0, 800.0, 70.0],
    "plan": ["pro"] * 4, "asked": [0.0, 0.0, 0.0, 1.0],
})  # fmt: skip
FRAME["expected_loss"] = FRAME["churn_risk"] * FRAME["mrr"]
FLAGS = [
    {"name": "at_risk", "when": "expected_loss >= 20 and asked < 1", "owner": "success", "priority": 2, "hours": 1.0,
     "reason": "risk", "experiment": "calls"},
    {"name": "asked", "when": "asked >= 1", "owner": "support", "priority": 1, "hours": 0.5, "reason": "asked"},
]  # fmt: skip


def routed(hours=1.0):
    owners = [{"name": "success", "hours": hours}, {"name": "support", "hours": 1}]
    settings = RoutingSettings.model_validate({"owners": owners, "flags": FLAGS, "price_floor": 0.0})
    known = {"account.csat", "next_milestone", "tenure_days", "risk_band", "mature_categories", "account.nps",
             "account.seats_active", "open_unanswered", "unanswered_hours", "bad_ratings_84", "upset_topics_28",
             "queue_overloaded", "covered_hours", "same_topic_28", "help_views_28", "conversations_28"}  # fmt: skip
    rules = read_rules(settings.model_copy(update={"without": ("revenue_at_risk",)}), set(FRAME.columns), known)
    proven = (Proven("inbox", "calls", "retention", 5.0, 2.0, 8.0, DAY),)
    return route_accounts(FRAME, rules, no_memory(), DAY, proven)


def test_who_just_missed_is_in_the_order_of_saving_per_hour():
    found = missed(routed())
    assert found["account_id"].tolist() == ["b", "c"]
    assert found["saving_per_hour"].is_monotonic_decreasing
    # the hour of the next person goes to b
    assert pools_table(routed())["another_person"].tolist() == pytest.approx([found["expected_saving"].iloc[0], 0.0])


def test_flags_count_what_is_raised_leads_and_is_contacted():
    table = flags_table(routed()).set_index("flag")
    assert table.loc["at_risk", ["raised", "leads", "contacts"]].tolist() == [3, 3, 1]
    assert table.loc["asked", ["raised", "leads", "contacts"]].tolist() == [1, 1, 1]
    assert table.loc["at_risk", "low"] < table.loc["at_risk", "expected_saving"] < table.loc["at_risk", "high"]


def test_the_text_says_measured_left_out_and_later_dates_within_100_columns():
    found = routed()
    fair = fairness(found, FRAME[["plan"]], FRAME["expected_loss"], 50)
    text = route_text("demo", found, decisions(found, FRAME), fair, [date(2024, 5, 1), date(2024, 6, 1)])
    row = flags_table(found).set_index("flag").loc["at_risk"]
    assert f"measured ({row['low']:,.1f} to {row['high']:,.1f})" in text
    assert "too few" in text
    assert "not in use: upset: these data have no bad_ratings_84" in text
    assert "2 later dates were routed already, from what stood before: 2024-05-01 to 2024-06-01" in text
    assert max(map(len, text.splitlines())) <= 100
    assert "an_account_whose_name_i…" in text


def test_what_if_adds_up():
    now, then = routed(1.0), routed(2.0)
    text = what_if_text(now, then, ["capacity.success=2"])
    saved = [float(one.value[one.contacted].sum()) for one in (now, then)]
    assert f"{saved[0]:,.1f}  {saved[1]:,.1f}" in text
    assert f"{saved[1] - saved[0]:+,.1f}" in text.splitlines()[-3]
    assert "1 accounts more would be contacted now, 0 no longer" in text
