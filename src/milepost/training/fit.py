"""What every model's fit has in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Risk = NDArray[np.float64]
Predict = Callable[[Values], Risk]


@dataclass(frozen=True)
class Fit:
    """What fitting needs beside the data: seed, threads, and for the booster its parameters."""

    seed: int
    threads: int
    params: tuple[tuple[str, float | int], ...] = ()


def sigmoid(log_odds: Risk) -> Risk:
    """1 / (1 + exp(-x)), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * log_odds))


def logit(risk: Risk) -> Risk:
    """log(p / (1 - p)), with p kept off 0 and 1."""
    kept = np.clip(risk, 1e-7, 1 - 1e-7)
    return np.log(kept / (1 - kept))
