from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Any

import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.data.contract import CONTRACT
from milepost.data.subscriptions import as_of, churned_accounts, first_plans, spans

TYPES = {"text": "string", "time": "timestamp(6)", "number": "float64", "flag": "boolean"}
SCHEMA = ibis.schema({column.name: TYPES[column.kind] for column in CONTRACT["subscriptions"]})
DAY = datetime(2024, 3, 1)
MICRO = timedelta(microseconds=1)
CONNECTION = ibis.duckdb.connect()


def table(rows: list[dict[str, Any]]) -> ibis.Table:
    frame = pd.DataFrame([{"item": "base", **row} for row in rows]).reindex(columns=list(SCHEMA))
    typed = frame.astype(
        {"started_at": "datetime64[us]", "ended_at": "datetime64[us]", "term_ends_at": "datetime64[us]"}
    )
    return CONNECTION.create_table("subscriptions", typed, schema=SCHEMA, temp=True, overwrite=True)


@pytest.mark.parametrize(
    ("started", "ended", "runs"),
    [
        (DAY - MICRO, None, True),
        (DAY, None, False),
        (DAY + MICRO, None, False),
        (DAY - timedelta(9), DAY - MICRO, False),
        (DAY - timedelta(9), DAY, True),
        (DAY - timedelta(9), DAY + MICRO, True),
    ],
)
def test_edges_of_running(started: datetime, ended: datetime | None, runs: bool) -> None:
    found = as_of(table([{"account_id": "a", "started_at": started, "ended_at": ended}]), [DAY.date()])
    assert len(found) == int(runs)


def test_the_base_item_that_started_last_speaks_and_money_is_summed() -> None:
    rows = [
        {"account_id": "a", "started_at": datetime(2024, 1, 1), "ended_at": DAY, "plan": "old", "seats": 3, "mrr": 0.1},
        {"account_id": "a", "started_at": datetime(2024, 2, 1), "plan": "new", "seats": 9, "mrr": 0.2,
         "term_months": 12,
         "term_ends_at": datetime(2025, 2, 1)},
        {"account_id": "a", "started_at": datetime(2024, 2, 9), "item": "addon", "plan": "x", "seats": 1, "mrr": 0.3},
        {"account_id": "b", "started_at": datetime(2024, 2, 9), "item": "addon", "plan": "y", "seats": 2},
    ]  # fmt: skip
    found = as_of(table(rows), [date(2024, 3, 1), date(2024, 1, 2), date(2024, 3, 1)])
    assert found["account_id"].tolist() == ["a", "a", "b"]
    assert found["snapshot_date"].tolist() == [
        pd.Timestamp("2024-01-02"),
        pd.Timestamp("2024-03-01"),
        pd.Timestamp("2024-03-01"),
    ]
    march = found.iloc[1]
    assert (march["plan"], march["seats"], march["mrr"], march["items"], march["term_months"]) == ("new", 9, 0.6, 2, 12)
    assert march["term_ends_at"] == pd.Timestamp("2025-02-01")
    assert found.iloc[2]["plan"] == "y"
    assert math.isnan(found.iloc[2]["mrr"])


def test_first_plans_come_from_the_earliest_base_row() -> None:
    rows = [
        {"account_id": "b", "started_at": datetime(2024, 2, 1), "plan": "pro"},
        {"account_id": "b", "started_at": datetime(2024, 1, 1), "plan": "starter"},
        {"account_id": "b", "started_at": datetime(2023, 1, 1), "plan": "x", "item": "addon"},
        {"account_id": "a", "started_at": datetime(2024, 5, 1), "plan": "free"},
    ]
    found = first_plans(table(rows))
    assert found[["account_id", "first_plan"]].to_numpy().tolist() == [["a", "free"], ["b", "starter"]]


@pytest.mark.parametrize(("gap", "parts"), [(timedelta(14) - MICRO, 1), (timedelta(14), 1), (timedelta(14) + MICRO, 2)])
def test_edges_of_grace(gap: timedelta, parts: int) -> None:
    rows = [
        {"account_id": "a", "started_at": datetime(2024, 1, 1), "ended_at": DAY},
        {"account_id": "a", "started_at": DAY + gap, "ended_at": None},
    ]
    found = spans(table(rows), 14)
    assert len(found) == parts
    assert found["span_start"].iloc[0] == pd.Timestamp("2024-01-01")
    assert found["span_end"].isna().iloc[-1]
    if parts == 2:
        assert found["span_end"].iloc[0] == pd.Timestamp(DAY)


def test_a_long_row_covers_a_short_one_and_accounts_stay_apart() -> None:
    rows = [
        {"account_id": "b", "started_at": datetime(2024, 2, 10), "ended_at": datetime(2024, 2, 12)},
        {"account_id": "a", "started_at": datetime(2024, 1, 1), "ended_at": datetime(2024, 6, 1)},
        {"account_id": "a", "started_at": datetime(2024, 2, 1), "ended_at": datetime(2024, 2, 2), "item": "addon"},
    ]
    found = spans(table(rows), 0)
    assert found["account_id"].tolist() == ["a", "b"]
    assert found["span_end"].tolist() == [pd.Timestamp("2024-06-01"), pd.Timestamp("2024-02-12")]


