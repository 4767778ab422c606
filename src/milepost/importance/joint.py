"""One model of churn on all features at once, and every feature's effect from it without fitting again.

The joint fit is a ridge logistic regression whose penalty on the features is estimated from the data (empirical
Bayes). Leaving columns out, or freeing one from the penalty, needs only its information matrix (the log-likelihood is
nearly quadratic there) and two corrections with the true gradient, for all features in a few matrix products.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milepost.importance.design import Design, account_sums, penalties
from milepost.importance.effect import (
    POINTS,
    TREATMENT_PENALTY,
    Effect,
    overlap,
    unknown_effect,
    with_interval,
)
from milepost.importance.logistic import Floats, fit_logistic, information, invert, logistic
from milepost.importance.modifiers import multipliers

Flags = NDArray[np.bool_]

_AT_A_TIME = 24  # features whose rows are in memory at once
_ROWS = 1024  # rows in the processor's cache at once
_CORRECTIONS = 2
_WORTH_IT = 0.7  # share of the columns up to which a copy of them is cheaper
_PENALTIES = (1.0, 1e4)
_FITS = 3  # the first at the least ridge, then at the one found
_MOST_ROUNDS = 40


@dataclass(frozen=True)
class Joint:
    """The fitted joint model.

    x: [rows × columns], controls then the adoption of each feature times `weight`, float [rows], how much features
    matter in a row (see `modifiers`); used: bool [rows × features]; first: column of the first feature; penalty:
    [columns]; information: X'WX without the penalty; target: X'(y - p) + X'WX beta, the right-hand side that every
    restricted fit solves; overlap: how much rows of an account repeat each other.
    """

    x: Floats
    used: Flags
    weight: Floats
    first: int
    target: Floats
    penalty: Floats
    information: Floats
    overlap: float


@dataclass(frozen=True)
class _Chosen:
    """One batch of features: columns in x, bool columns that stay [batch × columns], eligible [rows × batch]."""

    columns: NDArray[np.intp]
    stay: Flags
    eligible: Flags


@dataclass(frozen=True)
class _Sides:
    """Per feature of a batch: its coefficient, mean churn among the eligible rows without and with it, the gradient of
    their difference [columns × batch], 1 / eligible rows; per row: log odds, what the model misses, and the row's part
    of the difference.
    """

    own: Floats
    eta: Floats
    residual: Floats
    differ: Floats
    off: Floats
    on: Floats
    gradient: Floats
    share: Floats


def fit_joint(design: Design, adopted: Flags, eligible: Flags) -> Joint:
    """Fit all features together with the controls and with who had access.

    adopted, eligible: bool [rows × features]; the ridge of the features is set to overlap · (effective number) /
    (sum of squares), which is MacKay's (1992) evidence rule for repeated rows.
    """
    controls = np.column_stack([design.controls, *_gates(eligible)])
    features, first = adopted.shape[1], controls.shape[1]
    base = fit_logistic(controls, design.churned, penalties(first))
    repeats = overlap(base.chance - design.churned, base.chance * (1 - base.chance), design.codes)
    used = adopted & eligible
    x = np.column_stack([controls, used])
    weight, ridge, start = np.ones(len(x)), _PENALTIES[0], np.append(base.beta, np.zeros(features))
    for fits in range(_FITS):
        penalty = np.append(penalties(first), np.full(features, ridge))
        fit = fit_logistic(x, design.churned, penalty, start)
        if fits == 1:  # the ridge is about right
            parts = x[:, :first] @ fit.beta[:first], x[:, first:] @ fit.beta[first:]
            weight = multipliers(*parts, design.churned, design.groups, repeats)
            x[:, first:] *= weight[:, None]
            fit = fit_logistic(x, design.churned, penalty, fit.beta)
        curvature = information(x, fit.chance * (1 - fit.chance))
        target = x.T @ (design.churned - fit.chance) + curvature @ fit.beta
        joint = Joint(x, used, weight, first, target, penalty, curvature, repeats)
        start, ridge = fit.beta, _settled(joint, ridge)
    return joint


def effects_beside(
    design: Design, joint: Joint, eligible: Flags, left_out: Flags, wanted: Sequence[int] | None = None
) -> tuple[Effect, ...]:
    """The effect of adopting each feature among its eligible rows, beside all columns that are not left out.

    left_out: bool [features × columns of joint.x]; a feature's own column always stays. wanted: features to estimate,
    the others are unknown. The error is by account, and never smaller than the score test of no effect allows.
    """
    features = eligible.shape[1]
    asked = np.arange(features) if wanted is None else np.asarray(wanted, dtype=np.intp)
    users, allowed = (joint.used & eligible).sum(axis=0)[asked], eligible.sum(axis=0)[asked]
    sides = (users > 0) & (users < allowed)
    found = [unknown_effect(design.accounts)] * features
    asked = asked[sides] if _two_sided(design.churned) else asked[:0]
    for begin in range(0, len(asked), _AT_A_TIME):
        batch = asked[begin : begin + _AT_A_TIME]
        stay = ~left_out[batch]
        stay[np.arange(len(batch)), joint.first + batch] = True
        small, chosen = _only(joint, _Chosen(joint.first + batch, stay, eligible[:, batch]))
        for place, effect in zip(batch, _batch(design, small, chosen), strict=True):
            found[place] = effect
    return tuple(found)


def _only(joint: Joint, chosen: _Chosen) -> tuple[Joint, _Chosen]:
    """The same model without the columns that none of the batch uses, where that saves work."""
    needed = chosen.stay.any(axis=0)
    if needed.mean() > _WORTH_IT:
        return joint, chosen
    columns = np.flatnonzero(needed)
    small = Joint(
        np.ascontiguousarray(joint.x[:, columns]), joint.used, joint.weight, joint.first, joint.target[columns],
        joint.penalty[columns], joint.information[np.ix_(columns, columns)], joint.overlap,
    )  # fmt: skip
    return small, _Chosen(np.searchsorted(columns, chosen.columns), chosen.stay[:, columns], chosen.eligible)


def beside_others(joint: Joint, behind: Flags) -> Flags:
    """What to leave out [features × columns] so that an effect is adjusted for all features but those `behind`."""
    return np.column_stack([np.zeros((len(behind), joint.first), dtype=bool), behind])


def _settled(joint: Joint, ridge: float) -> float:
    """The ridge at which the evidence rule holds, on the quadratic around the fit."""
    features = slice(joint.first, None)
    for _ in range(_MOST_ROUNDS):
        penalty = np.append(penalties(joint.first), np.full(len(joint.penalty) - joint.first, ridge))
        inverse = invert(joint.information + np.diag(penalty))
        beta, variance = (inverse @ joint.target)[features], np.diag(inverse)[features]
        before, ridge = ridge, _ridge(beta, variance, ridge, joint.overlap)
        if abs(np.log(ridge / before)) < 0.02:
            break
    return ridge


def _ridge(beta: Floats, variance: Floats, ridge: float, repeats: float) -> float:
    effective = float((1 - ridge * variance).sum())
    return float(np.clip(repeats * effective / max(float((beta**2).sum()), 1e-9), *_PENALTIES))


def _gates(eligible: Flags) -> list[Floats]:
    """Who had access, one column per different pattern that is not the same for everybody."""
    varying = eligible[:, eligible.any(axis=0) & ~eligible.all(axis=0)]
    if not varying.shape[1]:
        return []
    patterns = {column.tobytes(): column for column in np.ascontiguousarray(varying.T)}
    return [column - column.mean() for column in patterns.values()]


def _batch(design: Design, joint: Joint, chosen: _Chosen) -> list[Effect]:
    inverses = [_inverse(joint, column, stay) for column, stay in zip(chosen.columns, chosen.stay, strict=True)]
    beta = _restricted(design, joint, chosen, inverses)
    seen = _both_sides(design, joint, chosen, beta)
    z, influence = _per_account(design, joint, chosen, inverses, seen)
    effect, ratio = seen.off - seen.on, seen.on / np.maximum(seen.off, 1e-12)
    return [
        with_interval(
            float(effect[place]) * POINTS,
            influence[:, place] * POINTS,
            float(ratio[place]),
            float(z[place]),
            design.churned_among(chosen.eligible[:, place]) - 1,
            int(chosen.eligible[:, place].sum()),
        )
        for place in range(len(inverses))
    ]


def _blocks(rows: int) -> Iterator[slice]:
    """Pieces of the rows that stay in the processor's cache from one step to the next."""
    return (slice(begin, min(begin + _ROWS, rows)) for begin in range(0, rows, _ROWS))


