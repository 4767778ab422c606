"""Drawing the milestones: the funnel, the turn of utilization, the search for activation, dormancy."""

from __future__ import annotations

from math import isfinite

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from milepost.importance.verdicts import plain
from milepost.reporting.milestone_data import (
    Curves,
    Funnel,
    Heat,
    MilestoneFigures,
    StayingCurves,
    Turn,
    describe_milestones,
)
from milepost.reporting.svg import INK, KEPT, OTHER, SOFT, WIDTH, label, svg

# the further, the fuller the line
_STAYING = {"none": (OTHER, ":"), "setup": (SOFT, "-."), "activation": (OTHER, "--"), "utilization": (SOFT, "--"),
            "maturity": (KEPT, "-")}  # fmt: skip
_STRONG = 8.0  # z from which a cell is drawn in full colour


def draw_milestones(data: MilestoneFigures) -> dict[str, str]:
    """Figure name -> SVG text, for those with data: funnel, turn, heat, curves, staying."""
    texts = describe_milestones(data)
    drawn = {
        "funnel": data.funnel and draw_funnel(data.funnel, texts["funnel"]),
        "turn": data.turn and draw_turn(data.turn, texts["turn"]),
        "heat": data.heat and draw_heat(data.heat, texts["heat"]),
        "curves": data.curves and draw_curves(data.curves, texts["curves"]),
        "staying": data.staying and draw_staying(data.staying, texts["staying"]),
    }
    return {name: figure for name, figure in drawn.items() if figure}


def draw_funnel(data: Funnel, description: str) -> str:
    """One bar per milestone, the first on top."""

    def draw(axes: Axes) -> None:
        for place, (_, accounts, reached, share) in enumerate(data.steps):
            axes.barh([place], [100 * share], height=0.62, color=KEPT)
            axes.text(100 * share + 1, place, f"{100 * share:.0f} % ({reached:,} of {accounts:,})", va="center")
        axes.set_yticks(range(len(data.steps)), [name for name, *_ in data.steps])
        axes.set(xlim=(0, 128), ylim=(len(data.steps) - 0.45, -0.55))
        axes.set_xticks(range(0, 101, 20))
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("reached by now, % of the accounts that signed up since the data begin and can be judged")

    return svg("funnel", description, (WIDTH, 0.9 + 0.42 * len(data.steps)), draw)


def draw_turn(data: Turn, description: str) -> str:
    """Retention over the value metric, a dot per tenth, with the threshold."""

    def draw(axes: Axes) -> None:
        places = range(len(data.bars))
        shares = [100 * share for _, _, share, _ in data.bars]
        axes.plot(places, shares, color=KEPT, linewidth=1.6, marker="o", markersize=5)
        for place, (low, high) in zip(places, data.intervals, strict=True):
            axes.plot([place, place], [100 * low, 100 * high], color=KEPT, linewidth=1.2)
        axes.set_xticks(places, [f"{low:.3g}–\n{high:.3g}" for low, high, *_ in data.bars], fontsize=8.5)
        if data.threshold is not None:
            at = _place_of(data, data.threshold)
            word = "threshold" if data.found else "candidate, not confirmed"
            axes.axvline(at, color=OTHER, linewidth=1.3, linestyle="-" if data.found else "--")
            axes.text(at, 1.02, f"{word} {plain(data.threshold)}", ha="center", va="bottom", color=INK,
                      transform=axes.get_xaxis_transform())  # fmt: skip
        rows = sum(n for *_, n in data.bars)
        axes.set_xlabel(f"{label(data.unit, 60)}, tenths of {rows:,} rows; bars: 95 % interval by account")
        axes.set_ylabel("retained, %")

    return svg("turn", description, (WIDTH, 3.3), draw)


def _place_of(data: Turn, value: float) -> float:
    """Where a value stands between the dots, each of which stands in the middle of its tenth."""
    edges = [low for low, *_ in data.bars] + [data.bars[-1][1]]
    return float(np.interp(value, edges, np.arange(len(edges)) - 0.5))


