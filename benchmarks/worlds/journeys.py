"""Accounts with planted milestones: setup steps, activation at N in D, utilization per seat, a mature cut.

Day by day, as arrays. What is planted follows from the one before it and from nothing else: an account that has done
two of the three steps that matter begins with twice the use; one with N value events in its first D days has a higher
rate per seat from the landmark on; months at or above the threshold per seat have a lower chance of leaving; and two
adopted features of a category lower it again. In a world without effects every arrow is cut: rates early and late are
drawn apart. A seat of a small account is used as one of a large account is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.milestones.daily import NEVER, DailyCounts, daily_counts
from milepost.milestones.lives import Lives, SeatHistory
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.build import size_bands
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.signals.spec import Signal
from milepost.windows import Windows, snapshot_dates

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MONTH = 30
LANDMARK = 91
SETUP_DAYS = 28
STEPS = ("connect", "invite", "import", "publish", "hours", "profile", "theme")
MATTER = ("invite", "import", "publish")  # connect is required, hours and profile change nothing, theme is niche
CATEGORY = tuple(f"report_{place}" for place in range(5))
PLANS = np.array(["basic", "plus", "top"])
SETTINGS = {"tables": {"accounts": {"path": "accounts.csv"}, "events": {"path": "events.csv"}}}


@dataclass(frozen=True)
class World:
    """What is planted; `effects` False cuts every arrow."""

    accounts: int = 5_000
    months: int = 30
    seed: int = 1
    effects: bool = True
    count: int = 8
    days: int = 28
    per_seat: float = 1.0
    needed: int = 2
    cut: int = 2


@dataclass(frozen=True)
class Seen:
    """The world as milepost sees it at its last day."""

    world: World
    lives: Lives
    observations: Observations
    outcomes: Outcomes
    settings: Settings


def live(world: World) -> Seen:
    """Draw the world; the same world gives the same arrays."""
    rng = np.random.default_rng([world.seed, world.effects])
    count, begin = world.accounts, int((date(2022, 1, 1) - date(1970, 1, 1)).days)
    today = begin + world.months * MONTH
    created = begin + rng.integers(1, (world.months - 4) * MONTH, count)
    seats = np.clip(np.rint(np.exp(rng.normal(2.0, 1.0, count))), 1, 300)
    tier = np.digitize(0.5 * np.log(seats) + rng.normal(size=count), [0.8, 2.0])
    steps = _steps(world, created, rng)
    done = np.sum([steps[name] < created + SETUP_DAYS for name in MATTER], axis=0)
    early = np.exp(rng.normal(-1.45, 0.75, count)) * _if(world, done >= world.needed, 2.2, 1.0)
    first = rng.poisson(early[:, None], (count, LANDMARK))
    connected = (steps["connect"] < NEVER) | (not world.effects)
    first[~connected] = 0
    active = first[:, : world.days].sum(axis=1) >= world.count
    rate = np.exp(rng.normal(-0.75, 0.55, count)) * _if(world, active, 2.6, 1.0)  # per seat and month
    reports = rng.random((count, len(CATEGORY))) < rng.beta(2, 3, count)[:, None]
    use, end = _later(world, (created, seats, rate * connected, reports), today, rng)
    value = _events(created, first, use, end, today)
    lives = _lives(created, end, seats, PLANS[tier], steps, value, today)
    observations, outcomes = _observed(world, lives, reports, begin)
    return Seen(world, lives, observations, outcomes, Settings.model_validate(SETTINGS))


def _if(world: World, reached: NDArray[np.bool_], there: float, else_: float) -> Floats:
    return np.where(reached & world.effects, there, else_)


def _steps(world: World, created: Ints, rng: np.random.Generator) -> dict[str, Ints]:
    """The day each step is done: at any time in the first weeks, or never."""
    keen = rng.normal(size=len(created))
    shares = {
        "connect": 0.94,
        "invite": 0.55,
        "import": 0.45,
        "publish": 0.5,
        "hours": 0.5,
        "profile": 0.4,
        "theme": 0.05,
    }
    found = {}
    for place, name in enumerate(STEPS):
        wants = 0.4 * keen + rng.normal(size=len(created)) < np.sqrt(1.16) * _quantile(shares[name])
        day = created + np.floor(rng.gamma(1.5, 3.0 + place, len(created))).astype(np.int64)
        found[name] = np.where(wants, day, NEVER)
    return found


def _quantile(share: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(share))


def _later(
    world: World, given: tuple[Ints, Floats, Floats, NDArray[np.bool_]], today: int, rng: np.random.Generator
) -> tuple[Floats, Ints]:
    """Uses by month of tenure after the landmark [accounts × months], and the day each account ends."""
    created, seats, rate, reports = given
    months = world.months
    wave = np.exp(rng.normal(0, 0.25, (len(seats), months)))
    use = rng.poisson(rate[:, None] * seats[:, None] * wave).astype(float)
    reached = use / seats[:, None] >= world.per_seat
    odds = -2.2 - 0.15 * np.log(seats)[:, None] + np.where(reached & world.effects, -1.3, 0.0)
    odds = odds + (-0.9 if world.effects else 0.0) * (reports.sum(axis=1) >= world.cut)[:, None]
    leaves = rng.random(use.shape) < 1 / (1 + np.exp(-odds))
    # a month's use decides about the month after it
    month = np.where(leaves.any(axis=1), leaves.argmax(axis=1), months)
    within = rng.integers(0, MONTH, len(seats))
    end = created + LANDMARK + (month + 1) * MONTH + within
    return use, np.where((month < months) & (end < today), end, NEVER)


def _events(created: Ints, first: NDArray[np.int64], use: Floats, end: Ints, today: int) -> DailyCounts:
    """Days of use: as drawn in the first weeks, then each month's uses on days of it."""
    account, day = np.nonzero(first)
    counts = [first[account, day].astype(float)]
    accounts, days = [account], [created[account] + day]
    rng = np.random.default_rng(len(created))
    for month in range(use.shape[1]):
        many = use[:, month].astype(int)
        who = np.repeat(np.arange(len(created)), many)
        accounts.append(who)
        days.append(created[who] + LANDMARK + month * MONTH + rng.integers(0, MONTH, len(who)))
        counts.append(np.ones(len(who)))
    whose, when, how = (np.concatenate(parts) for parts in (accounts, days, counts))
    keep = (when < today) & (when < end[whose])
    return daily_counts(whose[keep].astype(np.intp), when[keep], when[keep], how[keep], len(created))


