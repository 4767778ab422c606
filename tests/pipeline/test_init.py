from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from milepost.data.sources import open_tables
from milepost.errors import ContractError, EnvironmentFault, InputError
from milepost.pipeline.init import guess, propose
from milepost.settings import load
from milepost.signals.catalogue import check_events, read_catalogue

EVENTS = "tenant_id,timestamp,action,member_id\n" + "7,2024-02-01 10:00:00,invoice_sent,u1\n" * 3 + (
    "8,2024-02-02 10:00:00,invoice_viewed,u2\n8,2024-02-03 10:00:00,login,u2\n"
)  # fmt: skip
ACCOUNTS = "tenant_id,signup_date,industry\n7,2024-01-01,retail\n8,2024-01-02,\n"
SUBSCRIPTIONS = (
    "tenant_id,plan,start_date,end_date,amount,quantity\n7,pro,2024-01-01,,10,2\n8,pro,2024-01-02,2024-03-01,5,1\n"
)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def writing(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return writing


def test_the_proposal_opens_the_tables_as_it_stands(tmp_path: Path, write: Callable[[str, str], Path]) -> None:
    events, accounts = write("my data/events.csv", EVENTS), write("my data/accounts.csv", ACCOUNTS)
    propose(tmp_path, events, accounts, write("my data/subs.csv", SUBSCRIPTIONS))
    settings = load(tmp_path / "milepost.toml")
    assert settings.tables.events.path == "my data/events.csv"
    assert settings.tables.events.columns == {
        "account_id": "tenant_id", "occurred_at": "timestamp", "event_name": "action", "user_id": "member_id",
    }  # fmt: skip
    tables = open_tables(settings)
    assert [count.used for count in tables.row_counts] == [2, 2, 5]
    assert settings.tables.subscriptions is not None
    assert settings.tables.subscriptions.base_items == ("pro",)
    assert tables.has_users
    assert tables.subscriptions is not None
    assert sorted(tables.subscriptions.mrr.execute()) == [5.0, 10.0]
    features = read_catalogue(tmp_path / "features.csv")
    # by frequency, then by name; two events share the word "invoice"
    assert [(f.name, f.category) for f in features] == [
        ("invoice_sent", "invoice"), ("invoice_viewed", "invoice"), ("login", "uncategorised"),
    ]  # fmt: skip
    check_events(features, ["invoice_sent", "invoice_viewed", "login"])


def test_items_are_listed_and_those_that_never_run_together_are_proposed(
    tmp_path: Path, write: Callable[[str, str], Path]
) -> None:
    rows = ["7,pro*,2024-01-01,2024-02-01", "7,basic,2024-02-01,", "7,calls,2024-01-01,", "8,pro*,2024-01-02,",
            "8,calls,2024-01-09,", "9,pro*,2024-01-03,"]  # fmt: skip
    subscriptions = write("subs.csv", "tenant_id,product,start_date,end_date\n" + "\n".join(rows) + "\n")
    accounts = write("accounts.csv", ACCOUNTS + "9,2024-01-03,\n")
    propose(tmp_path, write("events.csv", EVENTS), accounts, subscriptions)
    text = (tmp_path / "milepost.toml").read_text()
    assert '(accounts that hold them): "pro*" (3), "calls" (2), "basic" (1)' in text
    # calls runs beside pro*, basic follows it; the star stands for itself
    assert 'base_items = ["pro[*]", "basic"]' in text
    tables = open_tables(load(tmp_path / "milepost.toml"))
    assert tables.subscriptions is not None
    assert sorted(tables.subscriptions.item.execute()) == ["base"] * 4 + ["calls"] * 2


def test_an_add_on_that_every_account_has_is_not_taken_for_the_plans(
    tmp_path: Path, write: Callable[[str, str], Path]
) -> None:
    rows = ["7,pro,2024-01-01,", "7,calls,2024-01-01,", "8,basic,2024-01-02,", "8,calls,2024-01-09,"]
    subscriptions = write("subs.csv", "tenant_id,product,start_date,end_date\n" + "\n".join(rows) + "\n")
    propose(tmp_path, write("events.csv", EVENTS), write("accounts.csv", ACCOUNTS), subscriptions)
    settings = load(tmp_path / "milepost.toml").tables.subscriptions
    assert settings is not None
    # both kinds cover both accounts; plans come in several, of which an account has one
    assert settings.base_items == ("basic", "pro")


def test_an_item_called_base_needs_no_proposal(tmp_path: Path, write: Callable[[str, str], Path]) -> None:
    rows = "tenant_id,item,start_date\n7,base,2024-01-01\n7,calls,2024-01-01\n8,pro,2024-01-01\n"
    propose(tmp_path, write("events.csv", EVENTS), write("accounts.csv", ACCOUNTS), write("subs.csv", rows))
    settings = load(tmp_path / "milepost.toml")
    assert settings.tables.subscriptions is not None
    assert settings.tables.subscriptions.base_items == ()
    assert open_tables(settings).subscriptions is not None


def test_a_subscriptions_table_that_cannot_be_told_is_still_proposed(
    tmp_path: Path, write: Callable[[str, str], Path]
) -> None:
    # no column looks like the start
    propose(tmp_path, write("events.csv", EVENTS), None, write("subs.csv", "tenant_id,item,foo\n7,pro,2024-01-01\n"))
    assert '# base_items = ["starter_*", "pro_*"]' in (tmp_path / "milepost.toml").read_text()


def test_files_elsewhere_get_an_absolute_path(tmp_path: Path, write: Callable[[str, str], Path]) -> None:
    propose(tmp_path / "project", write("events.csv", EVENTS), None, None)
    settings = load(tmp_path / "project" / "milepost.toml")
    assert settings.tables.events.path == str(tmp_path / "events.csv")
    assert settings.tables.subscriptions is None
    text = (tmp_path / "project" / "milepost.toml").read_text()
    assert "REQUIRED: one row per account" in text
    with pytest.raises(ContractError, match=r"accounts.csv: no such file"):
        open_tables(settings)


def test_daily_counts_semicolons_and_epochs_are_seen(tmp_path: Path, write: Callable[[str, str], Path]) -> None:
    events = write("events.csv", "account;date;event;n_events\n7;2024-02-01;x;3\n")
    accounts = write("accounts.csv", "account_id,created\n7,1706781600000\n")
    propose(tmp_path, events, accounts, None)
    tables = load(tmp_path / "milepost.toml").tables
    assert (tables.events.delimiter, tables.events.daily, tables.events.time_unit) == (";", True, "")
    assert (tables.accounts.time_unit, tables.accounts.daily) == ("ms", False)


@pytest.mark.parametrize("name", ['ev"ent', "event\\name", "event\tname", "event'name ü"])
def test_odd_names_of_columns_and_files_survive(tmp_path: Path, name: str) -> None:
    folder = tmp_path / 'a "b" \\ c'
    folder.mkdir()
    frame = pd.DataFrame({"account_id": ["a"], "occurred_at": pd.Timestamp("2024-02-01"), "event_name": "x", name: "y"})
    frame.to_parquet(folder / "events.parquet")
    propose(tmp_path, folder / "events.parquet", None, None)
    settings = load(tmp_path / "milepost.toml")
    assert settings.path(settings.tables.events.path) == folder / "events.parquet"


def test_event_names_that_no_cell_can_hold_are_left_out(tmp_path: Path, write: Callable[[str, str], Path]) -> None:
    rows = [" padded ", "a|b", '"two\nlines"', '"say ""hi"", you"', "=1+1", "plain"]
    text = "account_id,occurred_at,event_name\n" + "".join(f"a,2024-02-01,{row}\n" for row in rows)
    propose(tmp_path, write("events.csv", text), None, None)
    assert {f.name for f in read_catalogue(tmp_path / "features.csv")} == {'say "hi", you', "=1+1", "plain"}


@pytest.mark.parametrize("name", ["milepost.toml", "features.csv"])
def test_nothing_is_overwritten(tmp_path: Path, write: Callable[[str, str], Path], name: str) -> None:
    write(name, "mine")
    with pytest.raises(InputError, match="stands here already") as caught:
        propose(tmp_path, write("events.csv", EVENTS), None, None)
    assert caught.value.exit_code == 2
    assert (tmp_path / name).read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["events.csv", name])


