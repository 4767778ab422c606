from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from milepost.errors import NotEnoughData
from milepost.settings import TrainingSettings
from milepost.signals.spec import Signal
from milepost.training.candidates import Rows
from milepost.training.guards import check_enough, leak_alarms, smallest_effect_points

BOTH = np.array([0.0, 1.0])


def rows(count: int = 2_000, churned_share: float = 0.1, columns: int = 4) -> tuple[Rows, pd.Series]:
    random = np.random.default_rng(6)
    accounts = pd.Series([f"account {place % (count // 2)}" for place in range(count)])
    churned = (random.random(count) < churned_share).astype(np.float64)
    values = random.gamma(1, size=(count, columns)).astype(np.float32)
    return Rows(values, churned, np.arange(count) % (count // 2) % 5), accounts


def signals(*names: str) -> tuple[Signal, ...]:
    return tuple(Signal(name, None, "x", 84, "", "", name) for name in names)


def test_the_smallest_effect_worked_by_hand() -> None:
    # (1.96 + .8416) × sqrt(.1 × .9 × (1/200 + 1/200)) = 2.8016 × .03
    assert smallest_effect_points(400, 40) == pytest.approx(8.4048, abs=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"churned": np.zeros(2_000)}, "only one outcome in the training period"),
        ({"churned": np.ones(2_000)}, "only one outcome in the training period"),
        ({"values": np.ones((2_000, 4), dtype=np.float32)}, "every signal has one value only"),
        ({"churned": np.r_[np.ones(9), np.zeros(1_991)]}, "too few churned accounts .*1,000 accounts, 9 churned"),
    ],
)  # fmt: skip
def test_too_little_is_refused_with_the_counts(change: dict[str, np.ndarray], message: str) -> None:
    given, accounts = rows()
    with pytest.raises(NotEnoughData, match=message):
        check_enough(replace(given, **change), accounts, BOTH, TrainingSettings())


def test_the_refusal_names_the_smallest_difference_that_could_be_seen() -> None:
    given, accounts = rows()
    few = replace(given, churned=np.r_[np.ones(40), np.zeros(1_960)])
    # 40 of 1,000 accounts: 280.16 × sqrt(4 × .04 × .96 / 1000) = 3.47
    with pytest.raises(NotEnoughData, match=r"difference of 3\.5 points"):
        check_enough(few, accounts, BOTH, TrainingSettings())


def test_few_rows_and_a_test_period_with_one_outcome_are_refused_and_enough_is_not() -> None:
    given, accounts = rows()
    with pytest.raises(NotEnoughData, match="too few rows"):
        check_enough(given, accounts, BOTH, TrainingSettings(min_rows=2_001))
    with pytest.raises(NotEnoughData, match="only one outcome in the test period"):
        check_enough(given, accounts, np.zeros(5), TrainingSettings())
    check_enough(given, accounts, BOTH, TrainingSettings())


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
    # the same numbers as a measured signal are within what is possible
    assert leak_alarms(given, accounts, signals("use")) == ()
