"""A negative control: most features do nothing, so if they all lean one way, something unmeasured stands behind them.

Where health that no table shows makes accounts both adopt and stay, every feature looks a little helpful. The middle of
the effects of features that are not kept shows how much (an empirical null, Efron 2004), with its error by account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milepost.importance.effect import Effect
from milepost.importance.stability import account_draws

LEAST_FEATURES = 8
CLEARLY = 2.0  # standard errors


@dataclass(frozen=True)
class Lean:
    """What features that mark nobody share; NaN when there are too few.

    points, error: the median effect of all that are not kept, with its standard error: the negative control. shift: the
    median of those of them that are quiet, whose own interval holds none. The first holds features whose true effect is
    still too uncertain, which makes it the better alarm and the worse correction. features: how many were looked at.
    """

    points: float
    error: float
    shift: float
    features: int

    @property
    def failed(self) -> bool:
        """The negative control fails: the pool leans to staying more than chance allows."""
        return bool(self.points > CLEARLY * self.error and self.shift > 0)


def common_lean(effects: Sequence[Effect], pool: NDArray[np.bool_], draws: int, seed: int) -> Lean:
    """The median effect over the features of the pool, with the spread of that median over account draws."""
    members = [effect for effect, inside in zip(effects, pool, strict=True) if inside and np.isfinite(effect.effect)]
    quiet = [effect.effect for effect in members if effect.low <= 0 <= effect.high]
    if len(quiet) < LEAST_FEATURES:
        return Lean(float("nan"), float("nan"), float("nan"), len(quiet))
    drawn = np.median(account_draws(members, draws, seed), axis=1)
    middle = float(np.median([effect.effect for effect in members]))
    return Lean(middle, float(drawn.std()), float(np.median(quiet)), len(members))
