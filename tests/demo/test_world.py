from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from milepost.demo.world import BURN_MONTHS, KINDS, World, calendar
from milepost.errors import InputError


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "no_efect"}, r"demo: kind 'no_efect'; expected did you mean 'no_effect'"),
        ({"accounts": 10}, "10 accounts; expected at least 50"),
        ({"months": 3}, "3 months; expected 6 to 120"),
        ({"start": date(2023, 1, 2)}, "start 2023-01-02; expected the first of a month"),
        ({"seed": -1}, "seed -1; expected a whole number from 0 up"),
        ({"churned_share": 0.5}, "churned_share 0.5; expected between 0 and 0.5"),
    ],
)
def test_impossible_worlds_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        World(**wrong)  # type: ignore[arg-type]


def test_the_issue_s_kinds_are_all_there() -> None:
    still = {"standard", "no_effect", "confounded", "bundles", "non_linear", "growth", "late_launch"}
    changing = {"driver_dies", "threshold_moves", "plans_renamed", "tracking_breaks", "season_only"}
    assert set(KINDS) == still | changing


def test_a_calendar_begins_a_year_before_the_data() -> None:
    dates = calendar(World(accounts=50, months=24, start=date(2024, 3, 1)))
    assert dates.day(0) == date(2023, 3, 1)
    assert dates.day(BURN_MONTHS) == date(2024, 3, 1)
    assert dates.day(dates.last) == date(2026, 3, 1)
    assert dates.month_of_year(0) == 3
    assert dates.month_of_year(BURN_MONTHS + 10) == 1
    # 2024 was a leap year, but March to March holds 365 days
    assert dates.starts[BURN_MONTHS + 12] - dates.begin_us == 365 * 86_400_000_000


def test_parts_draw_apart_and_seeds_differ() -> None:
    draw = World(seed=7).draws(1).random(4)
    assert np.array_equal(draw, World(seed=7).draws(1).random(4))
    assert not np.array_equal(draw, World(seed=7).draws(2).random(4))
    assert not np.array_equal(draw, World(seed=8).draws(1).random(4))
