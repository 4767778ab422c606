"""A small world with known truth, made as arrays: independent of the demo product, fast enough for hundreds of runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.signals.spec import Signal
from milepost.windows import Windows, snapshot_dates

Floats = NDArray[np.float64]
PLANS = np.array(["basic", "plus", "top"])
CATEGORIES = ("alpha", "beta", "gamma", "delta", "epsilon")
MONTH_DAYS = 30


@dataclass(frozen=True)
class World:
    """What the world is like.

    drivers: features that lower the log-odds of churning in a month by `strength` while in use, spread over the
    categories. proxies: features without an effect that mostly drivers' users adopt. depth_on_churn: how much the
    overall level of activity (visible in the counts) lowers churn; hidden_on_churn: the same for something that
    also raises adoption of every feature and is visible nowhere. size_on_churn, plan_on_churn: confounding.
    """

    accounts: int = 2_000
    snapshots: int = 10
    features: int = 60
    drivers: int = 0
    proxies: int = 0
    strength: float = 0.8
    monthly_churn: float = 0.03
    size_on_churn: float = 0.35
    plan_on_churn: float = 0.35
    depth_on_churn: float = 0.35
    hidden_on_churn: float = 0.0
    bundle: float = 0.3
    seed: int = 1


@dataclass(frozen=True)
class Simulated:
    """A world's observations and outcomes with its truth: which features drive retention, which are proxies."""

    observations: Observations
    outcomes: Outcomes
    settings: Settings
    drivers: frozenset[str]
    proxies: frozenset[str]
    category_drivers: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _People:
    """size, depth, hidden: float [accounts]; tier: [accounts]; start: month of signing up."""

    size: Floats
    tier: NDArray[np.intp]
    depth: Floats
    hidden: Floats
    start: NDArray[np.intp]


def simulate(world: World) -> Simulated:
    """One draw of the world: monthly use, churn that looks at use in the month before, and what snapshots would see."""
    rng = np.random.default_rng(world.seed)
    months = world.snapshots + 6
    people = _people(world, rng, months)
    rates, roles = _roles(world, rng)
    used = _use(world, people, rates, roles, (rng, months))
    odds = np.where(roles == 1, -world.strength, 0.0)
    end = _ends(world, people, used @ odds, rng)
    counts = _counts(used, people, rng)
    return _observe(world, people, counts, end, roles)


def _people(world: World, rng: np.random.Generator, months: int) -> _People:
    count = world.accounts
    size = rng.normal(size=count)
    tier = np.digitize(0.7 * size + rng.normal(size=count), [-0.3, 1.0])
    start = np.where(rng.random(count) < 0.6, -rng.integers(1, 30, count), rng.integers(0, months - 3, count))
    return _People(size, tier, rng.normal(size=count), rng.normal(size=count), start)


def _roles(world: World, rng: np.random.Generator) -> tuple[Floats, NDArray[np.intp]]:
    """Adoption rate and role of every feature: 0 nothing, 1 driver, 2 proxy."""
    rates = rng.uniform(0.12, 0.85, world.features)
    edge = world.features // 6
    rates[-edge:] = 0.97
    rates[-2 * edge : -edge] = rng.uniform(0.02, 0.08, edge)
    roles = np.zeros(world.features, dtype=np.intp)
    roles[: world.drivers] = 1
    rates[: world.drivers] = rng.uniform(0.25, 0.6, world.drivers)
    roles[world.drivers : world.drivers + world.proxies] = 2
    return rates, roles


def _use(
    world: World, people: _People, rates: Floats, roles: NDArray[np.intp], draw: tuple[np.random.Generator, int]
) -> NDArray[np.float32]:
    """In use, 0 or 1: [months × accounts × features]; a state that lasts about ten months."""
    rng, months = draw
    group = np.arange(world.features) % len(CATEGORIES)
    common = rng.normal(size=(world.accounts, len(CATEGORIES)))[:, group]
    load = rng.uniform(0, 0.5, (2, world.features))
    hidden = 0.4 * bool(world.hidden_on_churn)
    wish = (
        np.sqrt(1 - world.bundle) * rng.normal(size=(world.accounts, world.features))
        + np.sqrt(world.bundle) * common
        + people.size[:, None] * load[0]
        + (people.tier - 1)[:, None] * load[1]
        + 0.4 * people.depth[:, None]
        + hidden * people.hidden[:, None]
    )
    for place in np.flatnonzero(roles == 2):
        wish[:, place] = 0.8 * wish[:, (place - world.drivers) % max(world.drivers, 1)] + 0.6 * wish[:, place]
    usual = wish > np.array([np.quantile(wish[:, place], 1 - rate) for place, rate in enumerate(rates)])
    used = np.empty((months, world.accounts, world.features), dtype=np.float32)
    state = usual
    for month in range(months):
        redraw = rng.random(state.shape) < 0.1
        state = np.where(redraw, usual ^ (rng.random(state.shape) < 0.05), state)
        used[month] = state
    return used


