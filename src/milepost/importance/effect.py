"""Adjusted effects: the average marginal effect of adopting a feature on retention, in percentage points.

The interval comes from the account-robust sandwich and the delta method. With few churned accounts that variance is
too small exactly when adopters happen to have few churns, so the test is a score test whose variance is the larger of
the account-robust one and the one expected without an effect (times the overlap of an account's rows), and the
interval is never narrower than that test allows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from milepost.importance.design import Codes, Design, account_sums, penalties
from milepost.importance.logistic import Fit, Floats, fit_logistic, logistic

Flags = NDArray[np.bool_]

TREATMENT_PENALTY = 0.05
POINTS = 100.0


@dataclass(frozen=True)
class Effect:
    """One adjusted effect on retention, in percentage points; NaN where it could not be estimated.

    p is two-sided. risk_ratio: churn if all adopted over churn if none did. influence: float [accounts], what each
    account adds to the estimate; its sum of squares is the squared standard error. rows: number used.
    """

    effect: float
    low: float
    high: float
    p: float
    error: float
    risk_ratio: float
    influence: Floats
    rows: int


@dataclass(frozen=True)
class ScoreTest:
    """The test of no effect: z (positive: fewer churn than expected), and per account the score and information."""

    z: float
    scores: Floats
    information: Floats


def unknown_effect(accounts: int) -> Effect:
    """The effect of something that has no two sides."""
    nan = float("nan")
    return Effect(nan, nan, nan, nan, nan, nan, np.zeros(accounts), 0)


def effect_of(design: Design, treated: Flags, rows: Flags, depth: bool = True) -> Effect:
    """The effect of one 0/1 state on retention among `rows`, beside the controls; `depth`: depth of use among them."""
    treatment = treated[rows].astype(np.float64)
    churned = design.churned[rows]
    if not _two_sided(treatment) or not _two_sided(churned):
        return unknown_effect(design.accounts)
    codes = design.codes[rows]
    controls, null = null_fit(design, rows, depth)
    test = score_test(treatment, churned, controls, null, codes)
    x = np.column_stack([controls, treatment])
    start = np.append(null.beta, 0.0)
    fit = fit_logistic(x, churned, np.append(penalties(controls.shape[1]), TREATMENT_PENALTY), start)
    effect, influence, ratio = _marginal(x, churned, fit, x.shape[1] - 1)
    by_account = account_sums(codes, influence, design.accounts)
    return with_interval(effect, by_account, ratio, test.z, design.churned_among(rows) - 1, len(x))


def null_fit(design: Design, rows: Flags, depth: bool = True) -> tuple[Floats, Fit]:
    """Controls of the rows, and the fit of churn on them without any feature."""
    controls = (design.controls if depth else design.without_depth)[rows]
    start = design.base.beta[: controls.shape[1]]
    return controls, fit_logistic(controls, design.churned[rows], penalties(controls.shape[1]), start)


def score_test(treatment: Floats, churned: Floats, controls: Floats, null: Fit, codes: Codes) -> ScoreTest:
    """Test a 0/1 column against the fit without it, by account (Rao's score test, the larger of two variances)."""
    weight = null.chance * (1 - null.chance)
    cleaned = treatment - controls @ (null.inverse @ (controls.T @ (weight * treatment)))
    residual = null.chance - churned  # positive: stayed against expectation
    scores = account_sums(codes, residual * cleaned)
    expected = account_sums(codes, weight * cleaned**2)
    present = np.bincount(codes) > 0
    accounts = int(present.sum())
    robust = float(scores @ scores) * accounts / max(accounts - 1, 1)
    variance = max(robust, overlap(residual, weight, codes) * float(expected.sum()))
    z = float(scores.sum()) / np.sqrt(variance) if variance > 0 else 0.0
    return ScoreTest(float(z), scores, expected)


def overlap(residual: Floats, weight: Floats, codes: Codes) -> float:
    """How much an account's rows repeat each other: variance of account sums over the variance of independent rows.

    Outcome windows of 56 days at monthly snapshots count one churn about twice, which gives about 2. At least 1.
    """
    return max(1.0, float((account_sums(codes, residual) ** 2).sum() / max(weight.sum(), 1e-12)))


def raw_differences(design: Design, adopted: Flags, eligible: Flags) -> tuple[Effect, ...]:
    """Retained share of adopters minus others among eligible rows, points, with intervals by account."""
    return tuple(_raw(design, adopted[:, column], eligible[:, column]) for column in range(adopted.shape[1]))


def q_values(p: Floats) -> Floats:
    """Benjamini–Hochberg adjusted p-values; NaN stays NaN and is not counted.

    >>> q_values(np.array([0.01, 0.02, 0.03, 0.04])).round(4).tolist()
    [0.04, 0.04, 0.04, 0.04]
    """
    q = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    stepped = p[order] * len(order) / np.arange(1, len(order) + 1)
    q[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return q


def e_value(risk_ratio: float) -> float:
    """How strongly an unmeasured factor would have to go with both adoption and churn to explain a risk ratio.

    VanderWeele and Ding 2017. 3.9 -> 7.2630, 1.8 -> 3.0; a ratio below 1 is inverted.
    """
    if not np.isfinite(risk_ratio) or risk_ratio <= 0:
        return float("nan")
    ratio = max(risk_ratio, 1 / risk_ratio)
    return float(ratio + np.sqrt(ratio * (ratio - 1)))


def e_value_of_bound(effect: Effect) -> float:
    """E-value of the bound of the interval nearer to no effect; 1 when the interval holds none, NaN when unknown.

    Churn under adoption and without follow from the effect and the risk ratio; the bound moves the first.
    """
    if np.isnan(effect.effect) or not np.isfinite(effect.risk_ratio):
        return float("nan")
    if effect.low <= 0 <= effect.high:
        return 1.0
    bound = effect.low if effect.low > 0 else effect.high
    return e_value(1 - bound / effect.effect * (1 - effect.risk_ratio))


def shifted(effect: Effect, points: float, error: float) -> Effect:
    """The effect less what all features share, `points` with its standard error; the interval grows with it."""
    wider = float(np.hypot(effect.error, error)) / effect.error if effect.error > 0 else 1.0
    middle, half = effect.effect - points, (effect.high - effect.low) / 2 * wider
    z = float(stats.norm.isf(max(effect.p, 1e-300) / 2)) if effect.p < 1 else 0.0
    moved = abs(middle) / abs(effect.effect) * z / wider if effect.effect else 0.0
    p = float(2 * stats.norm.sf(moved))
    return replace(effect, effect=middle, low=middle - half, high=middle + half, p=p, error=effect.error * wider)


def p_beyond(effect: Effect, least: float) -> float:
    """Two-sided p of the hypothesis that the effect is no more than `least` points either way; its p at 0 points.

    The test of a minimum effect (Murphy and Myors 1999): with many accounts a bias of a tenth of a point is clear too.
    """
    if least <= 0 or not np.isfinite(effect.effect):
        return effect.p
    beyond = max(1 - least / abs(effect.effect), 0.0) if effect.effect else 0.0
    z = float(stats.norm.isf(max(effect.p, 1e-300) / 2))
    return float(2 * stats.norm.sf(beyond * z))


def _two_sided(values: Floats) -> bool:
    return len(values) > 1 and bool(values.min() < values.max())


def _marginal(x: Floats, churned: Floats, fit: Fit, column: int) -> tuple[float, Floats, float]:
    """Average marginal effect on retention over all rows, its influence per row, and the risk ratio of churn."""
    without = x @ fit.beta - x[:, column] * fit.beta[column]
    chance_off, chance_on = logistic(without), logistic(without + fit.beta[column])
    slope_off, slope_on = chance_off * (1 - chance_off), chance_on * (1 - chance_on)
    gradient = x.T @ (slope_off - slope_on) / len(x)
    gradient[column] = -slope_on.mean()
    effect = float((chance_off - chance_on).mean())
    influence = (x @ (fit.inverse @ gradient)) * (churned - fit.chance)
    influence += (chance_off - chance_on - effect) / len(x)
    return effect * POINTS, influence * POINTS, float(chance_on.mean() / max(chance_off.mean(), 1e-12))


def with_interval(effect: float, influence: Floats, ratio: float, z: float, reference: int, rows: int) -> Effect:
    """The effect with the interval of a t distribution; `reference` is its degrees of freedom, z its score test's."""
    present = max(int((influence != 0).sum()), 2)
    sandwich = float(np.sqrt((influence**2).sum() * present / (present - 1)))
    error = max(sandwich, abs(effect / z)) if abs(z) > 1e-3 else sandwich
    degrees = max(reference, 1)
    half = float(stats.t.ppf(0.975, degrees)) * error
    statistic = abs(effect) / error if error > 0 else 0.0
    p = float(2 * stats.t.sf(statistic, degrees))
    length = float(np.sqrt((influence**2).sum()))
    scaled = influence * (error / length) if length > 0 else influence
    return Effect(effect, effect - half, effect + half, p, error, ratio, scaled, rows)


def _raw(design: Design, treated: Flags, rows: Flags) -> Effect:
    """The difference of two retained shares; influence of a ratio of means, summed by account."""
    users, others = rows & treated, rows & ~treated
    if not users.any() or not others.any():
        return unknown_effect(design.accounts)
    stayed = 1 - design.churned
    shares = stayed[users].mean(), stayed[others].mean()
    influence = np.where(users, (stayed - shares[0]) / users.sum(), 0.0)
    influence -= np.where(others, (stayed - shares[1]) / others.sum(), 0.0)
    by_account = account_sums(design.codes, influence * POINTS, design.accounts)
    ratio = float((1 - shares[0]) / max(1 - shares[1], 1e-12))
    points = float(shares[0] - shares[1]) * POINTS
    return with_interval(points, by_account, ratio, float("nan"), design.churned_among(rows) - 1, int(rows.sum()))