def _both_sides(design: Design, joint: Joint, chosen: _Chosen, beta: Floats) -> _Sides:
    """What the model says with and without each feature of the batch."""
    rows, many = chosen.eligible.shape
    share, own = 1 / np.maximum(chosen.eligible.sum(axis=0), 1), beta[chosen.columns, np.arange(many)]
    eta, residual, differ = (np.empty((rows, many)) for _ in range(3))
    means, gradient, of_own = np.zeros((2, many)), np.zeros((len(beta), many)), np.zeros(many)
    for part in _blocks(rows):
        x, full = joint.x[part], joint.weight[part, None]
        used, here = x[:, chosen.columns], chosen.eligible[part] * share
        eta[part] = x @ beta
        off = logistic(eta[part] - used * own)
        on = logistic(eta[part] + (full - used) * own)
        residual[part] = design.churned[part, None] - np.where(used > 0, on, off)
        differ[part] = here * (off - on)
        slopes = here * off * (1 - off), here * on * (1 - on)
        means += (here * off).sum(axis=0), (here * on).sum(axis=0)
        gradient += x.T @ (slopes[0] - slopes[1])
        of_own -= (slopes[1] * full).sum(axis=0)
    gradient[chosen.columns, np.arange(many)] = of_own
    return _Sides(own, eta, residual, differ, means[0], means[1], gradient, share)


