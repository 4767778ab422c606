from __future__ import annotations

import numpy as np
import pytest

from milepost.demo.features import FEATURES, POSITION
from milepost.demo.usage import Pace, _weekend, lasting, moments, seats_factor, steps_done
from milepost.demo.world import DAY_US


def micro(text: str) -> int:
    return int(np.datetime64(text, "us").astype(np.int64))


def test_weekends_by_the_calendar() -> None:
    # 2024-04-05 was a Friday
    days = np.array([micro(f"2024-04-0{day}T12:00") for day in (5, 6, 7, 8)])
    assert _weekend(days).tolist() == [False, True, True, False]


def test_moments_stay_inside_and_prefer_weekdays_by_day() -> None:
    rng = np.random.default_rng(1)
    n = 20_000
    opens, closes = np.full(n, micro("2024-04-01T09:30")), np.full(n, micro("2024-05-01"))
    moment = moments(rng, opens, closes)
    assert moment.min() >= opens[0]
    assert moment.max() < closes[0]
    assert _weekend(moment).mean() < 0.13  # 8 of 30 days are weekends
    hour = moment % DAY_US // 3_600_000_000
    assert ((hour >= 7) & (hour < 19)).mean() > 0.97


def test_moments_of_an_instant_stand_still() -> None:
    start = np.array([micro("2024-04-06 03:00")])
    assert moments(np.random.default_rng(1), start, start + 1).tolist() == start.tolist()


def test_use_falls_over_the_last_45_days_of_those_who_fall() -> None:
    n, end = 40_000, micro("2024-06-01")
    busy = Pace(*[np.zeros((1, 2))] * 4, falls=np.array([True, False]), end_us=np.array([end, end]))  # type: ignore[arg-type]
    left = np.full(n, int(22.5 * DAY_US))
    keep = lasting(np.random.default_rng(1), busy, np.zeros(n, np.intp), end - left)
    assert keep.mean() == pytest.approx(0.6, abs=0.01)  # half way from 1 to .2
    assert lasting(np.random.default_rng(1), busy, np.ones(n, np.intp), end - left).all()
    assert lasting(np.random.default_rng(1), busy, np.zeros(n, np.intp), end - 2 * left).all()


def test_use_grows_slower_than_seats() -> None:
    assert seats_factor(np.array([8, 32]), 0.5).tolist() == [1.0, 2.0]


def test_steps_once_done_stay_done() -> None:
    used = np.zeros((4, 1, len(FEATURES)), bool)
    used[1, 0, POSITION["invite_teammates"]] = True
    used[2, 0, POSITION["macros"]] = True
    assert steps_done(used)[:, 0].tolist() == [0, pytest.approx(1 / 7), pytest.approx(1 / 7), pytest.approx(1 / 7)]
