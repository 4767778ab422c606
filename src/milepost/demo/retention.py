"""Who churns: the chance at every term end, the draw, and what each feature does to it by intervention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from milepost.demo.adoption import Scene, adopt, habits
from milepost.demo.features import CATEGORIES, DRIVER, FEATURES, POSITION
from milepost.demo.population import Population
from milepost.demo.world import BURN_MONTHS, DAY_US, Calendar, Flags, Floats, Ints, World

GAP_DAYS, OUTCOME_DAYS = 14, 56  # the windows that the truth speaks about
STEPPED_FROM = 2
_AHEAD = 4  # months that a gap and an outcome window may touch
TIER_LOG_ODDS = np.array([0.15, 0.0, -0.2])
SIZE_LOG_ODDS, TENURE_LOG_ODDS, ANNUAL_LOG_ODDS = -0.18, -0.15, 1.2
SEASON_LOG_ODDS = {12: 0.25, 1: 0.35, 7: -0.15, 8: -0.15}
INDUSTRY_LOG_ODDS = np.array([-0.1, 0.15, 0.0, -0.05, 0.0, 0.1])


@dataclass(frozen=True)
class Risk:
    """The model of churn of one world.

    base: log-odds of churn at a term end without features, float [months × accounts], its intercept included.
    ends: term ends within the outcome window seen from the start of each month, int [months × accounts].
    """

    base: Floats
    ends: Ints

    def chance(self, contribution: Floats) -> Floats:
        """The chance of churn at a term end: float [months × accounts]."""
        chance: Floats = expit(self.base + contribution)
        return chance

    def retained(self, contribution: Floats) -> Floats:
        """The chance of staying through the outcome window, the month's state held: float [months × accounts]."""
        retained: Floats = (1 - self.chance(contribution)) ** self.ends
        return retained


def contribution(world: World, habit: Flags, effects: Floats | None = None, stepped_from: int = STEPPED_FROM) -> Floats:
    """What the features in use add to the log-odds of churn: float [months × accounts]; effects: None for the world's.

    In a stepped world a category's drivers do a quarter of their work until `stepped_from` of them are in use.
    """
    effects = log_odds(world) if effects is None else effects
    total = np.zeros(habit.shape[:2])
    for category in CATEGORIES:
        drivers = [place for place, f in enumerate(FEATURES) if f.category == category and f.role == DRIVER]
        total += _driven(habit, effects, drivers, stepped_from if world.knobs.stepped else 0)
    for place in np.flatnonzero(effects):
        if FEATURES[place].role != DRIVER:
            total += effects[place] * habit[:, :, place]
    return total


def log_odds(world: World) -> Floats:
    """The effect of each feature on the log-odds of churn: float [features]."""
    return np.array([feature.log_odds if world.knobs.effects else 0.0 for feature in FEATURES])


def risk(world: World, calendar: Calendar, people: Population, tiers: Ints, contributed: Floats) -> Risk:
    """The churn model, its intercept set so that a mean of `churned_share` churn within an outcome window."""
    tenure = np.maximum(np.arange(calendar.last)[:, None] - people.paid_month, 0)
    season = np.array([SEASON_LOG_ODDS.get(calendar.month_of_year(m), 0.0) for m in range(calendar.last)])
    base = (
        TIER_LOG_ODDS[tiers]
        + SIZE_LOG_ODDS * people.size
        + TENURE_LOG_ODDS * np.log1p(tenure / 6)
        + ANNUAL_LOG_ODDS * people.annual
        + INDUSTRY_LOG_ODDS[people.codes["industry"]]
        + season[:, None]
        + world.knobs.hidden_on_churn * people.health
    )
    return _calibrated(world, people, Risk(base, term_ends(calendar, people)), contributed)


def _calibrated(world: World, people: Population, model: Risk, contributed: Floats) -> Risk:
    """The model with the intercept at which `churned_share` of the running accounts churn within an outcome window.

    Account-months count by the chance that the account is still there, which is 1 until the data begin.
    """
    months = len(model.base)
    ending = is_term_end(people, months)
    ending[:BURN_MONTHS] = False
    counted = (np.arange(months)[:, None] > people.paid_month) & people.converted
    counted[:BURN_MONTHS] = False
    low, high = -12.0, 6.0
    for _ in range(25):
        tried = Risk(model.base + (low + high) / 2, model.ends)
        there = np.cumprod(1 - tried.chance(contributed) * ending, axis=0)
        weight = np.vstack([np.ones((1, people.count)), there[:-1]]) * counted
        churned = 1 - np.average(tried.retained(contributed), weights=weight)
        low, high = ((low + high) / 2, high) if churned < world.churned_share else (low, (low + high) / 2)
    return Risk(model.base + low, model.ends)


