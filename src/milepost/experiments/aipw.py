"""What use of a feature goes with, by a second road than the ranking's: cross-fitted, doubly robust, by account.

Rows are snapshots: use lies before the snapshot, the outcome after it (a landmark), so that an account has to be there
to be counted. Half-right is enough: the estimate holds if either the chance of use or the chance of the outcome is
modelled well (Robins, Rotnitzky and Zhao 1994; cross-fitting as in Chernozhukov and others 2018). Neither sees what no
table shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from milepost.experiments.robust import robustness_value
from milepost.importance.design import account_sums, penalties
from milepost.importance.effect import e_value
from milepost.importance.logistic import Floats, fit_logistic, logistic

Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

EDGE = 0.02  # chances of use nearer than this to 0 or 1 have no counterpart
_SQUARED = 1.0  # ridge of an outcome model within one group, where events may be few
NAN = float("nan")


@dataclass(frozen=True)
class Association:
    """Users less others in the share that is retained, at equal controls.

    effect, low, high: shares; p two-sided; accounts: (not using, using); overlap: share of rows with a counterpart;
    effective: (not using, using) rows that the weights leave; worst, worst_before: the largest standardised difference
    of a control, weighted and as it is; risk_ratio: churn of users over that of others; e_value, e_value_low: of the
    estimate and of the bound nearer to none; robustness: share of both variances that would take it away.
    """

    effect: float
    low: float
    high: float
    p: float
    accounts: tuple[int, int]
    overlap: float
    effective: tuple[float, float]
    worst: float
    worst_before: float
    risk_ratio: float
    e_value: float
    e_value_low: float
    robustness: float

    @property
    def known(self) -> bool:
        return bool(np.isfinite(self.p))


def unknown(accounts: tuple[int, int]) -> Association:
    """Not enough accounts or churn on one of the sides."""
    return Association(NAN, NAN, NAN, NAN, accounts, NAN, (NAN, NAN), NAN, NAN, NAN, NAN, NAN, NAN)


def associate(
    churned: Floats, used: Flags, controls: Floats, codes: Codes, seed: int, folds: int = 5, least: int = 50
) -> Association:
    """Estimate the association of use with retention.

    churned: float [rows], 0 or 1; used: bool [rows]; controls: float [rows × columns], an intercept first, the others
    standardised; codes: [rows], the account; least: accounts asked for on each side. All rows of an account are in one
    fold; rows without a counterpart (chance of use beyond EDGE) are left out.
    """
    sides = len(np.unique(codes[~used])), len(np.unique(codes[used]))
    if min(sides) < least or churned.min() == churned.max():
        return unknown(sides)
    chance, risks = _cross_fitted(churned, used, controls, codes, seed, folds)
    inside = (chance > EDGE) & (chance < 1 - EDGE)
    overlap = float(inside.mean())
    treated, account, propensity, risk = used[inside], codes[inside], chance[inside], risks[inside]
    if min(len(np.unique(account[side])) for side in (treated, ~treated)) < least:
        return unknown(sides)
    weight = np.where(treated, 1 / propensity, 1 / (1 - propensity))
    residual = churned[inside] - np.where(treated, risk[:, 1], risk[:, 0])
    # churn if all use it, and if none does
    scores = np.column_stack([
        risk[:, 0] + np.where(~treated, weight * residual, 0.0), risk[:, 1] + np.where(treated, weight * residual, 0.0),
    ])  # fmt: skip
    return _summary(scores, account, (controls[inside], treated, weight), (sides, overlap))


def _cross_fitted(
    churned: Floats, used: Flags, controls: Floats, codes: Codes, seed: int, folds: int
) -> tuple[Floats, Floats]:
    """Chance of use [rows] and of churn [rows × (not using, using)], each from accounts of other folds."""
    accounts = int(codes.max()) + 1
    fold = np.random.default_rng(seed).permutation(accounts) % folds
    chance, risks = np.zeros(len(used)), np.zeros((len(used), 2))
    ridge = penalties(controls.shape[1])
    for part in range(folds):
        out = fold[codes] == part
        train = ~out
        use = fit_logistic(controls[train], used[train].astype(float), ridge)
        chance[out] = logistic(controls[out] @ use.beta)
        for column, side in enumerate((~used, used)):
            rows = train & side
            fit = fit_logistic(controls[rows], churned[rows], np.append(ridge[:1], ridge[1:] + _SQUARED))
            risks[out, column] = logistic(controls[out] @ fit.beta)
    return chance, risks


def _summary(
    scores: Floats, account: Codes, weighted: tuple[Floats, Flags, Floats], before: tuple[tuple[int, int], float]
) -> Association:
    """The estimate with its error by account. scores: churn [rows × (none, all)]."""
    x, treated, weight = weighted
    sides, overlap = before
    risk = scores.mean(axis=0)
    effect = float(risk[0] - risk[1])
    influence = account_sums(account, scores[:, 0] - scores[:, 1] - effect) / len(scores)
    present = len(np.unique(account))
    error = sqrt(float((influence**2).sum()) * present / (present - 1))
    if error == 0:
        return unknown(sides)
    freedom = present - x.shape[1] - 1
    half, t = float(stats.t.isf(0.025, freedom)) * error, effect / error
    ratio = float(risk[1] / risk[0]) if risk[0] > 0 and risk[1] > 0 else inf
    nearest = max(abs(effect) - half, 0.0) * np.sign(effect)
    bound = float((risk[0] - nearest) / risk[0]) if risk[0] > 0 else inf
    return Association(
        effect, effect - half, effect + half, float(2 * stats.t.sf(abs(t), freedom)), sides, overlap,
        (_effective(weight[~treated]), _effective(weight[treated])),
        _worst(x[:, 1:], treated, weight), _worst(x[:, 1:], treated, np.ones(len(weight))),
        ratio, e_value(ratio), e_value(bound), robustness_value(t, freedom),
    )  # fmt: skip


def _effective(weight: Floats) -> float:
    """Kish's effective number of rows."""
    return float(weight.sum() ** 2 / (weight**2).sum())


def _worst(columns: Floats, treated: Flags, weight: Floats) -> float:
    """The largest absolute standardised difference of a column between the sides, under the weights."""
    means = [np.average(columns[side], axis=0, weights=weight[side]) for side in (~treated, treated)]
    spread = np.sqrt((columns[treated].var(axis=0) + columns[~treated].var(axis=0)) / 2)
    gap = np.abs(np.divide(means[1] - means[0], spread, out=np.zeros(len(spread)), where=spread > 0))
    return float(gap.max()) if len(gap) else 0.0
