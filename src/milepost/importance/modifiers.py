"""Where all features matter more: one multiplier per row, by size, plan and depth of use, shared by the features.

An effect that only small accounts have is half of itself in a model that gives everybody the same. Sixty features times
ten groups are too many to tell apart; that all of them matter more in some group is told from the sum of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from milepost.importance.design import penalties
from milepost.importance.logistic import Floats, fit_logistic

Codes = NDArray[np.intp]

_LEAST_SLOPE = 0.5  # of what features say; under it they say too little for differences of it
_LEAST = 0.05  # an effect does not turn round
_RIDGES = (1.0, 1e5)
_FITS = 4


def multipliers(controls: Floats, features: Floats, churned: Floats, groups: Codes, repeats: float) -> Floats:
    """How much more or less than usual features matter, float [rows] with mean 1.

    controls, features: float [rows], the two parts of the log-odds in a model without differences; groups: [rows ×
    ways], 0.. in each way; repeats: how much rows of an account repeat each other. Differences are drawn to none by
    the evidence rule (MacKay 1992), as those of the features are.
    """
    members = _members(groups)
    centred = features - features.mean()
    x = np.column_stack([np.ones(len(churned)), controls, members, centred, members * centred[:, None]])
    slope = 2 + members.shape[1]
    penalty, differences = penalties(x.shape[1]), slice(slope + 1, None)
    penalty[1] = penalty[slope] = 0.0
    ridge, start = _RIDGES[0], None
    for _ in range(_FITS):
        penalty[differences] = ridge
        fit = fit_logistic(x, churned, penalty, start)
        start, beta = fit.beta, fit.beta[differences]
        effective = float((1 - ridge * np.diag(fit.inverse)[differences]).sum())
        ridge = float(np.clip(repeats * effective / max(float(beta @ beta), 1e-9), *_RIDGES))
    if fit.beta[slope] < _LEAST_SLOPE:
        return np.ones(len(churned))
    found = np.maximum(1 + members @ beta / fit.beta[slope], _LEAST)
    return np.asarray(found / found.mean())


def _members(groups: Codes) -> Floats:
    """A centred 0/1 column per group of each way that has several."""
    columns = [
        (way == group).astype(np.float64)
        for way in groups.T
        for group in np.unique(way)
        if len(np.unique(way)) > 1
    ]  # fmt: skip
    if not columns:
        return np.zeros((len(groups), 0))
    stacked = np.column_stack(columns)
    centred: Floats = stacked - stacked.mean(axis=0)
    return centred