HOUR = timedelta(hours=12)
ROW = st.tuples(
    st.sampled_from("ab"), st.sampled_from(["base", "x"]), st.integers(0, 20), st.none() | st.integers(0, 12)
)


def history(drawn: list[tuple[str, str, int, int | None]]) -> list[dict[str, Any]]:
    """Rows without two that start together or overlap in one (account, item), as the checks leave them."""
    rows: list[dict[str, Any]] = []
    for number, (account, item, start, length) in enumerate(drawn):
        begin = datetime(2024, 1, 1) + HOUR * start
        end = None if length is None else begin + HOUR * length
        others = [row for row in rows if (row["account_id"], row["item"]) == (account, item)]
        far = datetime(2099, 1, 1)
        if all((end or far) <= row["started_at"] or (row["ended_at"] or far) <= begin for row in others) and all(
            begin != row["started_at"] for row in others
        ):
            rows.append({"account_id": account, "item": item, "started_at": begin, "ended_at": end,
                         "plan": f"p{number}",
                         "seats": number, "mrr": number / 10})  # fmt: skip
    return rows


def oracle_as_of(rows: list[dict[str, Any]], day: datetime) -> list[list[Any]]:
    answer = []
    for account in "ab":
        running = [row for row in rows if row["account_id"] == account and row["started_at"] < day
                   and (row["ended_at"] is None or row["ended_at"] >= day)]  # fmt: skip
        if running:
            base = [row for row in running if row["item"] == "base"] or running
            first = max(base, key=lambda row: row["started_at"])
            items = {row["item"] for row in running}
            answer.append(
                [account, first["plan"], first["seats"], round(sum(row["mrr"] for row in running), 6), len(items)]
            )
    return answer


def oracle_spans(rows: list[dict[str, Any]], grace: timedelta) -> list[list[Any]]:
    answer: list[list[Any]] = []
    far = datetime(2099, 1, 1)
    for row in sorted(rows, key=lambda row: (row["account_id"], row["started_at"])):
        end = row["ended_at"] or far
        if answer and answer[-1][0] == row["account_id"] and row["started_at"] <= answer[-1][2] + grace:
            answer[-1][2] = max(answer[-1][2], end)
        else:
            answer.append([row["account_id"], row["started_at"], end])
    return answer


@settings(max_examples=50, deadline=None)
@given(drawn=st.lists(ROW, min_size=1, max_size=8), day=st.integers(0, 14))
def test_as_of_agrees_with_plain_python(drawn: list[tuple[str, str, int, int | None]], day: int) -> None:
    rows = history(drawn)
    moment = datetime(2024, 1, 1) + timedelta(days=day)
    found = as_of(table(rows), [moment.date()])[["account_id", "plan", "seats", "mrr", "items"]]
    assert [[*row[:3], round(row[3], 6), row[4]] for row in found.to_numpy().tolist()] == oracle_as_of(rows, moment)


@settings(max_examples=50, deadline=None)
@given(drawn=st.lists(ROW, min_size=1, max_size=8), grace=st.integers(0, 3))
def test_spans_agree_with_plain_python(drawn: list[tuple[str, str, int, int | None]], grace: int) -> None:
    rows = history(drawn)
    found = spans(table(rows), grace).fillna({"span_end": pd.Timestamp("2099-01-01")})
    assert found.to_numpy().tolist() == [
        [account, pd.Timestamp(start), pd.Timestamp(end)]
        for account, start, end in oracle_spans(rows, timedelta(grace))
    ]


@pytest.mark.parametrize(
    ("ended", "counts"),
    [
        (datetime(2024, 1, 31), False),  # before the first outcome window
        (datetime(2024, 2, 1), True),
        (datetime(2024, 3, 18), True),
        (datetime(2024, 3, 19), False),  # less than the 14 days of grace before April 1st: it may come back
        (None, False),
    ],
)
def test_churned_accounts_are_those_whose_end_is_known(ended: datetime | None, counts: bool) -> None:
    rows = [{"account_id": "a", "started_at": datetime(2024, 1, 1), "ended_at": ended}]
    assert churned_accounts(table(rows), 14, datetime(2024, 2, 1), datetime(2024, 4, 1)) == int(counts)


def test_an_account_that_leaves_twice_counts_once_and_one_that_comes_back_in_time_does_not() -> None:
    spells = [("a", 1, 2), ("a", 20, 21), ("b", 1, 5), ("b", 9, 30)]
    rows = [
        {"account_id": name, "started_at": datetime(2024, 1, first), "ended_at": datetime(2024, 1, last)}
        for name, first, last in spells
    ]
    assert churned_accounts(table(rows), 7, datetime(2024, 1, 1), datetime(2024, 1, 29)) == 1
