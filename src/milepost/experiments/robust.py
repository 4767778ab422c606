"""How strong something unmeasured would have to be, and families of hypotheses taken together."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from statsmodels.stats.multitest import multipletests

from milepost.experiments.estimates import Floats


def holm(p: Sequence[float]) -> Floats:
    """Holm's adjusted p-values; NaN stays NaN and is not counted.

    >>> holm([0.01, 0.02, 0.03, 0.04, 0.05]).round(4).tolist()
    [0.05, 0.08, 0.09, 0.09, 0.09]
    """
    values = np.asarray(p, dtype=float)
    adjusted, known = np.full(len(values), np.nan), ~np.isnan(values)
    if known.any():
        adjusted[known] = multipletests(values[known], method="holm")[1]
    return adjusted


def robustness_value(t: float, freedom: float) -> float:
    """Share of the variance of treatment and of outcome something unmeasured must explain to take the estimate away.

    Cinelli and Hazlett 2020. t = 4.18445 with 783 degrees of freedom -> .138776.
    """
    squared = t**2 / freedom
    return 0.5 * (sqrt(squared**2 + 4 * squared) - squared)
