"""Plans, seats and money over time, and the subscription rows that tell of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from milepost.demo.features import DRIVER, FEATURES, PLANS
from milepost.demo.population import MAX_SEATS, Population
from milepost.demo.world import DAY_US, Calendar, Flags, Floats, Ints, World

SEAT_PRICE = np.array([19.0, 49.0, 99.0])
ANNUAL_DISCOUNT = 0.85
UPGRADE, DOWNGRADE = 0.012, 0.002  # chances per month
BUY_SEATS, DROP_SEATS = 0.05, 0.02
FAILED_PAYMENT = 0.004  # per monthly renewal: a hole of 3 to 11 days that is no churn
ADD_ONS = {"ai_agent": ("ai_answers", 0.13, 12.0), "phone": ("voice_calls", 0.12, 9.0)}  # feature, share, per seat
BETA, BETA_FEATURE, BETA_SHARE = "beta_copilot", "copilot_beta", 0.10
NEVER = np.iinfo(np.int64).min  # NaT


@dataclass(frozen=True)
class Grant:
    """One thing sold apart: who has it and when; int64 microseconds [accounts], NEVER where an account has none."""

    entitlement: str
    feature: str
    seat_price: float
    starts_us: Ints
    ends_us: Ints

    def months(self, calendar: Calendar) -> Flags:
        """Had for the whole of a calendar month: bool [months × accounts]."""
        opens, closes = calendar.starts[: calendar.last, None], calendar.starts[1 : calendar.last + 1, None]
        begun = (self.starts_us != NEVER) & (self.starts_us <= opens)
        return np.asarray(begun & ((self.ends_us == NEVER) | (self.ends_us >= closes)))


def plan_path(world: World, calendar: Calendar, people: Population) -> Ints:
    """The plan from each month's renewal moment on, 0 to 2: int [months × accounts]; nothing else moves it."""
    rng = world.draws(7)
    tiers = np.empty((calendar.last, people.count), np.int64)
    tier = people.tier
    for month in range(calendar.last):
        luck = rng.random(people.count)
        running = month > people.paid_month
        up, down = luck < UPGRADE * np.exp(0.3 * people.size), luck > 1 - DOWNGRADE
        tier = np.where(running, np.clip(tier + up.astype(int) - down.astype(int), 0, len(PLANS) - 1), tier)
        tiers[month] = tier
    return tiers


def grants(world: World, calendar: Calendar, people: Population) -> tuple[Grant, ...]:
    """Who buys which add-on or joins the beta, in months that begin with a renewal; a quarter end again."""
    rng = world.draws(8)
    renewals = people.renewals(calendar)
    made = []
    for entitlement, feature, share, price in (*((k, *v) for k, v in ADD_ONS.items()), (BETA, BETA_FEATURE, BETA_SHARE, 0.0)):
        bought = people.paid_month + rng.integers(0, 6, people.count)
        ended = bought + rng.integers(4, 18, people.count)
        has = people.converted & (rng.random(people.count) < share) & (bought < calendar.last)
        quits = has & (rng.random(people.count) < 0.25) & (ended < calendar.last)
        each = np.arange(people.count)
        starts = np.where(has, renewals[np.minimum(bought, calendar.last - 1), each], NEVER)
        ends = np.where(quits, renewals[np.minimum(ended, calendar.last - 1), each], NEVER)
        made.append(Grant(entitlement, feature, price, starts, ends))
    return tuple(made)


def seat_path(world: World, calendar: Calendar, people: Population, habit: Flags) -> Ints:
    """Seats from each month's renewal moment on: int [months × accounts].

    Accounts that use more of the drivers buy seats more often, in worlds with effects; healthy ones do too.
    """
    knobs, rng = world.knobs, world.draws(9)
    drivers = [place for place, feature in enumerate(FEATURES) if feature.role == DRIVER]
    breadth = habit[:, :, drivers].sum(axis=2) - 5.0
    pull = (0.13 * breadth if knobs.effects else 0.0) + knobs.hidden_on_use * people.health
    paths = np.empty((calendar.last, people.count), np.int64)
    seats = people.seats
    for month in range(calendar.last):
        luck, amount = rng.random(people.count), rng.uniform(0.08, 0.3, people.count)
        running = month > people.paid_month
        grows = running & (luck < knobs.seat_growth * BUY_SEATS * np.exp(pull[month]))
        shrinks = running & (luck > 1 - DROP_SEATS * np.exp(-0.5 * pull[month]))
        change = np.maximum(1, np.rint(seats * amount)).astype(np.int64)
        seats = np.clip(seats + np.where(grows, change, 0) - np.where(shrinks & ~grows, change, 0), 1, MAX_SEATS)
        paths[month] = seats
    return paths


def base_rows(world: World, calendar: Calendar, people: Population, tiers: Ints, seats: Ints, churned: Ints,
              add_on: Flags) -> pd.DataFrame:  # fmt: skip
    ...
