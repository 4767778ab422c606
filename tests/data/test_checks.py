from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost.data.checks import refuse_mixed_ids
from milepost.data.sources import open_tables
from milepost.errors import ContractError
from milepost.settings import parse
from milepost.terms import Action

HEAD = "account_id,occurred_at,event_name,event_id\n"
MANY = HEAD + "".join(f"a1,2024-02-01 10:00:00,export,{number}\n" for number in range(300))
SUBSCRIPTIONS = "account_id,started_at,ended_at,item\n"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a1,2025-02-30,export,901", "unreadable occurred_at"),
        (",2024-02-01,export,901", "empty account_id"),
        ("a1,,export,901", "empty occurred_at"),
        ("a1,2024-02-01,,901", "empty event_name"),
        ("zz,2024-02-01,export,901", "account unknown in accounts"),
        ("a1,9999-12-31,export,901", "unreadable occurred_at"),
        ("a1,2024-02-01,export", "a field too many or too few (line 302)"),
        ("a1,2024-02-01,export,901,902,903", "a field too many or too few (line 302)"),
        ('a1,2024-02-01,"a"b,901', "a quote that does not fit (line 302)"),
    ],
)
def test_a_bad_row_is_left_out_with_its_reason(product: Callable[..., Any], row: str, reason: str) -> None:
    tables = open_tables(product({"events.csv": MANY + row + "\n"}))
    (finding,) = tables.findings
    assert (finding.check, finding.where, finding.count, finding.verdict) == (reason, "events", 1, Action.QUARANTINE)
    count = tables.row_counts[1]
    assert (count.read, count.used, count.quarantined) == (301, 300, 1)


def test_lines_that_cannot_be_split_are_named_by_number(product: Callable[..., Any]) -> None:
    bad = "a1,2024-02-01\n"
    events = HEAD + bad + MANY.removeprefix(HEAD) + bad
    (finding,) = open_tables(product({"events.csv": events})).findings
    assert finding.check == "a field too many or too few (line 2, 303)"


def test_bytes_that_are_no_text_cost_one_row(product: Callable[..., Any]) -> None:
    tables = open_tables(product({"events.csv": MANY.encode() + b"a1,2024-02-01,caf\xe9,901\n"}))
    assert [(f.check, f.count) for f in tables.findings] == [("not UTF-8 text (line 302)", 1)]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"events.csv": MANY.replace("a1", "zz")}, "300 of 300 rows cannot be used, most of them: account unknown"),
        ({"events.csv": MANY.replace("a1", "zz")}, "check that both tables write account_id the same way"),
        ({"events.csv": MANY + "zz,2024-02-01,export,\n" * 4}, "4 of 304 rows cannot be used"),
        ({"events.csv": MANY + "a1,31/03/2024,export,\n" * 4}, "set time_format or time_unit"),
        ({"accounts.csv": "account_id,created_at\na1,2024-01-01\na1,2024-01-05\n"}, "1 account more than once"),
        ({"accounts.csv": "account_id,created_at\n,2024-01-01\n,2024-01-05\n"}, "empty account_id"),
        (
            {"subscriptions.csv": SUBSCRIPTIONS + "a1,2024-01-01,2024-03-01,base\na1,2024-02-01,,base\n"},
            "subscriptions of one item overlap for 1 account: a1",
        ),
        ({"events.csv": HEAD + 'a1,2024-02-01,"x,1\n' + "a1,2024-02-01,x,2\n" * 20}, "line 2 is never closed"),
    ],
)  # fmt: skip
def test_too_much_of_it_is_refused(product: Callable[..., Any], files: dict[str, str], message: str) -> None:
    with pytest.raises(ContractError, match=message) as caught:
        open_tables(product(files))
    assert caught.value.exit_code == 2
    assert len(caught.value.line) < 300


ITEMS = "account_id,started_at,ended_at,item\na1,2024-01-01,,pro_m\na2,2024-01-01,,pro_y\na1,2024-01-01,,addon\n"


def test_items_of_which_none_is_the_product_are_refused(product: Callable[..., Any]) -> None:
    with pytest.raises(ContractError, match="no item is the base product") as caught:
        open_tables(product({"subscriptions.csv": ITEMS}))
    assert caught.value.where == "tables.subscriptions"
    assert "items seen: addon, pro_m, pro_y" in caught.value.what
    assert "tables.subscriptions.base_items" in caught.value.fix
    assert len(caught.value.line) < 300
    # found by a name of the source's own just as well
    theirs = ITEMS.replace("item\n", "product\n")
    with pytest.raises(ContractError, match="no item is the base product"):
        open_tables(product({"subscriptions.csv": theirs}, subscriptions={"columns": {"item": "product"}}))


