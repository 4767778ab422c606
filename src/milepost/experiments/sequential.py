"""Looks at an experiment while it runs: bounds that keep false positives at alpha over all looks together.

O'Brien–Fleming spending (Lan and DeMets 1983), two-sided: by the share t of the information at hand, alpha spent is
4 (1 - Phi(z_{1 - alpha/4} / sqrt t)). The density of the score before it has crossed is carried from look to look on a
grid (Armitage, McPherson and Rowe 1969). Bounds are cut at 8: earlier than that nothing stops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq

Floats = NDArray[np.float64]
LIMIT = 8.0
_POINTS = 1201  # of the grid a density is carried on; Simpson's rule wants an odd number


@dataclass(frozen=True)
class Looks:
    """A design: the share of information at each look, the bound on |Z| at each, and alpha over all of them."""

    shares: tuple[float, ...]
    bounds: tuple[float, ...]
    alpha: float

    def alpha_at(self, look: int) -> float:
        """Two-sided alpha of an interval at a look (from 1): it excludes zero exactly when |Z| is over the bound."""
        return float(2 * stats.norm.sf(self.bounds[look - 1]))


def even(looks: int, alpha: float = 0.05) -> Looks:
    """A design with equally spaced looks.

    >>> [round(bound, 4) for bound in even(4).bounds]
    [4.3326, 2.9631, 2.359, 2.0141]
    """
    return spend(tuple(look / looks for look in range(1, looks + 1)), alpha)


def spent(share: float, alpha: float) -> float:
    """Alpha spent by a share of the information."""
    return float(4 * stats.norm.sf(stats.norm.isf(alpha / 4) / np.sqrt(min(share, 1.0))))


@lru_cache(maxsize=64)
def spend(shares: tuple[float, ...], alpha: float = 0.05) -> Looks:
    """Bounds for looks at these shares of the information, rising, the last at most 1.

    Raises ValueError for shares that do not rise within (0, 1].
    """
    if not shares or shares[0] <= 0 or shares[-1] > 1 or any(one >= other for one, other in pairwise(shares)):
        raise ValueError("shares must rise from above 0 to at most 1")
    bounds: list[float] = []
    before: _Carried | None = None
    paid = 0.0
    for place, share in enumerate(shares):
        step = share - (shares[place - 1] if place else 0.0)
        target = spent(share, alpha) - paid
        bound = _bound(before, share, step, target)
        crossed = _crossing(before, bound * np.sqrt(share), step, 0.0)
        paid += crossed
        before = _carry(before, bound * np.sqrt(share), step, 0.0)
        bounds.append(bound)
    return Looks(tuple(shares), tuple(bounds), alpha)


def power(looks: Looks, drift: float) -> tuple[float, ...]:
    """Chance to have crossed by each look when Z at full information has mean `drift`."""
    before: _Carried | None = None
    total, answer, last = 0.0, [], 0.0
    for share, bound in zip(looks.shares, looks.bounds, strict=True):
        step, edge = share - last, bound * float(np.sqrt(share))
        total += _crossing(before, edge, step, drift)
        before, last = _carry(before, edge, step, drift), share
        answer.append(total)
    return tuple(answer)


@lru_cache(maxsize=64)
def inflation(looks: Looks, wanted: float = 0.8) -> float:
    """How many times the accounts of one look the whole design needs for the same power."""
    fixed = stats.norm.isf(looks.alpha / 2) + stats.norm.ppf(wanted)
    drift = brentq(lambda value: power(looks, value)[-1] - wanted, 0.5 * fixed, 2 * fixed, xtol=1e-6)
    return float((drift / fixed) ** 2)


@dataclass(frozen=True)
class _Carried:
    """The density of the score where no bound has been crossed yet: places, density times the weights of Simpson."""

    places: Floats
    weighted: Floats


def _crossing(before: _Carried | None, edge: float, step: float, drift: float) -> float:
    """Chance that the score of the next look lies outside [-edge, edge]; the score's variance is the information."""
    spread = np.sqrt(step)
    places = np.zeros(1) if before is None else before.places
    weight = np.ones(1) if before is None else before.weighted
    middle = places + drift * step
    outside = stats.norm.sf((edge - middle) / spread) + stats.norm.cdf((-edge - middle) / spread)
    return float(weight @ outside)


def _carry(before: _Carried | None, edge: float, step: float, drift: float) -> _Carried:
    places = np.linspace(-edge, edge, _POINTS)
    weights = np.full(_POINTS, 2.0)
    weights[1::2], weights[0], weights[-1] = 4.0, 1.0, 1.0
    weights *= (places[1] - places[0]) / 3
    spread = np.sqrt(step)
    if before is None:
        density = stats.norm.pdf(places, drift * step, spread)
    else:
        jump = (places[:, None] - before.places[None, :] - drift * step) / spread
        density = (np.exp(-0.5 * jump**2) / (spread * np.sqrt(2 * np.pi))) @ before.weighted
    return _Carried(places, density * weights)


def _bound(before: _Carried | None, share: float, step: float, target: float) -> float:
    """The bound on |Z| that spends `target` at this look."""

    def excess(bound: float) -> float:
        return _crossing(before, bound * float(np.sqrt(share)), step, 0.0) - target

    return LIMIT if target <= 0 or excess(LIMIT) > 0 else float(brentq(excess, 0.5, LIMIT, xtol=1e-10))


def share_of_information(accounts: Sequence[int], planned: int) -> tuple[float, ...]:
    """Information at each look by accounts; never above 1."""
    return tuple(min(number / planned, 1.0) for number in accounts)
