"""Values of a framework file, each checked by itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from milepost.errors import FrameworkError, nearest
from milepost.framework.place import Place
from milepost.framework.rules import Value
from milepost.signals.catalogue import UNITS

LIST_OF = {"needed": "steps", "cut": "features"}
_LISTS = tuple(LIST_OF.values())
COUNTS = ("candidate", "tried", "accounts")


def only(table: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    """Raise FrameworkError for a key that is none of `keys`, with the nearest of them."""
    for key in table:
        if key not in keys:
            raise FrameworkError(f"unknown key '{key}'", where=where, fix=nearest(key, keys))


def value_of(content: Mapping[str, Any], key: str, place: Place, inside: str = "") -> Value:
    """One value that a person may change. inside: the key of the inline table it stands in."""
    where = place.row(inside or key)
    if key not in content:
        raise FrameworkError(f"'{key}' is missing", where=where, expected=_expected(content, key))
    value = content[key]
    if key in _LISTS:
        return _names(value, key, where)
    if value == "none" and key != "within_days":
        return None
    right = _is_threshold(value) if key == "threshold" else whole(value) and 1 <= value <= _most(content, key)
    if not right:
        raise FrameworkError(f"{inside} {key} {value!r}".strip(), where=where, expected=_expected(content, key))
    return float(value) if key == "threshold" else int(value)


def text_of(content: Mapping[str, Any], key: str, place: Place, needed: bool = False) -> str:
    """A text; "" where it is missing and not `needed`."""
    value = content.get(key, None if needed else "")
    if not isinstance(value, str) or (needed and not value):
        raise FrameworkError(f"'{key}' is missing or no text", where=place.row(key))
    if key == "per" and value not in UNITS:
        raise FrameworkError(f"per '{value}'", where=place.row(key), fix=nearest(value, UNITS))
    return value


def figure(value: object, key: str, place: Place) -> float:
    """A figure of the evidence; it may be nan, a count is a whole number."""
    if key in COUNTS and not whole(value):
        raise FrameworkError(f"{key} {value!r}", where=place.row(key), expected="a whole number")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FrameworkError(f"{key} {value!r}", where=place.row(key), expected="a number")
    return int(value) if key in COUNTS else float(value)


def whole(value: object) -> bool:
    """Whether it is a whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def _names(value: object, key: str, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise FrameworkError(f"{key} {value!r}", where=where, expected="a list of names")
    if not value and key == "features":
        raise FrameworkError(
            "no features", where=where, expected="one or more", fix='cut = "none" takes a category out of the count'
        )
    for name in value:
        if value.count(name) > 1:
            raise FrameworkError(f"'{name}' stands twice in {key}", where=where)
    return tuple(value)


def _most(content: Mapping[str, Any], key: str) -> float:
    """The largest number that makes sense."""
    names = content.get(LIST_OF[key]) if key in LIST_OF else None
    return len(names) if isinstance(names, list) else math.inf


def _expected(content: Mapping[str, Any], key: str) -> str:
    if key in _LISTS:
        return "a list of names"
    if key == "threshold":
        return 'a number above 0, or "none"'
    most = _most(content, key)
    numbers = "a whole number from 1" + ("" if math.isinf(most) else f" to {most}")
    return numbers if key == "within_days" else f'{numbers}, or "none"'


def _is_threshold(value: object) -> bool:
    return (isinstance(value, float) or whole(value)) and math.isfinite(float(str(value))) and float(str(value)) > 0
