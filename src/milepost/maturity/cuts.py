"""Where a category's score parts the accounts that stay from those that leave: a stump on adjusted retention."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milepost.importance.design import Codes, Design
from milepost.importance.effect import null_fit, score_test
from milepost.signals.matrix import Observations

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CutChoice:
    """candidate: the best cut, None when no cut has accounts enough on both sides or more use never goes with staying.

    agreement: share of account draws that choose it, NaN without draws.
    """

    candidate: int | None
    agreement: float


def find_cut(design: Design, score: NDArray[np.intp], least: int, draws: int = 0, seed: int = 0) -> CutChoice:
    """The cut 1..n whose stump explains most of the churn left over by the controls (a partial stump).

    score: [rows], adopted features of the category; least: distinct accounts needed on both sides.
    The gain of a cut is its score statistic, S² / I, which is twice the rise of the log-likelihood; draws reweight
    accounts, so that nothing is fitted again.
    """
    cuts = [cut for cut in range(1, int(score.max(initial=0)) + 1) if _both_sides(design, score >= cut, least)]
    if not cuts:
        return CutChoice(None, float("nan"))
    everything = np.ones(len(score), dtype=bool)
    controls, null = null_fit(design, everything)
    tests = [
        score_test((score >= cut).astype(np.float64), design.churned, controls, null, design.codes) for cut in cuts
    ]
    scores, information = (
        np.column_stack(parts) for parts in ([t.scores for t in tests], [t.information for t in tests])
    )
    best = int(np.argmax(gains(scores.sum(axis=0), information.sum(axis=0))))
    if scores[:, best].sum() <= 0:
        return CutChoice(None, float("nan"))
    if not draws:
        return CutChoice(cuts[best], float("nan"))
    weights = np.random.default_rng(seed).exponential(size=(draws, len(scores)))
    chosen = np.argmax(gains(weights @ scores, weights @ information), axis=-1)
    return CutChoice(cuts[best], float((chosen == best).mean()))


def by_category(observations: Observations, kept: Iterable[str]) -> dict[str, Codes]:
    """Category -> columns of its kept features, categories and features in the catalogue's order."""
    names = set(kept)
    groups: dict[str, list[int]] = {}
    for column, feature in enumerate(observations.features):
        if feature.name in names:
            groups.setdefault(feature.category, []).append(column)
    return {name: np.array(columns, dtype=np.intp) for name, columns in groups.items()}


def gains(scores: Floats, information: Floats) -> Floats:
    """S² / I where more use goes with staying, else 0."""
    gain: Floats = np.where(scores > 0, scores**2 / np.maximum(information, 1e-12), 0.0)
    return gain


def _both_sides(design: Design, above: NDArray[np.bool_], least: int) -> bool:
    sides = (len(np.unique(design.codes[rows])) for rows in (above, ~above))
    return min(sides) >= least