def _per_account(
    design: Design, joint: Joint, chosen: _Chosen, inverses: list[Floats], seen: _Sides
) -> tuple[Floats, Floats]:
    """z of the score test of no effect [batch], see `effect.score_test`, and the influence [accounts × batch].

    The test is by account, with the larger of two variances.
    """
    many = len(inverses)
    solved = np.column_stack([inverse @ seen.gradient[:, place] for place, inverse in enumerate(inverses)])
    columns = np.column_stack([inverse[:, column] for inverse, column in zip(inverses, chosen.columns, strict=True)])
    both = np.hstack([solved, columns / columns[chosen.columns, np.arange(many)]])
    effect, expected = seen.off - seen.on, np.zeros(many)
    influence, score = np.empty_like(seen.eta), np.empty_like(seen.eta)
    for part in _blocks(len(joint.x)):
        moved, cleaned = np.hsplit(joint.x[part] @ both, 2)
        here = chosen.eligible[part] * seen.share
        influence[part] = moved * seen.residual[part] + seen.differ[part] - here * effect
        null = logistic(seen.eta[part] - cleaned * seen.own)  # the others move to where they are without this feature
        score[part] = (null - design.churned[part, None]) * cleaned
        expected += (null * (1 - null) * cleaned**2).sum(axis=0)
    summed = [
        np.column_stack([account_sums(design.codes, rows[:, place], design.accounts) for place in range(many)])
        for rows in (score, influence)
    ]
    accounts = max(design.accounts, 2)
    robust = (summed[0] ** 2).sum(axis=0) * accounts / (accounts - 1)
    z: Floats = summed[0].sum(axis=0) / np.sqrt(np.maximum(np.maximum(robust, joint.overlap * expected), 1e-300))
    return z, summed[1]


def _inverse(joint: Joint, column: int, stay: Flags) -> Floats:
    """Inverse of the penalised information without the columns left out (zeros there), the own column nearly free."""
    penalty = joint.penalty.copy()
    penalty[column] = TREATMENT_PENALTY
    inverse, index = np.zeros_like(joint.information), np.flatnonzero(stay)
    inverse[np.ix_(index, index)] = invert(joint.information[np.ix_(index, index)] + np.diag(penalty[index]))
    return inverse


def _restricted(design: Design, joint: Joint, chosen: _Chosen, inverses: list[Floats]) -> Floats:
    """Coefficients [columns × batch] with the left-out columns at 0."""
    beta = np.column_stack([inverse @ joint.target for inverse in inverses])
    penalty = np.repeat(joint.penalty[:, None], len(inverses), axis=1)
    penalty[chosen.columns, np.arange(len(inverses))] = TREATMENT_PENALTY
    for _ in range(_CORRECTIONS):
        gradient = -penalty * beta
        for part in _blocks(len(joint.x)):
            gradient += joint.x[part].T @ (design.churned[part, None] - logistic(joint.x[part] @ beta))
        beta += np.column_stack([inverse @ gradient[:, place] for place, inverse in enumerate(inverses)])
    return beta


def _two_sided(values: Floats | Flags) -> bool:
    return len(values) > 1 and bool(values.min() < values.max())
