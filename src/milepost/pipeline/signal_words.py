"""The arithmetic of one signal of one account in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from milepost.pipeline.signal_facts import Sums
from milepost.terms import Measure
from milepost.windows import midnight

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Facts:
    """What one account's signal is worked out from: its uses and any use in the window, uses in the last third of it.

    exposure: days of the window in which the account could be seen, recent_exposure: of its last third; seats: None
    where unknown; used_before: used at any time; older: the account is older than the data.
    """

    mine: Sums
    everyone: Sums
    recent: Sums
    snapshot: date
    window_days: int
    exposure: int
    recent_exposure: int
    seats: float | None
    used_before: bool
    older: bool


def arithmetic(measure: str, per: str, facts: Facts) -> tuple[float | None, str]:
    """The value, None where it is unknown, and how it comes about."""
    known = Measure(measure)
    if known is Measure.RECENT_COUNT:
        known = Measure.COUNT
    if known is Measure.PER_SEAT:
        known, per = Measure.COUNT, "seat"
    if known in _SPECIAL:
        return _SPECIAL[known](facts)
    amount, what = _AMOUNTS[known](facts)
    return _divided(amount, what, per, facts, known)


_AMOUNTS: Mapping[Measure, Callable[[Facts], tuple[float, str]]] = {
    Measure.COUNT: lambda facts: (facts.mine.uses, "uses"),
    Measure.VALUE_SUM: lambda facts: (facts.mine.value, "in value"),
    Measure.ACTIVE_DAYS: lambda facts: (float(facts.mine.days), "days with use"),
    Measure.USERS: lambda facts: (float(facts.mine.users), "users"),
}


def _divided(amount: float, what: str, per: str, facts: Facts, measure: Measure) -> tuple[float | None, str]:
    said, steps, value = [many(amount, what)], number(amount), amount
    if per and measure is not Measure.USERS:
        said.append(many(facts.exposure, "days observed"))
        steps, value = f"{steps} / {facts.exposure}", value / facts.exposure
    if per in ("seat", "user"):
        by = facts.seats if per == "seat" else float(facts.everyone.users)
        said.append("seats unknown" if by is None else many(by, "seats" if per == "seat" else "active users"))
        if not by:
            return None, f"{', '.join(said)}: {UNKNOWN}, there is nothing to divide by"
        steps, value = f"{steps} / {number(by)}", value / by
    return value, said[0] if len(said) == 1 else f"{', '.join(said)}: {steps} = {number(value)}"


def _user_share(facts: Facts) -> tuple[float | None, str]:
    mine, everyone = facts.mine.users, facts.everyone.users
    if not everyone:
        return 0.0, "no active user: 0"
    return mine / everyone, f"{mine} of {everyone} active users: {mine} / {everyone} = {number(mine / everyone)}"


def _recency(facts: Facts) -> tuple[float | None, str]:
    return since(facts.mine.last, facts)


def since(last: datetime | None, facts: Facts) -> tuple[float, str]:
    """Days since a moment, the length of the window where there is none."""
    if last is None:
        return float(facts.window_days), f"no use in {facts.window_days} days: {facts.window_days}"
    days = (midnight(facts.snapshot) - last).total_seconds() / 86_400
    return days, f"last used {last:%Y-%m-%d %H:%M}: {number(days)} days before {facts.snapshot}"


def _trend(facts: Facts) -> tuple[float | None, str]:
    recent, earlier = facts.recent.uses, facts.mine.uses - facts.recent.uses
    days = facts.exposure - facts.recent_exposure
    if days <= 0:
        return 0.0, f"the account was seen for {facts.exposure} days, which leaves none to compare with: 0"
    now, then = recent / facts.recent_exposure, earlier / days
    last = many(facts.recent_exposure, "days")
    said = f"{many(recent, 'uses')} in the last {last}, {number(earlier)} in the {days} before"
    if now + then == 0:
        return 0.0, f"{said}: no use, 0"
    value = (now - then) / (now + then)
    a, b = number(now), number(then)
    return value, f"{said}; {a} and {b} a day: ({a} - {b}) / ({a} + {b}) = {number(value)}"


def _ever(facts: Facts) -> tuple[float | None, str]:
    if facts.used_before:
        return 1.0, f"used before {facts.snapshot}: 1"
    if facts.older:
        return None, f"not seen, and the account is older than the data: {UNKNOWN}"
    return 0.0, "never used since the account was created: 0"


_SPECIAL: Mapping[Measure, Callable[[Facts], tuple[float | None, str]]] = {
    Measure.USER_SHARE: _user_share,
    Measure.RECENCY: _recency,
    Measure.TREND: _trend,
    Measure.EVER: _ever,
}


def number(value: float) -> str:
    """Four digits that count, whole numbers as they are, "unknown" for NaN.

    >>> number(12.0), number(1 / 3), number(123456.0), number(-0.00012345)
    ('12', '0.3333', '123,456', '-0.0001234')
    """
    if math.isnan(value):
        return UNKNOWN
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"


def many(amount: float, what: str) -> str:
    """A number and what there are so many of.

    >>> many(1, "uses"), many(2, "active users"), many(1, "days observed")
    ('1 use', '2 active users', '1 day observed')
    """
    head, _, tail = what.partition(" ")
    if amount == 1:
        what = f"{head.removesuffix('s')} {tail}".strip() if head.endswith("s") else what.removesuffix("s")
    return f"{number(amount)} {what}"
