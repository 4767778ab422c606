"""Who signs up: dates, plan, size, terms and hidden health of every account, before anything is used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from milepost.demo.features import CATEGORIES
from milepost.demo.world import BURN_MONTHS, DAY_US, Calendar, Flags, Floats, Ints, World

TRIAL_DAYS = 14
TRIAL_SHARE = 0.6
BEFORE_SHARE = 0.35
MAX_SEATS = 500
SEGMENTS = ("business", "consumer", "marketplace")
INDUSTRIES = ("software", "retail", "services", "education", "finance", "travel")
REGIONS = ("europe", "north_america", "asia_pacific")
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Singapore")
SOURCES = ("search", "referral", "partner", "event")
TEAMS = ("team-1", "team-2", "team-3", "team-4")


@dataclass(frozen=True)
class Population:
    """What is fixed about each account; every array has one entry per account, in account order.

    created_us, paid_us: microseconds since 1970; paid_us is when the subscription starts (or would have, for a trial
    that never pays: `converted` False). created_month, paid_month: calendar months of them. offset_us: from the
    start of a month to the account's renewal moment. seats: at the start. size: standardised log seats. tier: first
    plan, 0 to 2. health: float [months × accounts], mean 0, variance 1. tendency: float [accounts × categories].
    codes: attribute -> place in its list of values.
    """

    created_us: Ints
    paid_us: Ints
    created_month: Ints
    paid_month: Ints
    offset_us: Ints
    converted: Flags
    annual: Flags
    seats: Ints
    size: Floats
    tier: Ints
    health: Floats
    tendency: Floats
    intensity: Floats
    codes: dict[str, Ints]

    @property
    def count(self) -> int:
        return len(self.seats)

    def renewals(self, calendar: Calendar) -> Ints:
        """The renewal moment of every account in every month: int64 microseconds [months × accounts]."""
        moments: Ints = calendar.starts[:, None] + self.offset_us[None, :]
        return moments


def populate(world: World, calendar: Calendar) -> Population:
    """Draw the accounts of a world."""
    rng = world.draws(1)
    n = world.accounts
    paid_month = _paid_months(world, calendar, rng)
    offset = rng.integers(0, 28, n) * DAY_US + rng.integers(7 * 3600, 19 * 3600, n) * 1_000_000
    paid = calendar.starts[paid_month] + offset
    converted = rng.random(n) >= world.unconverted_share
    trial = ~converted | (rng.random(n) < TRIAL_SHARE)
    created = paid - np.where(trial, TRIAL_DAYS * DAY_US, 0)
    log_seats = rng.normal(2.0, 1.15, n)
    seats = np.clip(np.rint(np.exp(log_seats)), 1, MAX_SEATS).astype(np.int64)
    size = (np.log(seats) - np.log(seats).mean()) / np.log(seats).std()
    tier = np.digitize(0.6 * size + 0.8 * rng.normal(size=n), [-0.13, 0.84]).astype(np.int64)
    annual = rng.random(n) < np.clip(world.annual_share + 0.12 * (tier - 0.75), 0.05, 0.9)
    return Population(
        created_us=created,
        paid_us=paid,
        created_month=np.maximum(np.searchsorted(calendar.starts, created, side="right") - 1, 0),
        paid_month=paid_month,
        offset_us=offset,
        converted=converted,
        annual=annual,
        seats=seats,
        size=size,
        tier=tier,
        health=_health(world.draws(2), calendar.last, n),
        tendency=rng.normal(size=(n, len(CATEGORIES))),
        intensity=rng.normal(0.0, 0.35, n),
        codes=_attributes(world.draws(3), n),
    )


def _paid_months(world: World, calendar: Calendar, rng: np.random.Generator) -> Ints:
    """The month each account starts paying; a share of them before the data begin."""
    before = rng.random(world.accounts) < BEFORE_SHARE
    weight = np.exp(world.knobs.signup_growth * np.arange(world.months))
    later = rng.choice(world.months, world.accounts, p=weight / weight.sum()) + BURN_MONTHS
    months: Ints = np.where(before, rng.integers(0, BURN_MONTHS, world.accounts), later).astype(np.int64)
    assert months.max() < calendar.last
    return months


def _health(rng: np.random.Generator, months: int, accounts: int) -> Floats:
    """Hidden health: 40 % of its variance stays with the account, the rest wanders from month to month."""
    keep = 0.85
    path = np.empty((months, accounts))
    path[0] = rng.normal(size=accounts)
    for month in range(1, months):
        path[month] = keep * path[month - 1] + np.sqrt(1 - keep**2) * rng.normal(size=accounts)
    health: Floats = np.sqrt(0.4) * rng.normal(size=accounts)[None, :] + np.sqrt(0.6) * path
    return health


def _attributes(rng: np.random.Generator, accounts: int) -> dict[str, Ints]:
    lists = {"segment": SEGMENTS, "industry": INDUSTRIES, "region": REGIONS, "source": SOURCES, "owner": TEAMS}
    return {name: rng.integers(0, len(values), accounts) for name, values in lists.items()}
