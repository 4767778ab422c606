"""Whether one milestone leads to the next: on the planted world, where nothing is planted, and by hand."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from milepost.milestones.leads import COLUMNS, from_activation, from_setup, from_utilization, mature_later, table
from milepost.milestones.lives import Lives
from milepost.milestones.utilization import days_of
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Matrix, Observations
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.windows import Windows

MATTER, PER_SEAT = ("invite", "import", "publish"), (1.0, "seat")
SETTINGS = Settings.model_validate({"tables": {"accounts": {"path": "a.csv"}, "events": {"path": "e.csv"}}})
SNAPSHOTS = (1_400, 1_430, 1_460, 1_490, 1_520)


@pytest.fixture(scope="module")
def worlds(planted: ModuleType) -> tuple[Any, Any]:
    """One with every arrow planted, one with none."""
    one, two = (planted.live(planted.World(accounts=3000, seed=6, effects=effects)) for effects in (True, False))
    return one, two


def test_two_of_three_steps_lead_to_activation(worlds: tuple[Any, Any]) -> None:
    seen = worlds[0]
    row = from_setup(seen.lives, (MATTER, 2, 28), 8, seen.settings)
    assert (row["milestone"], row["next"]) == ("setup", "activation")
    assert row["low"] > 10  # points
    assert row["p"] < 1e-6
    assert row["because"] == (
        f"Having reached setup goes with {row['effect']:+.1f} points ({row['low']:+.1f} to {row['high']:+.1f}) on the "
        f"chance to be active between day 28 and day 91, p under 0.001, adjusted over {row['accounts']:,} accounts; "
        "an association."
    )


def test_idle_steps_lead_less_far_than_planted_ones(worlds: tuple[Any, Any]) -> None:
    """Not nowhere: keen accounts do all steps, and this contrast is not adjusted for the others."""
    seen = worlds[0]
    idle = from_setup(seen.lives, (("hours", "profile"), 1, 28), 8, seen.settings)
    assert idle["high"] < from_setup(seen.lives, (MATTER, 2, 28), 8, seen.settings)["low"]


def test_activation_leads_to_utilization(worlds: tuple[Any, Any]) -> None:
    seen = worlds[0]
    row = from_activation(seen.lives, 8, 28, PER_SEAT, seen.settings)
    assert (row["milestone"], row["next"]) == ("activation", "utilization")
    assert row["low"] > 10
    assert "to be utilized in the 90 days after day 91" in row["because"]


def test_where_nothing_is_planted_nothing_leads(worlds: tuple[Any, Any]) -> None:
    seen = worlds[1]
    rows = [
        from_setup(seen.lives, (MATTER, 2, 28), 8, seen.settings),
        from_activation(seen.lives, 8, 28, PER_SEAT, seen.settings),
    ]
    for row in rows:
        assert row["low"] < 0 < row["high"]
        assert row["p"] > 0.05


def test_too_few_on_one_side_is_an_answer(worlds: tuple[Any, Any]) -> None:
    seen = worlds[0]
    row = from_activation(seen.lives, 100_000, 28, PER_SEAT, seen.settings)
    assert np.isnan(row["effect"])
    assert row["because"] == (
        f"Too few of {row['accounts']:,} accounts on one side to tell whether activation leads to utilization."
    )


def monthly_rows(lives: Lives, days: tuple[int, ...] = SNAPSHOTS) -> Observations:
    """A row per account and snapshot while it runs; no features."""
    frame = pd.DataFrame([
        (account, np.datetime64(day, "D"))
        for day in days
        for account, end in zip(lives.account_id, lives.end, strict=True) if end >= day
    ], columns=[ACCOUNT, SNAPSHOT])  # fmt: skip
    frame[SNAPSHOT] = frame[SNAPSHOT].astype("datetime64[us]")
    count = len(frame)
    context = frame.assign(
        plan="basic", plan_at_start="basic", seats=np.tile([2.0, 3.0], count)[:count], mrr=10.0, size_band="1-5",
        segment="", tenure_days=300.0, exposure_days=84.0, before_data=False, days_to_term_end=np.nan,
        term_months=np.nan, days_since_last_use=1.0, active_users=1.0,
    )  # fmt: skip
    matrix = Matrix(np.zeros((count, 0), np.float32), frame, (), "")
    nothing = np.zeros((count, 0), np.float32)
    return Observations(matrix, (), nothing, nothing.astype(bool), False, context, Windows())


def test_mature_later_looks_about_ninety_days_ahead(lives_of: Callable[..., Lives]) -> None:
    """Three accounts: one stays mature, one becomes mature at the fourth snapshot, one ends after the second."""
    lives = lives_of([900, 900, 900], end=[None, None, 1_445])
    rows = monthly_rows(lives)
    becomes = {"a000": [1, 1, 1, 1, 1], "a001": [0, 0, 0, 1, 1], "a002": [0, 0]}
    keys = list(zip(rows.context[ACCOUNT], days_of(rows.context[SNAPSHOT]), strict=True))
    mature = np.array([becomes[account][SNAPSHOTS.index(day)] for account, day in keys], dtype=float)
    later = dict(zip(keys, mature_later(lives, rows, mature), strict=True))
    assert later["a000", 1_400] == 1
    assert later["a001", 1_400] == 1  # day 1,490 is the fourth snapshot
    assert later["a001", 1_430] == 1
    assert later["a002", 1_400] == 0  # gone by day 1,490
    assert np.isnan(later["a000", 1_460])  # day 1,550 is not in the data yet
    assert later["a002", 1_430] == 0  # day 1,520 is the last that is known


def test_utilization_leads_to_maturity_among_those_not_mature_yet(lives_of: Callable[..., Lives]) -> None:
    """600 accounts, none mature at first; of the 300 utilized ones 150 become mature, of the others 30."""
    lives = lives_of([900] * 600)
    rows = monthly_rows(lives)
    account = np.array([int(name[1:]) for name in rows.context[ACCOUNT]])
    becomes = (account < 150) | ((account >= 300) & (account < 330))
    late = days_of(rows.context[SNAPSHOT]) >= 1_490
    mature, utilized = (becomes & late).astype(float), (account < 300).astype(float)
    flat = np.zeros(len(account), np.float32)
    outcomes = Outcomes(flat, flat, flat, np.full(len(account), ""))
    row = from_utilization(lives, (rows, outcomes), (utilized, mature), SETTINGS)
    assert row["effect"] == pytest.approx(100 * (150 / 300 - 30 / 300), abs=1.5)
    assert row["low"] > 25
    assert row["accounts"] == 600
    unknown = np.where(account < 599, np.nan, utilized)
    too_few = from_utilization(lives, (rows, outcomes), (unknown, mature), SETTINGS)
    assert too_few["because"].startswith("Too few of 1 accounts on one side")


def test_the_table_has_a_row_each_and_fixed_columns(worlds: tuple[Any, Any]) -> None:
    seen = worlds[0]
    rows = [from_activation(seen.lives, 8, 28, PER_SEAT, seen.settings)]
    assert table(rows).columns.tolist() == COLUMNS
    assert table([]).empty
