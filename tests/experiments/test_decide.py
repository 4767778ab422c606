"""Verdicts and decisions by hand."""

from __future__ import annotations

import pytest

from milepost.experiments.decide import DecisionName, HypothesisVerdict, Judged, decide, verdict
from milepost.experiments.estimates import Estimate, unknown
from milepost.experiments.plan import Hypothesis

SUPPORTED, REVERSED = HypothesisVerdict.SUPPORTED, HypothesisVerdict.REVERSED
NOT, OPEN = HypothesisVerdict.NOT_SUPPORTED, HypothesisVerdict.INCONCLUSIVE


def found(difference, half):
    p = 0.001 if abs(difference) > half else 0.4
    return Estimate((100, 100), 0.3, 0.3 + difference, difference, difference - half, difference + half, p)


@pytest.mark.parametrize(
    ("direction", "estimate", "expected"),
    [
        ("higher", found(0.10, 0.04), SUPPORTED),
        ("higher", found(-0.10, 0.04), REVERSED),
        ("lower", found(-0.10, 0.04), SUPPORTED),
        ("lower", found(0.10, 0.04), REVERSED),
        # worth acting on from .05: the interval up to .03 leaves that out, the one up to .09 does not
        ("higher", found(0.01, 0.02), NOT),
        ("higher", found(0.01, 0.08), OPEN),
        ("lower", found(0.01, 0.08), OPEN),
        ("lower", found(0.01, 0.05), NOT),
        ("higher", unknown(3, 4, "not enough data"), OPEN),
    ],
)
def test_verdicts(plan, direction, estimate, expected):
    hypothesis = Hypothesis(name="h", metric="paid", direction=direction)
    assert verdict(hypothesis, plan.metric_named("paid"), estimate, estimate.p, 0.05) is expected


def test_without_an_effect_worth_acting_on_nothing_is_ruled_out(plan):
    metric = plan.metric_named("paid").model_copy(update={"smallest_effect": 0.0})
    assert verdict(Hypothesis(name="h", metric="paid", direction="higher"), metric, found(0, 0.01), 0.9, 0.05) is OPEN


def judged(plan, name, estimate, safe=True):
    return Judged(plan.metric_named(name), estimate, estimate.p, 0.05, safe)


@pytest.mark.parametrize(
    ("paid", "calls", "safe", "waiting", "expected"),
    [
        (found(0.10, 0.04), found(0.0, 0.2), True, [], (DecisionName.SHIP, ("paid",))),
        (found(0.01, 0.04), found(0.0, 0.2), True, [], (DecisionName.HOLD, ("paid",))),
        (found(0.10, 0.04), found(0.4, 0.3), False, [], (DecisionName.HOLD, ("calls",))),
        (found(-0.10, 0.04), found(0.0, 0.2), True, [], (DecisionName.HARM, ("paid",))),
        # more calls are worse, .5 more are accepted: .7 to 1.3 more is harm whatever else is won
        (found(0.10, 0.04), found(1.0, 0.3), False, [], (DecisionName.HARM, ("calls",))),
        (found(0.10, 0.04), found(0.0, 0.2), True, ["paid"], (DecisionName.TOO_EARLY, ("paid",))),
        (found(0.10, 0.04), found(1.0, 0.3), False, ["paid"], (DecisionName.HARM, ("calls",))),
    ],
)
def test_decisions(plan, paid, calls, safe, waiting, expected):
    deciding = [] if "paid" in waiting else [judged(plan, "paid", paid)]
    assert decide(deciding, [judged(plan, "calls", calls, safe)], waiting) == expected
