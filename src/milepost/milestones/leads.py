"""Does each milestone really lead to the next: adjusted contrasts, each from a landmark on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from milepost.importance.design import make_design
from milepost.importance.effect import Effect, effect_of, unknown_effect
from milepost.importance.verdicts import figures, probability
from milepost.milestones import activation, setup
from milepost.milestones.activation import Goal
from milepost.milestones.daily import Floats
from milepost.milestones.design import account_design
from milepost.milestones.lives import Lives
from milepost.milestones.search import enough
from milepost.milestones.takeup import AFTER, row_later
from milepost.milestones.utilization import days_of, rules_of
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT, Milestone

COLUMNS = ["milestone", "next", "effect", "low", "high", "p", "accounts", "because"]


def from_setup(
    lives: Lives, given: tuple[tuple[str, ...], int, int], count: int, settings: Settings
) -> dict[str, object]:
    """Set up within the first days -> so many value events after them, before the landmark; given: steps, how many of
    them, and the days.
    """
    steps, needed, within = given
    rows = setup.judge(lives, count, settings.milestones.model_copy(update={"setup_days": within}))
    names = list(lives.steps)
    done = rows.done[:, [names.index(step) for step in steps]].sum(axis=1) >= needed
    effect = _of_accounts(lives, rows.codes, (done, rows.activated), [], settings)
    said = f"to be active between day {within} and day {settings.milestones.landmark_days}"
    return _row((Milestone.SETUP, Milestone.ACTIVATION), effect, len(rows.codes), said)


def from_activation(lives: Lives, count: int, days: int, goal: Goal, settings: Settings) -> dict[str, object]:
    """Activated by the landmark -> utilized in the time after it, beside the rate of use until then."""
    assert lives.value is not None
    rows = activation.judge(lives, goal, settings.milestones, settings.windows.outcome_days)
    begin = lives.created[rows.codes]
    active = lives.value.between(rows.codes, begin, begin + days) >= count
    effect = _of_accounts(lives, rows.codes, (active, rows.utilized), activation.rates(lives, rows), settings)
    said = f"to be utilized in the {settings.milestones.later_days} days after day {settings.milestones.landmark_days}"
    return _row((Milestone.ACTIVATION, Milestone.UTILIZATION), effect, len(rows.codes), said)


def from_utilization(
    lives: Lives, learnt: tuple[Observations, Outcomes], states: tuple[Floats, Floats], settings: Settings
) -> dict[str, object]:
    """Utilized at a snapshot and not mature yet -> mature about 90 days later; accounts gone by then are not.

    states: utilized and mature, float [rows], 1, 0, NaN unknown.
    """
    (observations, outcomes), (utilized, mature) = learnt, states
    later = mature_later(lives, observations, mature)
    keep = ~np.isnan(utilized) & (mature == 0) & ~np.isnan(later)
    pair = Milestone.UTILIZATION, Milestone.MATURITY
    accounts = int(observations.context[ACCOUNT][keep].nunique())
    said = f"to be mature {AFTER} days later, among accounts that were not yet"
    if accounts < 2:
        return _row(pair, unknown_effect(0), accounts, said)
    design = make_design(observations.take(keep), outcomes.take(keep))
    design = replace(design, controls=design.without_depth, depth_columns=0, churned=1 - later[keep])
    reached = utilized[keep] == 1
    two_sided = enough(design, reached, settings.adoption.min_accounts) and 0 < design.churned.mean() < 1
    effect = effect_of(design, reached, np.ones(len(reached), bool)) if two_sided else unknown_effect(design.accounts)
    return _row(pair, effect, accounts, said)


def mature_later(lives: Lives, observations: Observations, mature: Floats) -> Floats:
    """Whether an account is mature at its snapshot nearest to 90 days later; 0 when its subscription ended by then.

    NaN where that day is not in the data yet, and where a running account has no snapshot near it.
    """
    day = days_of(observations.context[SNAPSHOT])
    row = row_later(observations, day)
    later = np.where(row >= 0, mature[row], np.nan) if len(row) else np.zeros(0)
    seen = day + AFTER <= day.max() if len(day) else np.zeros(0, dtype=bool)
    ends = lives.end[lives.codes(observations.context[ACCOUNT])]
    gone = np.isnan(later) & (ends < day + AFTER)
    return np.where(seen, np.where(gone, 0.0, later), np.nan)


def table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """The contrasts as a frame."""
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_accounts(
    lives: Lives, codes: np.ndarray[tuple[int], np.dtype[np.intp]], states: tuple[activation.Flags, activation.Flags],
    extra: list[Floats], settings: Settings,
) -> Effect:  # fmt: skip
    reached, wanted = states
    if len(codes) < 2 or not 0 < wanted.mean() < 1:
        return unknown_effect(len(codes))
    design = account_design(lives, codes, ~wanted, extra)
    if not enough(design, reached, rules_of(settings).least):
        return unknown_effect(len(codes))
    return effect_of(design, reached, np.ones(len(codes), dtype=bool))


def _row(pair: tuple[Milestone, Milestone], effect: Effect, accounts: int, said: str) -> dict[str, object]:
    reached, following = pair
    if np.isnan(effect.effect):
        because = f"Too few of {accounts:,} accounts on one side to tell whether {reached} leads to {following}."
    else:
        because = (
            f"Having reached {reached} goes with {figures(effect)} on the chance {said}, p {probability(effect.p)}, "
            f"adjusted over {accounts:,} accounts; an association."
        )
    return {
        "milestone": reached.value, "next": following.value, "effect": effect.effect, "low": effect.low,
        "high": effect.high, "p": effect.p, "accounts": accounts, "because": because,
    }  # fmt: skip
