"""An analysis in sentences, with signs spelled out: "taking help away lowered ..."."""

from __future__ import annotations

import math

from milepost.experiments.analyze import Analysis, Line, Tested
from milepost.experiments.decide import DecisionName, HypothesisVerdict
from milepost.experiments.estimates import Estimate
from milepost.experiments.plan import Arm, Metric, Plan
from milepost.experiments.returns import Return
from milepost.experiments.uplift import Uplift


def level(metric: Metric, value: float) -> str:
    """A level of a metric: a share in per cent, anything else as a number."""
    if not math.isfinite(value):
        return "unknown"
    return f"{100 * value:.1f} %" if metric.is_share else number(value)


def amount(metric: Metric, value: float, signed: bool = True) -> str:
    """A difference of a metric, in points for a share."""
    shown = 100 * value if metric.is_share else value
    text = f"{shown:+.1f}" if metric.is_share else number(shown, signed=True)
    return text if signed else text.lstrip("+-")


def number(value: float, signed: bool = False) -> str:
    """A number with as many decimals as its size asks for.

    >>> number(1234.5), number(12.345), number(0.1234), number(-2, signed=True)
    ('1,234', '12.3', '0.123', '-2.00')
    """
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:+,.{decimals}f}" if signed else f"{value:,.{decimals}f}"


def interval(metric: Metric, found: Estimate) -> str:
    """low to high, with the unit."""
    unit = " points" if metric.is_share else ""
    return f"{amount(metric, found.low)} to {amount(metric, found.high)}{unit}"


def change_of(arm: Arm) -> str:
    """What an arm does, to begin a sentence."""
    text = arm.change or f"'{arm.name}'"
    return text[0].upper() + text[1:]


def sentence(plan: Plan, line: Line, alpha: float) -> str:
    """What one line says. An interval that holds zero is called that, whatever its middle."""
    metric, found = plan.metric_named(line.metric), line.estimate
    arm = plan.arm_named(line.arm)
    if not found.known:
        return f"{metric.words}: {found.note}."
    levels = f"from {level(metric, found.control)} to {level(metric, found.treated)}"
    share = f"{100 * (1 - alpha):.3g} % interval"
    if found.low > 0 or found.high < 0:
        done = "raised" if found.difference > 0 else "lowered"
        bounds = sorted(abs(bound) for bound in (found.low, found.high))
        unit = " points" if metric.is_share else ""
        span = " to ".join(amount(metric, bound, signed=False) for bound in bounds)
        by = amount(metric, found.difference, signed=False)
        return f"{change_of(arm)} {done} {metric.words} by {by}{unit} ({share} {span}), {levels}{_relative(found)}."
    shown = amount(metric, found.difference) + (" points" if metric.is_share else "")
    return (
        f"{change_of(arm)} is not shown to change {metric.words}: {shown} ({share} {interval(metric, found)}, "
        f"which includes zero), {levels}{_relative(found)}."
    )


def _relative(found: Estimate) -> str:
    """The relative difference, where the control's level is clearly away from zero."""
    if not math.isfinite(found.relative_low):
        return ""
    low, high = 100 * found.relative_low, 100 * found.relative_high
    return f"; relative {100 * found.relative:+.0f} %, interval {low:+.0f} to {high:+.0f} %"


def hypothesis_sentence(plan: Plan, tested: Tested, analysis: Analysis) -> str:
    """A hypothesis and its verdict."""
    hypothesis = tested.hypothesis
    metric = plan.metric_named(hypothesis.metric)
    predicted = f"predicted {hypothesis.direction}"
    line = analysis.line(hypothesis.metric, tested.arm)
    if line is None or tested.verdict is None:
        when = f"{metric.words} is complete on {tested.matures}" if analysis.look.of == 1 else "no look is due"
        return f"{hypothesis.name}: not told yet, {when} ({predicted})."
    holm = f"p {tested.p:.2g}, {tested.p_family:.2g} in its family" if math.isfinite(tested.p) else "no p"
    tail = " The opposite of what was predicted." if tested.verdict is HypothesisVerdict.REVERSED else ""
    said = sentence(plan, line, analysis.look.alpha)
    return f"{tested.verdict} {hypothesis.name} ({predicted}; {holm}). {said}{tail}"


