"""The worked example of windows.py, and the dates snapshots stand on."""

from datetime import date, datetime, timedelta, timezone

import pytest

from milepost.windows import Windows, as_utc_naive, snapshot_dates

EXAMPLE = Windows(84, 14, 56, 14)


def test_the_worked_example():
    day = date(2024, 4, 1)
    assert EXAMPLE.observation(day) == (datetime(2024, 1, 8), datetime(2024, 4, 1))
    assert EXAMPLE.outcome(day) == (datetime(2024, 4, 15), datetime(2024, 6, 10))
    assert EXAMPLE.matured_at(day) == datetime(2024, 6, 24)
    assert EXAMPLE.purge_days == 84
    assert EXAMPLE.recent_days == 28
    assert Windows() == EXAMPLE


@pytest.mark.parametrize(("days", "recent"), [(1, 1), (2, 1), (3, 1), (5, 1), (6, 2), (84, 28)])
def test_recent_days_are_a_third_and_at_least_one(days, recent):
    assert Windows(observation_days=days).recent_days == recent


def test_monthly_snapshots_begin_when_a_whole_window_is_recorded():
    # 84 days from 2024-01-08 end on 2024-04-01 exactly
    assert snapshot_dates(datetime(2024, 1, 8), datetime(2024, 6, 1), EXAMPLE) == (
        date(2024, 4, 1), date(2024, 5, 1), date(2024, 6, 1),
    )  # fmt: skip
    assert snapshot_dates(datetime(2024, 1, 9), datetime(2024, 5, 31), EXAMPLE) == (date(2024, 5, 1),)


def test_steps_of_days_are_counted_back_from_the_last_date():
    windows = Windows(28, 7, 30, 7, step=15)
    dates = snapshot_dates(datetime(2022, 1, 1), datetime(2022, 3, 5), windows)
    assert dates == (date(2022, 2, 3), date(2022, 2, 18), date(2022, 3, 5))
    # 28 days from 2022-01-06 end on 2022-02-03 exactly
    assert snapshot_dates(datetime(2022, 1, 6), datetime(2022, 3, 5), windows) == dates
    assert snapshot_dates(datetime(2022, 1, 6, 1), datetime(2022, 3, 5), windows) == dates[1:]


def test_a_year_turns():
    dates = snapshot_dates(datetime(2023, 9, 1), datetime(2024, 1, 31), Windows(30, 0, 30, 0))
    assert dates == (date(2023, 10, 1), date(2023, 11, 1), date(2023, 12, 1), date(2024, 1, 1))


@pytest.mark.parametrize(("hours", "expected"), [(2, datetime(2024, 1, 1, 10)), (-5, datetime(2024, 1, 1, 17))])
def test_moments_with_a_zone_become_utc(hours, expected):
    zone = timezone(timedelta(hours=hours))
    assert as_utc_naive(datetime(2024, 1, 1, 12, tzinfo=zone)) == expected
    assert as_utc_naive(expected) == expected
