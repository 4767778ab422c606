"""The analysis of an experiment: every metric, the verdict on every hypothesis, the decision, and what it costs.

What may be looked at is fixed by the plan. A metric whose last account has not had its whole window yet is not shown,
guardrails excepted, which are watched for harm with an interval that holds at every moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

import numpy as np
import pandas as pd
from scipy import stats

from milepost.experiments.check import Checked
from milepost.experiments.compare import Arms, estimate
from milepost.experiments.decide import DecisionName, HypothesisVerdict, Judged, always_valid, decide, verdict
from milepost.experiments.estimates import NAN, Estimate, Floats, p_not_worse
from milepost.experiments.measures import Values
from milepost.experiments.plan import Arm, Hypothesis, Metric, Plan
from milepost.experiments.returns import Return, returns_of
from milepost.experiments.robust import holm
from milepost.experiments.uplift import Uplift, no_uplift, uplift

EXPLORATORY = "exploratory"


@dataclass(frozen=True)
class Look:
    """The moment of an analysis: which look of how many (0: between two looks), the information share, its alpha."""

    number: int
    of: int
    share: float
    alpha: float


@dataclass(frozen=True)
class Data:
    """What is analysed: one row per account in the arms.

    units: account_id, arm, enrolled_at; values: metric -> values, matured metrics and guardrails only; covariates:
    float [accounts × columns] from before enrolment; groups: name -> label per account, the plan's segments first;
    attributes: float [accounts × columns], by which gains may differ: the segments and covariates of the plan.
    """

    units: pd.DataFrame
    values: Mapping[str, Values]
    covariates: Floats
    groups: Mapping[str, pd.Series] = field(default_factory=dict)
    attributes: Floats = field(default_factory=lambda: np.zeros((0, 0)))


@dataclass(frozen=True)
class Line:
    """One metric in one arm against the control, among all accounts or one group of them.

    segment, value: which group, "" for all. tag: the metric's role, or "exploratory" for what is not in the plan.
    known: shares of accounts whose outcome is known, (control, arm).
    """

    metric: str
    arm: str
    segment: str
    value: str
    tag: str
    estimate: Estimate
    known: tuple[float, float]


@dataclass(frozen=True)
class Tested:
    """One hypothesis with its p, its p within the family (Holm), and the verdict; matures: when it can be told."""

    hypothesis: Hypothesis
    arm: str
    p: float
    p_family: float
    verdict: HypothesisVerdict | None
    matures: date


@dataclass(frozen=True)
class Differs:
    """Whether a metric's difference varies over the values of a pre-registered segment: Cochran's Q."""

    metric: str
    arm: str
    segment: str
    q: float
    p: float


@dataclass(frozen=True)
class Found:
    """What decisions are taken from: complete metrics, guardrails that are watched, and the hypotheses."""

    lines: tuple[Line, ...]
    watched: tuple[Line, ...]
    tested: tuple[Tested, ...]


@dataclass(frozen=True)
class Analysis:
    """All that one look says.

    behind: the metrics that the decision of an arm comes from; gains: who gains, by (deciding metric, arm).
    """

    as_of: date
    look: Look
    checked: Checked
    lines: tuple[Line, ...]
    groups: tuple[Line, ...]
    differs: tuple[Differs, ...]
    tested: tuple[Tested, ...]
    watched: tuple[Line, ...]
    returns: tuple[Return, ...]
    decision: Mapping[str, DecisionName]
    behind: Mapping[str, tuple[str, ...]]
    gains: Mapping[tuple[str, str], Uplift] = field(default_factory=dict)

    def line(self, metric: str, arm: str) -> Line | None:
        """The line of a metric among all accounts of an arm, where it has matured."""
        return next((line for line in self.lines if (line.metric, line.arm) == (metric, arm)), None)


def analyse(plan: Plan, data: Data, checked: Checked, as_of: date, look: Look, seed: int = 7) -> Analysis:
    """Analyse a look. No clock and no file: everything comes in. seed: of folds and bootstraps of who gains.

    Of data that cannot be believed nothing is estimated.
    """
    told = [] if checked.invalid else [metric for metric in plan.metric if metric.name in data.values]
    matured = [metric for metric in told if is_mature(plan, metric, as_of, look)]
    young = [metric for metric in told if metric.role == "guardrail" and metric not in matured]
    lines = [_line(plan, data, metric, arm, look.alpha) for metric in matured for arm in plan.treated]
    watched = [_watched(plan, data, metric, arm) for metric in young for arm in plan.treated]
    tested = _tested(plan, lines, look.alpha)
    pairs = [(metric, arm) for metric in matured if metric in plan.deciding for arm in plan.treated]
    groups = [line for pair in pairs for name in data.groups for line in _by_group(plan, data, pair, name, look.alpha)]
    found = Found(tuple(lines), tuple(watched), tuple(tested))
    decided = {arm.name: _decide(plan, arm, data, found, (look, checked)) for arm in plan.treated}
    return Analysis(
        as_of, look, checked, found.lines, tuple(groups), tuple(_differs(plan, groups)), found.tested, found.watched,
        returns_of(plan, data.units, data.values, {metric.name for metric in matured}, look.alpha),
        {name: answer[0] for name, answer in decided.items()}, {name: answer[1] for name, answer in decided.items()},
        {(metric.name, arm.name): _gains(plan, data, metric, arm, seed) for metric, arm in pairs},
    )  # fmt: skip


def is_mature(plan: Plan, metric: Metric, as_of: date, look: Look) -> bool:
    """Whether a metric may be shown: its last account has its window behind it, or a planned look has come.

    A look is one at the metrics that are through when the deciding ones are; a longer run is waited for.
    """
    over = as_of >= plan.matures_on(metric)
    if look.of == 1:
        return over
    if metric.window_days <= plan.longest_deciding:
        return look.number > 0
    return over


def arms_for(plan: Plan, data: Data, arm: Arm, inside: np.ndarray | None = None) -> Arms:
    """Which accounts are compared, with covariates."""
    names = data.units["arm"].to_numpy()
    keep = np.ones(len(names), dtype=bool) if inside is None else inside
    return Arms((names == plan.control.name) & keep, (names == arm.name) & keep, data.covariates)


def _line(plan: Plan, data: Data, metric: Metric, arm: Arm, alpha: float) -> Line:
    arms, values = arms_for(plan, data, arm), data.values[metric.name]
    found = estimate(metric, values, arms, alpha)
    return Line(metric.name, arm.name, "", "", metric.role, found, _known(values, arms))


def _known(values: Values, arms: Arms) -> tuple[float, float]:
    shares = [float(np.mean(~values.missing[arm])) if arm.any() else NAN for arm in (arms.control, arms.treated)]
    return shares[0], shares[1]


def _watched(plan: Plan, data: Data, metric: Metric, arm: Arm) -> Line:
    """A guardrail before it has matured, among the accounts whose window is over."""
    arms, values = arms_for(plan, data, arm), data.values[metric.name]
    found = always_valid(estimate(metric, values, arms, plan.analysis.alpha), plan.analysis.alpha)
    return Line(metric.name, arm.name, "", "", metric.role, found, _known(values, arms))


def _by_group(plan: Plan, data: Data, pair: tuple[Metric, Arm], name: str, alpha: float) -> list[Line]:
    metric, arm = pair
    labels, values = data.groups[name].astype(str).to_numpy(), data.values[metric.name]
    tag = metric.role if name in plan.analysis.segments else EXPLORATORY
    found = []
    for label in sorted(set(labels)):
        arms = arms_for(plan, data, arm, labels == label)
        answer = estimate(metric, values, arms, alpha)
        found.append(Line(metric.name, arm.name, name, label, tag, answer, _known(values, arms)))
    return found


def _gains(plan: Plan, data: Data, metric: Metric, arm: Arm, seed: int) -> Uplift:
    """Who gains in one metric. Ratios and times have no value per account to order by."""
    values = data.values[metric.name]
    if values.below is not None or values.happened is not None:
        return no_uplift("not looked for: a ratio or a time has no one value per account")
    arms = arms_for(plan, data, arm)
    inside = (arms.control | arms.treated) & ~values.missing
    attributes = data.attributes[inside] if len(data.attributes) else np.zeros((int(inside.sum()), 0))
    return uplift(values.value[inside], arms.treated[inside], attributes, seed, metric.better == "lower")


def _differs(plan: Plan, groups: Sequence[Line]) -> list[Differs]:
    """Cochran's Q over the values of each pre-registered segment."""
    found = []
    for (metric, arm, segment), lines in groupby(groups, _cell):
        known = [line.estimate for line in lines if line.estimate.known]
        if segment not in plan.analysis.segments or len(known) < 2:
            continue
        middle = np.array([one.difference for one in known])
        weight = 1 / np.array([(one.high - one.low) ** 2 for one in known])
        # an interval is the same multiple of the error in every group, up to its degrees of freedom
        z = 2 * stats.norm.isf(plan.analysis.alpha / 2)
        q = float((z**2 * weight * (middle - np.average(middle, weights=weight)) ** 2).sum())
        found.append(Differs(metric, arm, segment, q, float(stats.chi2.sf(q, len(known) - 1))))
    return found


