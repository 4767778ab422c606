"""Which account uses which feature in which month: a chain that ignores churn, so that interventions can rerun it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from milepost.demo.features import (
    CATEGORIES,
    FEATURES,
    MEDIATOR,
    PLANS,
    POSITION,
    PROXY,
    SETUP,
    UBIQUITOUS,
    DemoFeature,
)
from milepost.demo.population import Population
from milepost.demo.world import Calendar, Flags, Floats, Ints, World

TENDENCY_LOAD = 0.2
HABIT_MONTHS = 3  # churn looks at use in the three months before

# Chance, per month, of beginning a wanted feature and of leaving one: by role, else the last line.
_PACE = {UBIQUITOUS: (0.95, 0.002), SETUP: (0.6, 0.0), MEDIATOR: (0.5, 0.05), PROXY: (0.6, 0.03), "": (0.35, 0.04)}
_LEAVE_UNWANTED = 0.5


@dataclass(frozen=True)
class Draws:
    """All that is random about adoption.

    wish: float [accounts × features]. luck: float32 [months × accounts × features]. health_load: float [features],
    how much hidden health adds to the wish.
    """

    wish: Floats
    luck: NDArray[np.float32]
    health_load: Floats


@dataclass(frozen=True)
class Scene:
    """All of a world that churn and use do not change; tiers: int [months × accounts], access: bool with features."""

    world: World
    calendar: Calendar
    people: Population
    tiers: Ints
    access: Flags
    draws: Draws


def draw(world: World, calendar: Calendar, people: Population) -> Draws:
    """The wishes and the luck of one world; every rerun by intervention shares them."""
    knobs = world.knobs
    follows = np.array([feature.follows_health for feature in FEATURES])
    movable = np.array([feature.role not in (UBIQUITOUS, SETUP) for feature in FEATURES])
    load = np.where(follows, knobs.follow_load, knobs.hidden_on_adoption) * movable
    luck = world.draws(5).random((calendar.last, people.count, len(FEATURES)), dtype=np.float32)
    return Draws(_wishes(world, people, load, world.draws(4)), luck, load)


def adopt(scene: Scene, fixed: Mapping[str, bool] | None = None) -> Flags:
    """In use: bool [months × accounts × features].

    `fixed` sets features to "everybody with access" or "nobody". A child looks at its parent in the month before.
    """
    draws, access, health = scene.draws, scene.access, scene.people.health
    held = {POSITION[name]: value for name, value in (fixed or {}).items()}
    begin, leave = (np.array([_pace(feature)[side] for feature in FEATURES], np.float32) for side in (0, 1))
    children, parents, pulls = _families()
    used = np.zeros(access.shape, bool)
    state = np.zeros(access.shape[1:], bool)
    for month in range(len(access)):
        wish = draws.wish + health[month][:, None] * draws.health_load
        wish[:, children] += pulls * state[:, parents]
        wanted = wish > 0
        chance = np.where(state, 1 - np.where(wanted, leave, _LEAVE_UNWANTED), np.where(wanted, begin, 0))
        state = (draws.luck[month] < chance) & access[month]
        for place, value in held.items():
            state[:, place] = access[month][:, place] & value
        used[month] = state
    return used


def habits(used: Flags) -> Flags:
    """Used in any of the three months before: bool [months × accounts × features]."""
    habit = np.zeros_like(used)
    for back in range(1, HABIT_MONTHS + 1):
        habit[back:] |= used[:-back]
    return habit


def gated(tiers: Ints, people: Population, sold_apart: Mapping[str, Flags], launch: int | None) -> Flags:
    """Access: bool [months × accounts × features], False before the account exists.

    A feature of certain plans is there in a month when the plan gives it at both ends of the month, so that it is
    never used without; `sold_apart` maps an entitlement to bool [months × accounts]; `launch` is the month in which
    the late features come.
    """
    when = np.arange(len(tiers))[:, None]
    alive = when >= people.created_month
    paying = when > people.paid_month
    before = np.vstack([tiers[:1], tiers[:-1]])
    access = np.repeat(alive[:, :, None], len(FEATURES), axis=2)
    for place, feature in enumerate(FEATURES):
        if feature.plans:
            allowed = np.isin(np.arange(len(PLANS)), [PLANS.index(plan) for plan in feature.plans])
            access[:, :, place] &= paying & people.converted & allowed[tiers] & allowed[before]
        if feature.entitlement:
            access[:, :, place] &= sold_apart[feature.entitlement]
        if feature.late and launch is not None:
            access[:launch, :, place] = False
    return access


def _wishes(world: World, people: Population, health_load: Floats, rng: np.random.Generator) -> Floats:
    """Above 0: the account wants the feature; probit in plan, size, tendency to the category and bundle."""
    areas = sorted({feature.area for feature in FEATURES})
    common = rng.normal(size=(people.count, len(areas)))
    own = rng.normal(size=(people.count, len(FEATURES)))
    wishes = np.empty_like(own)
    for place, feature in enumerate(FEATURES):
        share = 0.0 if feature.role == UBIQUITOUS else world.knobs.bundle_share
        load = _load(feature, people)
        noise = np.sqrt(share) * common[:, areas.index(feature.area)] + np.sqrt(1 - share) * own[:, place]
        wishes[:, place] = _intercept(feature, float(np.var(load)) + health_load[place] ** 2) + load + noise
    return wishes


def _load(feature: DemoFeature, people: Population) -> Floats:
    """What plan, size and the account's tendency to a category add to the wish: float [accounts], mean about 0."""
    if feature.role in (UBIQUITOUS, SETUP):
        return np.zeros(people.count)
    tendency = people.tendency[:, CATEGORIES.index(feature.category)]
    load: Floats = feature.plan_load * (people.tier - people.tier.mean()) + feature.size_load * people.size
    return load + TENDENCY_LOAD * tendency


def _intercept(feature: DemoFeature, load_variance: float) -> float:
    """Where the wish must start for the planned share to want the feature, its parent's pull included."""
    scale = np.sqrt(1 + load_variance)
    if not feature.parent:
        return float(scale * ndtri(min(feature.planned, 1 - 1e-6)))
    parent_share = FEATURES[POSITION[feature.parent]].planned
    low, high = -8.0, 8.0
    for _ in range(50):
        middle = (low + high) / 2
        share = parent_share * ndtr((middle + feature.pull) / scale) + (1 - parent_share) * ndtr(middle / scale)
        low, high = (middle, high) if share < feature.planned else (low, middle)
    return low


def _pace(feature: DemoFeature) -> tuple[float, float]:
    return _PACE.get(feature.role, _PACE[""])


def _families() -> tuple[list[int], list[int], NDArray[np.float64]]:
    """Columns with a parent, their parents' columns, and the pulls."""
    pairs = [(place, feature) for place, feature in enumerate(FEATURES) if feature.parent]
    children = [place for place, _ in pairs]
    parents = [POSITION[feature.parent] for _, feature in pairs]
    return children, parents, np.array([feature.pull for _, feature in pairs])
