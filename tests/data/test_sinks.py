"""Tables of scores in DuckDB and in a database: a date is replaced as a whole, other dates stay."""

import sqlite3

import duckdb
import pandas as pd
import pytest

from milepost.data.sinks import address_of, to_database, to_duckdb
from milepost.errors import EnvironmentFault, InputError, LockHeld, SettingsError


def scores(day, risks, **more):
    names = [f"a{number}" for number in range(len(risks))]
    return pd.DataFrame({"account_id": names, "snapshot_date": pd.Timestamp(day), "churn_risk": risks, **more})


def run(day, model="m1"):
    return {"snapshot_date": pd.Timestamp(day), "model_id": model}


@pytest.fixture(params=["duckdb", "database"])
def sink(request, tmp_path):
    """Write to a table, and read a query's rows back."""
    path = tmp_path / f"scores.{request.param}"

    def write(frame, about, table="scores"):
        if request.param == "duckdb":
            to_duckdb(path, table, frame, about)
        else:
            to_database(f"sqlite:///{path}", table, frame, about)

    def read(query):
        if request.param == "duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                return connection.execute(query).fetchall()
        with sqlite3.connect(path) as connection:
            return connection.execute(query).fetchall()

    return write, read


def test_a_date_is_replaced_and_others_stay(sink):
    write, read = sink
    write(scores("2024-05-01", [0.1, 0.2, 0.3]), run("2024-05-01"))
    write(scores("2024-06-01", [0.4, 0.5]), run("2024-06-01"))
    write(scores("2024-05-01", [0.6]), run("2024-05-01", "m2"))
    write(scores("2024-05-01", [0.6]), run("2024-05-01", "m2"))
    assert read("SELECT account_id, churn_risk FROM scores ORDER BY 2") == [("a0", 0.4), ("a1", 0.5), ("a0", 0.6)]
    assert sorted(read("SELECT model_id FROM scores_runs")) == [("m1",), ("m2",)]


def test_levels_may_come_and_go_with_the_framework(sink):
    write, read = sink
    write(scores("2024-05-01", [0.1], level_automation="mature"), run("2024-05-01"))
    write(scores("2024-06-01", [0.2], level_reporting="basic", months=3.5), run("2024-06-01"))
    assert read("SELECT level_automation, level_reporting, months FROM scores ORDER BY churn_risk") == [
        ("mature", None, None), (None, "basic", 3.5),
    ]  # fmt: skip


def test_a_column_without_a_value_takes_text_later_and_times_any_unit(sink):
    """A route comes after the scores; dates read back from a file count milliseconds, others seconds."""
    write, read = sink
    write(scores("2024-05-01", [0.1], route=None).astype({"snapshot_date": "datetime64[s]"}), run("2024-05-01"))
    write(scores("2024-06-01", [0.2], route="serve").astype({"snapshot_date": "datetime64[ms]"}), run("2024-06-01"))
    assert read("SELECT route FROM scores ORDER BY churn_risk") == [(None,), ("serve",)]


def test_a_column_that_is_gone_is_refused_and_nothing_changes(sink):
    write, read = sink
    write(scores("2024-05-01", [0.1], plan="pro"), run("2024-05-01"))
    with pytest.raises(InputError, match="column 'plan' that scores do not have"):
        write(scores("2024-06-01", [0.2]), run("2024-06-01"))
    assert read("SELECT count(*), min(plan) FROM scores") == [(1, "pro")]
    assert read("SELECT count(*) FROM scores_runs") == [(1,)]


def test_text_is_data_never_a_statement(sink):
    write, read = sink
    odd = "x'); DROP TABLE scores; --"
    write(scores("2024-05-01", [0.1], **{'level_"; DROP TABLE scores; --': odd}), run("2024-05-01"))
    write(scores("2024-06-01", [0.2], **{'level_b"); DROP TABLE scores; --': odd}), run("2024-06-01"))
    assert read("SELECT count(*) FROM scores") == [(2,)]


@pytest.mark.parametrize("name", ["scores; drop", "", "1st", "a" * 64, 'a"b'])
def test_a_table_needs_a_plain_name(tmp_path, name):
    with pytest.raises(SettingsError, match="letters, digits"):
        to_duckdb(tmp_path / "x.duckdb", name, scores("2024-05-01", [0.1]), run("2024-05-01"))


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path):
    (tmp_path / "x.duckdb").write_text("no database")
    with pytest.raises(EnvironmentFault, match="cannot be opened"):
        to_duckdb(tmp_path / "x.duckdb", "scores", scores("2024-05-01", [0.1]), run("2024-05-01"))
    assert (tmp_path / "x.duckdb").read_text() == "no database"


def test_a_password_stays_out_of_the_message():
    with pytest.raises(EnvironmentFault, match="the database cannot be written") as caught:
        to_database(
            "postgresql://writer:secret7@127.0.0.1:9/x", "scores", scores("2024-05-01", [0.1]), run("2024-05-01")
        )
    assert "secret7" not in caught.value.line


def test_an_address_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("SCORES_URL", raising=False)
    with pytest.raises(SettingsError, match="environment variable SCORES_URL is not set"):
        address_of("SCORES_URL")
    monkeypatch.setenv("SCORES_URL", "sqlite:///x")
    assert address_of("SCORES_URL") == "sqlite:///x"


def test_a_file_open_elsewhere_is_named(tmp_path, monkeypatch):
    def busy(path):
        raise duckdb.IOException(f"Could not set lock on file {path}")

    monkeypatch.setattr(duckdb, "connect", busy)
    with pytest.raises(LockHeld, match="another process has this file open"):
        to_duckdb(tmp_path / "x.duckdb", "scores", scores("2024-05-01", [0.1]), run("2024-05-01"))
