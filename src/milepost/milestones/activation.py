"""Activation: so many value events within the first days of tenure, found backwards from utilization later.

All cells of the search share one landmark, the longest of the days searched: an account has to be alive then to be
judged, and nothing after it can make it active. Use goes on by itself, so that early use always foretells later use;
what counts is what reaching the cell says beyond the rate until the landmark and that of the last four weeks before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milepost.importance.effect import unknown_effect
from milepost.importance.verdicts import figures, percent, plain
from milepost.milestones.daily import NEVER, Codes, Floats, Ints
from milepost.milestones.definitions import Activation, Evidence
from milepost.milestones.design import account_design
from milepost.milestones.lives import Lives
from milepost.milestones.search import SearchRules, Threshold, confirm, find_threshold, given_threshold
from milepost.milestones.survival import dormancy, kaplan_meier
from milepost.milestones.utilization import MONTH, PER_SEAT
from milepost.settings import MilestoneSettings

Flags = NDArray[np.bool_]

RECENT = 28  # days before the landmark whose rate is controlled for
Goal = tuple[float, str]


@dataclass(frozen=True)
class Judged:
    """Accounts that can be judged at their landmark.

    codes: [rows]; landmark: the day of each; utilized: bool [rows], in the time after it; running: still at its end;
    dormant: went dormant by then; watched: long enough to know that. later: of the later cohorts. left: reason ->
    accounts not judged.
    """

    codes: Codes
    landmark: Ints
    utilized: Flags
    running: Flags
    dormant: Flags
    watched: Flags
    later: Flags
    left: dict[str, int]


def find_activation(
    lives: Lives, goal: Goal | None, rules: MilestoneSettings, search: SearchRules, dormant_days: int
) -> Activation:
    """Search every number of events and days, confirm on later cohorts.

    goal: the threshold of utilization and its unit, so much a month; None: to be running and not dormant later.
    Raises ValueError without value events.
    """
    if lives.value is None:
        raise ValueError("these tables name no value events")
    rows = judge(lives, goal, rules, dormant_days)
    reached = cells(lives, rows, rules)
    design = account_design(lives, rows.codes, ~rows.utilized, rates(lives, rows))
    threshold = find_threshold(design, reached, rows.later, search, neighbours(rules))
    return _found(lives, rows, (reached, threshold), (rules, search, dormant_days, goal))


def evidence_for(
    lives: Lives, goal: Goal | None, rules: MilestoneSettings, search: SearchRules, given: tuple[int, int, int]
) -> Evidence:
    """The evidence of a definition that a person set; given: count, days, and the days that are dormant."""
    count, days, dormant_days = given
    assert lives.value is not None
    rows = judge(lives, goal, rules, dormant_days)
    start = lives.created[rows.codes]
    reached = lives.value.between(rows.codes, start, start + days) >= count
    design = account_design(lives, rows.codes, ~rows.utilized, rates(lives, rows))
    return _evidence(given_threshold(design, reached, rows.later, search), reached, rows.utilized)


def activated_on(lives: Lives, count: int, days: int) -> Ints:
    """The day on which each account had so many value events within its first days, NEVER where it had not.

    Accounts from before the data begin are never known to have been: their first days were not seen.
    """
    if lives.value is None:
        return np.full(lives.accounts, NEVER, dtype=np.int64)
    everyone = np.arange(lives.accounts)
    found = lives.value.nth_day(count, everyone, lives.created, lives.created + days)
    return np.where(lives.before_data, NEVER, found)


def judge(lives: Lives, goal: Goal | None, rules: MilestoneSettings, dormant_days: int) -> Judged:
    """Who is alive at the landmark with the time after it complete, and what became of them in that time."""
    landmark = lives.created + rules.landmark_days
    watched = landmark + rules.later_days + dormant_days <= lives.today
    complete = watched if goal is None else landmark + rules.later_days <= lives.today
    alive = lives.end >= landmark
    seats = lives.history.on(np.arange(lives.accounts), landmark)
    per_seat = goal is not None and goal[1] == PER_SEAT
    reasons = {
        "created before the data begin": lives.before_data,
        "time after the landmark not complete": ~complete,
        "ended before the landmark": ~alive,
        "seats 0 or unknown": ~(seats > 0) if per_seat else np.zeros(lives.accounts, dtype=bool),
    }
    open_, left = np.ones(lives.accounts, dtype=bool), {}
    for reason, hit in reasons.items():
        left[reason] = int((open_ & hit).sum())
        open_ &= ~hit
    codes = np.flatnonzero(open_)
    end = landmark[codes] + rules.later_days
    running = lives.end[codes] >= end
    days, gone = dormancy(lives, codes, landmark[codes], dormant_days)
    dormant = gone & (days < rules.later_days)
    utilized = _utilized(lives, (codes, landmark[codes], seats[codes]), goal, rules) if goal else running & ~dormant
    cut = np.quantile(lives.created[codes], rules.earlier_share) if len(codes) else 0
    later = lives.created[codes] > cut
    return Judged(codes, landmark[codes], utilized, running, dormant, watched[codes], later, left)


def cells(lives: Lives, rows: Judged, rules: MilestoneSettings) -> Flags:
    """bool [rows × (counts · days)]: at least so many value events within the first so many days."""
    assert lives.value is not None
    start = lives.created[rows.codes]
    used = np.column_stack([lives.value.between(rows.codes, start, start + days) for days in rules.days])
    reached = used[:, None, :] >= np.array(rules.counts)[:, None]
    return np.asarray(reached.reshape(len(rows.codes), len(rules.counts) * len(rules.days)))


def neighbours(rules: MilestoneSettings) -> Flags:
    """Which cells lie beside each other in the grid, corners too: bool [cells × cells]."""
    row, column = np.divmod(np.arange(len(rules.counts) * len(rules.days)), len(rules.days))
    near: Flags = (np.abs(row[:, None] - row) <= 1) & (np.abs(column[:, None] - column) <= 1)
    return near


def phi(reached: Flags, wanted: Flags) -> Floats:
    """The plain correlation of each cell with the outcome, NaN where one of both never varies: [cells]."""
    if not len(wanted):
        return np.full(reached.shape[1], np.nan)
    a, b = reached.mean(axis=0), wanted.mean()
    spread = np.sqrt(a * (1 - a) * b * (1 - b))
    both = (reached & wanted[:, None]).mean(axis=0)
    return np.where(spread > 0, (both - a * b) / np.where(spread > 0, spread, 1.0), np.nan)


def _utilized(lives: Lives, given: tuple[Codes, Ints, Floats], goal: Goal, rules: MilestoneSettings) -> Flags:
    """Whether the metric of the time after the landmark, by month and unit, reaches the threshold."""
    codes, landmark, seats = given
    threshold, per = goal
    assert lives.metric is not None
    months = rules.later_days / MONTH
    used = lives.metric.between(codes, landmark, landmark + rules.later_days) / months
    return np.asarray(used / (seats if per == PER_SEAT else 1.0) >= threshold)


def rates(lives: Lives, rows: Judged) -> list[Floats]:
    """The rate of value events until the landmark and in its last weeks, per seat and plain: logarithms and squares.

    Where use only goes on at its own rate, the sum until the landmark holds all that the first days say.
    """
    assert lives.value is not None
    seats = lives.history.on(rows.codes, rows.landmark)
    begins = lives.created[rows.codes], rows.landmark - RECENT
    columns = []
    for begin in begins:
        used = lives.value.between(rows.codes, begin, rows.landmark)
        for scaled in (used, used / np.where(seats > 0, seats, 1.0) * 10):
            columns += [np.log1p(scaled), np.log1p(scaled) ** 2]
    return columns


def _found(
    lives: Lives,
    rows: Judged,
    searched: tuple[Flags, Threshold],
    given: tuple[MilestoneSettings, SearchRules, int, Goal | None],
) -> Activation:
    reached, threshold = searched
    rules, search, dormant_days, goal = given
    best = threshold.search.cell
    cell = None if best is None else (rules.counts[best // len(rules.days)], rules.days[best % len(rules.days)])
    hit = np.zeros(len(rows.codes), dtype=bool) if best is None else reached[:, best]
    shape = len(rules.counts), len(rules.days)
    held = cell if threshold.holds else None
    found_phi = phi(reached, rows.utilized)
    by_phi = None if np.isnan(found_phi).all() else int(np.nanargmax(found_phi))
    days, gone = dormancy(lives, rows.codes, rows.landmark, dormant_days)
    with np.errstate(invalid="ignore"):
        later = (reached & rows.utilized[:, None]).sum(axis=0) / reached.sum(axis=0)
    return Activation(
        event=lives.value_name,
        count=None if held is None else held[0],
        days=None if held is None else held[1],
        candidate=cell,
        counts=rules.counts,
        days_searched=rules.days,
        z=threshold.search.z.reshape(shape),
        share=(reached.mean(axis=0) if len(reached) else np.full(reached.shape[1], np.nan)).reshape(shape),
        later=np.asarray(later).reshape(shape),
        evidence=_evidence(threshold, hit, rows.utilized),
        on_retention=_beside(lives, rows, (hit, rows.running), search, np.ones(len(hit), dtype=bool)),
        on_dormancy=_beside(lives, rows, (hit, ~rows.dormant), search, rows.watched),
        active=None if best is None else kaplan_meier(days[hit], gone[hit]),
        others=None if best is None else kaplan_meier(days[~hit], gone[~hit]),
        phi_cell=None if by_phi is None else (
            rules.counts[by_phi // len(rules.days)], rules.days[by_phi % len(rules.days)]
        ),
        phi=float("nan") if by_phi is None else float(found_phi[by_phi]),
        left=rows.left,
        because=_because(threshold, cell, (lives.value_name, goal, lives.metric_name), (rows, search.least)),
    )  # fmt: skip


def _beside(lives: Lives, rows: Judged, states: tuple[Flags, Flags], search: SearchRules, known: Flags) -> Evidence:
    """The effect of the cell on another outcome, on later cohorts where it is known, with the same controls."""
    hit, wanted = states
    design, later = account_design(lives, rows.codes, ~wanted, rates(lives, rows)), rows.later & known
    two_sided = later.any() and 0 < wanted[later].mean() < 1
    effect = confirm(design.take(later), hit[later], search) if two_sided else unknown_effect(len(rows.codes))
    return Evidence(
        effect.effect, effect.low, effect.high, share=_share(hit), reached=_share(wanted[hit & known]),
        others=_share(wanted[~hit & known]), accounts=int(known.sum()),
    )  # fmt: skip


def _evidence(threshold: Threshold, hit: Flags, wanted: Flags) -> Evidence:
    found, effect = threshold.search, threshold.effect
    return Evidence(
        effect.effect, effect.low, effect.high, found.p, found.tried, found.agreement, found.near, _share(hit),
        _share(wanted[hit]), _share(wanted[~hit]), len(hit),
    )  # fmt: skip


def _share(flags: Flags) -> float:
    return float(flags.mean()) if len(flags) else float("nan")


def _because(
    threshold: Threshold, cell: tuple[int, int] | None, named: tuple[str, Goal | None, str], given: tuple[Judged, int]
) -> str:
    event, goal, metric = named
    wanted = "running and not dormant later"
    if goal is not None:
        wanted = f"{plain(goal[0])} {metric} a month per {goal[1]} later"
    if cell is None:
        return f"{len(given[0].codes):,} accounts can be judged: {_missing(threshold, *given)}, looking for {wanted}."
    said = f"{cell[0]} × {event} within {cell[1]} days"
    if not threshold.holds:
        return f"No definition among {threshold.search.tried} cells: {threshold.because}; candidate {said}."
    return (
        f"{said} goes best with {wanted}: {percent(threshold.search.near)} of account draws choose it or a cell beside "
        f"it; in later cohorts {figures(threshold.effect)} at equal plan, size, month of sign-up and rate of use."
    )


def _missing(threshold: Threshold, rows: Judged, least: int) -> str:
    """Why there is not even a candidate."""
    if not threshold.search.tried:
        return f"{threshold.because} ({least} of earlier cohorts needed on each)"
    wanted = rows.utilized[~rows.later]
    if wanted.all() or not wanted.any():
        return f"{'all' if wanted.all() else 'none'} of the earlier cohorts reach the goal, so that nothing parts them"
    return threshold.because
