"""What came in by day, from tables on disk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from milepost.data.arrivals import find_arrivals, find_gaps
from milepost.data.sources import open_tables

EVENTS = """account_id,occurred_at,event_name,user_id,loaded_at
a1,2024-02-01 10:00:00,export,u1,2024-02-03 01:00:00
a1,2024-02-01 11:00:00,login,,2024-02-01 12:00:00
a1,2024-02-02 23:59:59,login,u2,2024-02-03 00:00:00
"""


def test_rows_fills_and_values_by_day(product: Callable[..., Any]) -> None:
    settings = product({"events.csv": EVENTS})
    tables = open_tables(settings)
    accounts, events = find_arrivals(tables, settings, datetime(2024, 2, 10))
    assert accounts.newest == datetime(2024, 1, 2)
    assert events.newest == datetime(2024, 2, 3, 1)  # by the time it was loaded
    assert events.daily[["rows", "user_id"]].to_numpy().tolist() == [[2, 1], [1, 1]]
    assert [day.day for day in events.daily["day"]] == [1, 2]
    assert "value" not in events.daily or not events.daily["value"].any()
    assert events.values["event_name"][["value", "rows"]].to_numpy().tolist() == [
        ["export", 1], ["login", 1], ["login", 1],
    ]  # fmt: skip


def test_nothing_at_or_after_the_moment_counts(product: Callable[..., Any]) -> None:
    settings = product({"events.csv": EVENTS})
    _, events = find_arrivals(open_tables(settings), settings, datetime(2024, 2, 2))
    assert events.newest == datetime(2024, 2, 1, 12)
    assert events.daily["rows"].tolist() == [2]
    assert events.values["event_name"]["rows"].sum() == 2


def test_gaps_between_tables(product: Callable[..., Any]) -> None:
    spans = "account_id,started_at,ended_at\na1,2024-01-01,\n"
    gaps = find_gaps(open_tables(product({"subscriptions.csv": spans, "events.csv": EVENTS})), {"macros"})
    assert [(gap.where, gap.missing, gap.total) for gap in gaps] == [("accounts", 1, 2), ("subscriptions", 0, 1)]
