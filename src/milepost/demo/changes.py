"""Worlds whose truth changes at a date: what a review has to find, and a season that it has to leave alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from milepost.demo.features import FEATURES, POSITION
from milepost.demo.retention import Risk, contribution, log_odds
from milepost.demo.world import Calendar, Flags, Floats, World

DRIVER, SILENT = "help_center", "messenger"
OLD_PLAN, NEW_PLAN = "growth", "team"
SEASON = 0.6  # log-odds of churn, for everybody
LATER_FROM = 3  # drivers of a category in use from which they do their whole work, once the threshold has moved
MONTHS_AFTER = 6  # of data after the change


def change_month(dates: Calendar) -> int:
    """The month from whose start on the other truth holds."""
    return dates.last - MONTHS_AFTER


def chance_of(world: World, dates: Calendar, model: Risk, habit: Flags, contributed: Floats) -> Floats:
    """The chance of churn at a term end, with the other truth from its month on: float [months × accounts]."""
    before, first = model.chance(contributed), change_month(dates)
    after = {
        "driver_dies": lambda: model.chance(contribution(world, habit, effects=_without(world))),
        "threshold_moves": lambda: model.chance(contribution(world, habit, stepped_from=LATER_FROM)),
        "season_only": lambda: replace(model, base=model.base + SEASON).chance(contributed),
    }.get(world.kind)
    if after is None:
        return before
    return np.vstack([before[:first], after()[first:]])


def without_events(world: World, dates: Calendar, events: pa.Table) -> pa.Table:
    """The events that are recorded: in `tracking_breaks` those of one feature stop."""
    if world.kind != "tracking_breaks":
        return events
    names = pa.array(FEATURES[POSITION[SILENT]].events.split("|"))
    late = pc.greater_equal(events["occurred_at"], pa.scalar(_moment(dates), events["occurred_at"].type))
    silent = pc.is_in(events["event_name"].cast(pa.string()), value_set=names)
    return events.filter(pc.invert(pc.and_(late, silent)))


def with_new_names(world: World, dates: Calendar, subscriptions: pd.DataFrame) -> pd.DataFrame:
    """The history of subscriptions: in `plans_renamed` one plan goes on under another name."""
    if world.kind != "plans_renamed":
        return subscriptions
    moment, table = pd.Timestamp(_moment(dates)), subscriptions
    named = table["plan"] == OLD_PLAN
    running = named & (table["started_at"] < moment) & (table["ended_at"].isna() | (table["ended_at"] > moment))
    later = table[running].assign(started_at=moment, plan=NEW_PLAN)
    first = table.assign(
        ended_at=table["ended_at"].mask(running, moment),
        plan=table["plan"].mask(named & (table["started_at"] >= moment), NEW_PLAN),
    )
    return pd.concat([first, later]).sort_values(["account_id", "started_at"], kind="stable", ignore_index=True)


def _without(world: World) -> Floats:
    effects = log_odds(world)
    effects[POSITION[DRIVER]] = 0.0
    return effects


def _moment(dates: Calendar) -> np.datetime64:
    moment: np.datetime64 = dates.starts[change_month(dates)].astype("datetime64[us]")
    return moment
