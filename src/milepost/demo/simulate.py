"""One call that makes a world: the contract's tables, the catalogue and the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from milepost.demo.adoption import Scene, adopt, draw, gated, habits
from milepost.demo.billing import access_rows, grants, life, plan_path, seat_path, subscriptions
from milepost.demo.changes import chance_of, with_new_names, without_events
from milepost.demo.columns import account_ids, choose, times
from milepost.demo.conversations import conversations_table, converse, surveys_table
from milepost.demo.events import conversation_actions, events_table, feature_actions
from milepost.demo.features import FEATURES, catalogue_rows
from milepost.demo.population import INDUSTRIES, REGIONS, SEGMENTS, SOURCES, TEAMS, ZONES, Population, populate
from milepost.demo.retention import churn_months, contribution, risk
from milepost.demo.truth import contact_effects, truth
from milepost.demo.usage import pace, steps_done
from milepost.demo.world import Calendar, World, calendar

LAUNCH_BEFORE_END = 2  # months: inside the last observation window of 84 days


@dataclass(frozen=True)
class Demo:
    """A simulated product: the contract's tables, the rows of features.csv, and the truth that stays apart."""

    world: World
    accounts: pd.DataFrame
    subscriptions: pd.DataFrame
    events: pa.Table
    conversations: pd.DataFrame
    surveys: pd.DataFrame
    access: pd.DataFrame
    catalogue: tuple[dict[str, str], ...]
    truth: dict[str, Any]
    contact_effect: pd.DataFrame
    complete_until: pd.Timestamp


def simulate(world: World) -> Demo:
    """Simulate a world; the same world gives the same tables, byte for byte.

    Use is drawn before churn and without looking at it; only the fall of use before an account leaves looks ahead.
    """
    dates = calendar(world)
    people = populate(world, dates)
    tiers, sold = plan_path(world, dates, people), grants(world, dates, people)
    launch = dates.last - LAUNCH_BEFORE_END if world.knobs.late_launch else None
    access = gated(tiers, people, {grant.entitlement: grant.months(dates) for grant in sold}, launch)
    scene = Scene(world, dates, people, tiers, access, draw(world, dates, people))
    used = adopt(scene)
    contributed = contribution(world, habits(used))
    model = risk(world, dates, people, tiers, contributed)
    churned = churn_months(world, dates, people, chance_of(world, dates, model, habits(used), contributed))
    lived = life(dates, people, seat_path(world, dates, people, habits(used)), churned)
    busy = pace(scene, lived)
    talks = converse(scene, lived, busy, steps_done(used))
    actions = (feature_actions(scene, lived, busy, used), *conversation_actions(talks))
    launched = {f.name: dates.day(launch).isoformat() for f in FEATURES if f.late} if launch is not None else {}
    return Demo(
        world=world,
        accounts=_accounts(dates, people),
        subscriptions=with_new_names(world, dates, subscriptions(scene, lived, sold)),
        events=without_events(world, dates, events_table(scene, lived, actions)),
        conversations=conversations_table(scene, talks),
        surveys=surveys_table(scene, busy),
        access=access_rows(lived, sold),
        catalogue=catalogue_rows(launched),
        truth=truth(scene, lived, model, used, launched),
        contact_effect=contact_effects(scene, lived, model, used),
        complete_until=pd.Timestamp(dates.day(dates.last)),
    )


def _accounts(dates: Calendar, people: Population) -> pd.DataFrame:
    codes = people.codes
    return pd.DataFrame(
        {
            "account_id": account_ids(np.arange(people.count)),
            "created_at": times(people.created_us),
            "segment": choose(SEGMENTS, codes["segment"]),
            "owner": choose(TEAMS, codes["owner"]),
            "region": choose(REGIONS, codes["region"]),
            "time_zone": choose(ZONES, codes["region"]),
            "industry": choose(INDUSTRIES, codes["industry"]),
            "source": choose(SOURCES, codes["source"]),
        }
    )