def is_term_end(people: Population, months: int) -> Flags:
    """Whether the renewal moment of a month ends a term: bool [months × accounts]."""
    running = np.arange(months)[:, None] - people.paid_month
    return np.asarray((running > 0) & (~people.annual | (running % 12 == 0)) & people.converted)


def term_ends(calendar: Calendar, people: Population) -> Ints:
    """Term ends within [month start + gap, + outcome): int [months × accounts]."""
    count: Ints = window_ends(calendar, people).sum(axis=0)
    return count


def window_ends(calendar: Calendar, people: Population) -> Flags:
    """Whether the term end of the same month, of the next and of the two after lies within the outcome window seen from
    the start of a month: bool [4 × months × accounts].
    """
    moments = people.renewals(calendar)[: calendar.last + _AHEAD]
    ending = is_term_end(people, calendar.last + _AHEAD)
    opens = calendar.starts[: calendar.last, None] + GAP_DAYS * DAY_US
    closes = opens + OUTCOME_DAYS * DAY_US
    inside = np.zeros((_AHEAD, calendar.last, people.count), bool)
    for step in range(_AHEAD):
        moment = moments[step : step + calendar.last]
        inside[step] = ending[step : step + calendar.last] & (moment >= opens) & (moment < closes)
    return inside


def window_retained(chance: Floats, inside: Flags) -> Floats:
    """The chance of staying through the outcome window, every term end at the chance of its own month.

    chance: float [months × accounts], the last month standing for those after it; inside: `window_ends`.
    """
    months = np.arange(len(chance))
    retained = np.ones_like(chance)
    for step, ends in enumerate(inside):
        retained *= np.where(ends, 1 - chance[np.minimum(months + step, len(chance) - 1)], 1.0)
    return retained


def churn_months(world: World, calendar: Calendar, people: Population, chance: Floats) -> Ints:
    """The month whose renewal moment ends each account, or `calendar.last` where it stays: int [accounts]."""
    luck = world.draws(6).random(chance.shape)
    falls = is_term_end(people, calendar.last) & (luck < chance)
    falls[:BURN_MONTHS] = False  # accounts from before the data begin are those that stayed until then
    months: Ints = np.where(falls.any(axis=0), falls.argmax(axis=0), calendar.last)
    return months


def effect_points(scene: Scene, model: Risk, habit: Flags, seen: Flags) -> Floats:
    """Total effects by intervention, in percentage points of 56-day retention: float [features].

    Everybody with access adopts, minus nobody does: the mean over the account-months of `seen` (bool [months ×
    accounts]) that have access, NaN where none has. Paths through other features count: their adoption runs again
    with the same luck. A feature without an effect on itself or on one behind it has 0.
    """
    odds, points = log_odds(scene.world), np.zeros(len(FEATURES))
    inside = window_ends(scene.calendar, scene.people)
    for place, feature in enumerate(FEATURES):
        behind = any(child.parent == feature.name and odds[POSITION[child.name]] != 0 for child in FEATURES)
        if odds[place] == 0 and not behind:
            continue
        counted = seen & scene.access[:, :, place]
        everybody, nobody = (
            window_retained(model.chance(_contributed_if(scene, habit, feature.name, value, behind)), inside)
            for value in (True, False)
        )
        points[place] = 100 * float(np.mean((everybody - nobody)[counted])) if counted.any() else np.nan
    return points


def _contributed_if(scene: Scene, habit: Flags, name: str, value: bool, behind: bool) -> Floats:
    """What features add to the log-odds if everybody with access, or nobody, used one: float [months × accounts]."""
    if behind:
        forced = habits(adopt(scene, {name: value}))
    else:
        place = POSITION[name]
        forced = habit.copy()
        forced[:, :, place] = habits(scene.access[:, :, place]) & value
    return contribution(scene.world, forced)


def _driven(habit: Flags, effects: Floats, drivers: list[int], stepped_from: int) -> Floats:
    """The joint contribution of one category's drivers: float [months × accounts]; stepped_from 0: each by itself."""
    used = habit[:, :, drivers]
    total: Floats = used @ effects[drivers]
    return np.where(used.sum(axis=2) < stepped_from, 0.25, 1.0) * total if stepped_from else total