def _ends(world: World, people: _People, odds: Floats, rng: np.random.Generator) -> Floats:
    """The day each account leaves, counted from month 0, infinite where it stays."""
    months = len(odds)
    base = (
        -world.size_on_churn * people.size
        - world.plan_on_churn * (people.tier - 1)
        - world.depth_on_churn * people.depth
        - world.hidden_on_churn * people.hidden
    )
    alive = np.arange(months)[:, None] > people.start
    season = np.where(np.arange(months) % 12 < 2, 0.4, 0.0)[:, None]
    low, high = -12.0, 6.0
    for _ in range(30):
        middle = (low + high) / 2
        chance = 1 / (1 + np.exp(-(middle + base + odds + season)))
        low, high = (middle, high) if chance[alive].mean() < world.monthly_churn else (low, middle)
    falls = (rng.random(chance.shape) < chance) & alive
    falls[0] = False
    month = np.where(falls.any(axis=0), falls.argmax(axis=0).astype(float), np.inf)
    return month * MONTH_DAYS + rng.integers(0, MONTH_DAYS, len(month))


def _counts(used: NDArray[np.float32], people: _People, rng: np.random.Generator) -> NDArray[np.float32]:
    """Uses within the three months before each month: [months × accounts × features]."""
    rate = used * np.exp(1.2 + 0.5 * people.depth + 0.4 * people.size)[:, None]
    monthly = rng.poisson(rate).astype(np.float32)
    window = np.zeros_like(monthly)
    for back in (1, 2, 3):
        window[back:] += monthly[:-back]
    return window


def _observe(
    world: World, people: _People, counts: NDArray[np.float32], end: Floats, roles: NDArray[np.intp]
) -> Simulated:
    windows = Windows()
    days = snapshot_dates(pd.Timestamp("2022-01-01"), pd.Timestamp("2030-01-01"), windows)[: world.snapshots]
    frames, use, gone = [], [], []
    for place, day in enumerate(days):
        month = place + 3
        now = month * MONTH_DAYS
        seen = np.flatnonzero((people.start < month) & (end >= now))
        frames.append(_context(people, seen, day, month))
        use.append(counts[month, seen])
        gone.append(end[seen] - now)
    context = pd.concat(frames, ignore_index=True)
    until = np.concatenate(gone)
    features = _catalogue(world)
    observations = _observations(context, np.concatenate(use), features, windows)
    names = np.array([feature.name for feature in features])
    return Simulated(
        observations, _outcomes(until, windows), Settings.model_validate(SETTINGS),
        frozenset(names[roles == 1].tolist()), frozenset(names[roles == 2].tolist()),
    )  # fmt: skip


def _context(people: _People, seen: NDArray[np.intp], day: date, month: int) -> pd.DataFrame:
    tenure = (month - people.start[seen]) * float(MONTH_DAYS)
    seats = np.round(np.exp(2 + 0.8 * people.size[seen])) + 1
    return pd.DataFrame({
        "account_id": [f"a{place:06d}" for place in seen],
        "snapshot_date": pd.Timestamp(day),
        "plan": PLANS[people.tier[seen]],
        "plan_at_start": PLANS[people.tier[seen]],
        "seats": seats,
        "mrr": seats * 20,
        "size_band": np.where(seats <= 5, "1-5", np.where(seats <= 20, "6-20", "over 20")),
        "segment": "",
        "tenure_days": tenure,
        "exposure_days": np.minimum(tenure, 84.0),
        "before_data": people.start[seen] < 0,
        "days_to_term_end": np.nan,
        "term_months": np.nan,
        "days_since_last_use": 1.0,
        "active_users": 1.0,
    })  # fmt: skip


def _catalogue(world: World) -> tuple[Feature, ...]:
    return tuple(
        Feature(f"feature_{place:02d}", (f"event_{place:02d}",), CATEGORIES[place % len(CATEGORIES)])
        for place in range(world.features)
    )


def _observations(
    context: pd.DataFrame, counts: NDArray[np.float32], features: tuple[Feature, ...], windows: Windows
) -> Observations:
    """Signals are the count and whether it was ever used; enough for forests to have something to rank."""
    signals = tuple(
        Signal(f"{feature.name}.{measure}", feature.name, measure, 84, "day", "per day", measure)
        for measure in ("count", "ever")
        for feature in features
    ) + tuple(Signal(f"account.{name}", None, name, 84, "", "", name) for name in ("seats", "tenure_days"))
    values = np.column_stack([counts / 84, counts > 0, context[["seats", "tenure_days"]]]).astype(np.float32)
    matrix = Matrix(values, context[["account_id", "snapshot_date"]].copy(), signals, "simulated")
    return Observations(matrix, features, counts, np.ones(counts.shape, dtype=bool), False, context, windows)


def _outcomes(until: Floats, windows: Windows) -> Outcomes:
    """until: days from the snapshot to the end of the account."""
    churned = (until >= windows.gap_days) & (until < windows.gap_days + windows.outcome_days)
    left_out = np.where(until < windows.gap_days, "ended_in_gap", "")
    flags = np.where(left_out == "", churned, np.nan).astype(np.float32)
    return Outcomes(flags, np.zeros_like(flags), np.zeros_like(flags), left_out)


SETTINGS = {"tables": {"accounts": {"path": "accounts.csv"}, "events": {"path": "events.csv"}}}
