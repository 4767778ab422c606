"""Do the features stand in the same order as before: facts beside the parts, which are what is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from milepost.review.change import Z
from milepost.review.parts import Part

Floats = NDArray[np.float64]
LEAST_FEATURES = 4
DRAWS = 1000


@dataclass(frozen=True)
class Agreement:
    """features: how many were estimated before and since. rank: Spearman's correlation of their log-odds; unchanged:
    the range in which 95 % of such correlations lie if nothing changed but luck. same_sign: features on the same side
    of no association as before; changed: those that are weakening or broken.
    """

    features: int
    rank: float
    unchanged: tuple[float, float]
    same_sign: int
    changed: int

    @property
    def text(self) -> str:
        """In one sentence."""
        low, high = self.unchanged
        return (
            f"Of {self.features} features {self.same_sign} have the sign they had, {self.changed} "
            f"{'is' if self.changed == 1 else 'are'} weakening or broken; rank agreement {self.rank:.2f}, where luck "
            f"alone would give {low:.2f} to {high:.2f}."
        )


def agreement(parts: Sequence[Part], seed: int) -> Agreement | None:
    """The order of the kept features before and since; None with fewer than 4 of them.

    Without a change each feature has one log-odds, its two estimates weighted by precision, and each of them its error.
    """
    found = [(part, part.change) for part in parts if part.kind == "feature" and part.change and part.change.enough]
    if len(found) < LEAST_FEATURES:
        return None
    then, now = (np.array([getattr(change, when) for _, change in found]) for when in ("then", "now"))
    errors = np.array([[change.then_high - change.then, change.now_high - change.now] for _, change in found]) / Z
    return Agreement(
        len(found),
        float(stats.spearmanr(then, now).statistic),
        _by_luck(then, now, errors, seed),
        int((np.sign(then) == np.sign(now)).sum()),
        sum(part.alarm for part, _ in found),
    )


def _by_luck(then: Floats, now: Floats, errors: Floats, seed: int) -> tuple[float, float]:
    weights = 1 / np.maximum(errors, 1e-9) ** 2
    middle = (weights[:, 0] * then + weights[:, 1] * now) / weights.sum(axis=1)
    luck = np.random.default_rng(seed).normal(size=(DRAWS, len(then), 2)) * errors
    drawn = [stats.spearmanr(middle + one[:, 0], middle + one[:, 1]).statistic for one in luck]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
