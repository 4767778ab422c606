"""What is left out can be looked into: each row with its reason, as the source has it, and nobody's users."""

import csv
from datetime import date

import pandas as pd
import pytest

from milepost.errors import ContractError
from milepost.pipeline.check import check_tables
from milepost.pipeline.quarantine import write_quarantine


def read(product, name="events"):
    with (product / "out" / "quarantine" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def add(product, *lines):
    with (product / "events.csv").open("a", encoding="utf-8") as events:
        events.write("".join(f"{line}\n" for line in lines))


def test_every_row_left_out_is_there_with_its_reason(make_job, product):
    number = sum(1 for _ in (product / "events.csv").open())
    add(product, "nobody,2024-05-01 10:00:00,export", "a01,2024-13-01,export", "a01,2024-05-01", ",2024-05-02,=1+1")
    job = make_job()
    (path,) = write_quarantine(job)
    assert path == product / "out" / "quarantine" / "events.csv"
    empty = {"account_id": "", "occurred_at": "", "event_name": ""}
    assert read(product) == [
        {"reason": "a field too many or too few", "line": str(number + 3), **empty},
        {"reason": "account unknown in accounts", "line": "", "account_id": "nobody",
         "occurred_at": "2024-05-01 10:00:00", "event_name": "export"},
        {"reason": "empty account_id", "line": "", "account_id": "", "occurred_at": "2024-05-02",
         "event_name": "'=1+1"},
        {"reason": "unreadable occurred_at", "line": "", "account_id": "a01", "occurred_at": "2024-13-01",
         "event_name": "export"},
    ]  # fmt: skip
    (count,) = (count for count in job.tables.row_counts if count.table == "events")
    assert count.quarantined == 4


def test_check_names_the_file(make_job, product):
    add(product, "nobody,2024-05-01 10:00:00,export")
    said = check_tables(make_job())
    assert said.json["quarantine"] == [str(product / "out" / "quarantine" / "events.csv")]
    assert "account unknown in accounts (1); left out; out/quarantine/events.csv has the rows" in said.text


def test_a_table_that_is_mended_has_no_file_any_longer(make_job, product):
    text = (product / "events.csv").read_text(encoding="utf-8")
    add(product, "nobody,2024-05-01 10:00:00,export")
    assert write_quarantine(make_job())
    (product / "events.csv").write_text(text, encoding="utf-8")
    assert write_quarantine(make_job()) == ()
    assert list((product / "out" / "quarantine").iterdir()) == []


def test_rows_at_or_after_the_date_and_excluded_accounts_are_not_left_out_by_mistake(make_job, product):
    settings = (product / "milepost.toml").read_text(encoding="utf-8")
    (product / "milepost.toml").write_text(settings + '\n[data]\nexclude_accounts = ["a07"]\n', encoding="utf-8")
    assert write_quarantine(make_job(date(2024, 5, 1))) == ()


def test_users_are_not_in_it_and_columns_keep_the_names_of_the_source(make_job, product):
    events = pd.read_csv(product / "events.csv").rename(columns={"event_name": "reason"})
    events["person"] = "jane@acme.example"
    events.loc[3, "account_id"] = "nobody"
    events.to_parquet(product / "events.parquet", index=False)
    settings = (product / "milepost.toml").read_text(encoding="utf-8")
    mapped = 'path = "events.parquet"\ncolumns.event_name = "reason"\ncolumns.user_id = "person"'
    (product / "milepost.toml").write_text(settings.replace('path = "events.csv"', mapped), encoding="utf-8")
    write_quarantine(make_job())
    (row,) = read(product)
    assert list(row) == ["reason", "line", "account_id", "occurred_at", "reason (source)"]
    assert (row["reason"], row["reason (source)"]) == ("account unknown in accounts", events.loc[3, "reason"])
    assert "jane" not in (product / "out" / "quarantine" / "events.csv").read_text(encoding="utf-8")


def test_too_many_are_refused_and_nothing_is_written(make_job, product):
    add(product, *["nobody,2024-05-01 10:00:00,export"] * 50)
    with pytest.raises(ContractError, match="rows cannot be used, most of them: account unknown in accounts"):
        check_tables(make_job())
    assert not (product / "out").exists()
