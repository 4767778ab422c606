from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from milepost.data.contract import CONTRACT, Tables
from milepost.data.sources import open_tables
from milepost.errors import ContractError, EnvironmentFault, MilepostError
from milepost.settings import Settings

Product = Callable[..., Settings]
HEAD = "account_id,occurred_at,event_name,event_id\n"
MANY = HEAD + "".join(f"a1,2024-02-01 10:00:{number % 60:02d},export,{number}\n" for number in range(300))


def events_of(tables: Tables) -> pd.DataFrame:
    columns = ["account_id", "occurred_at", "event_name", "event_id"]
    frame: pd.DataFrame = tables.events[columns].execute()
    return frame.sort_values(columns).reset_index(drop=True)


@pytest.mark.parametrize(
    ("files", "events", "message"),
    [
        ({}, {"path": "nope.csv"}, "nope.csv: no such file"),
        ({"events.csv": HEAD}, {}, "tables.events: 0 rows"),
        ({"events.csv": ""}, {}, "the file is empty"),
        ({"e.parquet": b"PAR1 and then nothing"}, {"path": "e.parquet"}, "e.parquet: the Parquet file is damaged"),
        ({"e.parquet": MANY}, {"path": "e.parquet"}, "not a Parquet file"),
        ({"e.duckdb": MANY}, {"path": "e.duckdb", "table": "t"}, "not a DuckDB file"),
        ({"events.csv": MANY.encode("utf-16")}, {}, "the file is UTF-16; expected UTF-8"),
        ({"events.csv": MANY.encode("utf-16-le")}, {}, "the file is UTF-16 or no text"),
        ({"events.csv": MANY.replace(",", ";")}, {}, "separated by semicolons, not by ','"),
        ({"events.csv": MANY.replace(",", "\t")}, {}, "separated by tabs"),
        ({"events.csv": MANY.replace("occurred_at", "occured_at")}, {}, "'occurred_at' is missing.*'occured_at'"),
        ({"events.csv": MANY.replace("event_id", "event_name")}, {}, "'event_name' stands twice"),
        ({"events.csv": MANY.replace("event_id", "EVENT_NAME")}, {}, "stands twice"),
        ({"events.csv": MANY}, {"columns": {"event_name": "evnt"}}, "column 'evnt' is not in the source"),
        ({"events.csv": MANY}, {"columns": {"evnt_name": "event_name"}}, "did you mean 'event_name'"),
        ({"events.csv": MANY}, {"delimiter": ",,"}, "expected one character"),
        ({"events.csv": MANY}, {"time_format": "%Q"}, "cannot be read"),
        ({"events.csv.gz": MANY}, {"path": "events.csv.gz"}, "not a gzip file"),
        ({"events.csv.gz": b"\x1f\x8bnothing packed"}, {"path": "events.csv.gz"}, "gzip file is damaged"),
        ({"events.csv.gz": gzip.compress(MANY.encode())[:-40]}, {"path": "events.csv.gz"}, "gzip file is damaged"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_one_line(
    product: Product, files: dict[str, str | bytes], events: dict[str, Any], message: str
) -> None:
    with pytest.raises(ContractError, match=message) as caught:
        open_tables(product(files, events=events))
    assert caught.value.exit_code == 2
    assert len(caught.value.line) < 300
    assert "\n" not in caught.value.line


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_no_permission_is_the_machines_fault(product: Product, tmp_path: Path) -> None:
    settings = product()
    (tmp_path / "events.csv").chmod(0)
    with pytest.raises(EnvironmentFault, match="no permission to read") as caught:
        open_tables(settings)
    assert caught.value.exit_code == 3


def test_a_gzip_bomb_stops_at_a_limit(product: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("milepost.data.files._BOMB_BYTES", 2**20)
    bomb = gzip.compress(HEAD.encode() + b"\n" * 2**22)
    with pytest.raises(EnvironmentFault, match="unpacks to more than") as caught:
        open_tables(product({"events.csv.gz": bomb}, events={"path": "events.csv.gz"}))
    assert caught.value.exit_code == 3


def test_a_database_that_is_away_does_not_show_the_password(product: Product) -> None:
    with pytest.raises(MilepostError, match="database cannot be reached") as caught:
        open_tables(product(events={"path": "", "url": "nosuch://me:geheim@host/db", "table": "t"}))
    assert caught.value.exit_code == 3
    assert "geheim" not in caught.value.line


@pytest.mark.parametrize(
    "form", ["bom", "crlf", "gzip", "gzip with another name", "tsv", "shuffled", "parquet", "folder", "duckdb"]
)
def test_every_form_of_the_same_rows_gives_the_same_table(product: Product, tmp_path: Path, form: str) -> None:
    expected = events_of(open_tables(product({"events.csv": MANY})))
    lines = MANY.removeprefix(HEAD).splitlines(keepends=True)
    frame = pd.read_csv(tmp_path / "events.csv", dtype="str", parse_dates=["occurred_at"])
    files: dict[str, str | bytes] = {}
    events: dict[str, Any] = {}
    if form == "bom":
        files = {"events.csv": b"\xef\xbb\xbf" + MANY.encode()}
    elif form == "crlf":
        files = {"events.csv": MANY.replace("\n", "\r\n")}
    elif form.startswith("gzip"):
        name = "events.csv.gz" if form == "gzip" else "events.csv"
        files, events = {name: gzip.compress(MANY.encode())}, {"path": name}
    elif form == "tsv":
        files, events = {"e.tsv": MANY.replace(",", "\t")}, {"path": "e.tsv", "delimiter": "\t"}
    elif form == "shuffled":
        files = {"events.csv": HEAD + "".join(lines[::-1])}
    elif form == "parquet":
        frame.to_parquet(tmp_path / "e.parquet")
        events = {"path": "e.parquet"}
    elif form == "folder":
        (tmp_path / "parts").mkdir()
        frame[200:].to_parquet(tmp_path / "parts" / "1.parquet", index=False)
        frame[:200].to_parquet(tmp_path / "parts" / "2.parquet", index=False)
        events = {"path": "parts"}
    else:
        with duckdb.connect(str(tmp_path / "e.duckdb")) as connection:
            connection.execute("CREATE TABLE usage AS SELECT * FROM frame")
        events = {"path": "e.duckdb", "table": "usage"}
    tables = open_tables(product(files or {"events.csv": MANY}, events=events))
    pd.testing.assert_frame_equal(events_of(tables), expected)
    assert len(expected) == 300


def test_parquet_parts_with_two_schemas_are_named(product: Product, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    pd.DataFrame({"account_id": ["a1"]}).to_parquet(tmp_path / "parts" / "first.parquet")
    pd.DataFrame({"account_id": [1]}).to_parquet(tmp_path / "parts" / "second.parquet")
    with pytest.raises(ContractError, match=r"first\.parquet and second\.parquet have different schemas"):
        open_tables(product(events={"path": "parts"}))


@pytest.mark.parametrize(("ids", "message"), [([1, 2], "account_id is an integer in accounts and text in events"),
                                              ([1.0, 2.0], "ids as floating-point numbers")])  # fmt: skip
def test_ids_of_another_type_are_refused(product: Product, tmp_path: Path, ids: list[Any], message: str) -> None:
    moment = pd.Timestamp("2024-01-01")
    pd.DataFrame({"account_id": ids, "created_at": moment}).to_parquet(tmp_path / "a.parquet")
    pd.DataFrame({"account_id": ["1", "2"], "occurred_at": moment, "event_name": "x"}).to_parquet(
        tmp_path / "e.parquet"
    )
    with pytest.raises(ContractError, match=message):
        open_tables(product(accounts={"path": "a.parquet"}, events={"path": "e.parquet"}))


def test_every_column_of_the_contract_is_there(product: Product) -> None:
    tables = open_tables(product())
    assert set(tables.events.columns) == {column.name for column in CONTRACT["events"]} | {"visible_at"}
    assert tables.events.quantity.execute().tolist() == [1.0, 1.0]
    assert (tables.has_users, tables.has_values) == (False, False)
    assert tables.subscriptions is None


def test_period_of_the_small_product(product: Product) -> None:
    tables = open_tables(product())
    assert tables.data_begin == datetime(2024, 2, 1)
    assert tables.complete_until == datetime(2024, 2, 2, 11, 30)


@pytest.mark.parametrize(
    ("data", "as_of", "until"),
    [
        ({}, datetime(2024, 2, 2), datetime(2024, 2, 1, 10)),
        ({"complete_until": "2024-03-01"}, None, datetime(2024, 3, 1)),
        ({"complete_until": "2024-03-01T12:00:00+02:00"}, None, datetime(2024, 3, 1, 10)),
        ({"complete_until": "2024-03-01"}, datetime(2024, 2, 20), datetime(2024, 2, 20)),
    ],
)
def test_complete_until(product: Product, data: dict[str, str], as_of: datetime | None, until: datetime) -> None:
    assert open_tables(product(data=data), as_of).complete_until == until


def test_rows_at_or_after_the_date_are_outside(product: Product) -> None:
    rows = ["2024-02-01 23:59:59.999999", "2024-02-02 00:00:00", "2024-02-02 00:00:00.000001"]
    events = "account_id,occurred_at,event_name,loaded_at\n" + "".join(f"a1,{moment},x,\n" for moment in rows)
    events += "a1,2024-02-01,late,2024-02-02\n"
    tables = open_tables(product({"events.csv": events}), datetime(2024, 2, 2))
    assert (tables.row_counts[1].used, tables.row_counts[1].outside) == (1, 3)
    assert tables.events.event_name.execute().tolist() == ["x"]


def test_daily_counts_cover_their_whole_day(product: Product) -> None:
    events = "account_id,day,event_name,n\na1,2024-02-01,x,3\na2,2024-02-05,y,2\n"
    settings = product({"events.csv": events},
                       events={"daily": True, "columns": {"occurred_at": "day", "quantity": "n"}})  # fmt: skip
    tables = open_tables(settings)
    assert tables.complete_until == datetime(2024, 2, 6)
    assert tables.events.quantity.sum().execute() == 5.0


def test_the_fingerprint_follows_content_and_settings(product: Product) -> None:
    first = open_tables(product()).fingerprint
    assert open_tables(product()).fingerprint == first
    assert open_tables(product({"events.csv": MANY})).fingerprint != first
    assert open_tables(product(events={"time_zone": "Europe/Berlin"})).fingerprint != first


def test_names_of_any_kind_are_data(product: Product) -> None:
    names = [
        "🎉 party",
        "x" * 10_000,
        "a, [b]: {c}",
        'say "hi"',
        "two\nlines",
        "שלום",
        "Robert'); DROP TABLE events; --",
    ]
    cells = ['"' + name.replace('"', '""') + '"' for name in names]
    events = HEAD + "".join(f"a1,2024-02-01,{cell},{number}\n" for number, cell in enumerate(cells))
    tables = open_tables(product({"events.csv": events}))
    assert sorted(tables.events.event_name.execute()) == sorted(names)


@pytest.mark.parametrize("column", ['x"; DROP TABLE accounts; --', "e' || version() || '", "a b", "select"])
def test_sql_in_the_name_of_a_column_is_data(product: Product, column: str) -> None:
    quoted = '"' + column.replace('"', '""') + '"'
    settings = product({"events.csv": MANY.replace("event_name", quoted)}, events={"columns": {"event_name": column}})
    tables = open_tables(settings)
    assert set(tables.events.event_name.execute()) == {"export"}
    assert tables.accounts.count().execute() == 2


@pytest.mark.parametrize(("until", "told"), [("2024-02-03", False), ("2024-03-04", False), ("2024-03-05", True)])
def test_data_that_end_long_before_they_are_said_to_are_told(product: Product, until: str, told: bool) -> None:
    # the last event is on 2024-02-02; 31 days later it is 2024-03-04
    found = open_tables(product(data={"complete_until": datetime.fromisoformat(until)})).findings
    assert bool(found) is told
    if told:
        assert "2024-02-02" in found[0].check
        assert "2024-03-05" in found[0].check
        assert "complete_until" in found[0].what_to_do


def test_events_after_the_date_asked_for_are_no_missing_data(product: Product) -> None:
    events = HEAD + "a1,2024-02-01,export,1\na1,2024-02-02 10:00,login,2\na1,2024-08-01,export,3\n"
    late = product({"events.csv": events}, data={"complete_until": date(2024, 8, 1)})
    assert [f.check for f in open_tables(late, datetime(2024, 2, 20)).findings] == ["at or after the date"]
