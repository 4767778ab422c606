"""How many accounts an experiment needs, what it can see with those it gets, and when it is over."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.optimize import brentq
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.proportion import proportion_effectsize

from milepost.experiments.estimates import NAN
from milepost.experiments.sequential import even, inflation

MOST = 1e9  # accounts per arm: beyond it, nothing is asked for


@dataclass(frozen=True)
class Sizing:
    """What one metric asks for. Shares or units of the metric; accounts are per arm, of the smaller arm.

    needed: accounts per arm for `effect` at the wanted power; detectable: the smallest effect that `available` accounts
    per arm show with that power; enrolment_days: at the sign-ups per day; days: enrolment and the metric's own window.
    """

    metric: str
    role: str
    baseline: float
    spread: float
    effect: float
    needed: float
    available: float
    detectable: float
    enrolment_days: float
    days: float

    @property
    def enough(self) -> bool:
        return self.available >= self.needed


@dataclass(frozen=True)
class Design:
    """What sizes have in common: alpha (two-sided), power, looks, larger arm over smaller, sign-ups a day and per arm.

    per_day: eligible accounts a day that enter, all arms together; available: accounts in the smaller arm over the
    planned enrolment; share_smaller: the smaller arm's share of those who enter.
    """

    alpha: float
    power: float
    looks: int
    ratio: float
    per_day: float
    available: float
    share_smaller: float


def accounts_for_shares(
    before: float, after: float, alpha: float = 0.05, power: float = 0.8, ratio: float = 1
) -> float:
    """Accounts in the smaller arm to tell two shares apart (arcsine; Cohen 1988). .50 -> .75 at power .9: 76.7."""
    size = abs(proportion_effectsize(after, before))
    if size == 0:
        return MOST
    found = NormalIndPower().solve_power(effect_size=size, alpha=alpha, power=power, ratio=ratio)
    return float(found)


def accounts_for_means(
    spread: float, effect: float, alpha: float = 0.05, power: float = 0.8, ratio: float = 1
) -> float:
    """Accounts in the smaller arm to see a difference of means; spread is the standard deviation of one account."""
    if effect == 0 or not spread > 0:
        return MOST
    size = min(abs(effect) / spread, 5.0)
    found = TTestIndPower().solve_power(effect_size=size, alpha=alpha, power=power, ratio=ratio)
    return float(found)


def needed(share: bool, baseline: float, spread: float, effect: float, design: Design) -> float:
    """Accounts in the smaller arm that an effect asks for, looks included."""
    if share:
        found = accounts_for_shares(
            baseline, min(max(baseline + effect, 0.0), 1.0), design.alpha, design.power, design.ratio
        )
    else:
        found = accounts_for_means(spread, effect, design.alpha, design.power, design.ratio)
    return found * (inflation(even(design.looks, design.alpha), design.power) if design.looks > 1 else 1.0)


def detectable(share: bool, baseline: float, spread: float, accounts: float, design: Design, up: bool = True) -> float:
    """The smallest effect in the asked direction that so many accounts show with the wanted power; NaN for none."""
    most = (1 - baseline if up else baseline) if share else 4.9 * spread
    if accounts < 4 or not most > 0:
        return NAN

    def lacking(size: float) -> float:
        return math.log(needed(share, baseline, spread, size if up else -size, design)) - math.log(accounts)

    least = most * 1e-5
    if lacking(most) > 0 or lacking(least) < 0:
        return NAN
    found = float(brentq(lacking, least, most, xtol=most * 1e-7))
    return found if up else -found


def size(
    metric: tuple[str, str], share: bool, level: tuple[float, float], effect: float, window: int, design: Design
) -> Sizing:
    """One metric's sizing. metric: name and role; level: baseline and spread; window: days until it has matured."""
    baseline, spread = level
    wanted = needed(share, baseline, spread, effect, design)
    enrolment = wanted / design.share_smaller / design.per_day if design.per_day > 0 else math.inf
    return Sizing(
        *metric, baseline, spread, effect, wanted, design.available,
        detectable(share, baseline, spread, design.available, design, up=effect >= 0), enrolment, enrolment + window,
    )  # fmt: skip
