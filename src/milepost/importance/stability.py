"""Would other accounts have said the same: a bootstrap over accounts on their influence, without refitting.

Kline and Santos 2012: the estimate of a draw is the estimate plus the accounts' influences, reweighted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milepost.importance.effect import Effect

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Stability:
    """same_sign and top_k: float [features], shares of the draws; NaN where there is no effect to draw."""

    same_sign: Floats
    top_k: Floats


def stability(effects: Sequence[Effect], ranked: NDArray[np.bool_], top_k: int, draws: int, seed: int) -> Stability:
    """Share of draws in which an effect keeps its sign, and in which it is among the `top_k` largest.

    ranked: bool [features], which features compete for the top; the others have a top_k of 0.
    """
    drawn = account_draws(effects, draws, seed)
    point = np.array([effect.effect for effect in effects])
    same = np.where(np.isnan(point), np.nan, (np.sign(drawn) == np.sign(point)).mean(axis=0))
    competing = np.where(ranked & ~np.isnan(point), drawn, -np.inf)
    places = np.argsort(np.argsort(-competing, axis=1, kind="stable"), axis=1)
    inside = (places < top_k) & np.isfinite(competing)
    return Stability(same, np.where(np.isnan(point), np.nan, inside.mean(axis=0)))


def account_draws(effects: Sequence[Effect], draws: int, seed: int) -> Floats:
    """Effects under reweighted accounts: float [draws × features]; weights are exponential with mean 1."""
    rng = np.random.default_rng(seed)
    influence = np.column_stack([effect.influence for effect in effects])
    weights = rng.exponential(size=(draws, len(influence))) - 1
    point = np.array([effect.effect for effect in effects])
    drawn: Floats = point + weights @ influence
    return drawn
