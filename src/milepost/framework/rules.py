"""What a framework defines, as plain data, and what of it a person set against the data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar

from milepost.framework.proven import Proven
from milepost.maturity.categories import Category
from milepost.milestones.definitions import Evidence, Milestones

UNKNOWN = Evidence()
Value = int | float | str | tuple[str, ...] | None
Definition = Mapping[str, Value]


@dataclass(frozen=True)
class SetupRule:
    """An account is set up when it has done `needed` of the `steps` within the first days of tenure.

    needed: None where the data show no number that goes with activation.
    """

    steps: tuple[str, ...]
    needed: int | None
    within_days: int
    evidence: Evidence = UNKNOWN
    because: str = ""


@dataclass(frozen=True)
class ActivationRule:
    """An account is activated by `count` value events within the first `days` of tenure; None: both unknown."""

    event: str
    count: int | None
    days: int | None
    evidence: Evidence = UNKNOWN
    because: str = ""


@dataclass(frozen=True)
class UtilizationRule:
    """A month is utilized from `threshold` of the value metric per seat or account; None: no threshold."""

    metric: str
    per: str
    threshold: float | None
    evidence: Evidence = UNKNOWN
    because: str = ""


@dataclass(frozen=True)
class AreaRule:
    """A product area is used well in a month from `threshold` of its own metric per seat or account."""

    area: str
    metric: str
    per: str
    threshold: float | None
    evidence: Evidence = UNKNOWN
    because: str = ""


Rule = SetupRule | ActivationRule | UtilizationRule | AreaRule
Table = Rule | Category
AnyTable = TypeVar("AnyTable", bound=Table)

KINDS = ("setup", "activation", "utilization", "area", "category")  # in the order of the file
# what a person may change, and what names the thing that is counted
EDITABLE: dict[type, tuple[str, ...]] = {
    SetupRule: ("steps", "needed", "within_days"),
    ActivationRule: ("count", "days"),
    UtilizationRule: ("threshold",),
    AreaRule: ("threshold",),
    Category: ("features", "cut"),
}
NAMED: dict[type, tuple[str, ...]] = {
    SetupRule: (),
    ActivationRule: ("event",),
    UtilizationRule: ("metric", "per"),
    AreaRule: ("metric", "per"),
    Category: (),
}
_CLAIMS: dict[type, str] = {
    SetupRule: "needed", ActivationRule: "count", UtilizationRule: "threshold", AreaRule: "threshold", Category: "cut",
}  # fmt: skip


@dataclass(frozen=True)
class Framework:
    """The definitions that scoring goes by. fingerprint: of the data they were derived from.

    derived: name of a table -> what the data say, for tables in which a person set something else; a key that is not
    in it is one of which the data say nothing. reasons: name of a table -> why, in that person's words. proven: what
    finished experiments measured. review_by: the day by which people want it reviewed; owners: name of a table -> who
    looks after it.
    """

    version: int
    created: date
    fingerprint: str
    categories: tuple[Category, ...]
    setup: SetupRule | None = None
    activation: ActivationRule | None = None
    utilization: UtilizationRule | None = None
    areas: tuple[AreaRule, ...] = ()
    derived: Mapping[str, Definition] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    proven: tuple[Proven, ...] = ()
    review_by: date | None = None
    owners: Mapping[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, Table]:
        """Name -> table, in the order of the file."""
        single = (self.setup, self.activation, self.utilization)
        found: list[Table] = [table for table in single if table is not None]
        return {name_of(table): table for table in [*found, *self.areas, *self.categories]}


@dataclass(frozen=True)
class Rules:
    """The rules of the milestones before maturity; None where there is none."""

    setup: SetupRule | None = None
    activation: ActivationRule | None = None
    utilization: UtilizationRule | None = None
    areas: tuple[AreaRule, ...] = ()


@dataclass(frozen=True)
class Override:
    """One value that a person set. where: name of its table; derived: what the data say, None or empty: nothing."""

    where: str
    key: str
    derived: Value
    in_use: Value
    reason: str


def rules_of(milestones: Milestones) -> Rules:
    """What was found about the milestones, as rules."""
    setup, active, used = milestones.setup, milestones.activation, milestones.utilization
    return Rules(
        None if setup is None
        else SetupRule(setup.steps, setup.needed, setup.within, setup.evidence, setup.because),
        None if active is None
        else ActivationRule(active.event, active.count, active.days, active.evidence, active.because),
        None if used is None
        else UtilizationRule(used.metric, used.per, used.threshold, used.evidence, used.because),
        tuple(AreaRule(a.area, a.metric, a.per, a.threshold, a.evidence, a.because) for a in milestones.areas),
    )  # fmt: skip


def name_of(table: Table) -> str:
    """The name of a table: "setup", "area calendar", "category deals"."""
    if isinstance(table, Category):
        return f"category {table.name}"
    if isinstance(table, AreaRule):
        return f"area {table.area}"
    return {SetupRule: "setup", ActivationRule: "activation", UtilizationRule: "utilization"}[type(table)]


def definition_of(table: Table) -> dict[str, Value]:
    """The values of a table that a person may change."""
    return {key: getattr(table, key) for key in EDITABLE[type(table)]}


def names_in(table: Table) -> dict[str, str]:
    """What names the thing a table counts."""
    return {key: getattr(table, key) for key in NAMED[type(table)]}


def with_definition(table: AnyTable, definition: Definition) -> AnyTable:
    """The table with another definition; its evidence stays."""
    values: dict[str, Any] = dict(definition)
    return replace(table, **values)


def with_tables(framework: Framework, tables: Iterable[Table]) -> Framework:
    """The framework with these tables and no others."""
    found = list(tables)
    return replace(
        framework,
        categories=tuple(table for table in found if isinstance(table, Category)),
        setup=next((table for table in found if isinstance(table, SetupRule)), None),
        activation=next((table for table in found if isinstance(table, ActivationRule)), None),
        utilization=next((table for table in found if isinstance(table, UtilizationRule)), None),
        areas=tuple(table for table in found if isinstance(table, AreaRule)),
    )


def as_derived(framework: Framework) -> Framework:
    """What the data say: the framework without what a person set; a table of which they say nothing is left out."""
    tables = [
        with_definition(table, framework.derived.get(name, {}))
        for name, table in framework.tables.items()
        if framework.derived.get(name, True)
    ]
    return replace(with_tables(framework, tables), derived={}, reasons={})


def same(one: Value, other: Value) -> bool:
    """Whether two values say the same; the order of a list says nothing."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return sorted(one) == sorted(other)
    return one == other


def overrides(framework: Framework) -> tuple[Override, ...]:
    """Every value in use that differs from what the data say, in the order of the file."""
    found = []
    for where, table in framework.tables.items():
        derived = framework.derived.get(where, definition_of(table))
        for key, value in definition_of(table).items():
            said = derived.get(key, () if isinstance(value, tuple) else None)
            if not same(said, value):
                found.append(Override(where, key, said, value, framework.reasons.get(where, "")))
    return tuple(found)


def interval(table: Table) -> tuple[float, float, float]:
    """effect, low, high in points, NaN where unknown."""
    figures = table if isinstance(table, Category) else table.evidence
    return figures.effect, figures.low, figures.high


def is_weak(table: Table) -> bool:
    """Whether a table makes a claim that its evidence does not carry: its interval is unknown or holds none."""
    low = interval(table)[1]
    return getattr(table, _CLAIMS[type(table)]) is not None and (math.isnan(low) or low <= 0)
