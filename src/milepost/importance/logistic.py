"""Logistic regression with a small ridge, by Newton's method: it stays finite when a feature has no churned adopter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Floats = NDArray[np.float64]

_MOST_STEPS = 40
_LONGEST_STEP = 4.0
_SETTLED = 1e-7


@dataclass(frozen=True)
class Fit:
    """A fitted model: beta [columns], chance [rows], inverse [columns × columns] of the penalised information."""

    beta: Floats
    chance: Floats
    inverse: Floats


def fit_logistic(x: Floats, y: Floats, penalty: Floats, start: Floats | None = None) -> Fit:
    """Maximise the log-likelihood of y (0 or 1) minus half of penalty · beta².

    x: [rows × columns], an intercept among them; penalty: [columns], 0 or more; start: where to begin.
    """
    beta = np.zeros(x.shape[1]) if start is None else start.copy()
    for _ in range(_MOST_STEPS):
        chance = logistic(x @ beta)
        inverse = invert(information(x, chance * (1 - chance)) + np.diag(penalty))
        step = inverse @ (x.T @ (y - chance) - penalty * beta)
        longest = float(np.max(np.abs(step)))
        beta = beta + step * min(1.0, _LONGEST_STEP / max(longest, _SETTLED))
        if longest < _SETTLED * 100:  # Newton squares the error: what is left is below _SETTLED
            break
    chance = logistic(x @ beta)
    return Fit(beta, chance, inverse)


def one_thread() -> threadpool_limits:
    """A context in which matrix products use one thread: ours are too small for more, which then only wait.

    It also keeps the last digits the same on machines with different numbers of cores.
    """
    return threadpool_limits(limits=1, user_api="blas")


def logistic(eta: Floats) -> Floats:
    """1 / (1 + exp(-eta)), without overflow."""
    chance: Floats = 1.0 / (1.0 + np.exp(-np.clip(eta, -35.0, 35.0)))
    return chance


def information(x: Floats, weight: Floats) -> Floats:
    """X'WX."""
    scaled = x * np.sqrt(weight)[:, None]
    product: Floats = scaled.T @ scaled
    return product


def invert(matrix: Floats) -> Floats:
    """Inverse of a symmetric matrix; directions without information get 0 instead of infinity."""
    try:
        return np.asarray(np.linalg.inv(matrix), dtype=np.float64)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.pinv(matrix, hermitian=True), dtype=np.float64)