def _cell(line: Line) -> tuple[str, str, str]:
    return line.metric, line.arm, line.segment


def _tested(plan: Plan, lines: Sequence[Line], alpha: float) -> list[Tested]:
    """Every hypothesis; p within the family counts the members that have matured and those that will."""
    found: list[Tested] = []
    for family in dict.fromkeys(hypothesis.family for hypothesis in plan.hypothesis):
        members = [hypothesis for hypothesis in plan.hypothesis if hypothesis.family == family]
        of = [_of(plan, hypothesis, lines) for hypothesis in members]
        # a member that cannot be told yet holds its place in the family: as if it would show nothing
        p = [1.0 if line is None else line.estimate.p for line in of]
        for hypothesis, line, adjusted in zip(members, of, holm(p), strict=True):
            metric, arm = plan.metric_named(hypothesis.metric), plan.arm_named(hypothesis.arm).name
            told = None if line is None else verdict(hypothesis, metric, line.estimate, float(adjusted), alpha)
            alone = NAN if line is None else line.estimate.p
            within = NAN if line is None else float(adjusted)
            found.append(Tested(hypothesis, arm, alone, within, told, plan.matures_on(metric)))
    return found


def _of(plan: Plan, hypothesis: Hypothesis, lines: Sequence[Line]) -> Line | None:
    arm = plan.arm_named(hypothesis.arm).name
    return next((line for line in lines if (line.metric, line.arm) == (hypothesis.metric, arm)), None)


