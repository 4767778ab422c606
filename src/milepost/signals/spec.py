"""`Signal`: one declared measure over a window, which is one matrix column."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Signal:
    """One matrix column.

    `feature` is the product feature it belongs to, or None for an account, seat, subscription or conversation signal.
    `measure` is a `terms.Measure` for features and a name of its own otherwise; `per` is what it is divided by
    ("", "day", "seat", "user"); `unit` is how a person reads its values.
    `column` and `equals` are set for a signal that is 1 where an attribute has one certain value.
    `own` is set for one that signals.toml declares, `event` where it measures a single event instead of a feature.
    """

    name: str
    feature: str | None
    measure: str
    window_days: int
    per: str
    unit: str
    description: str
    column: str = ""
    equals: str = ""
    event: str = ""
    own: bool = False
