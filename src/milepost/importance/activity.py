"""How busy an account is with what it has adopted: the depth of use that effects are adjusted for.

The mean over all features, adopted or not, would hold the features a feature leads to, and adjusting for those takes
its own effect away. So depth looks only at how much each adopted feature is used against its other adopters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from milepost.signals.matrix import Observations

Floats = NDArray[np.float64]


def activity(observations: Observations) -> Floats:
    """Depth of use and its square, float [rows × 2]; 0 where nothing is adopted.

    Depth is the mean standardised log use of the adopted features, drawn towards 0 where they are few: the best linear
    prediction of what an account's features have in common, with the variance components estimated by moments
    (Searle, Casella and McCulloch 1992, section 3.6).
    """
    adopted = observations.adopted
    deviation = deviations(observations)
    total, count = deviation.sum(axis=1), adopted.sum(axis=1).astype(np.float64)
    depth = total / (count + _noise_ratio(deviation, total, count))
    return np.column_stack([depth, depth**2])


def log_use(observations: Observations) -> Floats:
    """log1p of uses, scaled to a full observation window where the account was observed for less: [rows × features]."""
    exposure = observations.context["exposure_days"].to_numpy(dtype=np.float64)
    scale = observations.windows.observation_days / np.maximum(np.nan_to_num(exposure, nan=1.0), 1.0)
    logged: Floats = np.log1p(observations.counts.astype(np.float64) * scale[:, None])
    return logged


def deviations(observations: Observations) -> Floats:
    """Standardised log use against the other adopters of the feature, 0 where it is not adopted: [rows × features]."""
    use, adopted = log_use(observations), observations.adopted
    adopters = np.maximum(adopted.sum(axis=0), 1)
    centred = np.where(adopted, use - (use * adopted).sum(axis=0) / adopters, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / adopters)
    scaled: Floats = centred / np.where(spread > 1e-9, spread, np.inf)
    return scaled


def _noise_ratio(deviation: Floats, total: Floats, count: Floats) -> float:
    """Variance of one feature's use within an account over the variance between accounts."""
    several = count >= 2
    if not several.any():
        return 1.0
    n, mean = count[several], total[several] / count[several]
    within = float(((deviation[several] ** 2).sum(axis=1) - n * mean**2).sum() / (n - 1).sum())
    between = float((n * mean**2).sum() / n.sum()) - within * len(n) / float(n.sum())
    return within / max(between, 1e-3)
