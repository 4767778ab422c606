"""Accounts worked out by hand, 2024-01-01 to 2024-04-01 with 14 days of grace."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest

COLUMNS = ["account_id", "started_at", "ended_at", "mrr", "item", "plan", "seats", "term_ends_at", "term_months"]
# account, started, ended, MRR; the item is base and there is no term unless more is given
BY_HAND = [
    ("upgrade", "2023-06-01", "2024-02-15", 10.0), ("upgrade", "2024-02-15", None, 25.5),
    ("downgrade", "2023-06-01", "2024-03-10", 30.0), ("downgrade", "2024-03-10", None, 12.25),
    ("annual", "2023-03-01", "2024-03-01", 40.0, "base", "2024-03-01", 12), ("annual", "2024-03-01", None, 40.0),
    ("gone", "2023-06-01", "2024-02-10", 50.0, "base", "2024-02-10", 1),
    ("pausing", "2023-06-01", "2024-03-20", 60.0, "base", "2024-03-20", 1),
    ("short_hole", "2023-06-01", "2024-02-01", 5.0, "base", "2024-02-01", 1), ("short_hole", "2024-02-10", None, 5.0),
    ("won_back", "2023-01-01", "2023-06-01", 1.0), ("won_back", "2024-02-01", None, 70.0),
    ("back_in_grace", "2023-06-01", "2023-12-28", 80.0), ("back_in_grace", "2024-01-05", None, 80.0),
    ("fresh", "2024-03-31", None, 90.0),
    ("came_and_left", "2024-01-10", "2024-02-10", 8.0),
    ("ends_at_midnight", "2023-06-01", "2024-04-01", 7.0),
    ("grace_just_over", "2023-06-01", "2024-03-18", 3.0),
    ("add_on", "2023-06-01", None, 11.0), ("add_on", "2023-06-01", "2024-02-01", 4.1, "calls"),
    ("later", "2024-04-01", None, 99.0),
]  # fmt: skip


def table(rows: list[tuple[object, ...]]) -> ibis.Table:
    """An Ibis table of (account, started, ended, MRR, item?, term end?, months?)."""
    names = ["account_id", "started_at", "ended_at", "mrr", "item", "term_ends_at", "term_months"]
    frame = pd.DataFrame([(*row, *[None] * (7 - len(row))) for row in rows], columns=names)
    frame = frame.assign(item=frame["item"].fillna("base"), plan=frame["account_id"].str[:1], seats=2.0)[COLUMNS]
    times = dict.fromkeys(("started_at", "ended_at", "term_ends_at"), "datetime64[us]")
    return ibis.memtable(frame.astype({**times, "mrr": float, "term_months": float}))


@pytest.fixture(scope="session")
def by_hand() -> ibis.Table:
    return table(BY_HAND)


@pytest.fixture(scope="session")
def subscriptions():
    """Make such a table from rows of your own."""
    return table
