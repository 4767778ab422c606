"""Counts between two days, against a count by hand of every row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.milestones.daily import NEVER, DailyCounts, daily_counts

ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(100, 130), st.integers(0, 25), st.integers(1, 4)), max_size=30
)  # account, day, days until it was known, count


def made(rows: list[tuple[int, int, int, int]]) -> DailyCounts:
    account, day, lag, count = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return daily_counts(account.astype(np.intp), day, day + lag, count.astype(float), 4)


@given(ROWS, st.lists(st.tuples(st.integers(0, 3), st.integers(95, 135), st.integers(0, 30)), min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_between_counts_what_happened_and_was_known(rows: list, asked: list) -> None:
    account, begin, length = np.array(asked, dtype=np.int64).T
    found = made(rows).between(account.astype(np.intp), begin, begin + length)
    by_hand = [
        sum(count for code, day, lag, count in rows if code == who and since <= day and day + lag < since + long)
        for who, since, long in asked
    ]
    assert found.tolist() == by_hand


@given(ROWS, st.integers(1, 9), st.integers(98, 120), st.integers(1, 30))
@settings(max_examples=200, deadline=None)
def test_nth_day_is_the_first_day_it_was_known(rows: list, number: int, begin: int, length: int) -> None:
    accounts = np.arange(4)
    found = made(rows).nth_day(number, accounts, np.full(4, begin), np.full(4, begin + length))
    for who in accounts:
        inside = sorted(
            (day + lag, count)
            for code, day, lag, count in rows
            if code == who and begin <= day < begin + length and day + lag < begin + length
        )
        total, expected = 0, NEVER
        for seen, count in inside:
            total += count
            if total >= number:
                expected = seen
                break
        assert found[who] == expected


def test_nth_day_of_some_accounts_only() -> None:
    counts = made([(0, 100, 0, 1), (2, 101, 0, 1), (2, 103, 2, 1)])
    found = counts.nth_day(2, np.array([2]), np.array([100]), np.array([110]))
    assert found.tolist() == [105]


def test_last_day_before() -> None:
    counts = made([(0, 100, 0, 1), (0, 110, 0, 1), (2, 105, 0, 1)])
    found = counts.last_before(np.array([0, 0, 0, 1, 2]), np.array([100, 101, 200, 200, 106]))
    assert found.tolist() == [-NEVER, 100, 110, -NEVER, 105]


def test_nothing_happened() -> None:
    counts = made([])
    assert counts.between(np.array([0, 1]), 0, 1000).tolist() == [0.0, 0.0]
    assert counts.last_before(np.array([0]), 1000).tolist() == [-NEVER]
    assert counts.nth_day(1, np.array([0]), np.array([0]), np.array([9])).tolist() == [NEVER]


def test_rows_come_in_any_order() -> None:
    rows = [(1, 105, 0, 2), (0, 101, 3, 1), (1, 101, 0, 5)]
    one, two = made(rows), made(rows[::-1])
    assert one.between(np.array([1]), 100, 106) == two.between(np.array([1]), 100, 106) == pytest.approx(7)
