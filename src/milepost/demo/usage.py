"""How much each account uses the product, when in the week, and how use falls before it leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milepost.demo.adoption import Scene
from milepost.demo.billing import Life
from milepost.demo.features import FEATURES
from milepost.demo.world import BURN_MONTHS, DAY_US, Flags, Floats, Ints

MONTH_US = 30.4375 * DAY_US
DECAY_DAYS, DECAY_TO = 45, 0.2
USE_SEASON = {12: 0.85, 8: 0.9, 1: 0.95}


@dataclass(frozen=True)
class Pace:
    """How busy accounts are; arrays are [months × accounts], months before the data have no length.

    opens, closes: when use may happen within the month, int64 microseconds. share: length in months of 30.4 days.
    factor: uses relative to an average account, before size. falls: accounts whose use falls before they leave.
    """

    opens: Ints
    closes: Ints
    share: Floats
    factor: Floats
    falls: Flags
    end_us: Ints


def pace(scene: Scene, lived: Life) -> Pace:
    """The pace of every account in every month."""
    calendar, people, knobs = scene.calendar, scene.people, scene.world.knobs
    last = calendar.last
    opens = np.maximum(calendar.starts[:last, None], np.maximum(people.created_us, calendar.begin_us))
    closes = np.minimum(calendar.starts[1 : last + 1, None], lived.end_us)
    share = np.maximum(closes - opens, 0) / MONTH_US
    share[:BURN_MONTHS] = 0.0
    season = np.array([USE_SEASON.get(calendar.month_of_year(month), 1.0) for month in range(last)])
    tenure = np.arange(last)[:, None] - people.created_month
    ramp = np.clip(0.6 + 0.2 * tenure, 0.0, 1.0) * (1 + 0.1 * scene.tiers)
    factor = ramp * season[:, None] * np.exp(people.intensity + knobs.hidden_on_use * people.health)
    luck = scene.world.draws(11).random(people.count)
    falls = (lived.churned < last) & (luck < knobs.decay_share)
    return Pace(opens, closes, share, factor, falls, lived.end_us)


def seats_factor(seats: Ints, power: float) -> Floats:
    """How use grows with seats, 1 at 8 seats."""
    factor: Floats = (seats / 8.0) ** power
    return factor


def moments(rng: np.random.Generator, opens: Ints, closes: Ints) -> Ints:
    """One moment of use per interval, mostly on weekdays and by day: int64 microseconds in [opens, closes)."""
    length = closes - opens
    moment = opens + (rng.random(len(opens)) * length).astype(np.int64)
    again = np.flatnonzero(_weekend(moment) & (rng.random(len(opens)) < 0.75))
    moment[again] = opens[again] + (rng.random(len(again)) * length[again]).astype(np.int64)
    hour = 7 + 6 * (rng.random(len(opens), dtype=np.float32) + rng.random(len(opens), dtype=np.float32))
    by_day = moment - moment % DAY_US + (hour * 3.6e9).astype(np.int64) + moment % 1_000_000
    return np.where((by_day >= opens) & (by_day < closes), by_day, moment)


def lasting(rng: np.random.Generator, busy: Pace, account: NDArray[np.intp], moment: Ints) -> Flags:
    """Which uses remain when use falls, in a straight line over the last 45 days, before an account leaves."""
    keep = np.ones(len(moment), bool)
    near = np.flatnonzero(busy.falls[account] & (busy.end_us[account] - moment < DECAY_DAYS * DAY_US))
    left = (busy.end_us[account[near]] - moment[near]) / (DECAY_DAYS * DAY_US)
    keep[near] = rng.random(len(near)) < DECAY_TO + (1 - DECAY_TO) * left
    return keep


def steps_done(used: Flags) -> Floats:
    """The share of the setup steps an account has ever done: float [months × accounts]."""
    steps = [place for place, feature in enumerate(FEATURES) if feature.setup_step]
    done: Floats = np.logical_or.accumulate(used[:, :, steps], axis=0).mean(axis=2)
    return done


def _weekend(moment: Ints) -> Flags:
    """Saturday or Sunday; 1970-01-01, day 0, was a Thursday, which is 3 where Monday is 0."""
    return np.asarray((moment // DAY_US + 3) % 7 >= 5)
