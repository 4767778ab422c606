"""Flags stay up between two thresholds, expire, rest, and can be raised anew; contacts are counted to the day."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from milepost.routing.conditions import columns_of
from milepost.routing.memory import Memory, contacts_of, minutes_used, no_memory, raise_flags

START = date(2024, 3, 1)
FLAG = {"name": "at_risk", "when": "expected_loss >= 20", "until": "expected_loss < 10", "owner": "success",
        "priority": 20, "reason": "risk", "expires_days": 5, "quiet_days": 3}  # fmt: skip


def path(rules, accounts, losses, flag=FLAG):
    """Whether the flag is up on each day, one loss a day."""
    memory, found = no_memory(), []
    for day, loss in enumerate(losses):
        frame = accounts(churn_risk=[loss / 1000])
        ready = rules(frame, flags=[flag])
        raised = raise_flags(ready, columns_of(frame), frame["account_id"], memory, START + timedelta(days=day))
        memory = Memory(raised.frame(frame["account_id"], ready), no_memory().contacts)
        found.append(bool(raised.up[0, 0]))
    return found


def test_between_the_thresholds_a_flag_stays_as_it_is(rules, accounts):
    assert path(rules, accounts, [15, 20, 15, 11, 9, 15, 19]) == [False, True, True, True, False, False, False]


def test_a_flag_expires_rests_and_is_raised_anew(rules, accounts):
    """Up on days 0 to 4, at rest on days 5 to 7, raised on day 8."""
    assert path(rules, accounts, [30] * 10) == [True] * 5 + [False] * 3 + [True] * 2


def test_a_flag_that_ended_can_be_raised_the_next_day(rules, accounts):
    assert path(rules, accounts, [30, 5, 30]) == [True, False, True]


def test_without_until_a_flag_ends_where_its_condition_does(rules, accounts):
    plain = {**FLAG, "until": ""}
    assert path(rules, accounts, [30, 15, np.nan, 30], plain) == [True, False, False, True]


def test_what_becomes_unknown_leaves_a_flag_up(rules, accounts):
    assert path(rules, accounts, [30, np.nan]) == [True, True]


def contacts(*rows):
    frame = pd.DataFrame(rows, columns=["account_id", "contacted_on", "pool", "flag", "minutes"])
    return Memory(no_memory().flags, frame.assign(contacted_on=pd.to_datetime(frame["contacted_on"])))


def test_contacts_of_today_and_of_other_accounts_do_not_count(rules, accounts):
    frame = accounts(churn_risk=[0.1, 0.1])
    memory = contacts(("a00", "2024-01-01", "success", "at_risk", 60), ("a00", "2024-03-30", "success", "upset", 30),
                      ("a00", "2024-04-01", "success", "at_risk", 60), ("zz", "2024-03-30", "success", "upset", 15),
                      ("a00", "2024-01-02", "success", "at_risk", 60))  # fmt: skip
    found = contacts_of(rules(frame), frame["account_id"], memory, date(2024, 4, 1))
    # the 90 days before April 1 begin after January 2
    assert found.number.tolist() == [1, 0]
    assert found.last.astype(str).tolist() == ["2024-03-30", "NaT"]
    assert (found.flag[0], found.minutes[0]) == ("upset", 30)


@pytest.mark.parametrize(
    ("day", "used"), [("2024-03-25", 0), ("2024-03-26", 45), ("2024-03-31", 45), ("2024-04-01", 0)]
)
def test_hours_are_of_the_last_seven_days_today_included(rules, accounts, day, used):
    memory = contacts(("gone", day, "success", "at_risk", 45))
    assert minutes_used(rules(accounts(churn_risk=[0.1])), memory, date(2024, 4, 1)).get("success", 0) == used
