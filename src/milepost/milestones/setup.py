"""Setup: the steps to go live that go with activation, and how many of them it takes.

Steps count until the setup days are over, activation after them, so that nothing is counted on both sides. A step that
nearly all accounts take and one that few take cannot tell accounts apart; one without which nobody ever had a value
event is required, which needs no test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.importance.effect import Effect, effect_of, q_values, unknown_effect
from milepost.importance.logistic import one_thread
from milepost.importance.verdicts import figures, percent
from milepost.milestones.daily import NEVER, Codes, Ints
from milepost.milestones.definitions import Evidence, Setup
from milepost.milestones.design import account_design
from milepost.milestones.lives import Lives
from milepost.milestones.search import SearchRules, Threshold, enough, find_threshold, given_threshold
from milepost.settings import AdoptionSettings, MilestoneSettings

Flags = NDArray[np.bool_]

REQUIRED, ROUTINE, NICHE, TESTED = "required", "routine", "niche", "tested"
_LEAST_WITHOUT = 20  # accounts without a step, of which none had a value event: then it is required
_MAX_Q = 0.05
NONE_TAKEN = "none"


@dataclass(frozen=True)
class Judged:
    """Accounts alive at the landmark with the time until it complete.

    codes: [rows]; done: bool [rows × steps], within the setup days; day: [rows × steps], of tenure, NEVER: not by
    today; activated: bool [rows], afterwards; later: of the later cohorts; left: reason -> accounts not judged.
    """

    codes: Codes
    done: Flags
    day: Ints
    activated: Flags
    later: Flags
    left: dict[str, int]


def find_setup(
    lives: Lives,
    activation_count: int | None,
    rules: MilestoneSettings,
    adoption: AdoptionSettings,
    search: SearchRules,
) -> Setup:
    """Which steps go with activation, and how many of them make an account set up.

    activation_count: value events that make an account active after the setup days; None: one.
    Raises ValueError without steps or without value events.
    """
    if not lives.steps or lives.value is None:
        raise ValueError("setup needs steps in the catalogue and value events")
    rows = judge(lives, activation_count or 1, rules)
    standing = [_standing(lives, rows, place, adoption) for place in range(len(lives.steps))]
    tested = [place for place, word in enumerate(standing) if word == TESTED]
    everyone, earlier = np.ones(len(rows.codes), dtype=bool), ~rows.later
    with one_thread():
        effects = _effects(lives, rows, tested, everyone)
        found_earlier = _effects(lives, rows, tested, earlier)
    counting = [place for place in _counting(found_earlier) if effects[place].low > 0]
    number = rows.done[:, counting].sum(axis=1)
    threshold = _search(lives, rows, number, len(counting), search)
    return _made(lives, rows, (standing, effects, counting, threshold), (activation_count, rules))


def evidence_for(
    lives: Lives, given: tuple[tuple[str, ...], int], activation_count: int | None, rules: MilestoneSettings,
    search: SearchRules,
) -> Evidence:  # fmt: skip
    """The evidence of steps and a number of them that a person set."""
    steps, needed = given
    rows = judge(lives, activation_count or 1, rules)
    names = list(lives.steps)
    number = rows.done[:, [names.index(step) for step in steps]].sum(axis=1)
    design = account_design(lives, rows.codes, ~rows.activated)
    return _evidence(given_threshold(design, number >= needed, rows.later, search), number >= needed, rows.activated)


def set_up_on(lives: Lives, steps: tuple[str, ...], needed: int, within: int) -> Ints:
    """The day on which each account had done so many of the steps within its first days, NEVER where it had not."""
    if not 1 <= needed <= len(steps):
        return np.full(lives.accounts, NEVER, dtype=np.int64)
    days = np.sort(np.column_stack([lives.steps[step] for step in steps]), axis=1)[:, needed - 1]
    in_time = (days < lives.created + within) & (days < lives.today) & ~lives.before_data
    return np.where(in_time, days, NEVER)


def judge(lives: Lives, activation_count: int, rules: MilestoneSettings) -> Judged:
    """Who was alive at the landmark, what was done by the setup days, and who was active afterwards."""
    assert lives.value is not None
    landmark = lives.created + rules.landmark_days
    open_, left = np.ones(lives.accounts, dtype=bool), {}
    for reason, hit in (
        ("created before the data begin", lives.before_data),
        ("landmark not reached yet", landmark > lives.today),
        ("ended before the landmark", lives.end < landmark),
    ):
        left[reason] = int((open_ & hit).sum())
        open_ &= ~hit
    codes = np.flatnonzero(open_)
    start = lives.created[codes]
    days = np.column_stack([when[codes] for when in lives.steps.values()])
    tenure = np.where(days < lives.today, np.maximum(days - start[:, None], 0), NEVER)
    activated = lives.value.between(codes, start + rules.setup_days, landmark[codes]) >= activation_count
    cut = np.quantile(start, rules.earlier_share) if len(codes) else 0
    return Judged(codes, tenure < rules.setup_days, tenure, activated, start > cut, left)


def _standing(lives: Lives, rows: Judged, place: int, adoption: AdoptionSettings) -> str:
    done = rows.done[:, place]
    if _required(lives, rows, place):
        return REQUIRED
    if len(done) and done.mean() > adoption.high:
        return ROUTINE
    sides = min(done.sum(), (~done).sum())
    return NICHE if not len(done) or done.mean() < adoption.low or sides < adoption.min_accounts else TESTED


def _required(lives: Lives, rows: Judged, place: int) -> bool:
    """No account that never did the step ever had a value event, and there are accounts enough that did not."""
    assert lives.value is not None
    without = rows.codes[rows.day[:, place] == NEVER]
    return len(without) >= _LEAST_WITHOUT and not lives.value.between(without, 0, lives.today).any()


def _effects(lives: Lives, rows: Judged, tested: list[int], used: Flags) -> dict[int, Effect]:
    """The effect of each tested step on activation afterwards, beside the controls and all other steps."""
    found = {}
    active = rows.activated[used]
    for place in tested:
        others = [column.astype(float) for other, column in enumerate(rows.done[used].T) if other != place]
        design = account_design(lives, rows.codes[used], ~active, others)
        done = rows.done[used, place]
        two_sided = enough(design, done, 2) and 0 < active.mean() < 1
        found[place] = effect_of(design, done, np.ones(len(done), bool)) if two_sided else unknown_effect(len(done))
    return found


def _counting(effects: dict[int, Effect]) -> list[int]:
    """Steps whose effect passes after the correction for the number tested, in the catalogue's order."""
    q = q_values(np.array([effect.p for effect in effects.values()]))
    return [
        place for (place, effect), each in zip(effects.items(), q, strict=True) if each <= _MAX_Q and effect.low > 0
    ]


