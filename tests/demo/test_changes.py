"""What changes in the worlds that change, and what stays as it was."""

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest

from milepost.demo.adoption import Scene, adopt, draw, gated, habits
from milepost.demo.billing import grants, plan_path
from milepost.demo.changes import DRIVER, SEASON, SILENT, chance_of, change_month
from milepost.demo.features import FEATURES, POSITION
from milepost.demo.population import populate
from milepost.demo.retention import contribution, log_odds, risk
from milepost.demo.simulate import simulate
from milepost.demo.world import World, calendar


def odds(kind):
    """Log-odds of churn with the change, without it, and the habits."""
    world = World(accounts=300, months=12, kind=kind)
    dates = calendar(world)
    people = populate(world, dates)
    tiers = plan_path(world, dates, people)
    sold = {grant.entitlement: grant.months(dates) for grant in grants(world, dates, people)}
    scene = Scene(world, dates, people, tiers, gated(tiers, people, sold, None), draw(world, dates, people))
    habit = habits(adopt(scene))
    contributed = contribution(world, habit)
    model = risk(world, dates, people, tiers, contributed)
    changed, plain = chance_of(world, dates, model, habit, contributed), model.chance(contributed)
    return np.log(changed / (1 - changed)) - np.log(plain / (1 - plain)), habit, change_month(dates), world


def test_a_driver_that_dies_does_nothing_from_its_month_on() -> None:
    moved, habit, month, world = odds("driver_dies")
    assert not moved[:month].any()
    lost = -log_odds(world)[POSITION[DRIVER]] * habit[month:, :, POSITION[DRIVER]]
    assert moved[month:] == pytest.approx(lost, abs=1e-6)


def test_a_season_moves_every_account_alike() -> None:
    moved, _, month, _ = odds("season_only")
    assert not moved[:month].any()
    assert moved[month:] == pytest.approx(np.full(moved[month:].shape, SEASON), abs=1e-6)


def test_a_threshold_that_moves_takes_from_those_between() -> None:
    moved, _, month, _ = odds("threshold_moves")
    assert not moved[:month].any()
    assert moved[month:].min() >= -1e-9
    assert 0 < (moved[month:] > 1e-9).mean() < 0.9


@pytest.fixture(scope="module")
def same():
    return simulate(World(accounts=60, months=8))


def test_tracking_that_breaks_loses_the_events_of_one_feature_and_no_others(same) -> None:
    broken = simulate(World(accounts=60, months=8, kind="tracking_breaks"))
    lost = same.events.num_rows - broken.events.num_rows
    names = FEATURES[POSITION[SILENT]].events.split("|")
    late = same.events.filter(pc.greater_equal(same.events["occurred_at"], pd.Timestamp(2023, 3, 1)))
    silent = sum(late["event_name"].to_pylist().count(name) for name in names)
    assert 0 < lost == silent


def test_a_renamed_plan_goes_on_without_a_hole(same) -> None:
    renamed = simulate(World(accounts=60, months=8, kind="plans_renamed")).subscriptions
    moment = pd.Timestamp(2023, 3, 1)
    assert "growth" not in set(renamed.loc[renamed["started_at"] >= moment, "plan"])
    assert "team" in set(renamed["plan"])

    def days(table):
        ends = table["ended_at"].fillna(pd.Timestamp(2023, 9, 1))
        return ends.sub(table["started_at"]).dt.total_seconds().groupby(table["account_id"]).sum()

    pd.testing.assert_series_equal(days(renamed), days(same.subscriptions))
