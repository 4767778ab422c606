"""Drawing only: finished numbers in, SVG text out."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter
from matplotlib.ticker import MaxNLocator

from milepost.reporting.figure_data import (
    Calibration,
    Effects,
    FigureData,
    ImportanceMap,
    Lift,
    MapPoint,
    RankChange,
    ShareOverTime,
    describe,
)  # fmt: skip
from milepost.reporting.svg import BAND, KEPT, OTHER, SOFT, WIDTH, label, svg


def draw_all(data: FigureData) -> dict[str, str]:
    """Figure name -> SVG text, for those with data: effects, ranks, importance, maturity, calibration, lift."""
    texts = describe(data)
    drawn = {
        "effects": data.effects and draw_effects(data.effects, texts["effects"]),
        "ranks": data.ranks and draw_ranks(data.ranks, texts["ranks"]),
        "importance": data.importance and draw_importance(data.importance, texts["importance"]),
        "maturity": data.maturity and draw_maturity(data.maturity, texts["maturity"]),
        "calibration": data.calibration and draw_calibration(data.calibration, texts["calibration"]),
        "lift": data.lift and draw_lift(data.lift, texts["lift"]),
    }
    return {name: svg for name, svg in drawn.items() if svg}


def draw_effects(data: Effects, description: str) -> str:
    """Effect with its interval, one row per feature, best on top."""

    def draw(axes: Axes) -> None:
        for place, bar in enumerate(data.bars):
            colour, face = (KEPT, KEPT) if bar.kept else (OTHER, "none")
            axes.plot([bar.low, bar.high], [place, place], color=colour, linewidth=2.2, solid_capstyle="butt")
            axes.plot([bar.effect], [place], "o", color=colour, markerfacecolor=face, markersize=6)
        axes.axvline(0, color=SOFT, linewidth=1)
        axes.set_yticks(range(len(data.bars)), [label(bar.feature) for bar in data.bars])
        axes.set_ylim(len(data.bars) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        low, high = data.eligible
        n = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        axes.set_xlabel(
            f"adjusted difference in retention, percentage points\n95 % interval, n = {n} eligible accounts"
        )
        _kept_legend(axes)

    return svg("effects", description, (WIDTH, 1.3 + 0.27 * len(data.bars)), draw)


def draw_ranks(data: RankChange, description: str) -> str:
    """Places in the forest's own list on the left, in the corrected list on the right."""
    below = data.top + 1.6

    def draw(axes: Axes) -> None:
        for line in data.lines:
            ends = [place if place <= data.top else below for place in (line.naive, line.corrected)]
            colour, dashes = (KEPT, "-") if line.kept else (OTHER, "--")
            axes.plot([0, 1], ends, dashes, color=colour, linewidth=1.6, marker="o", markersize=4)
            if line.naive <= data.top:
                axes.text(-0.04, line.naive, f"{label(line.feature, 26)}  {line.naive}", ha="right", va="center")
            if line.corrected <= data.top:
                axes.text(1.04, line.corrected, f"{line.corrected}  {label(line.feature, 26)}", ha="left", va="center")
        axes.text(0.5, below + 0.9, f"below place {data.top} of {data.features}", ha="center", va="center", color=SOFT)
        for x, text in ((0, "forest's own list"), (1, "corrected list")):
            axes.text(x, 0, text, ha="center", va="center", fontweight="bold")
        axes.set(xlim=(-0.75, 1.75), ylim=(below + 1.4, -0.6))
        axes.set_axis_off()
        _kept_legend(axes, lines=True)

    return svg("ranks", description, (WIDTH, 1.3 + 0.27 * data.top), draw)


def draw_importance(data: ImportanceMap, description: str) -> str:
    """Importance against adoption, with the benchmark band shaded."""

    def draw(axes: Axes) -> None:
        low, high = (100 * edge for edge in data.band)
        axes.axvspan(low, high, color=BAND, zorder=0)
        axes.text((low + high) / 2, 1.01, "adoption benchmark", ha="center", va="bottom", color=SOFT,
                  transform=axes.get_xaxis_transform())  # fmt: skip
        for dot in data.dots:
            colour, face, marker = (KEPT, KEPT, "o") if dot.kept else (OTHER, "none", "s")
            axes.plot([100 * dot.adoption], [dot.importance], marker, color=colour, markerfacecolor=face, markersize=5)
        span = _span(data)
        for dot, side, (dx, dy) in _label_places(data, span[1] - span[0]):
            place: dict[str, Any] = {"xytext": (dx, dy), "textcoords": "offset points", "ha": side, "va": "center"}
            axes.annotate(label(dot.label, _MAP_LABEL), (100 * dot.adoption, dot.importance), fontsize=8.5, **place)
        axes.set_ylim(*span)
        axes.axhline(0, color=SOFT, linewidth=0.8)
        axes.set_xlim(-3, 103)
        axes.set(xlabel=f"adoption rate, % of eligible accounts (n = {len(data.dots)} features)", ylabel=data.measure)
        _kept_legend(axes, marker="s")

    return svg("importance", description, (WIDTH, 4.6), draw)


def _span(data: ImportanceMap) -> tuple[float, float]:
    """Lower and upper end of the importance axis, with room for labels."""
    values = [0.0, *(dot.importance for dot in data.dots)]
    room = 0.08 * (max(values) - min(values)) or 1.0
    return min(values) - room, max(values) + room