def _search(lives: Lives, rows: Judged, number: NDArray[np.int64], most: int, search: SearchRules) -> Threshold | None:
    if not most:
        return None
    reached = number[:, None] >= np.arange(1, most + 1)
    return find_threshold(account_design(lives, rows.codes, ~rows.activated), reached, rows.later, search)


def _made(
    lives: Lives,
    rows: Judged,
    found: tuple[list[str], dict[int, Effect], list[int], Threshold | None],
    given: tuple[int | None, MilestoneSettings],
) -> Setup:
    standing, effects, counting, threshold = found
    activation_count, rules = given
    names = list(lives.steps)
    steps = tuple(names[place] for place in counting)
    number = rows.done[:, counting].sum(axis=1)
    candidate = None if threshold is None or threshold.search.cell is None else threshold.search.cell + 1
    hit = number >= (candidate or np.inf)
    return Setup(
        steps=steps,
        needed=candidate if threshold is not None and threshold.holds else None,
        candidate=candidate,
        within=rules.setup_days,
        evidence=Evidence() if threshold is None else _evidence(threshold, hit, rows.activated),
        table=_table(names, rows, standing, effects, counting),
        by_number=_by_number(number, rows.activated),
        order=_order(names, rows),
        stops=_stops(names, rows, counting),
        left=rows.left,
        because=_because(steps, candidate, threshold, (len(rows.codes), rules.setup_days, activation_count)),
    )


def _evidence(threshold: Threshold, hit: Flags, wanted: Flags) -> Evidence:
    found, effect = threshold.search, threshold.effect
    reached, others = (float(wanted[side].mean()) if side.any() else float("nan") for side in (hit, ~hit))
    share = float(hit.mean()) if len(hit) else float("nan")
    return Evidence(
        effect.effect, effect.low, effect.high, found.p, found.tried, found.agreement, found.near, share, reached,
        others, len(hit),
    )  # fmt: skip