def test_both_files_or_none(tmp_path: Path, write: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    events, real = write("events.csv", EVENTS), os.replace

    def full(source: Path, target: Path) -> None:
        if target.name == "features.csv":
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(EnvironmentFault, match="no space left"):
        propose(tmp_path, events, None, None)
    assert [path.name for path in tmp_path.iterdir()] == ["events.csv"]


def test_without_a_column_of_event_names_it_says_what_it_found(
    tmp_path: Path, write: Callable[[str, str], Path]
) -> None:
    with pytest.raises(InputError, match="no column looks like the name of an event"):
        propose(tmp_path / "new", write("events.csv", "account_id,occurred_at,foo\na,2024-02-01,x\n"), None, None)
    assert not (tmp_path / "new").exists()


def test_our_own_names_win_over_aliases_and_each_column_serves_once() -> None:
    assert guess("events", ("created_at", "occurred_at", "Event Name", "AccountID", "name")) == {
        "occurred_at": "occurred_at", "event_name": "Event Name", "account_id": "AccountID",
    }  # fmt: skip
    found = guess("subscriptions", ("account_id", "plan", "start_date", "end_date"))
    assert (found["plan"], found["item"]) == ("plan", "plan")


@pytest.mark.skipif("MILEPOST_TEST_DATA" not in os.environ, reason="needs MILEPOST_TEST_DATA")
def test_a_product_as_it_is_exported_needs_no_edit(tmp_path: Path) -> None:
    raw = Path(os.environ["MILEPOST_TEST_DATA"]) / "crm5_raw"
    propose(tmp_path, raw / "events.csv.gz", raw / "accounts.csv", raw / "subscriptions.csv.gz")
    tables = open_tables(load(tmp_path / "milepost.toml"))
    assert {count.table: count.used for count in tables.row_counts} == {
        "accounts": 50, "subscriptions": 570, "events": 243_930,
    }  # fmt: skip
    assert len(read_catalogue(tmp_path / "features.csv")) == 25


@pytest.mark.parametrize(
    ("folder", "name"), [("acme", "acme"), ("Acme & Söhne", "Acme-S-hne"), ("..x", "x"), ("ü", "milepost")]
)
def test_the_project_is_called_like_its_folder(tmp_path, folder, name):
    events = tmp_path / "events.csv"
    events.write_text("account_id,occurred_at,event_name\na,2024-01-01,login\n")
    propose(tmp_path / folder, events, None, None)
    assert f'name = "{name}"' in (tmp_path / folder / "milepost.toml").read_text(encoding="utf-8")


def test_it_tells_what_was_recognised_what_to_decide_and_what_is_missing(
    tmp_path: Path, write: Callable[[str, str], Path]
) -> None:
    events, accounts = write("events.csv", EVENTS), write("accounts.csv", ACCOUNTS)
    shown = propose(tmp_path, events, accounts, write("subs.csv", SUBSCRIPTIONS))
    assert max(len(line) for line in shown.splitlines() if str(tmp_path) not in line) <= 100
    told = " ".join(shown.split())
    assert "events: account_id = tenant_id, occurred_at = timestamp, event_name = action" in told
    assert "events from 2024-02-01 to 2024-02-03, 3 days" in told
    assert "3 event names in 3 features, 1 of them without a category; 0 guessed to be steps of the setup" in told
    assert "(such as invoice_sent)" in told
    assert "subscriptions.term_ends_at: comparing accounts that come up for renewal" in told
    assert "subscriptions.mrr" not in told
    assert "accounts: everything" in propose(tmp_path / "bare", events, None, None)


def test_a_short_history_gets_short_windows(tmp_path: Path, write: Callable[[str, str], Path]) -> None:
    propose(tmp_path, write("events.csv", EVENTS), write("accounts.csv", ACCOUNTS), None)
    assert load(tmp_path / "milepost.toml").windows.model_dump() == {
        "observation_days": 28, "gap_days": 7, "outcome_days": 28, "grace_days": 7, "step": 15,
    }  # fmt: skip
    long = EVENTS + "7,2025-08-01 10:00:00,login,u1\n"
    propose(tmp_path / "long", write("long.csv", long), write("accounts.csv", ACCOUNTS), None)
    assert load(tmp_path / "long" / "milepost.toml").windows.observation_days == 84


def test_ends_known_in_advance_are_terms_too(tmp_path: Path, write: Callable[[str, str], Path]) -> None:
    paid = SUBSCRIPTIONS.replace("2024-01-01,,10", "2024-01-01,2024-04-01,10")
    told = propose(tmp_path, write("events.csv", EVENTS), write("accounts.csv", ACCOUNTS), write("subs.csv", paid))
    subscriptions = load(tmp_path / "milepost.toml").tables.subscriptions
    assert subscriptions is not None
    assert subscriptions.columns["term_ends_at"] == "end_date"
    assert "term_ends_at = end_date" in told
    # one open end: these are ends of subscriptions
    propose(tmp_path / "open", write("events.csv", EVENTS), None, write("subs.csv", SUBSCRIPTIONS))
    assert 'columns.term_ends_at = "end_date"   # every row' not in (tmp_path / "open/milepost.toml").read_text()


def test_names_in_the_data_do_not_steer_the_terminal(tmp_path: Path, write: Callable[[str, str], Path]) -> None:
    rows = "account_id,occurred_at,event_name\na,2024-02-01,\x1b[2Jreport exported\n"
    told = propose(tmp_path, write("events.csv", rows), None, None)
    assert "such as �[2Jreport exported" in " ".join(told.split())
    assert "\x1b" not in told
    assert "\x1b" not in (tmp_path / "milepost.toml").read_text()
