"""From estimates to a verdict per hypothesis and one decision; the rules stand here and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import stats

from milepost.experiments.estimates import Estimate
from milepost.experiments.plan import Hypothesis, Metric


class HypothesisVerdict(StrEnum):
    """What the data say of a predicted direction."""

    SUPPORTED = "SUPPORTED"
    NOT_SUPPORTED = "NOT SUPPORTED"
    REVERSED = "REVERSED"
    INCONCLUSIVE = "INCONCLUSIVE"


class DecisionName(StrEnum):
    """What follows for the arm."""

    INVALID = "INVALID"
    HARM = "HARM"
    SHIP = "SHIP"
    HOLD = "HOLD"
    TOO_EARLY = "TOO EARLY"


@dataclass(frozen=True)
class Judged:
    """A metric that decides or guards, for one arm: its estimate, its p within the family, and the interval's alpha.

    not_worse: of a guardrail, whether it is shown to be no worse than its margin; NaN-free.
    """

    metric: Metric
    estimate: Estimate
    p: float
    alpha: float
    not_worse: bool = True

    @property
    def gain(self) -> float:
        """The difference, positive where it is better."""
        return self.estimate.difference if self.metric.better == "higher" else -self.estimate.difference

    @property
    def clear(self) -> bool:
        return bool(self.p <= self.alpha)

    @property
    def worst(self) -> float:
        """The bound of the interval on the worse side, as a gain."""
        return self.estimate.low if self.metric.better == "higher" else -self.estimate.high

    @property
    def best(self) -> float:
        """The bound of the interval on the better side, as a gain."""
        return self.estimate.high if self.metric.better == "higher" else -self.estimate.low


def verdict(hypothesis: Hypothesis, metric: Metric, estimate: Estimate, p: float, alpha: float) -> HypothesisVerdict:
    """The verdict of a two-sided test against a predicted direction; p is adjusted for the family.

    NOT SUPPORTED: the interval leaves out every effect worth acting on in that direction; else INCONCLUSIVE (always,
    where the plan names no such effect).
    """
    if not math.isfinite(p):
        return HypothesisVerdict.INCONCLUSIVE
    sign = 1 if hypothesis.direction == "higher" else -1
    if p <= alpha:
        return HypothesisVerdict.SUPPORTED if sign * estimate.difference > 0 else HypothesisVerdict.REVERSED
    furthest = estimate.high if sign > 0 else -estimate.low
    too_small = furthest < metric.smallest_effect
    return HypothesisVerdict.NOT_SUPPORTED if metric.smallest_effect and too_small else HypothesisVerdict.INCONCLUSIVE


def decide(
    deciding: Sequence[Judged], guards: Sequence[Judged], waiting: Sequence[str]
) -> tuple[DecisionName, tuple[str, ...]]:
    """The first that applies, with the names of the metrics behind it; the data have been found valid.

    deciding: metrics the decision goes by; guards: guardrails; waiting: deciding metrics and guards not matured yet.
    """
    worse = [one.metric.name for one in deciding if one.clear and one.gain < 0]
    broken = [one.metric.name for one in guards if one.estimate.known and one.best < -one.metric.margin]
    if waiting:
        return (DecisionName.HARM, tuple(broken)) if broken else (DecisionName.TOO_EARLY, tuple(waiting))
    if worse or broken:
        return DecisionName.HARM, (*worse, *broken)
    open_ = [one.metric.name for one in deciding if not (one.clear and one.gain > 0)]
    unsafe = [one.metric.name for one in guards if not one.not_worse]
    if open_ or unsafe:
        return DecisionName.HOLD, (*open_, *unsafe)
    return DecisionName.SHIP, tuple(one.metric.name for one in deciding)


def always_valid(estimate: Estimate, alpha: float) -> Estimate:
    """The estimate with an interval that holds at every moment at once: for watching harm while it runs, nothing else.

    A normal mixture of asymptotic confidence sequences, narrowest at about the accounts at hand when first looked at
    (rho of 500 accounts). Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024.
    """
    if not estimate.known:
        return estimate
    half = (estimate.high - estimate.low) / 2
    error = half / float(stats.norm.isf(alpha / 2))
    scaled = sum(estimate.accounts) / 500
    wide = error * float(np.sqrt((1 + 1 / scaled) * np.log((scaled + 1) / alpha**2)))
    middle = estimate.difference
    return Estimate(estimate.accounts, estimate.control, estimate.treated, middle, middle - wide, middle + wide,
                    estimate.p, note="holds at every moment at once")  # fmt: skip
