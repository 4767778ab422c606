"""What is known of accounts at a date, from tables of a few rows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from milepost.milestones.daily import NEVER
from milepost.milestones.lives import RESOLVED, Lives, read_lives
from milepost.settings import Settings
from milepost.signals.catalogue import Feature

BEGIN, UNTIL, AS_OF = datetime(2024, 1, 1), datetime(2024, 12, 1), date(2024, 6, 1)
FEATURES = (
    Feature("import", ("imported",), "data", setup_step=2),
    Feature("connect", ("connected", "connected_again"), "data", setup_step=1, area="inbox"),
    Feature(
        "reports", ("report_seen",), "reporting", area="reports", area_metric=("report_sent",), area_metric_per="seat"
    ),
)
SPANS = ["account_id", "started_at", "ended_at", "item", "plan", "seats"]


def settings(**milestones: Any) -> Settings:
    return Settings.model_validate({
        "tables": {"accounts": {"path": "a.csv"}, "events": {"path": "e.csv"}},
        "data": {"value_events": ["answer"]}, "milestones": milestones,
    })  # fmt: skip


def day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def _times(texts: pd.Series) -> pd.Series:
    return pd.to_datetime(texts, format="ISO8601")


def events(*rows: tuple[str, str, str] | tuple[str, str, str, str]) -> pd.DataFrame:
    full = [(account, moment, name, *(rest or [None])) for account, moment, name, *rest in rows]
    frame = pd.DataFrame(full, columns=["account_id", "occurred_at", "event_name", "loaded_at"])
    return frame.assign(occurred_at=_times(frame["occurred_at"]), loaded_at=_times(frame["loaded_at"]), quantity=1.0)


@pytest.fixture
def lives(make_tables: Any) -> Lives:
    accounts = pd.DataFrame({
        "account_id": ["a", "b", "late"],
        "created_at": pd.to_datetime(["2023-12-05 00:00", "2024-02-10 15:00", "2024-06-01 00:00"]),
    })  # fmt: skip
    used = events(
        ("a", "2024-01-10 23:00", "answer"), ("a", "2024-01-10 08:00", "answer"),
        ("a", "2024-01-11 08:00", "answer", "2024-01-14"),  # known three days later
        ("b", "2024-05-31 23:59", "answer"), ("b", "2024-06-01", "answer"),  # the second is not known yet
        ("b", "2024-02-11", "connected_again"), ("b", "2024-02-12", "connected"), ("b", "2024-06-02", "imported"),
        ("b", "2024-03-01", "report_sent"), ("late", "2024-05-01", "answer"),
    )  # fmt: skip
    spans = pd.DataFrame([
        ("a", "2023-12-05", "2024-02-05", "base", "basic", 4),
        ("a", "2024-02-05", "2024-03-01", "base", "top", 9),
        ("a", "2024-02-20", "2024-04-01", "extra", "", 99),
        ("b", "2024-02-24", "2024-07-01", "base", None, 2),
    ], columns=SPANS)  # fmt: skip
    return read_lives(make_tables(used, accounts, BEGIN, UNTIL, subscriptions=spans), FEATURES, settings(), AS_OF)


def test_accounts_created_before_the_date(lives: Lives) -> None:
    assert lives.account_id.tolist() == ["a", "b"]
    assert lives.created.tolist() == [day("2023-12-05"), day("2024-02-10")]
    assert lives.before_data.tolist() == [True, False]
    assert lives.codes(["b", "nobody", "a"]).tolist() == [1, -1, 0]


def test_the_end_is_that_of_all_items_and_known_before_the_date(lives: Lives) -> None:
    assert lives.end.tolist() == [day("2024-04-01"), NEVER]


def test_plan_and_seats_are_those_it_began_with(lives: Lives) -> None:
    assert lives.plan.tolist() == ["basic", ""]
    assert lives.seats.tolist() == [4, 2]
    assert lives.size_band.tolist() == ["1-5 seats", "1-5 seats"]


def test_seats_are_known_from_the_next_midnight(lives: Lives) -> None:
    asked = [day("2023-12-05"), day("2023-12-06"), day("2024-02-05"), day("2024-02-06")]
    found = lives.history.on(np.zeros(4, int), np.array(asked))
    assert found[1:].tolist() == [4, 4, 9]
    assert np.isnan(found[0])


def test_value_events_by_day_and_as_they_were_known(lives: Lives) -> None:
    assert lives.value is not None
    a, b = np.array([0]), np.array([1])
    assert lives.value.between(a, day("2024-01-10"), day("2024-01-11")) == 2
    assert lives.value.between(a, day("2024-01-10"), day("2024-01-14")) == 2
    assert lives.value.between(a, day("2024-01-10"), day("2024-01-15")) == 3
    assert lives.value.between(b, 0, day("2025-01-01")) == 1
    assert (lives.value_name, lives.metric_name) == ("answer", "answer")


def test_setup_steps_stand_in_their_order_on_the_day_they_were_first_done(lives: Lives) -> None:
    assert list(lives.steps) == ["connect", "import"]
    assert lives.steps["connect"].tolist() == [NEVER, day("2024-02-11")]
    assert lives.steps["import"].tolist() == [NEVER, NEVER]


def test_an_area_has_a_metric_of_its_own(lives: Lives) -> None:
    assert list(lives.areas) == ["reports"]
    assert lives.areas["reports"].between(np.array([1]), 0, day("2024-04-01")) == 1


def test_resolved_conversations_are_the_value_metric_where_they_are(make_tables: Any) -> None:
    accounts = pd.DataFrame({"account_id": ["a"], "created_at": pd.to_datetime(["2024-01-02"])})
    talks = pd.DataFrame({
        "conversation_id": ["1", "2", "3"], "account_id": ["a"] * 3,
        "opened_at": pd.to_datetime(["2024-02-01"] * 3),
        "resolved_at": pd.to_datetime(["2024-02-02", None, "2024-06-03"]),
    })  # fmt: skip
    used = events(("a", "2024-01-10", "answer"))
    tables = make_tables(used, accounts, BEGIN, UNTIL, conversations=talks)
    found = read_lives(tables, (), settings(), AS_OF)
    assert found.metric_name == RESOLVED
    assert found.metric is not None
    assert found.metric.between(np.array([0]), 0, day("2024-12-01")) == 1  # one is open, one resolved later
    assert found.value_name == "answer"
    opened = read_lives(tables, (), settings(value_metric={"table": "conversations", "column": "opened_at"}), AS_OF)
    assert opened.metric is not None
    assert opened.metric.between(np.array([0]), 0, day("2024-12-01")) == 3
    assert opened.metric_name == "conversations.opened_at"


def test_without_subscriptions_nothing_ends_and_seats_are_unknown(make_tables: Any) -> None:
    accounts = pd.DataFrame({"account_id": ["a"], "created_at": pd.to_datetime(["2024-01-02"])})
    found = read_lives(make_tables(events(("a", "2024-01-10", "x")), accounts, BEGIN, UNTIL), (), settings(), AS_OF)
    assert found.end.tolist() == [NEVER]
    assert np.isnan(found.history.on(np.array([0]), day("2024-05-01"))).all()
    assert found.size_band.tolist() == ["unknown"]
    assert found.value is not None  # named in the settings, never used
    assert found.value.between(np.array([0]), 0, day("2025-01-01")) == 0


def test_nothing_named_is_nothing_known(make_tables: Any) -> None:
    accounts = pd.DataFrame({"account_id": ["a"], "created_at": pd.to_datetime(["2024-01-02"])})
    plain = Settings.model_validate({"tables": {"accounts": {"path": "a.csv"}, "events": {"path": "e.csv"}}})
    found = read_lives(make_tables(events(("a", "2024-01-10", "x")), accounts, BEGIN, UNTIL), (), plain, AS_OF)
    assert found.value is None
    assert found.metric is None
