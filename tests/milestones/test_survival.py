"""Kaplan–Meier against figures worked out by hand, and dormancy day by day."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from milepost.milestones.survival import dormancy, kaplan_meier, median_days, share_at


def test_the_curve_by_hand() -> None:
    # at 5 one of four ends, one is censored at 7, at 10 one of two ends, the last is censored
    found = kaplan_meier(np.array([5.0, 7.0, 10.0, 12.0]), np.array([True, False, True, False]))
    assert found is not None
    assert found.days.tolist() == [0, 5, 10]
    assert found.share == pytest.approx([1, 0.75, 0.375])
    assert found.at_risk.tolist() == [4, 4, 2]
    assert (found.accounts, found.events) == (4, 2)
    assert share_at(found, 9)[0] == 0.75
    assert share_at(found, 0)[0] == 1.0
    assert median_days(found)[0] == 10


def test_the_interval_is_the_one_of_the_complementary_log_log() -> None:
    # Greenwood at 5: .75² · 1 / (4 · 3) = .046875; log-log error .2165 / (.75 · .28768)
    found = kaplan_meier(np.array([5.0, 7.0, 10.0, 12.0]), np.array([True, False, True, False]))
    assert found is not None
    half = 1.959964 * np.sqrt(0.046875) / (0.75 * abs(np.log(0.75)))
    assert found.low[1] == pytest.approx(0.75 ** np.exp(half), rel=1e-5)
    assert found.high[1] == pytest.approx(0.75 ** np.exp(-half), rel=1e-5)


def test_nobody_and_nobody_ends() -> None:
    assert kaplan_meier(np.zeros(0), np.zeros(0, bool)) is None
    found = kaplan_meier(np.array([5.0, 6.0]), np.array([False, False]))
    assert found is not None
    assert found.share.min() == 1.0
    assert all(np.isnan(median_days(found)))
    assert all(np.isnan(median_days(None)))


def test_late_entry_is_at_risk_from_then_on() -> None:
    # the third is watched from day 6 on, so that only two are at risk on day 5
    days, ended = np.array([5.0, 10.0, 8.0]), np.array([True, True, True])
    found = kaplan_meier(days, ended, np.array([0.0, 0.0, 6.0]))
    assert found is not None
    assert found.share == pytest.approx([1, 0.5, 0.25, 0.0])


def test_dormancy_begins_after_the_last_use_before_a_gap(lives_of: Any) -> None:
    # landmark day 1100, dormant after 50 days; watched until 1950
    used = [(0, 1105), (0, 1140), (0, 1195), (1, 1090), (2, 1949), *((3, day) for day in range(1100, 2000, 40))]
    lives = lives_of([1000] * 5, used, end=[None, None, None, None, 1120])
    days, ended = dormancy(lives, np.arange(5), np.full(5, 1100), 50)
    # 1140 to 1195 has 54 days in between: dormant from 1141; the second did nothing from the landmark on
    assert days.tolist() == [41, 0, 0, 850, 0]
    assert ended.tolist() == [True, True, True, False, True]


def test_the_end_of_the_subscription_ends_activity(lives_of: Any) -> None:
    lives = lives_of([1000], [(0, day) for day in range(1100, 1200, 10)], end=[1130])
    days, ended = dormancy(lives, np.array([0]), np.array([1100]), 50)
    assert (days.tolist(), ended.tolist()) == ([30], [True])


def test_a_gap_that_cannot_be_seen_yet_is_censored(lives_of: Any) -> None:
    lives = lives_of([1000], [(0, day) for day in range(1100, 1975, 5)])
    days, ended = dormancy(lives, np.array([0]), np.array([1100]), 50)
    assert (days.tolist(), ended.tolist()) == ([2000 - 50 - 1100], [False])


def test_without_value_events_there_is_no_dormancy(lives_of: Any) -> None:
    lives = replace(lives_of([1000]), value=None)
    with pytest.raises(ValueError, match="name no value events"):
        dormancy(lives, np.array([0]), np.array([1100]), 50)


@given(rows=st.lists(st.tuples(st.integers(1, 20), st.booleans(), st.integers(0, 12)), min_size=1, max_size=25))
@examples(max_examples=80, deadline=None)
def test_late_entry_is_the_product_over_those_at_risk(rows: list[tuple[int, bool, int]]) -> None:
    days, ended = np.array([row[0] for row in rows], dtype=float), np.array([row[1] for row in rows])
    entry = np.minimum([row[2] for row in rows], days - 1)
    share, expected = 1.0, [1.0]
    for day in np.unique(days[ended]):
        at_risk = ((entry < day) & (days >= day)).sum()
        share *= 1 - ((days == day) & ended).sum() / at_risk
        expected.append(share)
    found = kaplan_meier(days, ended, entry)
    assert found is not None
    assert found.share == pytest.approx(expected)
    assert (found.low <= found.share + 1e-12).all()
    assert (found.share <= found.high + 1e-12).all()


@given(used=st.sets(st.integers(1000, 1399), max_size=12), end=st.none() | st.integers(1091, 1399))
@examples(max_examples=80, deadline=None)
def test_dormancy_is_the_first_stretch_found_day_by_day(used: set[int], end: int | None, lives_of: Any) -> None:
    used = {day for day in used if end is None or day < end}
    lives = lives_of([1000], [(0, day) for day in used], end=[end], today=1400)
    expected = (1400 - 56 - 1091, False)
    for day in range(1091, 1400 - 56):
        if day == end or not any(day <= use < day + 56 for use in used):
            expected = (day - 1091, True)
            break
    days, ended = dormancy(lives, np.array([0]), np.array([1091]), 56)
    assert (days[0], bool(ended[0])) == expected


@given(late=st.sets(st.integers(1344, 1399), max_size=10), end=st.none() | st.integers(1344, 1399))
@examples(max_examples=30, deadline=None)
def test_what_happens_after_watching_stops_ends_no_account(late: set[int], end: int | None, lives_of: Any) -> None:
    # used every 20 days, last on the day before watching stops: an end and silence after it are both out of sight
    lives = lives_of([1000], [(0, day) for day in {*range(1103, 1344, 20), *late}], end=[end], today=1400)
    days, ended = dormancy(lives, np.array([0]), np.array([1091]), 56)
    assert (days.tolist(), ended.tolist()) == ([1344 - 1091], [False])
