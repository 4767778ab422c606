from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from milepost.data.mapping import literal, quoted
from milepost.data.sources import open_tables
from milepost.errors import ContractError
from milepost.settings import Settings

Product = Callable[..., Settings]


def one_time(product: Product, text: str, **table: Any) -> pd.Timestamp:
    events = f'account_id,occurred_at,event_name\na1,"{text}",x\n'
    moment: pd.Timestamp = open_tables(product({"events.csv": events}, events=table)).events.occurred_at.execute()[0]
    return moment


@pytest.mark.parametrize(
    ("text", "table", "utc"),
    [
        ("2024-02-01", {}, "2024-02-01"),
        ("2024-02-01 10:00:00.000001", {}, "2024-02-01 10:00:00.000001"),
        ("2024-02-01T10:00:00Z", {}, "2024-02-01 10:00"),
        ("2024-02-01T10:00:00+02:00", {}, "2024-02-01 08:00"),
        ("2024-02-01 10:00", {"time_zone": "Europe/Berlin"}, "2024-02-01 09:00"),
        ("2024-07-01 10:00", {"time_zone": "Europe/Berlin"}, "2024-07-01 08:00"),
        ("2024-07-01T12:00:00+05:00", {"time_zone": "Europe/Berlin"}, "2024-07-01 07:00"),
        ("2024-07-01T12:00:00Z", {"time_zone": "Europe/Berlin"}, "2024-07-01 12:00"),
        ("2024-07-01", {"time_zone": "Europe/Berlin"}, "2024-06-30 22:00"),
        ("2024-07-01", {"time_zone": "Europe/Berlin", "daily": True}, "2024-07-01"),
        ("2024-07-01 13:30", {"daily": True}, "2024-07-01"),
        ("01/02/2024 10:30", {"time_format": "%d/%m/%Y %H:%M"}, "2024-02-01 10:30"),
        ("1706781600", {"time_unit": "s"}, "2024-02-01 10:00"),
        ("1706781600.25", {"time_unit": "s"}, "2024-02-01 10:00:00.25"),
        ("1706781600123", {"time_unit": "ms"}, "2024-02-01 10:00:00.123"),
        ("1706781600123456", {"time_unit": "us"}, "2024-02-01 10:00:00.123456"),
    ],
)
def test_times_become_utc(product: Product, text: str, table: dict[str, Any], utc: str) -> None:
    assert one_time(product, text, **table) == pd.Timestamp(utc)


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("2025-02-30", {}),
        ("01/02/2024", {}),
        ("soon", {}),
        ("infinity", {}),
        ("9999-12-31", {}),
        ("2024-03-31 02:30:00", {"time_zone": "Europe/Berlin"}),
        ("1706781600000", {"time_unit": "s"}),
        ("1706781600000000", {"time_unit": "s"}),
        ("1706781600", {"time_unit": "ms"}),
        ("1e300", {"time_unit": "s"}),
        ("nan", {"time_unit": "s"}),
    ],
)
def test_a_time_that_cannot_be_is_refused(product: Product, text: str, table: dict[str, str]) -> None:
    with pytest.raises(ContractError, match=r"unreadable occurred_at \(1\)"):
        one_time(product, text, **table)


def test_seconds_and_milliseconds_mixed_are_refused_with_both_counts(product: Product) -> None:
    numbers = ["1706781600"] * 4 + ["1706781600000"] * 6
    events = "account_id,occurred_at,event_name\n" + "".join(f"a1,{number},x\n" for number in numbers)
    with pytest.raises(ContractError, match="6 of 10 rows cannot be used"):
        open_tables(product({"events.csv": events}, events={"time_unit": "s"}))


@pytest.mark.parametrize(
    ("values", "table", "message"),
    [
        ([1706781600] * 2, {}, 'holds numbers; set time_unit = "s", "ms" or "us"'),
        ([1706781600000] * 2, {"time_unit": "s"}, "2 of 2 rows cannot be used"),
        ([1706781600000000] * 2, {"time_unit": "s"}, "2 of 2 rows cannot be used"),
        ([True, False], {}, "is BOOLEAN; expected times"),
        ([[1], [2]], {}, r"is BIGINT\[\]; expected times"),
    ],
)
def test_parquet_columns_that_hold_no_times(
    product: Product, tmp_path: Any, values: list[Any], table: dict[str, str], message: str
) -> None:
    frame = pd.DataFrame({"account_id": ["a1", "a2"], "occurred_at": values, "event_name": "x"})
    frame.to_parquet(tmp_path / "e.parquet")
    with pytest.raises(ContractError, match=message):
        open_tables(product(events={"path": "e.parquet", **table}))


