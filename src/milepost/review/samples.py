"""Do two samples of one signal come from the same accounts: one p, whatever the kind of signal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


def two_sample_p(then: Floats, now: Floats) -> float:
    """p of two samples of one signal being alike; each float [accounts], NaN unknown.

    Kolmogorov and Smirnov's test of the known values, for two values only a chi-squared test (Yates), and one of how
    many are unknown; of two tests the smaller p is doubled. Where there is nothing to compare it is 1. Accounts that
    are in both samples make it cautious.
    """
    known = [values[~np.isnan(values)] for values in (then, now)]
    found = []
    if min(map(len, known)):
        both = np.unique(np.concatenate(known))
        if len(both) == 2:
            found.append(_of_counts(*[(int((one == both[1]).sum()), len(one)) for one in known]))
        elif len(both) > 2:
            found.append(float(stats.ks_2samp(known[0], known[1], method="asymp").pvalue))
    unknown = [(len(values) - len(some), len(values)) for values, some in zip((then, now), known, strict=True)]
    if 0 < sum(hit for hit, _ in unknown) < len(then) + len(now):
        found.append(_of_counts(*unknown))
    return min(1.0, len(found) * min(found)) if found else 1.0


def _of_counts(then: tuple[int, int], now: tuple[int, int]) -> float:
    """p of two shares being equal; each a count and out of how many."""
    table = [[hit, of - hit] for hit, of in (then, now)]
    return float(stats.chi2_contingency(table).pvalue) if min(np.sum(table, axis=0)) > 0 else 1.0
