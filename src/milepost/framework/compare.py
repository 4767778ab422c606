"""What changed from one framework to another."""

from __future__ import annotations

from dataclasses import dataclass

from milepost.framework.rules import KINDS, Framework, Value, definition_of, names_in, same


@dataclass(frozen=True)
class Change:
    """One value that differs. where: name of its table; old, new: None or empty where the table is not there."""

    where: str
    key: str
    old: Value
    new: Value


def changes(old: Framework, new: Framework) -> tuple[Change, ...]:
    """Every definition that differs, evidence aside, in the order of the files."""
    before, after = _values(old), _values(new)
    keys = dict.fromkeys([*before, *after])
    order = sorted(dict.fromkeys([*old.tables, *new.tables]), key=lambda where: KINDS.index(where.partition(" ")[0]))
    found = [(where, key) for where in order for (table, key) in keys if table == where]
    return tuple(
        Change(where, key, *_both(before.get((where, key)), after.get((where, key))))
        for where, key in found
        if not same(*_both(before.get((where, key)), after.get((where, key))))
    )


def _values(framework: Framework) -> dict[tuple[str, str], Value]:
    return {
        (where, key): value
        for where, table in framework.tables.items()
        for key, value in {**names_in(table), **definition_of(table)}.items()
    }


def _both(old: Value, new: Value) -> tuple[Value, Value]:
    """Beside a list, what is not there is an empty one."""
    if isinstance(old, tuple) or isinstance(new, tuple):
        return old or (), new or ()
    return old, new
