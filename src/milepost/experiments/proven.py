"""What a finished experiment proves of the features it was about, as the framework file holds it."""

from __future__ import annotations

from milepost.errors import PlanError
from milepost.experiments.analyze import Analysis, Line
from milepost.experiments.decide import DecisionName
from milepost.experiments.plan import Plan
from milepost.framework import Proven

_OPEN = (DecisionName.INVALID, DecisionName.TOO_EARLY)


def proven_by(plan: Plan, analysis: Analysis) -> tuple[Proven, ...]:
    """One finding per feature of the plan and deciding metric that clearly differs; with the feature less without.

    Raises PlanError when the plan names no features, the experiment is not finished, or nothing clearly differs.
    """
    where = f"{plan.name}/plan.toml"
    if not plan.features:
        raise PlanError("the plan names no features", where=where, fix='a plan says before the start features = ["…"]')
    found = [
        proven for arm in plan.treated if analysis.decision[arm.name] not in _OPEN for metric in plan.deciding
        for line in [analysis.line(metric.name, arm.name)] if line is not None and _is_clear(analysis, line)
        for feature in plan.features for proven in [_finding(plan, analysis, line, feature)]
    ]  # fmt: skip
    if not found:
        states = ", ".join(f"{arm} is {name}" for arm, name in analysis.decision.items())
        raise PlanError(f"nothing is proven: {states}", where=where)
    return tuple(found)


def _is_clear(analysis: Analysis, line: Line) -> bool:
    """By the p within its family where the metric has a hypothesis, else by its own."""
    family = [one.p_family for one in analysis.tested if (one.hypothesis.metric, one.arm) == (line.metric, line.arm)]
    return bool(max(family, default=line.estimate.p) <= analysis.look.alpha)


def _finding(plan: Plan, analysis: Analysis, line: Line, feature: str) -> Proven:
    metric, found = plan.metric_named(line.metric), line.estimate
    scale = (100.0 if metric.is_share else 1.0) * (-1.0 if plan.arm_named(line.arm).without else 1.0)
    # the middle lies between its bounds, whichever way the sign turns them
    low, effect, high = sorted(round(scale * figure, 2) for figure in (found.low, found.difference, found.high))
    unit = "points" if metric.is_share else ""
    return Proven(feature, plan.name, metric.words, effect, low, high, analysis.as_of, unit)
