"""What finished experiments measured, `[[proven]]` in the framework file: the only way it reaches scoring."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Proven:
    """What having a feature, or taking a step, did to a metric, measured by an experiment.

    effect, low, high: with it less without it, in `unit` ("points" for shares). finished: the day of the analysis;
    note: a person's own words.
    """

    feature: str
    experiment: str
    metric: str
    effect: float
    low: float
    high: float
    finished: date
    unit: str = "points"
    note: str = ""

    @property
    def harms(self) -> bool:
        """Whether its whole interval lies below zero."""
        return self.high < 0

    @property
    def words(self) -> str:
        """The finding as a sentence.

        >>> Proven("help", "tour", "activation", 9.0, 6.5, 11.5, date(2024, 5, 5)).words
        "Proven by experiment 'tour': activation +9.0 points (+6.5 to +11.5)."
        """
        unit = f" {self.unit}" if self.unit else ""
        figures = f"{self.effect:+.1f}{unit} ({self.low:+.1f} to {self.high:+.1f})"
        return f"Proven by experiment '{self.experiment}': {self.metric} {figures}."


def with_proven(before: Iterable[Proven], new: Iterable[Proven]) -> tuple[Proven, ...]:
    """The findings with newer ones in place of those of the same feature, experiment and metric; notes stay."""
    known = {_key(one): one for one in before}
    for one in new:
        old = known.get(_key(one))
        known[_key(one)] = one if old is None or one.note else Proven(**{**vars(one), "note": old.note})
    return tuple(known.values())


def _key(one: Proven) -> tuple[str, str, str]:
    return one.feature, one.experiment, one.metric