def _table(
    names: list[str], rows: Judged, standing: list[str], effects: dict[int, Effect], counting: list[int]
) -> pd.DataFrame:
    q = dict(zip(effects, q_values(np.array([effect.p for effect in effects.values()])), strict=True))
    lines = []
    for place, name in enumerate(names):
        effect = effects.get(place, unknown_effect(0))
        done = rows.done[:, place]
        lines.append({
            "step": name, "place": place + 1, "standing": standing[place],
            "share": float(done.mean()) if len(done) else float("nan"),
            "median_day": float(np.median(rows.day[done, place])) if done.any() else float("nan"),
            "effect": effect.effect, "low": effect.low, "high": effect.high, "q": q.get(place, float("nan")),
            "counts": place in counting,
            "because": _step_because(standing[place], effect, place in counting, done),
        })  # fmt: skip
    return pd.DataFrame(lines)


def _step_because(standing: str, effect: Effect, counts: bool, done: Flags) -> str:
    if standing == REQUIRED:
        return "No account without it ever had a value event: it is required, and not tested."
    if standing == ROUTINE:
        return f"{percent(float(done.mean()))} of the accounts do it in time: it cannot tell them apart."
    if standing == NICHE:
        return f"Only {int(done.sum()):,} of {len(done):,} accounts do it in time, too few to tell accounts apart."
    if np.isnan(effect.effect):
        return "All accounts or none are active afterwards: it cannot be tested."
    shown = f"activation afterwards differs by {figures(effect)} at equal plan, size, month and other steps"
    if counts:
        return f"It counts: {shown}."
    if effect.high < 0:
        return f"It does not count: {shown}, and goes the wrong way."
    also = "which is not beyond chance in earlier cohorts alone" if effect.low > 0 else "which is not beyond chance"
    return f"It does not count: {shown}, {also}."


def _by_number(number: NDArray[np.int64], activated: Flags) -> pd.DataFrame:
    grouped = pd.DataFrame({"done": number, "activated": activated}).groupby("done")["activated"]
    return pd.DataFrame({"accounts": grouped.size(), "activated": grouped.mean()}).reset_index()


def _order(names: list[str], rows: Judged) -> tuple[str, ...]:
    """Steps by their mean place among the steps of accounts that took two or more; those nobody took come last.

    The place counts from the first step: as a share of the steps taken, what everyone takes second would seem late
    wherever many stop there.
    """
    several = (rows.day < NEVER).sum(axis=1) >= 2
    days = np.where(rows.day < NEVER, rows.day, np.nan)[several]
    ranks = pd.DataFrame(days).rank(axis=1).mean().fillna(np.inf).to_numpy()
    return tuple(names[place] for place in np.argsort(ranks, kind="stable"))


def _stops(names: list[str], rows: Judged, counting: list[int]) -> pd.DataFrame:
    """The last step of accounts that did not do all that count, by how many stopped there.

    Of steps done on one day, the last is the one that accounts usually take later.
    """
    chosen = counting or list(range(len(names)))
    unfinished = ~rows.done[:, chosen].all(axis=1)
    order = _order(names, rows)
    usual = [order.index(name) for name in names]
    when = np.where(rows.done, rows.day * len(names) + usual, -1)[unfinished]
    last = np.where(when.max(axis=1) >= 0, when.argmax(axis=1), -1) if when.size else np.zeros(0, int)
    stopped = pd.Series(np.array([*names, NONE_TAKEN])[last], dtype=object).value_counts()
    return pd.DataFrame({"step": stopped.index.astype(str), "accounts": stopped.to_numpy()})


def _because(
    steps: tuple[str, ...], candidate: int | None, threshold: Threshold | None, given: tuple[int, int, int | None]
) -> str:
    accounts, within, activation_count = given
    goal = "activation afterwards" if activation_count is not None else "a value event afterwards"
    if threshold is None:
        return f"None of the steps goes with {goal} beyond chance, among {accounts:,} accounts."
    if candidate is None:
        return f"No definition: {threshold.because}, looking for {goal}; steps that count: {', '.join(steps)}."
    said = f"{candidate} of {len(steps)} steps ({', '.join(steps)}) within {within} days"
    if not threshold.holds:
        return f"No definition: {threshold.because}, looking for {goal}; candidate {said}."
    return f"{said} part accounts best by {goal}; in later cohorts {figures(threshold.effect)}."
