"""Issues by the accounts and the MRR they touch, and fixes, worked by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from milepost.metrics.topics import FIX_COLUMNS, ISSUE_COLUMNS, days_around, fixes, issues
from milepost.settings import HelpTopic

START, END = date(2024, 1, 1), date(2024, 7, 1)
FIXED = date(2024, 4, 1)
RUNNING = pd.DataFrame({"account_id": ["a", "b", "c", "d"], "mrr": [10.0, 20.0, 500.0, np.nan]})


def talks(*rows):
    frame = pd.DataFrame(rows, columns=["account_id", "opened_at", "resolved_at", "topic", "kind"])
    return frame.astype({"opened_at": "datetime64[us]", "resolved_at": "datetime64[us]"})


def one(account, topic, kind, resolved="2024-02-02"):
    return account, datetime(2024, 2, 1), resolved and datetime.fromisoformat(resolved), topic, kind


def test_issues_are_ranked_by_accounts_and_by_mrr():
    rows = talks(
        one("a", "billing", "bug"), one("a", "billing", "bug"), one("b", "billing", "bug"), one("d", "billing", "bug"),
        one("c", "export", "request"), one("gone", "export", "request"), one("a", None, None),
        one("b", None, None, None),  # open: not said yet
        one("b", "billing", "bug", "2023-12-31"),  # resolved before the period
    )  # fmt: skip
    found = issues(rows, RUNNING, [HelpTopic(topic="billing", help_since=date(2023, 5, 1))], START)
    assert list(found.columns) == ISSUE_COLUMNS
    assert found.iloc[0].to_dict() == {
        "topic": "billing", "kind": "bug", "conversations": 4, "accounts": 3, "share_of_accounts": 0.75, "mrr": 30.0,
        "rank_by_accounts": 1, "rank_by_mrr": 2, "help_since": "2023-05-01",
    }  # fmt: skip
    export = found[found["topic"] == "export"].iloc[0]
    assert (export["conversations"], export["accounts"], export["rank_by_mrr"]) == (2, 1, 1)
    assert export["help_since"] == ""
    assert found[["topic", "conversations"]].iloc[-1].tolist() == ["not said", 1]


def test_without_conversations_there_are_no_issues():
    assert issues(talks(), RUNNING, [], START).empty


def fixed(rows, running, least=1, day=FIXED):
    topics = [HelpTopic(topic="billing", fixed_at=day), HelpTopic(topic="other", help_since=day)]
    days = days_around(day, (START, END))
    ends = {day - timedelta(days=days): running, day + timedelta(days=days): running}
    return fixes(rows, ends, topics, (START, END), least)


def asked(account, day, hours=1.0):
    at = datetime.combine(day, datetime.min.time())
    return account, at, at + timedelta(hours=hours), "billing", "bug"


def test_a_fix_is_judged_by_the_same_accounts_on_both_sides():
    """77 days on either side: 14 before the end everything is settled. 4 conversations before, 2 after, of 4."""
    assert days_around(FIXED, (START, END)) == 77
    before, after = FIXED - timedelta(days=1), FIXED
    rows = talks(
        *(asked(name, before) for name in "abcd"), asked("a", after), asked("b", after + timedelta(days=76)),
        asked("b", after + timedelta(days=77)), asked("a", before, 15 * 24), asked("new", after),
    )  # fmt: skip
    (row,) = fixed(rows, frozenset("abcd")).to_dict("records")
    assert (row["topic"], row["days"], row["accounts"]) == ("billing", 77, 4)
    assert row["before"] == pytest.approx(4 * 1000 / 4 * 28 / 77)
    assert row["after"] == pytest.approx(row["before"] / 2)
    assert row["ratio"] == 0.5
    assert row["low"] < 0.5 < row["high"]


def test_a_fix_that_did_nothing_has_an_interval_with_one_19_times_of_20():
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(200):
        names = [f"a{number}" for number in range(100)]
        rows = [
            asked(name, FIXED + timedelta(days=int(day)))
            for name, rate in zip(names, rng.gamma(2, 1, 100), strict=True)
            for day in rng.integers(-77, 77, rng.poisson(2 * rate))
        ]
        (row,) = fixed(talks(*rows), frozenset(names)).to_dict("records")
        held += row["low"] <= 1 <= row["high"]
    assert 183 <= held <= 197


@pytest.mark.parametrize(
    ("day", "accounts", "note"),
    [
        (date(2024, 1, 20), "abcd", "not enough data: 19 days on either side, 28 needed"),
        (date(2024, 6, 30), "abcd", "not enough data: 0 days on either side, 28 needed"),
        (FIXED, "ab", "not enough data: 2 accounts on both sides, 3 needed"),
        (FIXED, "abcd", "nobody asked before"),
    ],
)
def test_what_cannot_be_judged_says_why(day, accounts, note):
    (row,) = fixed(talks(asked("a", FIXED)), frozenset(accounts), least=3, day=day).to_dict("records")
    assert row["note"] == note
    assert np.isnan(row["ratio"])


def test_fixes_outside_the_period_are_left_out():
    assert list(fixed(talks(), frozenset("abcd"), day=END).columns) == FIX_COLUMNS
    assert fixed(talks(), frozenset("abcd"), day=END).empty
