"""Drawing the retention curves of the categories."""

from __future__ import annotations

from matplotlib.axes import Axes

from milepost.maturity.curves import Curve
from milepost.reporting.category_data import curve_names, describe_curves
from milepost.reporting.svg import INK, KEPT, OTHER, WIDTH, svg


def draw_categories(curves: tuple[Curve, ...]) -> dict[str, str]:
    """Figure name -> SVG text, one per category."""
    texts = describe_curves(curves)
    return {name: draw_curve(curve, name, texts[name]) for name, curve in curve_names(curves).items()}


def draw_curve(data: Curve, name: str, description: str) -> str:
    """Share retained by the number of features in use, with intervals, and the cut between basic and mature."""

    def draw(axes: Axes) -> None:
        xs = [point.features for point in data.points]
        ys = [100 * point.retained for point in data.points]
        below = [100 * (point.retained - point.low) for point in data.points]
        above = [100 * (point.high - point.retained) for point in data.points]
        axes.errorbar(xs, ys, yerr=[below, above], color=KEPT, linewidth=1.6, marker="o", markersize=5, capsize=3)
        if data.cut is not None:
            axes.axvline(data.cut - 0.5, color=OTHER, linewidth=1.3)
            axes.text(data.cut - 0.5, 1.02, f"mature from {data.cut}", ha="center", va="bottom", color=INK,
                      transform=axes.get_xaxis_transform())  # fmt: skip
        axes.set_xticks(xs, [f"{point.features}\nn = {point.rows:,}" for point in data.points], fontsize=8.5)
        axes.set_xlim(min(xs) - 0.6, max(xs) + 0.6)
        axes.set_xlabel("kept features in use (n: rows, an account at a snapshot)")
        axes.set_ylabel("retained, %")

    return svg(name, description, (WIDTH * 0.72, 3.1), draw)
