"""Signals of the account in words, on a product with users, conversations and help content."""

import json
import re

import pandas as pd
import pytest

from milepost.pipeline.explain_signal import explain_signal

TALKS = """\
conversation_id,account_id,opened_at,first_reply_at,resolved_at,rating,rated_at,reopened
c1,a03,2024-06-10 09:00,2024-06-10 10:00,2024-06-10 12:00,4,2024-06-11,1
c2,a03,2024-06-12 09:00,2024-06-12 10:00,2024-06-12 11:00,,,0
c3,a03,2024-06-29 09:00,2024-06-29 10:00,2024-07-02,5,2024-07-02,3
"""


@pytest.fixture
def talking(product):
    (product / "conversations.csv").write_text(TALKS, encoding="utf-8")
    events = pd.read_csv(product / "events.csv")
    events["user_id"] = events["account_id"] + "-u" + (events.index % 2).astype(str)
    more = pd.DataFrame([("a03", f"2024-06-{day:02} 08:00", "help", "a03-u9") for day in (10, 20, 21)],
                        columns=["account_id", "occurred_at", "event_name", "user_id"])  # fmt: skip
    pd.concat([events, more]).to_csv(product / "events.csv", index=False)
    path = product / "milepost.toml"
    text = path.read_text(encoding="utf-8")
    more = '[tables.conversations]\npath = "conversations.csv"\n[help]\nread_events = ["help"]\n'
    path.write_text(text + more, encoding="utf-8")
    return product


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("conversations_opened", 0.1, "3 opened, 30 days observed: 3 / 30 = 0.1"),
        # c3 is resolved after the date
        ("conversations_resolved", 2 / 30, "2 resolved, 30 days observed: 2 / 30 = 0.06667"),
        ("conversations_resolved_per_seat", 0.4,
         "2 resolved in 30 days observed, 2 per 30 days, 5 seats: 2 / 5 = 0.4"),
        ("rated_share", 0.5, "1 rated, 2 resolved: 1 / 2 = 0.5"),
        ("reopened_share", 0.5, "1 opened again of 2 resolved: 1 / 2 = 0.5"),
        # help was read on the 10th, after which c1 was opened, on the 20th and on the 21st
        ("self_served_share", 0.4, "2 days of help without a conversation, 3 conversations opened: 2 / 5 = 0.4"),
        ("rating", 4, "mean of 1 rating"),
        ("first_reply_minutes", 60, "median over these conversations"),
        ("breadth", 1, "1 of 2 features"),
        ("exposure_days", 30, "the least of 30, 181 since it was created, and the days since the data begin"),
        ("seats", 5, ""),
    ],
)  # fmt: skip
def test_by_hand(make_job, talking, name, value, said):
    found = explain_signal(make_job(), f"account.{name}", "a03").as_json()
    assert found["value"] == pytest.approx(value)
    assert found["arithmetic"] == said


@pytest.mark.parametrize(
    "name", ["active_users", "active_days", "seats_active", "events_per_day", "days_since_last_use"]
)
def test_words_of_use_give_the_value(make_job, talking, name):
    found = explain_signal(make_job(), f"account.{name}", "a03").as_json()
    number = re.search(r"(?:= |^)([\d.]+)( users)?$", found["arithmetic"])
    if name == "days_since_last_use":
        assert found["arithmetic"] == "last event 2024-06-29 12:00"
        assert found["value"] == 0.5
    else:
        assert float(number[1]) == pytest.approx(found["value"], rel=1e-3)


def test_what_comes_after_the_date_is_not_shown(make_job, talking):
    rows = explain_signal(make_job(), "account.conversations_opened", "a03").as_json()["source"]["examples"]
    assert rows[0] == {"opened_at": "2024-06-29 09:00:00", "first_reply_at": "2024-06-29 10:00:00"}
    assert "07-02" not in json.dumps(rows)


@pytest.mark.parametrize(
    ("spans", "value", "said"),
    [
        ("a03,2024-01-01,2024-06-10,4,50\na03,2024-06-10,,5,50", 0.25,
         "seats 4 at the start of the window, 5 now: (5 - 4) / 4 = 0.25"),
        ("a03,2024-01-01,2024-06-10,0,50\na03,2024-06-10,,5,50", None,
         "seats 0 at the start of the window, 5 now: unknown, there is nothing to compare with"),
        ("a03,2024-01-01,,,50", None,
         "seats unknown at the start of the window, unknown now: unknown, there is nothing to compare with"),
    ],
)  # fmt: skip
def test_growth_by_hand(make_job, talking, spans, value, said):
    replace_subscription(talking, spans)
    found = explain_signal(make_job(), "account.seats_growth", "a03").as_json()
    assert (found["value"], found["arithmetic"]) == (value, said)


def test_unknown_seats_are_said(make_job, talking):
    replace_subscription(talking, "a03,2024-01-01,,,50")
    found = explain_signal(make_job(), "account.seats_active", "a03").as_json()
    assert found["value"] is None
    assert found["arithmetic"].endswith("unknown seats: unknown, there is nothing to divide by")


def replace_subscription(folder, spans):
    path = folder / "subscriptions.csv"
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("a03")]
    path.write_text("\n".join([*kept, spans]) + "\n", encoding="utf-8")
