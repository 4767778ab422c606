"""A table in a database that Ibis reads, named by its URL; its password never reaches a message."""

import importlib.util
import sqlite3

import duckdb
import pytest

from milepost.data.sources import open_tables
from milepost.errors import ContractError, EnvironmentFault
from milepost.settings import parse

ROWS = [("a", "2024-01-05 10:00:00", "login"), ("a", "2024-02-05 11:30:00", "export"), ("b", "2024-02-06", "login")]


@pytest.fixture
def accounts(tmp_path):
    (tmp_path / "accounts.csv").write_text("account_id,created_at\na,2024-01-01\nb,2024-01-02\n")
    return tmp_path


def opened(folder, url, table="events"):
    places = {"accounts": {"path": "accounts.csv"}, "events": {"url": url, "table": table}}
    return open_tables(parse({"tables": places}, folder))


def in_duckdb(folder):
    with duckdb.connect(str(folder / "events.duckdb")) as connection:
        connection.execute("CREATE TABLE events (account_id VARCHAR, occurred_at TIMESTAMP, event_name VARCHAR)")
        connection.executemany("INSERT INTO events VALUES (?, ?, ?)", ROWS)
    return f"duckdb://{folder}/events.duckdb"


def in_sqlite(folder):
    with sqlite3.connect(folder / "events.sqlite") as connection:
        connection.execute("CREATE TABLE events (account_id TEXT, occurred_at TEXT, event_name TEXT)")
        connection.executemany("INSERT INTO events VALUES (?, ?, ?)", ROWS)
    return f"sqlite://{folder}/events.sqlite"


@pytest.mark.parametrize("make", [in_duckdb, in_sqlite])
def test_events_are_read_where_they_are(accounts, make):
    try:
        tables = opened(accounts, make(accounts))
    except EnvironmentFault as error:
        pytest.skip(f"the backend is not installed: {error.what}")
    frame = tables.events.order_by("occurred_at").to_pandas()
    assert frame["event_name"].tolist() == ["login", "export", "login"]
    assert str(frame["occurred_at"].iloc[1]) == "2024-02-05 11:30:00"
    assert tables.row_counts[1].read == tables.row_counts[1].used == 3


def test_a_table_that_is_not_there_is_named(accounts):
    with pytest.raises(ContractError, match="no table 'event'; expected one of events"):
        opened(accounts, in_duckdb(accounts), table="event")


def test_a_password_stays_out_of_the_message(accounts):
    with pytest.raises(EnvironmentFault) as caught:
        opened(accounts, "postgres://reader:secret7@127.0.0.1:9/none")
    assert "secret7" not in caught.value.line
    assert "127.0.0.1" in caught.value.line


def test_a_backend_that_is_not_installed_is_named(accounts):
    if importlib.util.find_spec("psycopg") is not None:
        pytest.skip("the postgres backend is installed here")
    with pytest.raises(
        EnvironmentFault, match=r"'postgres' is not installed; pip install 'ibis-framework\[postgres\]'"
    ):
        opened(accounts, "postgres://reader@127.0.0.1:9/none")
