"""Events in place on another engine: mapped and counted as those read with DuckDB, here with DuckDB as that engine."""

from datetime import date, datetime

import duckdb
import ibis
import pandas as pd
import pytest

from milepost.data.checks import names_at_any_date
from milepost.data.remote import open_remote
from milepost.data.sources import open_tables
from milepost.errors import ContractError, SettingsError
from milepost.settings import parse

INF, NAN = float("inf"), float("nan")
GOOD = ("a", datetime(2024, 3, 1, 10), "open", "u1", 2.0, 1.5, "id1", datetime(2024, 3, 2))
COLUMNS = ["account_id", "occurred_at", "event_name", "user_id", "quantity", "value", "event_id", "loaded_at"]
TIMES = {"occurred_at": "datetime64[us]", "loaded_at": "datetime64[us]"}
AS_OF = datetime(2024, 4, 1)
ROWS = [
    GOOD,
    # the same id again: the copy that was visible first counts
    (*GOOD[:4], 3.0, 1.5, "id1", datetime(2024, 3, 20)),
    (*GOOD[:4], 4.0, 1.5, "id1", None),
    ("a", datetime(2024, 3, 1), "", "u1", 1.0, None, None, None),
    ("", datetime(2024, 3, 1), "open", "u1", 1.0, None, None, None),
    ("a", None, "open", "u1", 1.0, None, None, None),
    ("a", datetime(1850, 1, 1), "open", "u1", 1.0, None, None, None),
    ("a", datetime(2024, 3, 1), "open", "", NAN, NAN, "", None),
    ("a", datetime(2024, 3, 1), "open", "u1", INF, None, None, None),
    ("a", datetime(2024, 3, 1), "open", "u1", 1.0, -1e15, None, None),
    ("stranger", datetime(2024, 3, 1), "open", "u1", 1.0, None, None, None),
    ("test-1", datetime(2024, 3, 1), "open", "u1", 1.0, None, None, None),
    ("test-unknown", datetime(2024, 3, 1), "open", "u1", 1.0, None, None, None),
    ("b", datetime(2024, 4, 1), "open", "u1", 1.0, None, None, None),
    ("b", datetime(2024, 3, 31), "open", "u1", 1.0, None, None, datetime(2024, 4, 1)),
    ("b", datetime(2024, 3, 31, 23, 59, 59, 999999), "open", "u1", 1.0, None, None, None),
]
ACCOUNTS = ["a", "b", "test-1"]


@pytest.fixture
def settings(tmp_path):
    pd.DataFrame(ROWS, columns=COLUMNS).astype(TIMES).to_parquet(tmp_path / "events.parquet", index=False)
    accounts = pd.DataFrame({"account_id": ACCOUNTS, "created_at": datetime(2024, 1, 1)})
    accounts.to_parquet(tmp_path / "accounts.parquet", index=False)

    def make(**events):
        return parse({
            "tables": {"accounts": {"path": "accounts.parquet"}, "events": {"path": "events.parquet", **events}},
            "data": {"exclude_accounts": ["test-*"], "max_quarantined_share": 1.0},
        }, tmp_path)  # fmt: skip

    return make


def remote(settings, as_of=AS_OF):
    raw = ibis.duckdb.connect().read_parquet(settings.path("events.parquet"))
    return open_remote(raw, settings.tables.events, settings, ACCOUNTS, as_of, "Spark")


def content(table):
    frame = table.execute()
    return frame[sorted(frame.columns)].sort_values(["account_id", "occurred_at", "quantity"]).reset_index(drop=True)


@pytest.mark.parametrize("as_of", [AS_OF, None])
def test_rows_are_used_and_counted_as_in_duckdb(settings, as_of):
    here, there = open_tables(settings(), as_of), remote(settings(), as_of)
    (count,) = [count for count in here.row_counts if count.table == "events"]
    assert there.balance.count == count
    assert there.balance.count.balanced
    said = {(finding.check, finding.count) for finding in here.findings if finding.where == "events"}
    assert {(finding.check, finding.count) for finding in there.balance.findings} == said
    pd.testing.assert_frame_equal(content(there.events), content(here.events), check_dtype=False)