def decision_sentence(plan: Plan, arm: str, analysis: Analysis) -> str:
    """The decision on one arm, in a sentence that says what it rests on."""
    name, behind = analysis.decision[arm], analysis.behind[arm]
    doing = plan.arm_named(arm)
    if name is DecisionName.INVALID:
        first, *others = (fault.what for fault in analysis.checked.invalid)
        more = f"; {len(others)} more, see 'milepost experiment check {plan.name}'" if others else ""
        return f"{name}: nothing may be concluded. {first[0].upper()}{first[1:]}{more}."
    words = ", ".join(plan.metric_named(metric).words for metric in behind)
    if name is DecisionName.TOO_EARLY:
        return f"{name}: {words} {_until(plan, analysis, behind)}."
    if name is DecisionName.HARM:
        return f"{name}: {change_of(doing)} made {words} worse. Keep '{plan.control.name}'."
    if name is DecisionName.SHIP:
        return f"{name}: {change_of(doing)} made {words} better, and no guardrail is hurt. Go over to '{arm}'."
    return f"{name}: {_open(plan, behind)}. Stay with '{plan.control.name}' for now."


def _open(plan: Plan, behind: tuple[str, ...]) -> str:
    """What keeps an arm from being taken: no gain shown, or no safety."""
    metrics = [plan.metric_named(name) for name in behind]
    gains = ", ".join(metric.words for metric in metrics if metric.role != "guardrail")
    safe = ", ".join(metric.words for metric in metrics if metric.role == "guardrail")
    parts = [f"{gains} not shown to be better" if gains else "", f"{safe} not shown to be safe" if safe else ""]
    return " and ".join(part for part in parts if part)


def _until(plan: Plan, analysis: Analysis, waiting: tuple[str, ...]) -> str:
    if analysis.look.of > 1:
        done = f"{100 * analysis.look.share:.0f} % of the planned accounts are through"
        return f"not decided at look {analysis.look.number} of {analysis.look.of}; {done}"
    last = max(plan.matures_on(plan.metric_named(metric)) for metric in waiting)
    return f"complete on {last}"


def return_sentence(plan: Plan, found: Return) -> str:
    """Cost and return of an arm per account, with the interval of what is left."""
    if not found.net.known:
        return f"What '{found.arm}' brings and costs: {found.net.note}."
    net = found.net
    cost = f"costs {number(found.cost.difference, signed=True)}" if found.cost.known else "costs as much"
    verdict = "the interval includes zero" if net.low <= 0 <= net.high else (
        "it pays" if net.low > 0 else "it costs more than it brings"
    )  # fmt: skip
    return (
        f"Per account '{found.arm}' brings {number(found.value.difference, signed=True)} of "
        f"{plan.metric_named(found.metric).words} and {cost}: net {number(net.difference, signed=True)} "
        f"({number(net.low, signed=True)} to {number(net.high, signed=True)}), {verdict}."
    )


def delivery_sentence(plan: Plan, line: Line, alpha: float) -> str:
    """Whether the treatment was delivered, by a metric that it must move."""
    metric, found = plan.metric_named(line.metric), line.estimate
    levels = f"{level(metric, found.control)} in '{plan.control.name}', {level(metric, found.treated)} in '{line.arm}'"
    if not found.known:
        return f"Delivery not known by {metric.words}: {found.note}."
    moved = found.high < 0 if metric.expected == "lower" else found.low > 0
    return f"{'Delivered' if moved else 'NOT DELIVERED'}: {metric.words} {levels} (expected {metric.expected})."


def gain_sentence(plan: Plan, metric_name: str, arm: str, found: Uplift) -> str:
    """Who gains; "no evidence of differences" unless the whole interval of the Qini area lies above zero."""
    metric = plan.metric_named(metric_name)
    if found.note:
        return f"{metric.words}, '{arm}': {found.note}."
    area = f"Qini area {amount(metric, found.area)} ({amount(metric, found.low)} to {amount(metric, found.high)})"
    if not found.differ:
        return f"{metric.words}, '{arm}': no evidence that some accounts gain more than others; {area}."
    return (
        f"{metric.words}, '{arm}': accounts differ; the third with the largest predicted gain gained "
        f"{amount(metric, found.top)}, the third with the smallest {amount(metric, found.bottom)}; {area}."
    )