def _decide(
    plan: Plan, arm: Arm, data: Data, found: Found, when: tuple[Look, Checked]
) -> tuple[DecisionName, tuple[str, ...]]:
    """The decision on one arm."""
    look, checked = when
    if checked.invalid:
        return DecisionName.INVALID, tuple(fault.check for fault in checked.invalid)
    family = {(one.hypothesis.metric, one.arm): one.p_family for one in found.tested}
    mine = {line.metric: line for line in (*found.watched, *found.lines) if line.arm == arm.name}
    ready = {line.metric for line in found.lines}
    guards = [metric for metric in plan.metric if metric.role == "guardrail"]
    judged = {
        name: Judged(
            plan.metric_named(name), line.estimate, family.get((name, arm.name), line.estimate.p), look.alpha,
            _not_worse(plan, data, plan.metric_named(name), arm, line.estimate, look.alpha),
        )
        for name, line in mine.items()
    }  # fmt: skip
    waiting = [metric.name for metric in (*plan.deciding, *guards) if metric.name not in ready]
    answer, behind = decide(
        [judged[metric.name] for metric in plan.deciding if metric.name in ready],
        [judged[metric.name] for metric in guards if metric.name in judged],
        waiting,
    )
    if look.of > 1 and look.number < look.of and answer is DecisionName.HOLD:
        return DecisionName.TOO_EARLY, behind
    return answer, behind


def _not_worse(plan: Plan, data: Data, metric: Metric, arm: Arm, found: Estimate, alpha: float) -> bool:
    """Whether a guardrail is shown to be no worse than its margin: one-sided at half of alpha."""
    if metric.role != "guardrail" or not found.known:
        return metric.role != "guardrail"
    if metric.kind != "conversion":
        return (found.low if metric.better == "higher" else -found.high) > -metric.margin
    arms, values = arms_for(plan, data, arm), data.values[metric.name]
    outcome = values.value if metric.better == "higher" else 1 - values.value
    known = ~values.missing
    p = p_not_worse(outcome[arms.control & known], outcome[arms.treated & known], metric.margin)
    return p < alpha / 2
