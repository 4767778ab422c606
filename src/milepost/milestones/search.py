"""Finding a threshold on earlier accounts or dates and confirming it on later ones.

Every candidate ("cell") is a yes or no per row; the one that parts the outcome best at equal controls is found by its
score statistic. Having looked at many cells is paid for: the best one must beat the best of all cells under account
multipliers (a multiplier bootstrap of the largest statistic), and then show its effect on rows it was not chosen on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milepost.importance.design import Design
from milepost.importance.effect import Effect, effect_of, null_fit, score_test, unknown_effect
from milepost.importance.logistic import one_thread

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SearchRules:
    """least: distinct accounts needed on both sides of a cell; max_p: after the correction; draws of accounts."""

    least: int = 50
    max_p: float = 0.05
    draws: int = 400
    seed: int = 7


@dataclass(frozen=True)
class Search:
    """What was found among the cells.

    cell: the best one, None when no cell has accounts enough on both sides or goes with the outcome. z: [cells], its
    score statistic, positive where reaching it goes with the wanted outcome, NaN where it was not tried. p: of the best
    one, corrected for all cells tried. agreement: share of account draws that choose the same cell, near: or one beside
    it. tried: how many.
    """

    cell: int | None
    z: Floats
    p: float
    agreement: float
    near: float
    tried: int


@dataclass(frozen=True)
class Threshold:
    """A search and its confirmation.

    effect: of reaching the best cell, in points of the wanted outcome, on the later rows. holds: the search passes
    after its correction, and the interval on the later rows is above none. because: which did not.
    """

    search: Search
    effect: Effect
    holds: bool
    because: str


def find_threshold(
    design: Design, reached: Flags, later: Flags, rules: SearchRules, beside: Flags | None = None
) -> Threshold:
    """Search the rows that are not `later`, confirm on those that are.

    design: `churned` is 1 where the wanted outcome is missed; reached: bool [rows × cells]; later: bool [rows];
    beside: bool [cells × cells], which cells count as neighbours (a cell of its own always does).
    """
    with one_thread():
        found = search(design.take(~later), reached[~later], rules, beside)
        if found.cell is None:
            return Threshold(found, unknown_effect(design.accounts), False, _nothing(found))
        effect = confirm(design.take(later), reached[later][:, found.cell], rules)
    return Threshold(found, effect, *_judged(found, effect, rules))


def search(design: Design, reached: Flags, rules: SearchRules, beside: Flags | None = None) -> Search:
    """The cell whose score statistic is largest, and how sure that choice is."""
    cells = reached.shape[1]
    tried = [cell for cell in range(cells) if enough(design, reached[:, cell], rules.least)]
    z = np.full(cells, np.nan)
    nothing = Search(None, z, float("nan"), float("nan"), float("nan"), len(tried))
    if not tried or not 0 < design.churned.mean() < 1:
        return nothing
    controls, null = null_fit(design, np.ones(len(design.codes), dtype=bool))
    tests = [score_test(reached[:, c].astype(np.float64), design.churned, controls, null, design.codes) for c in tried]
    scores = np.column_stack([test.scores for test in tests])
    z[tried] = [test.z for test in tests]
    best = int(np.argmax(z[tried]))
    if z[tried][best] <= 0:
        return nothing
    multipliers = np.random.default_rng(rules.seed).normal(size=(rules.draws, len(scores)))
    spread = np.sqrt(np.maximum((scores**2).sum(axis=0), 1e-300))
    largest = (multipliers @ scores / spread).max(axis=1)
    p = float((1 + (largest >= z[tried][best]).sum()) / (1 + rules.draws))
    information = np.column_stack([test.information for test in tests])
    weights = np.random.default_rng(rules.seed + 1).exponential(size=(rules.draws, len(scores)))
    drawn = weights @ scores / np.sqrt(np.maximum(weights @ information, 1e-300))
    chosen = np.array(tried)[np.argmax(drawn, axis=1)]
    cell = tried[best]
    near = np.eye(cells, dtype=bool)[cell] if beside is None else np.asarray(beside[cell], dtype=bool)
    near = near | (np.arange(cells) == cell)
    return Search(cell, z, p, float((chosen == cell).mean()), float(near[chosen].mean()), len(tried))


def confirm(design: Design, reached: Flags, rules: SearchRules) -> Effect:
    """The effect of one cell on rows it was not chosen on; unknown with too few accounts on one side."""
    if not enough(design, reached, rules.least):
        return unknown_effect(design.accounts)
    return effect_of(design, reached, np.ones(len(reached), dtype=bool))


def given_threshold(design: Design, reached: Flags, later: Flags, rules: SearchRules) -> Threshold:
    """A threshold that was not searched: its effect on the later rows, and whether that is above none."""
    nan = float("nan")
    with one_thread():
        effect = confirm(design.take(later), reached[later], rules)
    return Threshold(Search(0, np.array([nan]), nan, nan, nan, 1), effect, bool(effect.low > 0), "")


def enough(design: Design, reached: Flags, least: int) -> bool:
    """Whether both sides of a cell hold so many accounts."""
    sides = (len(np.unique(design.codes[rows])) for rows in (reached, ~reached))
    return min(sides) >= least


def _judged(found: Search, effect: Effect, rules: SearchRules) -> tuple[bool, str]:
    if found.p > rules.max_p:
        return False, f"no cell parts the outcome beyond chance (p {found.p:.3f} after {found.tried} cells)"
    if np.isnan(effect.effect):
        return False, "too few later accounts on one side to confirm it"
    if effect.low <= 0:
        return (
            False,
            f"later accounts do not confirm it ({effect.effect:+.1f} points, {effect.low:+.1f} to {effect.high:+.1f})",
        )
    return True, ""


def _nothing(found: Search) -> str:
    if not found.tried:
        return "no cell has accounts enough on both sides"
    return f"reaching none of {found.tried} cells goes with it"