def test_an_unknown_time_zone_names_the_nearest(product: Product) -> None:
    with pytest.raises(ContractError, match="'Europe/Berlim' does not exist; did you mean 'Europe/Berlin'"):
        open_tables(product(events={"time_zone": "Europe/Berlim"}))


def test_missing_numbers_are_null_and_quantity_is_one(product: Product) -> None:
    events = "account_id,occurred_at,event_name,quantity,value\n" + "".join(
        f"a1,2024-02-0{day},x,{quantity},{value}\n"
        for day, quantity, value in [(1, "nan", "NaN"), (2, "", ""), (3, "3", "-2.5")]
    )
    frame = open_tables(product({"events.csv": events})).events.order_by("occurred_at").execute()
    assert frame["quantity"].tolist() == [1.0, 1.0, 3.0]
    assert frame["value"].isna().tolist() == [True, True, False]
    assert frame["value"].iloc[2] == -2.5


@pytest.mark.parametrize(("text", "reason"), [("inf", "quantity is infinite"), ("many", "quantity is not a number"),
                                              ("1e15", "quantity is too large")])  # fmt: skip
def test_numbers_that_cannot_be_are_refused(product: Product, text: str, reason: str) -> None:
    with pytest.raises(ContractError, match=reason):
        open_tables(product({"events.csv": f"account_id,occurred_at,event_name,quantity\na1,2024-02-01,x,{text}\n"}))


def test_missing_mrr_does_not_stop_the_sum(product: Product) -> None:
    from datetime import date

    from milepost.data.subscriptions import as_of

    rows = "account_id,started_at,item,mrr\na1,2024-01-01,base,nan\na1,2024-01-01,addon,5.5\n"
    tables = open_tables(product({"subscriptions.csv": rows}))
    assert tables.subscriptions is not None
    assert as_of(tables.subscriptions, [date(2024, 2, 1)])["mrr"].tolist() == [5.5]


@pytest.mark.parametrize("dtype", ["int64", "float64", "float32", "object"])
def test_numbers_of_every_parquet_type_are_the_same_numbers(product: Product, tmp_path: Any, dtype: str) -> None:
    values = ["1", "2.0"] if dtype == "object" else [1, 2]
    frame = pd.DataFrame({"account_id": "a1", "occurred_at": pd.Timestamp("2024-02-01 10:00"), "event_name": ["x", "y"],
                          "quantity": pd.Series(values, dtype=dtype)})  # fmt: skip
    frame.to_parquet(tmp_path / "e.parquet")
    answer = open_tables(product(events={"path": "e.parquet"})).events.order_by("event_name").execute()
    assert answer["quantity"].tolist() == [1.0, 2.0]


def test_infinite_and_missing_numbers_of_a_parquet_file(product: Product, tmp_path: Any) -> None:
    frame = pd.DataFrame({"account_id": "a1", "occurred_at": pd.Timestamp("2024-02-01 10:00"), "event_name": "x",
                          "quantity": [float("inf"), float("-inf"), float("nan"), 1e15, 5.0]})  # fmt: skip
    frame.to_parquet(tmp_path / "e.parquet")
    tables = open_tables(product(events={"path": "e.parquet"}, data={"max_quarantined_share": 1.0}))
    assert sorted(tables.events.quantity.execute()) == [1.0, 5.0]
    assert {(f.check, f.count) for f in tables.findings} == {("quantity is infinite", 2), ("quantity is too large", 1)}


def test_one_source_column_serves_two_of_ours_and_constants_fill(product: Product) -> None:
    rows = "account_id,begin,until\na1,2024-01-01,2024-02-01\n"
    settings = product({"subscriptions.csv": rows}, subscriptions={
        "columns": {"started_at": "begin", "ended_at": "until", "term_ends_at": "until"},
        "constants": {"plan": "pro", "seats": "5"}})  # fmt: skip
    table = open_tables(settings).subscriptions
    assert table is not None
    row = table.execute().iloc[0]
    assert row["ended_at"] == row["term_ends_at"] == pd.Timestamp("2024-02-01")
    assert (row["plan"], row["seats"], row["item"]) == ("pro", 5.0, "base")


def test_attributes_of_accounts_are_kept_as_text(product: Product) -> None:
    accounts = "account_id,created_at,channel,founded\na1,2024-01-01,web,1999\na2,2024-01-01,,2001\n"
    settings = product({"accounts.csv": accounts}, {"segment": "founded"}, accounts={"immutable": ["channel"]})
    frame = open_tables(settings).accounts.order_by("account_id").execute()
    assert frame["founded"].tolist() == ["1999", "2001"]
    assert frame["channel"].tolist()[0] == "web"
    assert frame["channel"].isna().tolist() == [False, True]


def test_quoting_doubles_the_quote() -> None:
    assert quoted('a"b') == '"a""b"'
    assert literal("a'b") == "'a''b'"