def test_where_each_row_goes(settings):
    found = remote(settings())
    assert (found.balance.count.read, found.balance.count.used, found.balance.count.deduplicated) == (16, 3, 2)
    kept = content(found.events)
    # without a loaded_at a row is visible when it happens: that copy came first
    assert kept["quantity"].tolist() == [1.0, 4.0, 1.0]
    assert kept["user_id"].isna().tolist() == [True, False, False]
    assert found.names == set(COLUMNS)


def test_columns_by_other_names_and_constants(settings):
    asked = settings(columns={"event_name": "user_id", "quantity": "value"}, constants={"user_id": "everyone"})
    found = remote(asked)
    kept = content(found.events)
    assert set(kept["user_id"]) == {"everyone"}
    assert set(kept["event_name"]) <= {"u1", ""}
    assert "user_id" in found.names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"columns": {"occurred_at": "event_name"}},
            r"column 'event_name' \(occurred_at\) is string, which Spark does not",
        ),
        ({"columns": {"quantity": "user_id"}}, r"column 'user_id' \(quantity\) is string.*expected numbers"),
        ({"columns": {"account_id": "value"}}, "column 'value' holds ids as floating-point numbers"),
        ({"columns": {"event_name": "name"}}, "column 'name' is not in the source"),
        ({"time_zone": "Europe/Berlin"}, "time_zone 'Europe/Berlin' cannot be read in place; write times in UTC"),
    ],
)
def test_what_would_have_to_be_parsed_is_refused(settings, change, message):
    with pytest.raises(ContractError, match=message):
        remote(settings(**change))


def test_too_many_bad_rows_are_refused(settings):
    asked = settings()
    strict = asked.model_copy(update={"data": asked.data.model_copy(update={"max_quarantined_share": 0.01})})
    with pytest.raises(ContractError, match=r"of 16 rows cannot be used"):
        remote(strict)


def test_daily_counts_stand_at_midnight(settings):
    kept = content(remote(settings(daily=True)).events)
    assert {moment.date() for moment in kept["occurred_at"]} == {date(2024, 3, 1), date(2024, 3, 31)}
    assert all(moment == moment.normalize() for moment in kept["occurred_at"])


def test_other_tables_and_other_databases_are_copied(elsewhere, tmp_path):
    url = f"duckdb://{tmp_path}/accounts.duckdb"
    tables = {"accounts": {"url": url, "in_place": True}, "events": {"path": "events.parquet"}}
    with pytest.raises(SettingsError, match="in_place is for events, not for accounts"):
        parse({"tables": tables}, tmp_path)
    asked = elsewhere()
    events = asked.tables.events.model_copy(update={"url": "mysql://reader:secret7@warehouse/product"})
    asked = asked.model_copy(update={"tables": asked.tables.model_copy(update={"events": events})})
    with pytest.raises(ContractError, match="in_place is for PostgreSQL, not for mysql; leave it out") as caught:
        open_tables(asked)
    assert "secret7" not in caught.value.line


def test_in_place_goes_with_a_database(settings):
    with pytest.raises(Exception, match="in_place goes with url"):
        settings(in_place=True)


@pytest.fixture
def elsewhere(hostile, tmp_path):
    """Settings over the hostile events in a DuckDB of their own, read in place: another engine than ours."""
    hostile.write(tmp_path)
    with duckdb.connect(str(tmp_path / "events.duckdb")) as connection:
        connection.execute(f"CREATE TABLE events AS FROM '{tmp_path}/events.parquet'")
    url = f"duckdb://{tmp_path}/events.duckdb"
    return lambda **events: hostile.settings(tmp_path, url=url, table="events", in_place=True, **events)


@pytest.mark.parametrize("as_of", [None, datetime(2024, 3, 10)])
def test_everything_asked_of_hostile_events_is_answered_alike(hostile, elsewhere, tmp_path, as_of):
    asked = elsewhere()
    hostile.assert_alike(open_tables(hostile.settings(tmp_path), as_of), open_tables(asked, as_of), asked)


def test_where_hostile_rows_go(hostile, elsewhere):
    tables = open_tables(elsewhere(), hostile.AS_OF)
    (count,) = [one for one in tables.row_counts if one.table == "events"]
    # one copy of "alone" is infinite and no duplicate; the five others leave 3, 2, 2 rows of which one each is used
    assert (count.quarantined, count.outside, count.deduplicated) == (len(hostile.BAD) + 1, len(hostile.OUTSIDE), 5)
    assert count.read == len(hostile.rows())
    assert count.balanced
    found = {finding.check: finding.count for finding in tables.findings if finding.where == "events"}
    assert found["quantity is infinite"] == 2
    assert found["quantity is too large"] == 1
    assert found["unreadable occurred_at"] == 2
    kept = tables.events.filter(tables.events.event_id.isin(["twice", "tie", "tie3"])).order_by("event_id").execute()
    assert kept["event_name"].tolist() == ["beta", "Gamma", "import"]
    assert kept["user_id"].tolist() == ["Z", "a", "u1"]


