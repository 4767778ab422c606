"""Plans, seats and money over time, and the subscription rows that tell of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.demo.adoption import Scene
from milepost.demo.columns import NEVER, account_ids, choose, times
from milepost.demo.features import DRIVER, FEATURES, PLANS
from milepost.demo.population import MAX_SEATS, Population
from milepost.demo.world import DAY_US, Calendar, Flags, Ints, World

SEAT_PRICE = np.array([19.0, 49.0, 99.0])
ANNUAL_DISCOUNT = 0.85
UPGRADE, DOWNGRADE = 0.012, 0.002  # chances per month
BUY_SEATS, DROP_SEATS = 0.05, 0.02
FAILED_PAYMENT = 0.004  # per monthly renewal: a hole of 3 to 11 days that is no churn
SOLD_APART = (  # entitlement, feature, share of accounts, price per seat: two add-on items and a free beta
    ("ai_agent", "ai_answers", 0.13, 12.0),
    ("phone", "voice_calls", 0.12, 9.0),
    ("beta_copilot", "copilot_beta", 0.10, 0.0),
)


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
    for entitlement, feature, share, price in SOLD_APART:
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


@dataclass(frozen=True)
class Life:
    """What became of each account: seats int [months × accounts], month of churn (`calendar.last`: none), its end.

    end_us: when use must stop, int64 microseconds: churn, the end of a trial that never paid, or the end of the data.
    """

    seats: Ints
    churned: Ints
    end_us: Ints


def life(calendar: Calendar, people: Population, seats: Ints, churned: Ints) -> Life:
    """Put seats and churn together."""
    moment = people.renewals(calendar)[churned, np.arange(people.count)]
    stays = np.where(people.converted, calendar.end_us, np.minimum(people.paid_us, calendar.end_us))
    return Life(seats, churned, np.where(churned < calendar.last, moment, stays))


def subscriptions(scene: Scene, lived: Life, sold: tuple[Grant, ...]) -> pd.DataFrame:
    """The subscription history: one row per change of plan, seats or term of the base item, one per add-on."""
    holder = np.zeros(scene.people.count, bool)
    for grant in sold:
        holder |= grant.starts_us != NEVER
    rows = [_base_rows(scene, lived, holder), *(_add_on_rows(scene, lived, g) for g in sold if g.seat_price)]
    table = pd.concat(rows, ignore_index=True).sort_values(["account", "started_us"], kind="stable", ignore_index=True)
    return pd.DataFrame(
        {
            "account_id": account_ids(table["account"].to_numpy()),
            "started_at": times(table["started_us"].to_numpy()),
            "ended_at": times(table["ended_us"].to_numpy()),
            "item": table["item"].astype("str"),
            "plan": choose(("", *PLANS), table["tier"].to_numpy() + 1, empty_is_null=True),
            "seats": table["seats"].astype("float64"),
            "mrr": table["mrr"].round(2),
            "term_ends_at": times(table["term_us"].to_numpy()),
            "term_months": table["term_months"].astype("int64"),
            "paid": np.ones(len(table), bool),
        }
    )


def access_rows(lived: Life, sold: tuple[Grant, ...]) -> pd.DataFrame:
    """The access table: what is sold apart, per account."""
    parts = []
    for grant in sold:
        who = np.flatnonzero((grant.starts_us != NEVER) & (grant.starts_us < lived.end_us))
        ends = _ended(grant, lived)[who]
        parts.append(
            pd.DataFrame(
                {
                    "account_id": account_ids(who),
                    "feature": np.full(len(who), grant.feature),
                    "available_from": times(grant.starts_us[who]),
                    "available_to": times(ends),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _base_rows(scene: Scene, lived: Life, holder: Flags) -> pd.DataFrame:
    people, last = scene.people, scene.calendar.last
    renewals, when = people.renewals(scene.calendar), np.arange(last)[:, None]
    running = people.converted & (when >= people.paid_month) & (when < lived.churned)
    begun = np.where(people.annual, people.paid_month + 12 * ((when - people.paid_month) // 12), when)
    changed = running & (when == people.paid_month)
    for path in (scene.tiers, lived.seats, begun):
        changed[1:] |= running[1:] & (path[1:] != path[:-1])
    account, month = np.nonzero(changed.T)
    moment = renewals[month, account]
    same = np.append(account[1:] == account[:-1], False)
    final = np.where(lived.churned < last, lived.end_us, NEVER)[account]
    hole = _holes(scene, account, month) * ~holder[account]
    term = np.where(people.annual, 12, 1)[account]
    seats, tier = lived.seats[month, account], scene.tiers[month, account]
    price = SEAT_PRICE[tier] * np.where(people.annual, ANNUAL_DISCOUNT, 1.0)[account]
    return pd.DataFrame(
        {
            "account": account,
            "started_us": moment + hole,
            "ended_us": np.where(same, np.append(moment[1:], NEVER), final),
            "item": "base",
            "tier": tier,
            "seats": seats.astype(float),
            "mrr": seats * price,
            "term_us": renewals[begun[month, account] + term, account],
            "term_months": term,
        }
    )


def _holes(scene: Scene, account: NDArray[np.intp], month: NDArray[np.intp]) -> Ints:
    """How late a renewal starts after a failed payment, in microseconds; monthly terms only."""
    rng, people = scene.world.draws(10), scene.people
    renewal = ~people.annual[account] & (month > people.paid_month[account])
    failed = renewal & (rng.random(len(account)) < FAILED_PAYMENT)
    return np.asarray(failed * rng.integers(3, 12, len(account)) * DAY_US, np.int64)


def _add_on_rows(scene: Scene, lived: Life, grant: Grant) -> pd.DataFrame:
    who = np.flatnonzero((grant.starts_us != NEVER) & (grant.starts_us < lived.end_us))
    month = np.maximum(np.searchsorted(scene.calendar.starts, grant.starts_us[who], side="right") - 1, 0)
    return pd.DataFrame(
        {
            "account": who,
            "started_us": grant.starts_us[who],
            "ended_us": _ended(grant, lived)[who],
            "item": grant.entitlement,
            "tier": -1,
            "seats": np.nan,
            "mrr": grant.seat_price * lived.seats[month, who],
            "term_us": NEVER,
            "term_months": 1,
        }
    )


def _ended(grant: Grant, lived: Life) -> Ints:
    """When a grant ends: of itself, or with its account."""
    left = np.where(lived.churned < len(lived.seats), lived.end_us, NEVER)
    far = np.iinfo(np.int64).max
    first = np.minimum(*(np.where(ends == NEVER, far, ends) for ends in (grant.ends_us, left)))
    return np.where(first == far, NEVER, first)
