"""The rules in force: the flags of the settings read and checked, with what their contacts are expected to save."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from milepost.errors import SettingsError, nearest
from milepost.routing.conditions import Expression, check_columns, parse
from milepost.routing.defaults import DEFAULT_FLAGS
from milepost.settings import RoutingFlag, RoutingOwner, RoutingSettings
from milepost.terms import Route

WORTH = "churn_risk * mrr"


@dataclass(frozen=True)
class Rule:
    """One flag, its expressions read. brought: it is one that milepost brings, not one of the settings."""

    flag: RoutingFlag
    when: Expression
    until: Expression | None
    worth: Expression
    brought: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column its expressions name."""
        parts = (self.when, *((self.until,) if self.until else ()), self.worth)
        return tuple(dict.fromkeys(name for part in parts for name in part.columns))


@dataclass(frozen=True)
class Pool:
    """Hours of one owner, for accounts where `where` holds (None: for all). label names it: the owner's name, and its
    condition.
    """

    owner: RoutingOwner
    where: Expression | None
    label: str

    @property
    def minutes(self) -> int:
        """Minutes in a period."""
        return round(self.owner.hours * 60)

    @property
    def person_minutes(self) -> int:
        """Minutes that one more person would bring."""
        return round(self.owner.hours * 60 / self.owner.people)


@dataclass(frozen=True)
class Rules:
    """rules: by priority, then name. pools: in the order of the settings. version: of all that decides, eight letters;
    left_out: flags that are not in use, each with the reason.
    """

    rules: tuple[Rule, ...]
    pools: tuple[Pool, ...]
    settings: RoutingSettings
    version: str
    left_out: tuple[str, ...]


def read_rules(settings: RoutingSettings, here: set[str], known: set[str]) -> Rules:
    """Read and check every flag and owner.

    here: columns that these data have; known: every column there can be. A flag that needs a column which these data
    lack, or one that milepost brings for an owner without hours, is left out.

    Raises SettingsError for a column that there cannot be, a flag or owner that does not exist, and
    a text that is no condition.
    """
    _check_names(settings)
    own = {flag.name for flag in settings.flags}
    brought = [flag for flag in DEFAULT_FLAGS if flag.name not in own and flag.name not in settings.without]
    read = [_rule(flag, False) for flag in settings.flags] + [_rule(flag, True) for flag in brought]
    pools = tuple(_pool(owner, here | known) for owner in settings.owners)
    for rule in read:
        for part in (rule.when, rule.until, rule.worth):
            if part is not None:
                check_columns(part, here | known)
    why = {rule.flag.name: _lacks(rule, here, {owner.name for owner in settings.owners}) for rule in read}
    left_out = tuple(f"{name}: {reason}" for name, reason in why.items() if reason)
    used = sorted((rule for rule in read if not why[rule.flag.name]), key=lambda r: (r.flag.priority, r.flag.name))
    flags = [rule.flag for rule in used]
    version = hashlib.sha256(repr((settings, flags)).encode()).hexdigest()[:8]
    return Rules(tuple(used), pools, settings, version, left_out)


def _lacks(rule: Rule, here: set[str], owners: set[str]) -> str:
    """Why a flag is not in use, or ""."""
    missing = [name for name in rule.columns if name not in here]
    if missing:
        return f"these data have no {missing[0]}"
    return f"no hours of '{rule.flag.owner}'" if rule.flag.owner and rule.flag.owner not in owners else ""


def _rule(flag: RoutingFlag, brought: bool) -> Rule:
    where = f"flag '{flag.name}'"
    until = parse(flag.until, f"{where}, until") if flag.until else None
    return Rule(flag, parse(flag.when, f"{where}, when"), until, parse(flag.worth, f"{where}, worth"), brought)


def _pool(owner: RoutingOwner, known: set[str]) -> Pool:
    if not owner.where:
        return Pool(owner, None, owner.name)
    where = parse(owner.where, f"owner '{owner.name}', where")
    check_columns(where, known)
    return Pool(owner, where, f"{owner.name}: {owner.where}")


def _check_names(settings: RoutingSettings) -> None:
    if not settings.owners:
        raise SettingsError("nobody has hours to reach out", where="[routing]",
                            fix='add [[routing.owners]] with name = "success" and hours = 20')  # fmt: skip
    _once([flag.name for flag in settings.flags], "flag")
    _once([f"{owner.name}{owner.where}" for owner in settings.owners], "owner")
    brought, owners = [flag.name for flag in DEFAULT_FLAGS], [owner.name for owner in settings.owners]
    for name in settings.without:
        if name not in brought:
            raise SettingsError(f"no flag '{name}'", where="routing.without", fix=nearest(name, brought))
    for flag in settings.flags:
        if flag.route == Route.SERVE and flag.owner not in owners:
            raise SettingsError(
                f"no owner '{flag.owner}'", where=f"flag '{flag.name}'", fix=nearest(flag.owner, owners)
            )


def _once(names: Sequence[str], what: str) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            raise SettingsError(f"{what} '{name}' stands twice", where="[routing]", fix="keep one of them")