def test_a_name_of_later_rows_is_known(hostile, elsewhere):
    names = names_at_any_date(open_tables(elsewhere(), hostile.AS_OF))
    assert {"only_later", "loaded_later", "export"} <= set(names)
    assert "of_nobody" not in names


def test_rules_that_no_row_breaks_are_not_asked_again(settings, tmp_path):
    pd.DataFrame([GOOD], columns=COLUMNS).astype(TIMES).to_parquet(tmp_path / "events.parquet", index=False)
    assert "JOIN" not in ibis.to_sql(remote(settings(), None).events)
    pd.DataFrame(ROWS, columns=COLUMNS).astype(TIMES).to_parquet(tmp_path / "events.parquet", index=False)
    assert "JOIN" in ibis.to_sql(remote(settings(), None).events)


def test_ids_that_are_integers_there_and_text_here_are_refused(elsewhere, tmp_path):
    with duckdb.connect(str(tmp_path / "events.duckdb")) as connection:
        connection.execute("CREATE OR REPLACE TABLE events AS SELECT 7 AS account_id, TIMESTAMP '2024-02-01' AS "
                           "occurred_at, 'export' AS event_name")  # fmt: skip
    pd.DataFrame({"account_id": ["007", "7"], "created_at": datetime(2024, 1, 1)}).to_parquet(tmp_path / "a.parquet")
    asked = elsewhere()
    there = {"accounts": asked.tables.accounts.model_copy(update={"path": "a.parquet"}), "subscriptions": None,
             "conversations": None}  # fmt: skip
    with pytest.raises(ContractError, match="account_id is an integer in events and text in accounts"):
        open_tables(asked.model_copy(update={"tables": asked.tables.model_copy(update=there)}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"constants": {"quantity": "many"}}, "constants.quantity = 'many'; expected a number"),
        ({"constants": {"loaded_at": "2024-01-01"}}, "constants.loaded_at = '2024-01-01'; expected a column with"),
        ({"constants": {"quantiy": "1"}}, "constants.quantiy is no column of events; did you mean 'quantity'"),
        ({"columns": {"evnt_name": "event_name"}}, "columns.evnt_name is no column of events"),
        ({"time_zone": "Europe/Berln"}, "time_zone 'Europe/Berln' does not exist; did you mean 'Europe/Berlin'"),
    ],
)
def test_settings_that_cannot_be_are_named(settings, change, message):
    with pytest.raises(ContractError, match=message):
        remote(settings(**change))


def test_a_day_is_a_day_in_every_time_zone(settings):
    here = content(remote(settings(daily=True)).events)
    there = content(remote(settings(daily=True, time_zone="Asia/Tokyo")).events)
    pd.testing.assert_frame_equal(here, there)


def test_a_zone_of_its_own_makes_a_time_absolute(settings, tmp_path):
    moment = pd.Timestamp("2024-03-01 10:00", tz="Asia/Tokyo")
    frame = pd.DataFrame({"account_id": ["a"], "occurred_at": [moment], "event_name": ["x"]})
    frame.to_parquet(tmp_path / "events.parquet", index=False)
    assert content(remote(settings(time_zone="Europe/Berlin")).events)["occurred_at"].tolist() == [
        datetime(2024, 3, 1, 1)
    ]


def test_integers_are_ids_and_floats_may_be_names(settings, tmp_path):
    rows = {"account_id": [1, 2], "occurred_at": [datetime(2024, 3, 1)] * 2, "event_name": [1.5, 2.0]}
    pd.DataFrame(rows).astype({"occurred_at": "datetime64[us]"}).to_parquet(tmp_path / "events.parquet", index=False)
    raw = ibis.duckdb.connect().read_parquet(tmp_path / "events.parquet")
    asked = settings()
    found = open_remote(raw, asked.tables.events, asked, ["1", "2"], None, "Spark")
    assert content(found.events)["account_id"].tolist() == ["1", "2"]
    assert found.id_kind == "integer"
