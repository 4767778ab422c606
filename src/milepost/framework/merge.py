"""What a person set stands; everything else follows the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from milepost.framework.check import check_order
from milepost.framework.compare import changes
from milepost.framework.rules import (
    UNKNOWN,
    Definition,
    Framework,
    Table,
    Value,
    definition_of,
    names_in,
    overrides,
    same,
    with_definition,
    with_tables,
)
from milepost.maturity.categories import Category
from milepost.milestones.definitions import NAN

_LISTS = {"cut": "features", "needed": "steps"}
_OF_ONE_CUT = ("mature_share", "ppv", "sensitivity", "retained_mature", "retained_basic", "effect", "low", "high")
_UNSAID = "unsaid"  # equal to no value
NOT_FOUND = "nothing is found now."


def merge(before: Framework, derived: Framework) -> Framework:
    """The definitions of `derived` with the overrides of `before`; the version counts up when one in use changes.

    A feature or step put in by hand stays in, one taken out stays out, and the others follow the data; a feature put
    in a category leaves the one the data put it in. A cut never asks for more features than there are. An override is
    left out when it says what the data say, or when what is counted has changed. Evidence of a definition that the
    data did not choose is unknown: measure it. Raises FrameworkError when an override no longer fits the others.
    """
    old, new, edited = before.tables, derived.tables, {override.where for override in overrides(before)}
    stay = [*new, *(where for where in old if where in edited and where not in new)]
    in_use = {where: _in_use(where, before, new.get(where), where in edited) for where in stay}
    placed = _each_once(in_use, new, before)
    in_use = {where: _limited(found) for where, found in placed.items() if found.get("features", True)}
    tables = [_table(new.get(where), old.get(where), definition) for where, definition in in_use.items()]
    said = {where: definition_of(new[where]) if where in new else {} for where in in_use}
    made = replace(
        with_tables(derived, tables),
        version=before.version,
        derived=said,
        proven=before.proven,
        review_by=before.review_by,
        owners={part: who for part, who in before.owners.items() if part in in_use},
    )
    differ = {override.where for override in overrides(made)}
    made = replace(
        made,
        derived={where: said[where] for where in said if where in differ},
        # a reason for something that is no longer set by hand explains nothing
        reasons={w: text for w, text in before.reasons.items() if w in in_use and (w in differ or w not in edited)},
    )
    check_order(made, "framework.toml")
    return replace(made, version=before.version + bool(changes(before, made)))


def _in_use(where: str, before: Framework, new: Table | None, edited: bool) -> dict[str, Value]:
    """The definition that stands of one table."""
    old = before.tables.get(where)
    if old is None or not edited or (new is not None and names_in(old) != names_in(new)):
        return definition_of(new) if new is not None else {}
    if new is None:
        return definition_of(old)
    said, latest = before.derived.get(where, {}), definition_of(new)
    return {key: _value(value, said.get(key, _UNSAID), latest[key]) for key, value in definition_of(old).items()}


def _value(in_use: Value, said: Value, latest: Value) -> Value:
    """One value that stands. said: what the data said when it was set."""
    if same(in_use, said):
        return latest
    if not isinstance(in_use, tuple) or not isinstance(latest, tuple):
        return in_use
    # of a list that was written without knowing the data, all that is missing was left out
    taken_out = set(said if isinstance(said, tuple) else latest) - set(in_use)
    put_in = set(in_use) - set(said if isinstance(said, tuple) else ())
    follows = [name for name in latest if name not in taken_out]
    return (*follows, *(name for name in in_use if name in put_in and name not in latest)) or in_use


def _each_once(in_use: Mapping[str, Definition], new: Mapping[str, Table], before: Framework) -> dict[str, Definition]:
    """Every feature in one category: where a person put it, else where the data do."""
    claimed = _claimed(in_use, new)
    final = dict(in_use)
    for where, found in in_use.items():
        if where in before.derived and _features(found) and not _left(found, where, claimed):
            # emptied by what was put elsewhere: it stays as it was left
            was = _left(definition_of(before.tables[where]), where, claimed)
            final[where] = {**found, "features": was}
    claimed = _claimed(final, new)
    return {
        where: {**found, "features": _left(found, where, claimed)} if "features" in found else found
        for where, found in final.items()
    }


def _claimed(in_use: Mapping[str, Definition], new: Mapping[str, Table]) -> dict[str, str]:
    """Feature -> the category it stands in against the data."""
    claimed: dict[str, str] = {}
    for where, definition in in_use.items():
        derived = _features(definition_of(new[where])) if where in new else ()
        claimed |= {feature: where for feature in _features(definition) if feature not in derived}
    return claimed


def _left(definition: Definition, where: str, claimed: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name in _features(definition) if claimed.get(name, where) == where)


def _features(definition: Definition) -> tuple[str, ...]:
    found = definition.get("features", ())
    return found if isinstance(found, tuple) else ()


def _limited(found: Definition) -> dict[str, Value]:
    """A cut, or a number of steps needed, is at most the length of its list, and none for an empty one."""
    definition = dict(found)
    for key, of in _LISTS.items():
        number, names = definition.get(key), definition.get(of)
        if isinstance(number, int) and isinstance(names, tuple):
            definition[key] = min(number, len(names)) or None
    return definition


def _table(new: Table | None, old: Table | None, definition: Definition) -> Table:
    """The table with the definition in use; figures that belong to another definition are left out."""
    if new is not None and all(same(value, definition[key]) for key, value in definition_of(new).items()):
        return new
    base = new if new is not None else old
    assert base is not None  # a name comes from one of the two
    made = with_definition(base, definition)
    because = base.because if new is not None else NOT_FOUND
    if isinstance(made, Category):
        unknown: dict[str, Any] = dict.fromkeys(_OF_ONE_CUT, NAN)
        if not same(made.features, definition_of(base)["features"]):
            unknown |= {"candidate": None, "agreement": NAN}
        return replace(made, because=because, **unknown)
    return replace(made, because=because, evidence=UNKNOWN)
