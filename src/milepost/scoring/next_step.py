"""The next best step of every account: what it lacks of its next milestone, by its worth and how often it is taken.

The next milestone is the first one that is defined, not held and still to be had: setup and activation only in the
first days that their definitions leave. Of what is lacking there, the step with the largest effect × reach comes first:
points by which accounts with it do better, times the share of those without it that take it up. An account that holds
all is shown the best feature of the framework that it does not use yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.framework import Proven
from milepost.terms import Milestone

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Texts = NDArray[np.object_]

COLUMNS = ["next_milestone", "next_step", "next_step_because", "next_step_alternatives"]
ALTERNATIVES = 2
TABLE = ["milestone", "step", "effect", "low", "high", "reach", "rows"]
_WORTH = {
    Milestone.SETUP: ("those who do it are active later more often by", "of new accounts do it in time"),
    Milestone.ACTIVATION: ("those who get there are utilized later more often by", "of new accounts get there"),
    Milestone.UTILIZATION: ("retention differs by", "of those below are there 90 days later"),
    Milestone.MATURITY: ("retention differs by", "of those without it use it 90 days later"),
}


@dataclass(frozen=True)
class Lack:
    """What the accounts lack of one milestone.

    asked: bool [rows], for whom it is the milestone in question once those before it are not; steps: names; open: bool
    [rows × steps], what a row lacks of them; words: object [rows × steps], the step as a sentence ("" where not open).
    """

    milestone: Milestone | None
    asked: Flags
    steps: tuple[str, ...]
    open: Flags
    words: Texts


def next_steps(lacks: Sequence[Lack], table: pd.DataFrame, rows: int, proven: Sequence[Proven] = ()) -> pd.DataFrame:
    """One row per row: the milestone, the step in words, the evidence behind it, and others; None where there is none.

    lacks: in the order of the milestones. table: evidence of every step, columns TABLE; a step without a row in it can
    be a next step, after all that have one. proven: what experiments measured, said before what is associated; what
    they found to harm is no step.
    """
    harmful = [one.feature for one in proven if one.harms]
    found = pd.DataFrame({name: np.full(rows, None, dtype=object) for name in COLUMNS})
    waiting = np.ones(rows, dtype=bool)
    for lack in lacks:
        evidence = _evidence(lack, table)
        worth = _worth(evidence)
        # what is known not to help is no next step
        open_ = lack.open & (worth >= 0) & ~np.isin(np.array(lack.steps, dtype=object), harmful)
        chosen = np.flatnonzero(waiting & lack.asked & open_.any(axis=1))
        if len(chosen):
            order = np.argsort(-worth, kind="stable")
            _fill(found, lack, (chosen, order, open_[np.ix_(chosen, order)]), _sayings(lack, evidence, proven))
            waiting[chosen] = False
    return found


def _fill(
    found: pd.DataFrame,
    lack: Lack,
    ranked_for: tuple[NDArray[np.intp], NDArray[np.intp], Flags],
    because: Texts,
) -> None:
    """Write the answers of the chosen rows; ranked: bool [chosen × steps], the steps in order, best first."""
    chosen, order, ranked = ranked_for
    first = order[ranked.argmax(axis=1)]
    found.loc[chosen, "next_milestone"] = None if lack.milestone is None else lack.milestone.value
    found.loc[chosen, "next_step"] = lack.words[chosen, first]
    found.loc[chosen, "next_step_because"] = because[first]
    found.loc[chosen, "next_step_alternatives"] = _others(ranked, np.array(lack.steps, dtype=object)[order])


def _sayings(lack: Lack, evidence: pd.DataFrame, proven: Sequence[Proven]) -> Texts:
    """Per step: what experiments proved, then what goes with it."""
    measured = {step: " ".join(one.words for one in proven if one.feature == step) for step in lack.steps}
    said = [_because(lack.milestone, row) for row in evidence.itertuples()]
    return np.array([
        f"{measured[step]} Associated: {text[0].lower()}{text[1:]}" if measured[step] else text
        for step, text in zip(lack.steps, said, strict=True)
    ], dtype=object)  # fmt: skip


def _evidence(lack: Lack, table: pd.DataFrame) -> pd.DataFrame:
    """The table's rows for the steps, in their order; NaN where it has none."""
    milestone = Milestone.MATURITY if lack.milestone is None else lack.milestone
    mine = table[table["milestone"] == milestone.value].drop_duplicates("step").set_index("step")
    return mine.reindex(list(lack.steps))


def _worth(evidence: pd.DataFrame) -> Floats:
    """effect × reach, 0 where one of them is unknown: after what is known to help."""
    worth = (evidence["effect"] * evidence["reach"]).to_numpy(dtype=float)
    return np.where(np.isnan(worth), 0.0, worth)


def _because(milestone: Milestone | None, row: tuple[object, ...]) -> str:
    effect, low, high, reach = (float(str(getattr(row, name))) for name in ("effect", "low", "high", "reach"))
    what, how_many = _WORTH[Milestone.MATURITY if milestone is None else milestone]
    taken = "" if np.isnan(reach) else f"; {100 * reach:.0f} % {how_many}"
    if np.isnan(effect):
        return f"What it is worth is not known{taken}."
    interval = "" if np.isnan(low) else f" ({low:+.1f} to {high:+.1f})"
    return f"{what[0].upper()}{what[1:]} {effect:+.1f} points{interval}, an association{taken}."


def _others(ranked: Flags, names: Texts) -> Texts:
    """The next names after the first, joined; None where there are none."""
    place = np.cumsum(ranked, axis=1)
    said = np.full(len(ranked), None, dtype=object)
    for number in range(2, ALTERNATIVES + 2):
        hit = ranked & (place == number)
        there = hit.any(axis=1)
        named = names[hit.argmax(axis=1)[there]]
        said[there] = named if number == 2 else [f"{one}; {two}" for one, two in zip(said[there], named, strict=True)]
    return said
