"""The page of a review: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp

from markupsafe import Markup
from matplotlib.axes import Axes

from milepost.reporting.page import environment
from milepost.reporting.svg import KEPT, OTHER, SOFT, WIDTH, label, svg
from milepost.review.change import Change
from milepost.review.parts import Part

_FARTHEST = 8.0  # times the odds: an interval beyond it is cut, so that the others can be read


def review_page(headline: str, facts: Mapping[str, str], parts: Sequence[Part]) -> str:
    """The whole page. facts: project, as_of, since, note and order, in words."""
    drawn = [(part, part.change) for part in parts if part.change is not None and part.change.enough]
    return environment().get_template("review.html.j2").render(
        headline=headline, facts=facts, parts=parts, alarms=[part for part in parts if part.alarm],
        figure=Markup(draw_changes(drawn)) if drawn else "",
    )  # fmt: skip


def draw_changes(drawn: Sequence[tuple[Part, Change]]) -> str:
    """Factors on the odds of staying, before and since, with their intervals."""

    def draw(axes: Axes) -> None:
        for place, (part, change) in enumerate(drawn):
            before = (change.then, change.then_low, change.then_high)
            _bar(axes, place - 0.16, before, SOFT, True)
            since = (change.now, change.now_low, change.now_high)
            _bar(axes, place + 0.16, since, OTHER if part.alarm else KEPT, change.is_clear)
        axes.axvline(1, color=SOFT, linewidth=1)
        axes.set_xscale("log")
        axes.set_xticks([0.25, 0.5, 1, 2, 4], ["0.25", "0.5", "1", "2", "4"], minor=False)
        axes.set_xticks([], minor=True)
        axes.set_yticks(range(len(drawn)), [label(part.name, 30) for part, _ in drawn])
        axes.set_ylim(len(drawn) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("times the odds of staying: above, before; below, since")

    said = "; ".join(
        f"{part.name} {exp(change.then):.2f} before, {exp(change.now):.2f} since" for part, change in drawn
    )
    return svg("review", f"Odds of staying: {said}", (WIDTH, 1.1 + 0.34 * len(drawn)), draw)


def _bar(axes: Axes, height: float, figures: tuple[float, float, float], colour: str, filled: bool) -> None:
    middle, low, high = (min(max(exp(figure), 1 / _FARTHEST), _FARTHEST) for figure in figures)
    axes.plot([low, high], [height, height], color=colour, linewidth=2, solid_capstyle="butt")
    axes.plot([middle], [height], "o", color=colour, markerfacecolor=colour if filled else "none", markersize=5)
