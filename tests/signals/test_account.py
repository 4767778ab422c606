"""Signals of the account itself, worked out by hand: observed 2024-03-02 to 2024-04-01, outcome from 04-08 to 05-08."""

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from milepost.settings import parse
from milepost.signals.build import build_observations
from milepost.signals.catalogue import Feature

BEGIN, UNTIL = datetime(2024, 1, 1), datetime(2024, 12, 1)
FEATURES = (Feature("one", ("e1", "shared"), "x"), Feature("two", ("e2", "shared"), "x"))
WINDOWS = {"observation_days": 30, "gap_days": 7, "outcome_days": 30, "grace_days": 7}
COLUMNS = ["account_id", "started_at", "ended_at", "item", "seats", "mrr", "term_ends_at", "term_months"]


def observe(make_tables, tmp_path, spans, events, accounts=("a",), **more):
    frame = pd.DataFrame(events, columns=["account_id", "occurred_at", "event_name", "user_id", "quantity"])
    people = pd.DataFrame({"account_id": list(accounts), "created_at": pd.to_datetime(["2024-01-11"] * len(accounts))})
    for name in more.get("immutable", ()):
        people[name] = more["values"]
    subscriptions = pd.DataFrame(spans, columns=COLUMNS)
    tables = make_tables(frame, people, BEGIN, UNTIL, subscriptions=subscriptions)
    places = {"accounts": {"path": "a", "immutable": more.get("immutable", ())}, "events": {"path": "e"},
              "subscriptions": {"path": "s"}}  # fmt: skip
    return build_observations(
        tables, FEATURES, parse({"windows": WINDOWS, "tables": places}, tmp_path), [date(2024, 4, 1)]
    )


def of(observations, name):
    return observations.matrix.column(f"account.{name}")[0]


SPANS = [("a", "2024-01-11", "2024-03-10", "base", 4, 40, None, 12), ("a", "2024-03-10", None, "base", 6, 90, None, 12)]
EVENTS = [
    ("a", datetime(2024, 3, 5, 9), "e1", "u1", 2.0),
    ("a", datetime(2024, 3, 5, 10), "login", "u2", 1.0),
    ("a", datetime(2024, 3, 30, 12), "e2", "u1", 1.0),
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tenure_days", 81), ("exposure_days", 30), ("days_since_last_use", 1.5), ("active_days", 2 / 30),
        ("events_per_day", 3 / 30), ("breadth", 2), ("active_users", 2), ("seats", 6), ("mrr", 90),
        ("seats_growth", 0.5), ("mrr_growth", 50 / 40), ("items", 1), ("term_months", 12), ("seats_active", 2 / 6),
    ],
)  # fmt: skip
def test_by_hand(make_tables, tmp_path, name, expected):
    assert of(observe(make_tables, tmp_path, SPANS, EVENTS), name) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ends", "days", "inside"),
    [(None, np.nan, np.nan), ("2024-04-07", 6, 0), ("2024-04-08", 7, 1), ("2024-05-07 12:00", 36.5, 1),
     ("2024-05-08", 37, 0), ("2024-03-30", -2, 0)],
)  # fmt: skip
def test_a_scheduled_end_is_known_in_advance(make_tables, tmp_path, ends, days, inside):
    made = observe(make_tables, tmp_path, [("a", "2024-01-11", None, "base", 4, 40, ends, 12)], EVENTS)
    np.testing.assert_equal(of(made, "days_to_term_end"), np.float32(days))
    np.testing.assert_equal(of(made, "term_end_in_outcome_window"), np.float32(inside))


def test_growth_from_nothing_is_unknown(make_tables, tmp_path):
    spans = [
        ("a", "2024-01-11", "2024-03-10", "base", 0, 0, None, 1),
        ("a", "2024-03-10", None, "base", 6, 90, None, 1),
    ]
    made = observe(make_tables, tmp_path, spans, EVENTS)
    assert np.isnan(of(made, "seats_growth"))
    assert np.isnan(of(made, "mrr_growth"))


def test_no_seats_and_no_use_give_no_infinity(make_tables, tmp_path):
    made = observe(make_tables, tmp_path, [("a", "2024-01-11", None, "base", 0, 0, None, None)],
                   [("a", datetime(2024, 1, 20), "e1", "u1", 1.0)])  # fmt: skip
    assert not np.isinf(made.matrix.values).any()
    assert (of(made, "days_since_last_use"), of(made, "active_days"), of(made, "breadth")) == (30, 0, 0)
    assert np.isnan(of(made, "seats_active"))
    assert made.context["size_band"].tolist() == ["0 seats"]