def test_base_items_that_match_nothing_are_refused(product: Callable[..., Any]) -> None:
    with pytest.raises(ContractError, match=r"base_items .* items seen: addon, pro_m, pro_y"):
        open_tables(product({"subscriptions.csv": ITEMS}, subscriptions={"base_items": ["basic_*"]}))


@pytest.mark.parametrize("keys", [{"base_items": ["pro_*"]}, {"ignore_items": ["pro_*", "addon"]}])
def test_base_items_or_nothing_left_over_is_fine(product: Callable[..., Any], keys: dict[str, Any]) -> None:
    assert open_tables(product({"subscriptions.csv": ITEMS}, subscriptions=keys)).subscriptions is not None


def test_without_items_or_with_one_called_base_nothing_has_to_be_set(product: Callable[..., Any]) -> None:
    for rows in ("account_id,started_at\na1,2024-01-01\n", ITEMS + "a2,2024-01-01,,base\n"):
        assert open_tables(product({"subscriptions.csv": rows})).subscriptions is not None
    # the base item starts after the date asked for: it is there all the same
    late = "account_id,started_at,item\na1,2024-01-01,addon\na1,2024-03-01,base\n"
    assert open_tables(product({"subscriptions.csv": late}), datetime(2024, 2, 10)).subscriptions is not None


def test_exactly_one_percent_is_still_allowed(product: Callable[..., Any]) -> None:
    tables = open_tables(product({"events.csv": MANY.replace(",99\n", ",\n") + "zz,2024-02-01,export,\n" * 3}))
    assert tables.row_counts[1].quarantined == 3
    assert tables.row_counts[1].read == 303


def test_overlap_names_at_most_five_accounts_and_no_end_means_running(product: Callable[..., Any]) -> None:
    ids = [f"a{number}" for number in range(1, 9)]
    accounts = "account_id,created_at\n" + "".join(f"{one},2024-01-01\n" for one in ids)
    rows = "".join(f"{one},2024-01-01,,base\n{one},2024-02-01,,base\n" for one in ids)
    with pytest.raises(ContractError, match="for 8 accounts: a1, a2, a3, a4, a5 …"):
        open_tables(product({"accounts.csv": accounts, "subscriptions.csv": SUBSCRIPTIONS + rows}))


def test_touching_subscriptions_and_other_items_do_not_overlap(product: Callable[..., Any]) -> None:
    rows = "a1,2024-01-01,2024-02-01,base\na1,2024-02-01,,base\na1,2024-01-15,,addon\n"
    tables = open_tables(product({"subscriptions.csv": SUBSCRIPTIONS + rows}))
    assert tables.row_counts[1].used == 3


def test_a_subscription_that_ends_before_it_starts_is_left_out(product: Callable[..., Any]) -> None:
    rows = "a1,2024-01-01,,base\na2,2024-02-01,2024-01-31,base\n"
    tables = open_tables(product({"subscriptions.csv": SUBSCRIPTIONS + rows}, data={"max_quarantined_share": 0.5}))
    assert [(f.check, f.count) for f in tables.findings] == [("ends before it starts", 1)]


def test_the_year_9999_is_no_end(product: Callable[..., Any]) -> None:
    rows = "a1,2024-01-01,9999-12-31,base\na2,2024-01-01,9999-12-31 00:00:00,base\n"
    tables = open_tables(product({"subscriptions.csv": SUBSCRIPTIONS + rows}))
    assert tables.subscriptions is not None
    assert tables.subscriptions.ended_at.isnull().sum().execute() == 2


def test_the_same_account_twice_is_used_once(product: Callable[..., Any]) -> None:
    accounts = "account_id,created_at\na1,2024-01-01\na2,2024-01-02\na1,2024-01-01\n"
    tables = open_tables(product({"accounts.csv": accounts}))
    count = tables.row_counts[0]
    assert (count.read, count.used, count.deduplicated) == (3, 2, 1)
    assert [(f.verdict, f.count) for f in tables.findings] == [(Action.WARN, 1)]


def test_event_ids_are_used_once_whatever_the_order(product: Callable[..., Any]) -> None:
    rows = [
        "a1,2024-02-01,export,7",
        "a1,2024-02-03,login,7",
        "a1,2024-02-02,import,7",
        "a2,2024-02-02,x,",
        "a2,2024-02-02,x,",
    ]
    answers = []
    for order in (rows, rows[::-1]):
        tables = open_tables(product({"events.csv": HEAD + "\n".join(order) + "\n"}))
        answers.append(
            sorted(map(tuple, tables.events[["event_name", "occurred_at"]].execute().astype(str).to_numpy()))
        )
        # rows without an event_id are never taken for copies of each other
        assert (tables.row_counts[1].used, tables.row_counts[1].deduplicated) == (3, 2)
    assert answers[0] == answers[1]


