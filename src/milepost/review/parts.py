"""The parts of a framework as states of accounts, and what became of each since it was made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from milepost.adoption import available
from milepost.framework import Framework
from milepost.maturity.levels import levels_for
from milepost.review.change import Change, Rows, changes, holm
from milepost.review.foresight import Claim
from milepost.review.shifts import Plans, Use
from milepost.signals.matrix import Observations
from milepost.terms import Level

Floats = NDArray[np.float64]
MAX_P = 0.02  # not 0.05: events that stop and plans that are renamed alarm by rules of their own
_POWER = (1.96 + 0.84) / 1.96  # half an interval times this is what is seen in 8 of 10 cases


class Standing(StrEnum):
    """What became of a part."""

    HOLDS = "holds"
    WEAKENING = "weakening"
    BROKEN = "broken"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class State:
    """A part of the framework as a state: values float [rows], 1, 0, NaN unknown. kind: `feature`, `category` or a
    milestone; parts of one family are looked at in one model, each beside the others.
    """

    kind: str
    name: str
    family: str
    values: Floats


@dataclass(frozen=True)
class Part:
    """One part of a review. change: None for data (plans, events), which are counted and not estimated; q: its p,
    adjusted for all parts of the review, NaN without one.
    """

    kind: str
    name: str
    standing: Standing
    because: str
    what_to_do: str
    change: Change | None = None
    q: float = math.nan

    @property
    def alarm(self) -> bool:
        """Whether somebody has to act."""
        return self.standing in (Standing.WEAKENING, Standing.BROKEN)


def feature_states(observations: Observations, framework: Framework) -> list[State]:
    """Every kept feature: adopted, among the accounts that have access to it."""
    used = (observations.adopted & available(observations)).astype(np.float64)
    names = [feature.name for feature in observations.features]
    kept = [name for category in framework.categories for name in category.features]
    return [State("feature", name, "features", used[:, names.index(name)]) for name in kept]


def category_states(observations: Observations, framework: Framework) -> list[State]:
    """Every category with a cut: mature in it."""
    levels = levels_for(observations, framework)
    return [
        State(
            "category",
            one.name,
            "categories",
            np.asarray(levels[f"level_{one.name}"] == Level.MATURE, dtype=np.float64),
        )
        for one in framework.categories
        if one.cut is not None
    ]


def compare(rows: Rows, states: Sequence[State]) -> dict[tuple[str, str], Change]:
    """(kind, name) -> how it goes with staying, then and now; family by family."""
    found: dict[tuple[str, str], Change] = {}
    for family in dict.fromkeys(state.family for state in states):
        members = [state for state in states if state.family == family]
        told = changes(rows, np.column_stack([state.values for state in members]))
        found |= {(state.kind, state.name): change for state, change in zip(members, told, strict=True)}
    return found


def judge(
    found: Mapping[tuple[str, str], Change], used: Sequence[Use], rows: Rows, cuts: Mapping[str, int | None],
    claims: Sequence[Claim] = (),
) -> tuple[Part, ...]:  # fmt: skip
    """What became of every part, by Holm over all of them: 2 % of reviews raise an alarm where nothing changed.

    used: of a feature whose events stopped nothing else is said. cuts: category -> the cut that is best now. claims:
    parts that are no states of accounts, such as the risk; they are of the same family.
    """
    stopped = {("feature", one.feature) for one in used if one.broken}
    tested = {key: change for key, change in found.items() if key not in stopped}
    adjusted = holm([*(change.p for change in tested.values()), *(claim.p for claim in claims)])
    q = dict(zip(tested, adjusted, strict=False))
    parts = [
        _unheard(key, change) if key in stopped else _judged(key, change, float(q[key]), rows, cuts)
        for key, change in found.items()
    ]
    return (*parts, *(_claimed(one, float(p)) for one, p in zip(claims, adjusted[len(tested) :], strict=True)))


def folded(parts: Sequence[Part], kind: str, what: str) -> tuple[Part, ...]:
    """The parts with those of a kind that hold told in one line."""
    fine = [part for part in parts if part.kind == kind and part.standing == Standing.HOLDS]
    if len(fine) < 2:
        return tuple(parts)
    others = "all" if not any(part.kind == kind and part.alarm for part in parts) else "others"
    one = Part(kind, others, Standing.HOLDS, f"{len(fine)} {what}", "")
    return (*(part for part in parts if part not in fine), one)


def data_parts(used: Sequence[Use], named: Plans) -> tuple[Part, ...]:
    """Events and plans: broken, or holding."""
    parts = [_stopped(one) for one in used if one.broken]
    if used and not parts:
        because = f"every one of {len(used)} features is used by as many accounts as others let expect"
        parts = [Part("events", "all", Standing.HOLDS, because, "")]
    return (*parts, _plans(named))


def times(middle: float, low: float, high: float) -> str:
    """Log-odds as a factor with its interval.

    >>> times(0.0, -0.6931471805599453, 0.6931471805599453)
    '× 1.00 (0.50 to 2.00)'
    """
    return f"× {math.exp(middle):.2f} ({math.exp(low):.2f} to {math.exp(high):.2f})"


def _judged(key: tuple[str, str], change: Change, q: float, rows: Rows, cuts: Mapping[str, int | None]) -> Part:
    standing = _standing(change, q)
    todo = _what_to_do(key, standing, cuts)
    return Part(*key, standing, _because(change, standing, rows), todo, change, q)


def _claimed(claim: Claim, q: float) -> Part:
    if q <= MAX_P:
        standing = Standing.BROKEN if claim.gone else Standing.WEAKENING
    else:
        standing = Standing.HOLDS if claim.seen else Standing.CANNOT_TELL
    todo = claim.todo if q <= MAX_P else claim.wait if standing == Standing.CANNOT_TELL else ""
    return Part(claim.kind, claim.name, standing, claim.because, todo, None, q)


def _standing(change: Change, q: float) -> Standing:
    if not change.enough:
        return Standing.CANNOT_TELL
    if q <= MAX_P:
        return Standing.WEAKENING if change.is_clear else Standing.BROKEN
    return Standing.HOLDS if change.is_clear else Standing.CANNOT_TELL


def _because(change: Change, standing: Standing, rows: Rows) -> str:
    since = rows.churned_accounts[1]
    if not change.enough:
        there, without = change.accounts
        return f"not enough data: {since} churned accounts since, {there} accounts with it and {without} without"
    said = f"odds of staying {times(change.now, change.now_low, change.now_high)}, "
    said += f"before {times(change.then, change.then_low, change.then_high)}"
    if standing != Standing.CANNOT_TELL:
        return said
    if not change.was_clear:
        return f"{said}: it was not clear before either"
    needed = math.ceil(since * (_POWER * (change.now_high - change.now_low) / 2 / change.then) ** 2)
    if needed <= since:
        return f"{said}: neither surely weaker nor clear"
    return f"{said}: about {needed:,} churned accounts would tell, there are {since:,}"


def _what_to_do(key: tuple[str, str], standing: Standing, cuts: Mapping[str, int | None]) -> str:
    kind, name = key
    if standing == Standing.CANNOT_TELL:
        return "wait for the next cohort"
    if standing == Standing.HOLDS:
        return ""
    if kind == "feature":
        return f"ask what changed in {name}; then 'milepost run' with the new cohorts drops or keeps it"
    if kind == "area":
        return f"ask what changed in the use of {name}; then 'milepost derive' looks for its threshold anew"
    best = cuts.get(name) if kind == "category" else None
    now = "" if best is None else f"; on the new cohorts the best cut is {best}"
    return f"look at its features first, then 'milepost derive' looks for it anew{now}"


def _unheard(key: tuple[str, str], change: Change) -> Part:
    return Part(*key, Standing.CANNOT_TELL, "its events have stopped", "repair its events first", change)


def _stopped(one: Use) -> Part:
    because = f"{one.now:.1%} of accounts use it, {one.expected:.1%} were to be expected ({one.then:.1%} before)"
    todo = f"ask whoever sends the events of {one.feature}; if it was switched off, take it out of features.csv"
    return Part("events", one.feature, Standing.BROKEN, because, todo)


def _plans(named: Plans) -> Part:
    if not named.renamed:
        return Part("plans", "names", Standing.HOLDS, "accounts are on plans that were there before", "")
    went = f", {_list(named.went)} went" if named.went else ""
    because = f"{named.share:.0%} of accounts are on plans nobody was on before: {_list(named.came)} came{went}"
    todo = "give the plans their old names in the table, or derive and train anew"
    return Part("plans", "names", Standing.BROKEN, because, todo)


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(name[:24] for name in names[:4])
    return shown + (" …" if len(names) > 4 else "")
