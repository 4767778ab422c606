"""Drawing only: finished numbers in, SVG text out. The same input gives the same bytes.

Colours are written as CSS variables with a fallback, so that a figure follows the page's light or dark colours and
still reads when it is opened alone.
"""

from __future__ import annotations

import io
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import DateFormatter
from matplotlib.figure import Figure
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

INK, SOFT, GRID, KEPT, OTHER, BAND = "#1f2021", "#5b5c5d", "#d2d3d4", "#0072b2", "#d55e00", "#e8eef3"
_VARIABLES = {INK: "ink", SOFT: "soft", GRID: "grid", KEPT: "kept", OTHER: "other", BAND: "band"}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "text.parse_math": False, "font.family": ["DejaVu Sans"], "font.size": 9.5,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": SOFT, "axes.labelcolor": INK,
    "text.color": INK, "xtick.color": SOFT, "ytick.color": SOFT, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": GRID, "grid.linewidth": 0.6, "legend.frameon": False,
    "legend.fontsize": 9, "axes.labelsize": 9.5,
}  # fmt: skip
_NAMESPACES = {"": "http://www.w3.org/2000/svg", "xlink": "http://www.w3.org/1999/xlink"}
_WIDTH, _LABEL = 7.2, 30


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

    return _svg("effects", description, (_WIDTH, 1.3 + 0.27 * len(data.bars)), draw)


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

    return _svg("ranks", description, (_WIDTH, 1.3 + 0.27 * data.top), draw)


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

    return _svg("importance", description, (_WIDTH, 4.6), draw)


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

    return _svg("maturity", description, (_WIDTH, 3.2), draw)


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

    return _svg("calibration", description, (_WIDTH * 0.72, 3.6), draw)


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

    return _svg("lift", description, (_WIDTH * 0.72, 3.6), draw)


def _kept_legend(axes: Axes, *, marker: str = "o", lines: bool = False) -> None:
    """Kept and not kept differ by shape or fill, not by colour alone."""
    style = ("-", "--") if lines else ("none", "none")
    axes.plot([], [], linestyle=style[0], color=KEPT, marker="o", markersize=5, label="kept")
    axes.plot([], [], linestyle=style[1], color=OTHER, marker=marker, markersize=5, label="not kept",
              markerfacecolor=OTHER if lines else "none")  # fmt: skip
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1.02), ncols=2, borderaxespad=0)


def label(name: str, limit: int = _LABEL) -> str:
    """A name as one line that XML can carry: control characters become �, long names are cut."""
    line = " ".join("".join(char if char.isprintable() or char.isspace() else "�" for char in name).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _svg(name: str, description: str, size: tuple[float, float], draw: Callable[[Axes], None]) -> str:
    buffer = io.BytesIO()
    with mpl.rc_context(_STYLE | {"svg.hashsalt": name}), warnings.catch_warnings():
        # glyphs are drawn by the reader's own fonts, so that one missing here is no fault
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.add_subplot())
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _themed(buffer.getvalue(), name, description)


def _themed(raw: bytes, name: str, description: str) -> str:
    """The SVG with ids of its own, colours as variables, a title for screen readers, and no fixed size."""
    name = f"figure-{name}"  # ids share the page with its sections
    for prefix, address in _NAMESPACES.items():
        ET.register_namespace(prefix, address)
    root = ET.fromstring(raw)
    space = "{" + _NAMESPACES[""] + "}"
    for old in [child for child in root if child.tag in (f"{space}metadata", f"{space}title")]:
        root.remove(old)
    for element in root.iter():
        for key, value in list(element.attrib.items()):
            element.attrib[key] = _attribute(key, value, name)
    title = ET.Element(f"{space}title", {"id": f"{name}-title"})
    title.text = label(description, 400)
    root.insert(0, title)
    root.attrib.pop("height", None)
    root.attrib.update({"width": "100%", "role": "img", "aria-labelledby": f"{name}-title"})
    return ET.tostring(root, encoding="unicode")


def _attribute(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key.endswith("href") and value.startswith("#"):
        return f"#{name}-{value[1:]}"
    value = value.replace("url(#", f"url(#{name}-")
    if key == "style":
        for colour, variable in _VARIABLES.items():
            value = value.replace(colour, f"var(--{variable}, {colour})")
    return value
