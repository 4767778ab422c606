"""How much months differ by themselves, where the truth is known."""

import numpy as np
import pytest

from milepost.training.months import LEAST_SPREAD, UNKNOWN_SPREAD, between_months


def rows(dates: int, season: float, accounts: int = 3000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """3 % foretold everywhere; happened: times exp(season · sin of the year), drawn."""
    months = np.datetime64("2022-01", "M") + np.arange(dates)
    days = np.repeat(months.astype("datetime64[D]"), accounts)
    truth = 0.03 * np.exp(season * np.sin(2 * np.pi * np.arange(dates) / 12))
    churned = (np.random.default_rng(3).random(len(days)) < np.repeat(truth, accounts)).astype(float)
    return days, np.full(len(days), 0.03), churned


def test_chance_alone_is_the_least_spread() -> None:
    assert between_months(*rows(12, 0.0)) == LEAST_SPREAD


def test_too_few_dates_are_taken_to_differ() -> None:
    assert between_months(*rows(5, 0.0)) == UNKNOWN_SPREAD


def test_a_wave_is_found_beyond_chance() -> None:
    """A sine of height 0.6 has the spread 0.6 / sqrt(2)."""
    assert between_months(*rows(24, 0.6)) == pytest.approx(0.6 / np.sqrt(2), abs=0.1)