def test_days_with_counts_of_zero_are_not_active(make_tables, tmp_path):
    zeros = [("a", datetime(2024, 3, day), "e1", None, 0.0) for day in range(2, 31)]
    made = observe(make_tables, tmp_path, SPANS, [*zeros, ("a", datetime(2024, 3, 5), "e1", None, 4.0)])
    assert of(made, "active_days") == pytest.approx(1 / 30)
    assert of(made, "days_since_last_use") == 27
    assert made.matrix.column("one.active_days")[0] == pytest.approx(1 / 30)
    assert made.matrix.column("two.ever")[0] == 0


def test_attributes_that_never_change_become_signals(make_tables, tmp_path):
    spans = [(name, "2024-01-11", None, "base", 4, 40, None, 12) for name in "abc"]
    made = observe(make_tables, tmp_path, spans, EVENTS, "abc", immutable=("industry",), values=["shop", None, "=1+1"])
    assert made.matrix.column("account.industry=shop").tolist() == [1, 0, 0]
    assert made.matrix.column("account.industry==1+1").tolist() == [0, 0, 1]
    assert not any(signal.name == "account.industry=" for signal in made.matrix.signals)


def test_conversations_and_surveys_outside_every_window(make_tables, tmp_path):
    frame = pd.DataFrame(EVENTS, columns=["account_id", "occurred_at", "event_name", "user_id", "quantity"])
    tables = make_tables(
        frame, pd.DataFrame({"account_id": ["a"], "created_at": [datetime(2024, 1, 11)]}), BEGIN, UNTIL,
        subscriptions=pd.DataFrame(SPANS, columns=COLUMNS),
        conversations=pd.DataFrame({"conversation_id": ["c"], "account_id": ["a"], "opened_at": [BEGIN]}),
        surveys=pd.DataFrame({"account_id": ["a"], "answered_at": [BEGIN], "kind": ["nps"], "score": [9.0]}),
    )  # fmt: skip
    places = {name: {"path": name} for name in ("accounts", "events", "subscriptions", "conversations", "surveys")}
    parsed = parse({"windows": WINDOWS, "tables": places}, tmp_path)
    made = build_observations(tables, FEATURES, parsed, [date(2024, 4, 1)])
    assert of(made, "conversations_opened") == 0
    assert np.isnan(of(made, "nps"))
    assert np.isnan(of(made, "rated_share"))


def test_opened_again_and_self_served_are_shares_of_what_there_was(make_tables, tmp_path):
    day = datetime(2024, 3, 10)
    talks = pd.DataFrame(
        [("c1", day, day, 1.0), ("c2", day, day, 0.0), ("c3", day, None, None)],
        columns=["conversation_id", "opened_at", "resolved_at", "reopened"],
    ).assign(account_id="a")
    reads = [("a", datetime(2024, 3, 20, 9), "read"), ("a", datetime(2024, 3, 9, 12), "read"), ("b", day, "other")]
    frame = pd.DataFrame(reads, columns=["account_id", "occurred_at", "event_name"])
    accounts = pd.DataFrame({"account_id": ["a", "b"], "created_at": [datetime(2024, 1, 11)] * 2})
    spans = pd.DataFrame([*SPANS, ("b", "2024-01-11", None, "base", 4, 40, None, 12)], columns=COLUMNS)
    tables = make_tables(frame, accounts, BEGIN, UNTIL, subscriptions=spans, conversations=talks)
    places = {name: {"path": name} for name in ("accounts", "events", "subscriptions", "conversations")}

    def built(asked):
        return build_observations(
            tables, (Feature("one", ("other",), "x"),), parse(asked, tmp_path), [date(2024, 4, 1)]
        )

    raw = {"windows": WINDOWS, "tables": places}
    made = built({**raw, "help": {"read_events": ["read"]}})
    # one of two resolved; help was read on two days, of which one was followed by the three conversations: 1 of 1 + 3
    assert of(made, "reopened_share") == 0.5
    assert of(made, "self_served_share") == 0.25
    # neither a resolved conversation nor help nor a conversation
    assert np.isnan(made.matrix.column("account.reopened_share")[1])
    assert np.isnan(made.matrix.column("account.self_served_share")[1])
    assert "account.self_served_share" not in {signal.name for signal in built(raw).matrix.signals}