def draw_heat(data: Heat, description: str) -> str:
    """How strongly each number of events in each number of days goes with later utilization."""

    def draw(axes: Axes) -> None:
        for row in range(len(data.counts)):
            for column in range(len(data.days)):
                _cell(axes, data, row, column)
        axes.set_xticks(range(len(data.days)), [str(days) for days in data.days])
        axes.set_yticks(range(len(data.counts)), [str(count) for count in data.counts])
        axes.set(xlim=(-0.5, len(data.days) - 0.5), ylim=(-0.5, len(data.counts) - 0.5))
        axes.grid(visible=False)
        axes.set_xlabel(f"within the first days of tenure (n = {data.accounts:,} accounts judged)")
        axes.set_ylabel(f"at least so many × {label(data.event, 28)}")

    return svg("heat", description, (WIDTH * 0.8, 0.9 + 0.34 * len(data.counts)), draw)


def _cell(axes: Axes, data: Heat, row: int, column: int) -> None:
    z, share = data.z[row][column], data.share[row][column]
    if not isfinite(z):
        axes.text(column, row, "–", ha="center", va="center", color=SOFT)
        return
    strength = min(abs(z) / _STRONG, 1.0)
    axes.add_patch(_square(column, row, KEPT if z > 0 else OTHER, 0.08 + 0.55 * strength))
    if data.cell == (data.counts[row], data.days[column]):
        axes.add_patch(_frame(column, row, "-" if data.found else "--"))
    axes.text(column, row, f"{z:+.1f}  ({100 * share:.0f} %)", ha="center", va="center", fontsize=8)


def _square(column: int, row: int, colour: str, alpha: float) -> Rectangle:
    return Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, facecolor=colour, alpha=alpha, linewidth=0)


def _frame(column: int, row: int, dashes: str) -> Rectangle:
    return Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, fill=False, edgecolor=INK, linewidth=2, linestyle=dashes)


def draw_curves(data: Curves, description: str) -> str:
    """Share of accounts still active since the landmark, with 95 % intervals."""

    def draw(axes: Axes) -> None:
        for (name, line, n), colour, dashes in zip(data.lines, (KEPT, OTHER), ("-", "--"), strict=True):
            days, share, low, high = (np.array(part) for part in zip(*line, strict=True))
            axes.fill_between(days, 100 * low, 100 * high, step="post", color=colour, alpha=0.16, linewidth=0)
            axes.step(days, 100 * share, where="post", color=colour, linestyle=dashes, linewidth=1.8,
                      label=f"{name} (n = {n:,})")  # fmt: skip
        axes.set(ylim=(0, 103))
        axes.set_xlim(left=0)
        axes.set_xlabel("days since the landmark")
        axes.set_ylabel("still active, %")
        axes.legend(loc="best")

    return svg("curves", description, (WIDTH * 0.8, 3.4), draw)


def draw_staying(data: StayingCurves, description: str) -> str:
    """Share of accounts still there, one line per milestone held at the start, named at its end."""

    def draw(axes: Axes) -> None:
        least = 1.0
        for name, line, n in data.lines:
            days, share, low, high = (np.array(part) for part in zip(*line, strict=True))
            colour, dashes = _STAYING[name]
            axes.fill_between(days, 100 * low, 100 * high, step="post", color=colour, alpha=0.12, linewidth=0)
            axes.step(days, 100 * share, where="post", color=colour, linestyle=dashes, linewidth=1.8,
                      label=f"{name} (n = {n:,})")  # fmt: skip
            least = min(least, float(low.min()))
        axes.set(ylim=(max(0.0, 100 * least - 4), 101))
        axes.set_xlim(left=0)
        axes.set_xlabel(f"days since {data.begin}")
        axes.set_ylabel("still there, %")
        axes.legend(loc="lower left")

    return svg("staying", description, (WIDTH * 0.8, 3.4), draw)