def _lives(
    created: Ints,
    end: Ints,
    seats: Floats,
    plan: NDArray[np.str_],
    steps: dict[str, Ints],
    value: DailyCounts,
    today: int,
) -> Lives:
    count = len(created)
    names = np.char.add("a", np.char.zfill(np.arange(count).astype(str), 6))
    history = SeatHistory(np.arange(count, dtype=np.intp), created + 1, seats)
    return Lives(
        account_id=names, created=created, end=end, before_data=np.zeros(count, dtype=bool), plan=plan, seats=seats,
        size_band=size_bands(pd.Series(seats), (5, 20, 100)), history=history, value=value, metric=value,
        value_name="answer_sent", metric_name="answers sent", areas={},
        steps={name: np.where((days < today) & (days < end), days, NEVER) for name, days in steps.items()}, today=today,
    )  # fmt: skip


def _observed(world: World, lives: Lives, reports: NDArray[np.bool_], begin: int) -> tuple[Observations, Outcomes]:
    """Monthly snapshots of running accounts, and what became of them."""
    windows = Windows()
    dates = snapshot_dates(pd.Timestamp("1970-01-01") + pd.Timedelta(days=begin), _midnight(lives.today), windows)
    frames, rows = [], []
    for day in dates:
        now = (day - date(1970, 1, 1)).days
        seen = np.flatnonzero((lives.created < now) & (lives.end >= now))
        rows.append(seen)
        frames.append(_context(lives, seen, day, now))
    context, seen = pd.concat(frames, ignore_index=True), np.concatenate(rows)
    features = tuple(Feature(name, (name,), "reporting") for name in CATEGORY)
    counts = reports[seen].astype(np.float32)
    signals = tuple(Signal(f"{name}.ever", name, "ever", 84, "", "", name) for name in CATEGORY)
    matrix = Matrix(counts.copy(), context[["account_id", "snapshot_date"]].copy(), signals, "simulated")
    everyone = np.ones(counts.shape, dtype=bool)
    observations = Observations(matrix, features, counts, everyone, False, context, windows)
    now = context["snapshot_date"].to_numpy(dtype="datetime64[D]").astype(np.int64)
    until = (lives.end[seen] - now).astype(float)
    return observations, _outcomes(until, now + windows.purge_days > lives.today, windows)


def _midnight(day: int) -> pd.Timestamp:
    return pd.Timestamp("1970-01-01") + pd.Timedelta(days=day)


def _context(lives: Lives, seen: NDArray[np.intp], day: date, now: int) -> pd.DataFrame:
    tenure = (now - lives.created[seen]).astype(float)
    return pd.DataFrame({
        "account_id": lives.account_id[seen].astype(object), "snapshot_date": pd.Timestamp(day),
        "plan": lives.plan[seen], "plan_at_start": lives.plan[seen], "seats": lives.seats[seen],
        "mrr": lives.seats[seen] * 20, "size_band": lives.size_band[seen], "segment": "", "tenure_days": tenure,
        "exposure_days": np.minimum(tenure, 84.0), "before_data": False, "days_to_term_end": np.nan,
        "term_months": np.nan, "days_since_last_use": 1.0, "active_users": 1.0, "active_days": 1.0,
    })  # fmt: skip


def _outcomes(until: Floats, censored: NDArray[np.bool_], windows: Windows) -> Outcomes:
    churned = (until >= windows.gap_days) & (until < windows.gap_days + windows.outcome_days)
    left_out = np.where(censored, "censored", np.where(until < windows.gap_days, "ended_in_gap", ""))
    flags = np.where(left_out == "", churned, np.nan).astype(np.float32)
    return Outcomes(flags, np.zeros_like(flags), np.zeros_like(flags), left_out)
