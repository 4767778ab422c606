"""A negative control: most features do nothing, so what they all show comes from something else than the features.

Where health that no table shows makes accounts both adopt and stay, every feature looks a little helpful. The middle of
the effects of features that are not kept shows how much (an empirical null, Efron 2004), with its error by account.
With many accounts effects of nothing also scatter more than chance allows, each by its own small bias; that scatter
belongs into every interval (empirical calibration, Schuemie, Hripcsak, Ryan, Madigan and Suchard 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from milepost.importance.effect import Effect
from milepost.importance.stability import account_draws

LEAST_FEATURES = 8
CLEARLY = 2.0  # standard errors
_MORE_THAN_CHANCE = 6.63  # twice the log-likelihood ratio: 1 in 200 for a variance that cannot be negative
_SCATTERS = np.concatenate([[0.0], np.geomspace(0.2, 8.0, 24)])  # in standard errors of a middling feature
_EFFECTS = np.geomspace(1.0, 60.0, 14)
_SHARES = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5])  # of features with an effect; more look like scatter


@dataclass(frozen=True)
class Lean:
    """What features that mark nobody share; NaN when there are too few.

    points, error: the median effect of all that are not kept, with its standard error: the negative control. shift: the
    median of those of them that are quiet, whose own interval holds none. The first holds features whose true effect is
    still too uncertain, which makes it the better alarm and the worse correction. features: how many were looked at.
    scatter: points by which effects of nothing differ beyond chance (a standard deviation), 0 when chance may be all.
    """

    points: float
    error: float
    shift: float
    features: int
    scatter: float = 0.0

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


def scatter_of_nothing(effects: Sequence[Effect], middle: float = 0.0) -> float:
    """Standard deviation, in points, of the effects of features without one, beyond their own errors.

    Two kinds of feature by maximum likelihood: those that do nothing, normal around `middle` with their error and the
    scatter, and those with an effect, wider still. 0 where chance may be all, or features too few.
    """
    known = [effect for effect in effects if np.isfinite(effect.effect) and effect.error > 0]
    if len(known) < LEAST_FEATURES:
        return 0.0
    errors = np.array([effect.error for effect in known])
    unit = float(np.median(errors))
    points = (np.array([effect.effect for effect in known]) - middle) / unit
    nothing = (errors / unit) ** 2 + _SCATTERS[:, None] ** 2  # variance, [scatters × features]
    some = nothing[:, None] + _EFFECTS[:, None] ** 2  # [scatters × effects × features]
    shares = _SHARES[:, None, None, None]
    density = (1 - shares) * _density(points, nothing)[:, None] + shares * _density(points, some)
    likelihood = np.log(np.maximum(density, 1e-300)).sum(axis=-1).max(axis=(0, 2))
    best = int(likelihood.argmax())
    return float(_SCATTERS[best] * unit) if 2 * (likelihood[best] - likelihood[0]) > _MORE_THAN_CHANCE else 0.0


def _density(points: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(stats.norm.pdf(points, scale=np.sqrt(variance)))
