"""Whether the definitions of a framework fit each other and the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from milepost.errors import FrameworkError, nearest
from milepost.framework.place import MANY, Place
from milepost.framework.rules import AreaRule, Framework, SetupRule, Table, overrides
from milepost.maturity.categories import Category
from milepost.signals.catalogue import Feature


def check_order(framework: Framework, where: str) -> None:
    """Raise FrameworkError where, by a value set by hand, setup is not over before activation."""
    setup, activation = framework.setup, framework.activation
    if setup is None or activation is None or activation.days is None:
        return
    within = framework.derived["setup"].get("within_days") if "setup" in framework.derived else setup.within_days
    days = framework.derived["activation"].get("days") if "activation" in framework.derived else activation.days
    # what the data say themselves is not for a person to mend
    as_found = isinstance(within, int) and isinstance(days, int) and within >= days
    if setup.within_days >= activation.days and not as_found:
        raise FrameworkError(
            f"setup within_days {setup.within_days} is not before activation days {activation.days}",
            where=where, expected="setup to end before activation does",
        )  # fmt: skip


def check_owners(framework: Framework, where: str) -> None:
    """Raise FrameworkError for an owner of a part that is not there."""
    for part in framework.owners:
        if part not in framework.tables:
            raise FrameworkError(
                f"owners: no part '{part}'", where=f"{where}, owners", fix=nearest(part, framework.tables)
            )


def check_places(framework: Framework, text: str, where: str) -> None:
    """Raise FrameworkError for a feature in two categories."""
    seen: dict[str, str] = {}
    for number, category in enumerate(framework.categories, start=1):
        for feature in category.features:
            if feature in seen:
                raise FrameworkError(
                    f"feature '{feature}' stands in '{seen[feature]}' and '{category.name}'",
                    where=Place(text, where, "category", number).row(feature), fix="leave it in one of them",
                )  # fmt: skip
            seen[feature] = category.name


def check_names(framework: Framework, catalogue: Sequence[Feature], text: str, where: str, edited_only: bool) -> None:
    """Raise FrameworkError for a feature, step, category or area that the catalogue does not have."""
    edited = {override.where for override in overrides(framework)}
    count = dict.fromkeys(MANY, 0)
    for name, table in framework.tables.items():
        kind = name.partition(" ")[0]
        if kind in count:
            count[kind] += 1
        if name in edited or not edited_only:
            _check_table(table, catalogue, Place(text, where, kind, count.get(kind, 1)))


def _check_table(table: Table, catalogue: Sequence[Feature], place: Place) -> None:
    if isinstance(table, SetupRule):
        _known(table.steps, "setup step", [feature.name for feature in catalogue if feature.setup_step], place)
    if isinstance(table, AreaRule):
        _known([table.area], "area with a metric", _once(f.area for f in catalogue if f.area_metric), place)
    if isinstance(table, Category):
        _known([table.name], "category", _once(feature.category for feature in catalogue), place)
        _known(table.features, "feature", [feature.name for feature in catalogue], place)


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _known(names: Iterable[str], what: str, right: list[str], place: Place) -> None:
    for name in names:
        if name not in right:
            raise FrameworkError(
                f"no {what} '{name}' in the catalogue", where=place.row(name), fix=nearest(name, right) if right else ""
            )