def _label_places(data: ImportanceMap, height: float) -> list[tuple[MapPoint, str, tuple[int, int]]]:
    """Labelled dots with the side and the offset in points of their text; one that finds no free place is left out.

    Sizes are shares of the axes: a character is about 0.011 wide, a line 0.04 high.
    """
    dots = [(0.97 * dot.adoption + 0.015, dot.importance / height) for dot in data.dots]
    taken = [(x - 0.008, x + 0.008, y - 0.012, y + 0.012) for x, y in dots]
    found = []
    for dot in sorted((dot for dot in data.dots if dot.label), key=lambda dot: -dot.importance):
        x, y = 0.97 * dot.adoption + 0.015, dot.importance / height
        width = 0.011 * len(label(dot.label, _MAP_LABEL))
        for side, dx, dy, left in _OFFSETS:
            at = x + left * width + 0.015 * (1 if dx > 0 else -1 if dx < 0 else 0)
            box = (at, at + width, y + dy / 330 - 0.02, y + dy / 330 + 0.02)
            if box[0] > -0.05 and box[1] < 1.02 and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                found.append((dot, side, (dx, dy)))
                break
    return found


_MAP_LABEL = 24
# side of the text, offset in points, where its left edge stands in its own widths
_OFFSETS = (("left", 7, 0, 0.0), ("right", -7, 0, -1.0), ("center", 0, 10, -0.5), ("center", 0, -10, -0.5))
_Box = tuple[float, float, float, float]


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def draw_maturity(data: ShareOverTime, description: str) -> str:
    """Share of alive accounts mature in enough categories, by snapshot."""

    def draw(axes: Axes) -> None:
        days = [day for day, _, _ in data.dots]
        shares = [100 * share for _, share, _ in data.dots]
        axes.plot(np.array(days, dtype="datetime64[D]"), shares, color=KEPT, linewidth=2, marker="o", markersize=4)
        day, share, _ = data.dots[-1]
        axes.annotate(
            f"{100 * share:.1f} %", (day, 100 * share), xytext=(0, 8), textcoords="offset points", ha="center"
        )
        axes.set_ylim(0, max(5.0, 1.25 * max(shares)))
        fewest, most = min(n for *_, n in data.dots), max(n for *_, n in data.dots)
        axes.set_xlabel(f"snapshot date (n = {fewest:,} to {most:,} alive accounts)")
        axes.set_ylabel(f"mature in {data.least} or more categories, %")
        axes.set_xticks(np.array(days[:: -(-len(days) // 6)], dtype="datetime64[D]"))
        axes.xaxis.set_major_formatter(DateFormatter("%Y-%m"))  # type: ignore[no-untyped-call]

    return svg("maturity", description, (WIDTH, 3.2), draw)


def draw_calibration(data: Calibration, description: str) -> str:
    """Foretold against observed share, one dot per tenth of predicted risk."""

    def draw(axes: Axes) -> None:
        top = 105 * max(max(predicted, churned) for predicted, churned, _ in data.dots) or 1.0
        axes.plot([0, top], [0, top], "--", color=SOFT, linewidth=1, label="foretold = observed")
        xs, ys = [100 * dot[0] for dot in data.dots], [100 * dot[1] for dot in data.dots]
        axes.plot(xs, ys, color=KEPT, linewidth=1.4, marker="o", markersize=5, label=label(data.champion))
        axes.set(xlim=(0, top), ylim=(0, top))
        axes.set(xlabel=f"mean predicted risk, % (n = {data.rows:,} test rows in tenths)", ylabel="churned, %")
        axes.legend(loc="upper left")

    return svg("calibration", description, (WIDTH * 0.72, 3.6), draw)


def draw_lift(data: Lift, description: str) -> str:
    """How many times more churned rows are found than at random, by the share of rows acted on."""

    def draw(axes: Axes) -> None:
        xs, ys = [100 * dot[0] for dot in data.dots], [dot[1] for dot in data.dots]
        axes.plot(xs, ys, color=KEPT, linewidth=1.6, marker="o", markersize=5)
        for share, lift, recall in data.dots[:4]:
            axes.annotate(f"finds {100 * recall:.0f} %", (100 * share, lift), xytext=(8, 4), textcoords="offset points")
        axes.axhline(1, color=SOFT, linewidth=1, linestyle="--")
        axes.set(xlim=(0, 1.12 * max(xs)), ylim=(0, 1.15 * max(*ys, 1)))
        axes.set_xlabel(f"rows acted on, % by risk (n = {data.rows:,} test rows)")
        axes.set_ylabel(f"lift over the base rate of {100 * data.base_rate:.1f} %")
        axes.yaxis.set_major_locator(MaxNLocator(6))

    return svg("lift", description, (WIDTH * 0.72, 3.6), draw)


def _kept_legend(axes: Axes, *, marker: str = "o", lines: bool = False) -> None:
    """Kept and not kept differ by shape or fill, not by colour alone."""
    style = ("-", "--") if lines else ("none", "none")
    axes.plot([], [], linestyle=style[0], color=KEPT, marker="o", markersize=5, label="kept")
    axes.plot([], [], linestyle=style[1], color=OTHER, marker=marker, markersize=5, label="not kept",
              markerfacecolor=OTHER if lines else "none")  # fmt: skip
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1.02), ncols=2, borderaxespad=0)
