"""The bridge of the MRR, drawn."""

from __future__ import annotations

from matplotlib.axes import Axes

from milepost.reporting.metric_data import BRIDGE, MetricsPart, bridge, describe_metrics, signed
from milepost.reporting.svg import KEPT, OTHER, SOFT, WIDTH, svg


def draw_metrics(part: MetricsPart | None) -> dict[str, str]:
    """Figure name -> SVG text, for those with data."""
    found = bridge(part)
    if found is None:
        return {}

    def draw(axes: Axes) -> None:
        levels = [0.0, *(level for _, begin, end in found.steps for level in (begin, end))]
        most, least = max(levels), min(levels)
        for place, (name, begin, end) in enumerate(found.steps):
            total = name in ("opening", "closing")
            down = end < begin
            axes.barh(place, end - begin, left=begin, height=0.62, color=SOFT if total else OTHER if down else KEPT,
                      hatch="//" if down else None, edgecolor="none")  # fmt: skip
            text = f"{end:,.0f}" if total else signed(end - begin)
            axes.text(max(begin, end) + 0.01 * (most - least), place, text, va="center")
        axes.set_yticks(range(len(found.steps)), [name for name, *_ in found.steps])
        axes.set(xlim=(1.1 * least, 1.2 * most), ylim=(len(found.steps) - 0.45, -0.55), xlabel="MRR")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.grid(visible=False, axis="y")

    return {BRIDGE: svg(BRIDGE, describe_metrics(part)[BRIDGE], (WIDTH, 0.9 + 0.36 * len(found.steps)), draw)}
