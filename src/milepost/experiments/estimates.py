"""The difference between two arms with its interval, one function per kind of metric; the unit is always the account.

Every function takes one value per account of the control arm and of the other arm, and gives treated minus control.
`alpha` is two-sided; a look of a group-sequential test passes the smaller one that its bound leaves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest, test_proportions_2indep

Floats = NDArray[np.float64]
NAN = float("nan")
LEAST = 5  # accounts per arm below which nothing is estimated


@dataclass(frozen=True)
class Estimate:
    """Two arms of one metric. `low` and `high` bound `difference`, treated minus control, in the metric's own unit.

    accounts: (control, treated). p: two-sided, of no difference. relative: difference over the control's level, with
    its interval; NaN where the control's level may be zero. NaN everywhere: not enough data, `note` says why.
    """

    accounts: tuple[int, int]
    control: float
    treated: float
    difference: float
    low: float
    high: float
    p: float
    relative: float = NAN
    relative_low: float = NAN
    relative_high: float = NAN
    note: str = ""

    @property
    def known(self) -> bool:
        return math.isfinite(self.p)


@dataclass(frozen=True)
class Level:
    """One arm's level: its value, squared standard error and degrees of freedom."""

    value: float
    variance: float
    freedom: float


def unknown(control: int, treated: int, note: str) -> Estimate:
    """The answer "not enough data"."""
    return Estimate((control, treated), NAN, NAN, NAN, NAN, NAN, NAN, note=note)


def too_few(control: int, treated: int) -> Estimate | None:
    """The answer where an arm has fewer than LEAST accounts, else None."""
    if min(control, treated) >= LEAST:
        return None
    return unknown(control, treated, f"not enough data: {control} and {treated} accounts, at least {LEAST} in each arm")


def conversion(control: Floats, treated: Floats, alpha: float = 0.05) -> Estimate:
    """Difference of two shares: Newcombe's interval, pooled z test. Values are 0 or 1.

    Source: Newcombe 1998, method 10. Shares, not points.
    """
    if (missing := too_few(len(control), len(treated))) is not None:
        return missing
    hits, sizes = (float(treated.sum()), float(control.sum())), (len(treated), len(control))
    shares = hits[0] / sizes[0], hits[1] / sizes[1]
    if hits[0] + hits[1] in (0, sizes[0] + sizes[1]):
        return unknown(sizes[1], sizes[0], "not enough data: the outcome is the same for every account")
    low, high = confint_proportions_2indep(
        hits[0], sizes[0], hits[1], sizes[1], compare="diff", method="newcomb", alpha=alpha
    )
    _, p = proportions_ztest(hits, sizes)
    middle = shares[0] - shares[1]
    levels = [Level(share, share * (1 - share) / size, math.inf) for share, size in zip(shares, sizes, strict=True)]
    relative = relative_difference(levels[1], levels[0], alpha)
    return Estimate((sizes[1], sizes[0]), shares[1], shares[0], middle, float(low), float(high), float(p), *relative)


def p_not_worse(control: Floats, treated: Floats, margin: float) -> float:
    """One-sided p of "the share fell by `margin` or more" (score method); small: not worse by the margin."""
    answer = test_proportions_2indep(
        float(treated.sum()), len(treated), float(control.sum()), len(control),
        value=-margin, compare="diff", method="score", alternative="larger",
    )  # fmt: skip
    return float(answer.pvalue)


def mean(control: Floats, treated: Floats, alpha: float = 0.05) -> Estimate:
    """Difference of two means by Welch's t test; counts per account too, which vary more than a Poisson law allows."""
    if (missing := too_few(len(control), len(treated))) is not None:
        return missing
    levels = [Level(float(arm.mean()), float(arm.var(ddof=1)) / len(arm), len(arm) - 1.0) for arm in (control, treated)]
    return from_levels(levels[0], levels[1], (len(control), len(treated)), alpha)


def ratio(control: tuple[Floats, Floats], treated: tuple[Floats, Floats], alpha: float = 0.05) -> Estimate:
    """Difference of two ratios of totals, (numerator, denominator) per account: delete-one-account jackknife with t.

    Source: Miller 1974. Treating events as independent instead finds differences in half of the A/A tests.
    """
    sizes = len(control[0]), len(treated[0])
    if (missing := too_few(*sizes)) is not None:
        return missing
    if any(arm[1].sum() - arm[1].max() <= 0 for arm in (control, treated)):
        return unknown(*sizes, "not enough data: the denominator comes from at most one account of an arm")
    return from_levels(jackknife(*control), jackknife(*treated), sizes, alpha)


def jackknife(numerator: Floats, denominator: Floats) -> Level:
    """A ratio of totals with its delete-one-account variance."""
    size = len(numerator)
    left = (numerator.sum() - numerator) / (denominator.sum() - denominator)
    variance = (size - 1) / size * float(((left - left.mean()) ** 2).sum())
    return Level(float(numerator.sum() / denominator.sum()), variance, size - 1.0)


def from_levels(control: Level, treated: Level, sizes: tuple[int, int], alpha: float) -> Estimate:
    """The difference of two independent levels with t, degrees of freedom after Welch and Satterthwaite."""
    variance = control.variance + treated.variance
    middle = treated.value - control.value
    if not variance > 0:
        return unknown(*sizes, "not enough data: the values do not vary")
    freedom = pooled_freedom(control, treated)
    error = math.sqrt(variance)
    half = float(stats.t.isf(alpha / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(middle) / error, freedom))
    relative = relative_difference(control, treated, alpha)
    return Estimate(sizes, control.value, treated.value, middle, middle - half, middle + half, p, *relative)


def pooled_freedom(one: Level, other: Level) -> float:
    """Degrees of freedom of a difference; infinite when both levels' are."""
    parts = one.variance**2 / one.freedom + other.variance**2 / other.freedom
    return (one.variance + other.variance) ** 2 / parts if parts > 0 else math.inf


def relative_difference(control: Level, treated: Level, alpha: float) -> tuple[float, float, float]:
    """Treated over control less 1 with Fieller's interval, which holds 0 exactly when that of the difference does.

    NaN bounds where the control's level is not clearly away from zero. Source: Fieller 1954.
    """
    if control.value == 0:
        return NAN, NAN, NAN
    quotient = treated.value / control.value
    squared = float(stats.t.isf(alpha / 2, pooled_freedom(control, treated))) ** 2
    lead = control.value**2 - squared * control.variance
    root = (control.value * treated.value) ** 2 - lead * (treated.value**2 - squared * treated.variance)
    if lead <= 0 or root < 0:
        return quotient - 1, NAN, NAN
    middle, half = control.value * treated.value / lead, math.sqrt(root) / lead
    return quotient - 1, middle - half - 1, middle + half - 1
