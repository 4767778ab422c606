"""The numbers behind the figures of the milestones, and what each shows in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from milepost.importance.verdicts import plain
from milepost.milestones.definitions import Activation, Journey, Milestones, Survival, Utilization


@dataclass(frozen=True)
class Turn:
    """Retention by tenth of the value metric: (low, high, retained 0..1, rows); threshold in use or candidate.

    intervals: 95 % of each bar's share, by account.
    """

    bars: tuple[tuple[float, float, float, int], ...]
    threshold: float | None
    found: bool
    unit: str
    intervals: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Heat:
    """The activation search: z of every cell [counts × days], NaN where it was not tried; the cell chosen; accounts
    judged, earlier and later cohorts together.
    """

    counts: tuple[int, ...]
    days: tuple[int, ...]
    z: tuple[tuple[float, ...], ...]
    share: tuple[tuple[float, ...], ...]
    cell: tuple[int, int] | None
    found: bool
    event: str
    accounts: int = 0


@dataclass(frozen=True)
class Curves:
    """Dormancy of accounts that reached the activation cell and of others: name -> (days, share, low, high), n."""

    lines: tuple[tuple[str, tuple[tuple[float, float, float, float], ...], int], ...]


@dataclass(frozen=True)
class StayingCurves:
    """How long accounts stayed from a snapshot on, by the milestone held then: (name, points, accounts), in order."""

    begin: str
    lines: tuple[tuple[str, tuple[tuple[float, float, float, float], ...], int], ...]


@dataclass(frozen=True)
class Funnel:
    """Milestone -> (accounts judged, reached, share 0..1), in order; only those with a definition."""

    steps: tuple[tuple[str, int, int, float], ...]


@dataclass(frozen=True)
class MilestoneFigures:
    """All five; None where there is nothing to draw."""

    turn: Turn | None = None
    heat: Heat | None = None
    curves: Curves | None = None
    funnel: Funnel | None = None
    staying: StayingCurves | None = None


def milestone_figures(found: Milestones | None) -> MilestoneFigures:
    """Pick the numbers of every figure out of what was found."""
    if found is None:
        return MilestoneFigures()
    active = found.activation
    stay = _staying(found.journey)
    return MilestoneFigures(_turn(found.utilization), _heat(active), _curves(active), _funnel(found.journey), stay)


def _turn(used: Utilization | None) -> Turn | None:
    if used is None or used.curve.empty:
        return None
    bars = tuple(
        (float(low), float(high), float(retained), int(rows))
        for low, high, rows, retained in used.curve[["low", "high", "rows", "retained"]].itertuples(index=False)
    )
    value = used.threshold if used.threshold is not None else used.candidate
    bounds = used.curve[["retained_low", "retained_high"]].to_numpy(dtype=float)
    intervals = tuple((float(low), float(high)) for low, high in bounds)
    return Turn(bars, value, used.threshold is not None, f"{used.metric} a month per {used.per}", intervals)


def _heat(active: Activation | None) -> Heat | None:
    if active is None or not np.isfinite(active.z).any():
        return None
    z, share = (tuple(tuple(map(float, row)) for row in grid) for grid in (active.z, active.share))
    return Heat(
        active.counts, active.days_searched, z, share, active.candidate, active.count is not None, active.event,
        active.evidence.accounts,
    )  # fmt: skip


def _curves(active: Activation | None) -> Curves | None:
    if active is None or active.active is None or active.others is None:
        return None
    names = ("activated", "not activated") if active.count is not None else ("reach the candidate", "do not")
    named = zip(names, (active.active, active.others), strict=True)
    return Curves(tuple((name, _line(curve), curve.accounts) for name, curve in named))


def _line(curve: Survival) -> tuple[tuple[float, float, float, float], ...]:
    """At most a few hundred points: a page does not show more."""
    places = np.unique(np.linspace(0, len(curve.days) - 1, 200).astype(int))
    parts = (curve.days, curve.share, curve.low, curve.high)
    return tuple(
        (float(a), float(b), float(c), float(d)) for a, b, c, d in zip(*(p[places] for p in parts), strict=True)
    )


def _funnel(journey: Journey | None) -> Funnel | None:
    if journey is None:
        return None
    rows = journey.funnel.dropna(subset=["share"])
    steps = tuple(
        (str(name), int(accounts), int(reached), float(share))
        for name, accounts, reached, share in rows[["milestone", "accounts", "reached", "share"]].itertuples(
            index=False
        )
    )
    return Funnel(steps) if steps else None


def _staying(journey: Journey | None) -> StayingCurves | None:
    found = None if journey is None else journey.staying
    if found is None or len(found.curves) < 2:
        return None
    return StayingCurves(
        found.begin, tuple((name, _line(curve), curve.accounts) for name, curve in found.curves.items())
    )


def describe_milestones(data: MilestoneFigures) -> dict[str, str]:
    """What each figure shows, in a sentence; only figures that are drawn."""
    found = {
        "funnel": data.funnel and _describe_funnel(data.funnel),
        "turn": data.turn and _describe_turn(data.turn),
        "heat": data.heat and _describe_heat(data.heat),
        "curves": data.curves and _describe_curves(data.curves),
        "staying": data.staying and _describe_staying(data.staying),
    }
    return {name: text for name, text in found.items() if text}


def _describe_funnel(data: Funnel) -> str:
    parts = ", ".join(f"{name} {100 * share:.0f} % of {n:,}" for name, n, _, share in data.steps)
    return f"Of the accounts that signed up since the data begin and can be judged, so many have reached: {parts}."


def _describe_turn(data: Turn) -> str:
    low, high = data.bars[0], data.bars[-1]
    return (
        f"Of rows with {plain(low[0])} to {plain(low[1])} {data.unit} {100 * low[2]:.1f} % are retained, with "
        f"{plain(high[0])} to {plain(high[1])} {100 * high[2]:.1f} %."
    )


def _describe_heat(data: Heat) -> str:
    tried = sum(isfinite(value) for row in data.z for value in row)
    if data.cell is None:
        return f"None of {tried} cells goes with being utilized later."
    held = "confirmed on later cohorts" if data.found else "not confirmed"
    return f"Of {tried} cells the strongest is {data.cell[0]} × {data.event} within {data.cell[1]} days, {held}."


def _describe_curves(data: Curves) -> str:
    ends = ", ".join(f"{100 * line[-1][1]:.0f} % of {n:,} ({name})" for name, line, n in data.lines)
    return f"Accounts still active at the end of the time watched: {ends}."


def _describe_staying(data: StayingCurves) -> str:
    ends = ", ".join(f"{name} {100 * line[-1][1]:.0f} % of {n:,}" for name, line, n in data.lines)
    return f"Of the accounts running on {data.begin}, by the furthest milestone held then, are still there: {ends}."
