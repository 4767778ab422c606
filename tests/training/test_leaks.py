"""Signals that know too much are named, strong ones that are possible are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from milepost.signals.spec import Signal
from milepost.training.candidates import Rows
from milepost.training.leaks import Leak, leak_alarms


def rows(count: int = 2_000, churned_share: float = 0.1, columns: int = 4) -> tuple[Rows, pd.Series]:
    random = np.random.default_rng(6)
    accounts = pd.Series([f"account {place % (count // 2)}" for place in range(count)])
    churned = (random.random(count) < churned_share).astype(np.float64)
    values = random.gamma(1, size=(count, columns)).astype(np.float32)
    return Rows(values, churned, np.arange(count) % (count // 2) % 5), accounts


def signals(*names: str) -> tuple[Signal, ...]:
    return tuple(Signal(name, name, "x", 84, "", "", name) for name in names)


def test_planted_leaks_are_named_and_clean_signals_are_not() -> None:
    given, accounts = rows()
    random = np.random.default_rng(8)
    churned = given.churned == 1
    blurred = given.churned + 0.2 * random.normal(size=2_000)
    seats = np.where(churned, 0, 1 + random.integers(1, 50, 2_000))
    reason = np.where(churned, np.nan, 3.0)
    cancel_page = churned & (random.random(2_000) < 0.5)
    leaks = np.column_stack([blurred, seats, reason, cancel_page]).astype(np.float32)
    both = replace(given, values=np.hstack([given.values, leaks]))
    names = signals("a", "b", "c", "d", "blurred", "seats", "reason", "cancel page")
    alarms = leak_alarms(both, accounts, names)
    assert [alarm.split(" (")[0] for alarm in alarms] == ["blurred", "seats", "reason", "cancel page"]
    assert alarms[1] == "seats (AUC 1.000)"
    assert alarms[3] == "cancel page (churned share 100%)"


def test_a_strong_but_possible_signal_raises_no_alarm() -> None:
    given, accounts = rows()
    strong = given.churned + 0.6 * np.random.default_rng(1).normal(size=2_000)
    assert leak_alarms(replace(given, values=strong[:, None].astype(np.float32)), accounts, signals("a")) == ()


def test_a_signal_that_names_the_rows_one_by_one_foretells_nothing_out_of_fold() -> None:
    given, accounts = rows()
    number = pd.factorize(accounts)[0].astype(np.float32)
    assert leak_alarms(replace(given, values=number[:, None]), accounts, signals("number")) == ()


def test_an_attribute_overwritten_when_accounts_leave_is_found_by_account() -> None:
    # 40 accounts with 6 rows each; half churn at their last row only, "status" says so at every row
    accounts = pd.Series(np.repeat([f"a{place:02d}" for place in range(40)], 6))
    leaves = np.repeat(np.arange(40) % 2 == 0, 6)
    churned = (leaves & (np.tile(np.arange(6), 40) == 5)).astype(np.float64)
    given = Rows(leaves[:, None].astype(np.float32), churned, np.repeat(np.arange(40) // 2 % 5, 6))
    status = Signal("account.status=gone", None, "is", 0, "", "0 or 1", "", "status", "gone")
    assert leak_alarms(given, accounts, (status,)) == ("account.status=gone (AUC 1.000 by account)",)
    # the same numbers as use of a feature are within what is possible
    assert leak_alarms(given, accounts, signals("use")) == ()


def test_seats_overwritten_at_every_snapshot_are_found_by_the_first_row_of_an_account() -> None:
    # 100 accounts with 6 rows each; half churn at their last row only
    accounts = pd.Series(np.repeat([f"a{place:02d}" for place in range(100)], 6))
    leaves = np.repeat(np.arange(100) % 2 == 0, 6)
    last = np.tile(np.arange(6), 100) == 5
    churned = (leaves & last).astype(np.float64)
    seats = Signal("account.seats", None, "seats", 84, "", "seats", "seats")
    folds = np.repeat(np.arange(100) // 2 % 5, 6)
    overwritten = np.where(leaves, 0, 10).astype(np.float32)[:, None]
    assert leak_alarms(Rows(overwritten, churned, folds), accounts, (seats,)) == (
        "account.seats (AUC 1.000 by account)",
    )
    # seats that fall for half of those who leave, at their last row, are what a good signal looks like
    some = leaves & last & (np.repeat(np.arange(100), 6) % 4 == 0)
    retained = ~leaves & (np.random.default_rng(3).random(600) < 0.05)
    honest = np.where(some | retained, 2, 10).astype(np.float32)[:, None]
    assert leak_alarms(Rows(honest, churned, folds), accounts, (seats,)) == ()


def test_a_leak_is_named_by_its_own_name_its_feature_or_its_column() -> None:
    leak = Leak("cancel.count", "AUC 0.990", "cancel")
    assert leak.text == "cancel.count (AUC 0.990)"
    assert leak.is_named(["cancel.count"])
    assert leak.is_named(["cancel"])
    assert not leak.is_named(["cancel.ever", ""])
    assert not Leak("row_order", "AUC 1.000").is_named([""])
