"""`[[proven]]` read from the framework file and checked: every fault is one line with its row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from milepost.errors import FrameworkError, nearest
from milepost.framework.place import Place
from milepost.framework.proven import Proven
from milepost.framework.values import only, text_of

KIND = "proven"
_KEYS = ("feature", "experiment", "metric", "unit", "effect", "low", "high", "finished", "note")


def proven_in(found: object, text: str, where: str, features: Sequence[str] | None) -> tuple[Proven, ...]:
    """Read and check the tables. Raises FrameworkError with the row; features: known names, None: not checked."""
    if not isinstance(found, list):
        raise FrameworkError(f"'{KIND}' is not a list of tables", where=where, expected=f"[[{KIND}]]")
    return tuple(_one(content, Place(text, where, KIND, number), features) for number, content in enumerate(found, 1))


def _one(content: object, place: Place, features: Sequence[str] | None) -> Proven:
    if not isinstance(content, dict):
        raise FrameworkError(f"{KIND} {content!r} is not a table", where=place.row(), expected=f"[[{KIND}]]")
    only(content, _KEYS, place.row(next((key for key in content if key not in _KEYS), "")))
    names = {key: text_of(content, key, place, needed=True) for key in ("feature", "experiment", "metric")}
    if features is not None and names["feature"] not in features:
        raise FrameworkError(f"no feature '{names['feature']}' in the catalogue", where=place.row("feature"),
                             fix=nearest(names["feature"], features))  # fmt: skip
    low, effect, high = (_number(content, key, place) for key in ("low", "effect", "high"))
    if not low <= effect <= high:
        raise FrameworkError(
            f"effect {effect:g} is not between low {low:g} and high {high:g}", where=place.row("effect")
        )
    finished = content.get("finished")
    if not isinstance(finished, date):
        raise FrameworkError("'finished' is missing or no date", where=place.row("finished"), expected="2024-05-31")
    unit = text_of(content, "unit", place) if "unit" in content else "points"
    return Proven(**names, effect=effect, low=low, high=high, finished=finished, unit=unit,
                  note=text_of(content, "note", place))  # fmt: skip


def _number(content: Mapping[str, Any], key: str, place: Place) -> float:
    value = content.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FrameworkError(f"{key} {value!r}", where=place.row(key), expected="a number")
    return float(value)