def test_excluded_accounts_are_outside_and_no_error(product: Callable[..., Any]) -> None:
    accounts = "account_id,created_at\na1,2024-01-01\ntest_1,2024-01-02\n"
    events = MANY + "test_1,2024-02-01,export,\n" * 50
    tables = open_tables(product({"accounts.csv": accounts, "events.csv": events}, {"exclude_accounts": ["test_*"]}))
    assert [count.outside for count in tables.row_counts] == [1, 50]
    assert tables.accounts.count().execute() == 1


def test_ids_that_only_look_equal_are_told_and_kept_apart(product: Callable[..., Any]) -> None:
    accounts = "account_id,created_at\ncaf\u00e9,2024-01-01\ncafe\u0301,2024-01-01\na1,2024-01-01\na2,2024-01-01\n"
    tables = open_tables(product({"accounts.csv": accounts}))
    assert tables.accounts.count().execute() == 4
    assert [(f.check, f.count) for f in tables.findings] == [("account ids that look the same", 1)]


def test_base_items_and_ignored_items(product: Callable[..., Any]) -> None:
    rows = "a1,2024-01-01,,pro_monthly\na1,2024-01-01,,storage\na2,2024-01-01,,credit_note\n"
    settings_ = product({"subscriptions.csv": SUBSCRIPTIONS + rows},
                        subscriptions={"base_items": ["pro_*"], "ignore_items": ["credit_*"]})  # fmt: skip
    tables = open_tables(settings_)
    assert tables.subscriptions is not None
    assert sorted(tables.subscriptions.item.execute()) == ["base", "storage"]
    assert tables.row_counts[1].outside == 1


def test_ignored_items_are_matched_before_they_are_called_base(product: Callable[..., Any]) -> None:
    rows = "a1,2024-01-01,,trial_basic\na1,2024-01-01,,basic_month\n"
    settings_ = product({"subscriptions.csv": SUBSCRIPTIONS + rows},
                        subscriptions={"base_items": ["*basic*"], "ignore_items": ["trial_*"]})  # fmt: skip
    tables = open_tables(settings_)
    assert tables.subscriptions is not None
    assert (tables.row_counts[1].used, tables.row_counts[1].outside) == (1, 1)


@pytest.mark.parametrize(("daily", "hour", "told"), [(False, "", 1), (True, "", 0), (False, " 00:00:01", 0)])
def test_events_that_all_stand_at_midnight_are_told(
    product: Callable[..., Any], daily: bool, hour: str, told: int
) -> None:
    events = HEAD + f"a1,2024-02-01{hour},export,1\n"
    tables = open_tables(product({"events.csv": events}, events={"daily": daily}))
    assert [f.check for f in tables.findings] == ["every event stands at midnight"] * told


def test_mixed_ids_name_both_tables() -> None:
    with pytest.raises(ContractError, match="integer in accounts and text in events"):
        refuse_mixed_ids({"accounts": "integer", "events": "text", "subscriptions": ""})
    refuse_mixed_ids({"accounts": "integer", "events": "integer", "subscriptions": ""})


GOOD = st.sampled_from(
    ["a1,2024-02-01,x,7", "a2,2024-02-02,y,8", "a1,2024-02-03,z,", "zz,2024-02-03,z,1", "a1,2025-02-30,z,"]
)
LINE = st.one_of(GOOD, GOOD, st.lists(st.sampled_from(["a1", "zz", "", "2024-02-01", "x", '"a,b"', "7"]), min_size=1,
                                      max_size=6).map(",".join).filter(bool))  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINE, max_size=12))
def test_every_row_read_is_accounted_for(tmp_path: Path, lines: list[str]) -> None:
    rows = ["a1,2024-02-01,x,", *lines]
    (tmp_path / "accounts.csv").write_text("account_id,created_at\na1,2024-01-01\na2,2024-01-02\n")
    (tmp_path / "events.csv").write_text(HEAD + "\n".join(rows) + "\n")
    raw = {"tables": {name: {"path": f"{name}.csv"} for name in ("accounts", "events")},
           "data": {"max_quarantined_share": 1.0}}  # fmt: skip
    tables = open_tables(parse(raw, folder=tmp_path))
    count = tables.row_counts[1]
    assert count.balanced
    assert count.read == len(rows)
    assert count.used == tables.events.count().execute()
