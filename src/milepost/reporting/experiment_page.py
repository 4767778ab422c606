"""The page of one look at an experiment: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes

from milepost.experiments.analyze import Analysis, Line
from milepost.experiments.plan import Plan
from milepost.experiments.words import amount, decision_sentence, interval, level
from milepost.reporting.page import environment
from milepost.reporting.svg import KEPT, OTHER, SOFT, WIDTH, label, svg

_WIDEST = 300.0  # per cent: an interval beyond it is cut, so that the others can be read


@dataclass(frozen=True)
class Bar:
    """One row of the figure: relative difference with its interval, in per cent."""

    name: str
    middle: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        return self.low > 0 or self.high < 0


def experiment_page(plan: Plan, analysis: Analysis, parts: Sequence[tuple[str, Sequence[str]]]) -> str:
    """The whole page. parts: titles with their sentences, already in words."""
    found = bars(plan, analysis)
    figure = draw_bars(found) if found else ""
    return environment().get_template("experiment.html.j2").render(
        plan=plan, analysis=analysis, checked=analysis.checked, ratio=analysis.checked.ratios[0],
        invalid=analysis.checked.invalid, parts=parts, figure=Markup(figure),
        decisions=[decision_sentence(plan, arm, analysis) for arm in analysis.decision],
        caption="Filled: the interval leaves out zero. A control that may be at zero has no relative difference.",
        rows=[_row(plan, line) for line in analysis.lines],
    )  # fmt: skip


def bars(plan: Plan, analysis: Analysis) -> list[Bar]:
    """The metrics that have a relative difference with an interval, among all accounts."""
    several = len(plan.treated) > 1
    return [
        Bar(
            plan.metric_named(line.metric).words + (f", {line.arm}" if several else ""),
            100 * line.estimate.relative, 100 * line.estimate.relative_low, 100 * line.estimate.relative_high,
        )
        for line in analysis.lines
        if isfinite(line.estimate.relative_low) and line.tag != "delivery"
    ]  # fmt: skip


def draw_bars(found: Sequence[Bar]) -> str:
    """Relative differences with their intervals, in the order of the plan."""

    def draw(axes: Axes) -> None:
        for place, bar in enumerate(found):
            colour, face = (KEPT, KEPT) if bar.clear else (OTHER, "none")
            ends = [max(bar.low, -_WIDEST), min(bar.high, _WIDEST)]
            axes.plot(ends, [place, place], color=colour, linewidth=2.2, solid_capstyle="butt")
            axes.plot([bar.middle], [place], "o", color=colour, markerfacecolor=face, markersize=6)
        axes.axvline(0, color=SOFT, linewidth=1)
        axes.set_yticks(range(len(found)), [label(bar.name, 40) for bar in found])
        axes.set_ylim(len(found) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("difference from the control, per cent of it")

    said = "; ".join(f"{bar.name} {bar.middle:+.0f} % ({bar.low:+.0f} to {bar.high:+.0f})" for bar in found)
    return svg("experiment", f"Difference from the control: {said}", (WIDTH, 1.1 + 0.32 * len(found)), draw)


def _row(plan: Plan, line: Line) -> dict[str, Any]:
    metric, found = plan.metric_named(line.metric), line.estimate
    shown = f"{amount(metric, found.difference)} ({interval(metric, found)})" if found.known else found.note
    return {
        "metric": metric.words, "arm": line.arm, "tag": line.tag, "accounts": found.accounts, "difference": shown,
        "control": level(metric, found.control), "level": level(metric, found.treated), "p": found.p,
    }  # fmt: skip
