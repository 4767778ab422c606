"""Utilization per seat: counts by hand, the planted threshold, and where there is none."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from milepost.milestones.utilization import (
    PER_ACCOUNT,
    PER_SEAT,
    candidates,
    evidence_for,
    find_utilization,
    monthly,
    with_reach,
)


@pytest.fixture(scope="module")
def world(planted: ModuleType) -> Any:
    return planted.live(planted.World(accounts=3000, seed=12))


def test_a_month_is_thirty_days_and_seats_are_those_at_its_start(lives_of: Any) -> None:
    used = [(0, 1069), (0, 1070), (0, 1099), (0, 1100), (1, 1080)]
    lives = lives_of([1000, 1080, 1000], used, seats=[2.0, 2.0, 0.0])
    day = np.array([1100, 1100, 1100])
    per_seat = monthly(lives, np.arange(3), day, PER_SEAT)
    assert per_seat[0] == 1.0  # two uses, two seats
    assert np.isnan(per_seat[1:]).all()  # younger than a month; no seats
    assert monthly(lives, np.arange(3), day, PER_ACCOUNT)[[0, 2]].tolist() == [2.0, 0.0]


def test_without_a_metric_there_is_nothing_to_count(lives_of: Any) -> None:
    lives = lives_of([1000], value=[])
    object.__setattr__(lives, "metric", None)
    with pytest.raises(ValueError, match="hold no value metric"):
        monthly(lives, np.array([0]), np.array([1100]), PER_SEAT)


def test_candidates_are_round_and_inside_the_values() -> None:
    found = candidates(np.concatenate([np.linspace(0.1, 10, 500), [np.nan, 0.0]]))
    assert found.tolist() == [0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0]
    assert candidates(np.array([0.0, np.nan])).tolist() == []


def test_the_planted_threshold_is_found_and_small_accounts_reach_it_too(world: Any) -> None:
    found = find_utilization(world.lives, world.observations, world.outcomes, world.settings)
    assert found.threshold in (0.8, 1.0, 1.5)
    assert found.evidence.low > 0
    assert found.because.startswith(f"{found.threshold:g} answers sent a month per seat part the accounts best")
    curve = found.curve
    assert (curve["retained_low"] < curve["retained"]).all()
    assert (curve["retained"] < curve["retained_high"]).all()
    days = world.observations.context["snapshot_date"]
    reach = with_reach(found, world.lives, world.observations.take((days == days.max()).to_numpy())).reach
    large = reach[reach["accounts"] >= 100]
    assert large["relative"].max() - large["relative"].min() < 0.15
    assert large["absolute"].max() - large["absolute"].min() > 0.4


def test_where_nothing_turns_nothing_is_found(planted: ModuleType) -> None:
    held = 0
    for seed in range(6):
        null = planted.live(planted.World(accounts=1500, seed=seed, effects=False))
        found = find_utilization(null.lives, null.observations, null.outcomes, null.settings)
        held += found.threshold is not None
        assert found.threshold is not None or found.because.startswith(("No threshold", "answers sent"))
    assert held <= 1


def test_a_threshold_set_by_hand_is_measured(world: Any) -> None:
    given = world.lives, world.observations, world.outcomes, world.settings
    assert evidence_for(*given, (1.0, PER_SEAT)).low > 0
    assert np.isnan(evidence_for(*given, (1e9, PER_SEAT)).effect)
