"""The numbers behind each figure, as plain objects: figures draw them, tests check them without drawing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import isfinite, nan

import pandas as pd

from milepost.importance.evidence import FeatureEvidence
from milepost.reporting.summary import Summary
from milepost.terms import Verdict

# held-out measures first: impurity is the naive view and belongs to the rank chart
_MEASURES = {
    "boosting_permutation": "loss of held-out AUC when shuffled (boosting)",
    "forest_permutation": "loss of held-out AUC when shuffled (forest)",
}
_LABELLED = 8


@dataclass(frozen=True)
class EffectBar:
    """One feature's adjusted difference in retention, percentage points, with its 95 % interval."""

    feature: str
    effect: float
    low: float
    high: float
    kept: bool


@dataclass(frozen=True)
class Effects:
    """Figure 1. `eligible`: fewest and most eligible accounts among the features shown."""

    bars: tuple[EffectBar, ...]
    eligible: tuple[int, int]


@dataclass(frozen=True)
class RankLine:
    """One feature's place in the forest's own list and in the corrected one."""

    feature: str
    naive: int
    corrected: int
    kept: bool


@dataclass(frozen=True)
class RankChange:
    """Figure 2. Features within the first `top` of either list, out of `features`."""

    lines: tuple[RankLine, ...]
    top: int
    features: int


@dataclass(frozen=True)
class MapPoint:
    """One feature: adoption rate (0..1) and importance; `label` is empty for all but the most important."""

    feature: str
    adoption: float
    importance: float
    kept: bool
    label: str


@dataclass(frozen=True)
class ImportanceMap:
    """Figure 3. `band`: lower and upper adoption rate of the benchmark; `measure`: what importance is, in words."""

    dots: tuple[MapPoint, ...]
    band: tuple[float, float]
    measure: str


@dataclass(frozen=True)
class ShareOverTime:
    """Figure 4. (snapshot, share mature in enough categories 0..1, alive accounts), oldest first."""

    dots: tuple[tuple[date, float, int], ...]
    least: int


@dataclass(frozen=True)
class Calibration:
    """Figure 5. (mean predicted risk, share churned, rows) per tenth of predicted risk."""

    dots: tuple[tuple[float, float, int], ...]
    rows: int
    champion: str


@dataclass(frozen=True)
class Lift:
    """Figure 6. (share of rows acted on, lift, recall), smallest share first; `base_rate` 0..1."""

    dots: tuple[tuple[float, float, float], ...]
    rows: int
    base_rate: float


@dataclass(frozen=True)
class FigureData:
    """All six; None where there is nothing to draw."""

    effects: Effects | None
    ranks: RankChange | None
    importance: ImportanceMap | None
    maturity: ShareOverTime | None
    calibration: Calibration | None
    lift: Lift | None


def figure_data(summary: Summary) -> FigureData:
    """Pick the numbers of every figure out of the summary."""
    return FigureData(
        _effects(summary), _ranks(summary), _importance(summary), _over_time(summary),
        _calibration(summary), _lift(summary),
    )  # fmt: skip


def _effects(summary: Summary) -> Effects | None:
    known = [row for row in summary.evidence if all(isfinite(value) for value in (row.effect, row.low, row.high))]
    shown = known[: summary.choices.top_k]
    if not shown:
        return None
    eligible = [row.eligible for row in shown]
    bars = tuple(EffectBar(row.feature, row.effect, row.low, row.high, _kept(row)) for row in shown)
    return Effects(bars, (min(eligible), max(eligible)))


def _ranks(summary: Summary) -> RankChange | None:
    top = summary.choices.top_k
    ranked = [row for row in summary.evidence if row.naive_rank >= 1]
    lines = tuple(
        RankLine(row.feature, row.naive_rank, row.rank, _kept(row))
        for row in ranked
        if row.naive_rank <= top or row.rank <= top
    )
    return RankChange(lines, top, len(summary.evidence)) if lines else None


def _importance(summary: Summary) -> ImportanceMap | None:
    measure = next((name for name in _MEASURES if _measured(summary, name)), None)
    if measure is None:
        return None
    rows = _measured(summary, measure)
    named = {row.feature for row in sorted(rows, key=lambda row: -row.importance[measure])[:_LABELLED]}
    dots = tuple(
        MapPoint(row.feature, row.adoption, row.importance[measure], _kept(row), row.feature * (row.feature in named))
        for row in rows
    )
    return ImportanceMap(dots, (summary.choices.band_low, summary.choices.band_high), _MEASURES[measure])


def _measured(summary: Summary, measure: str) -> list[FeatureEvidence]:
    """The features that have this importance and an adoption rate."""
    return [row for row in summary.evidence if isfinite(row.importance.get(measure, nan) + row.adoption)]


def _over_time(summary: Summary) -> ShareOverTime | None:
    maturity = summary.results.maturity
    if maturity is None or maturity.over_time.empty:
        return None
    frame = maturity.over_time.dropna(subset=["share"]).sort_values("snapshot_date")
    days = pd.to_datetime(frame["snapshot_date"]).dt.date
    dots = tuple(
        (day, float(share), int(n)) for day, share, n in zip(days, frame["share"], frame["accounts"], strict=True)
    )
    return ShareOverTime(dots, summary.choices.mature_categories) if dots else None


def _calibration(summary: Summary) -> Calibration | None:
    found = summary.results.evaluation
    if found is None or not found.calibration_curve:
        return None
    return Calibration(found.calibration_curve, sum(n for _, _, n in found.calibration_curve), found.champion)


def _lift(summary: Summary) -> Lift | None:
    found = summary.results.evaluation
    if found is None or not found.lift:
        return None
    return Lift(tuple(sorted(found.lift)), found.best.test_rows, found.best.base_rate)


def _kept(row: FeatureEvidence) -> bool:
    return row.verdict == Verdict.KEEP


def describe(data: FigureData) -> dict[str, str]:
    """What each figure shows, in a sentence, for people who do not see it; only figures that are drawn."""
    found = {
        "effects": data.effects and _describe_effects(data.effects),
        "ranks": data.ranks and _describe_ranks(data.ranks),
        "importance": data.importance and _describe_map(data.importance),
        "maturity": data.maturity and _describe_share(data.maturity),
        "calibration": data.calibration and _describe_calibration(data.calibration),
        "lift": data.lift and _describe_lift(data.lift),
    }
    return {name: text for name, text in found.items() if text}


def _describe_effects(data: Effects) -> str:
    bar = data.bars[0]
    return (
        f"Adjusted difference in retention for {len(data.bars)} features; the first is {bar.feature} with "
        f"{bar.effect:.1f} points, 95 % interval {bar.low:.1f} to {bar.high:.1f}."
    )


def _describe_ranks(data: RankChange) -> str:
    listed = [line for line in data.lines if line.naive <= data.top]
    out = sum(not line.kept for line in listed)
    return f"Of the {len(listed)} features that lead the forest's own list, {out} are not kept by the corrected list."


def _describe_map(data: ImportanceMap) -> str:
    low, high = data.band
    inside = sum(low <= dot.adoption <= high for dot in data.dots)
    return (
        f"{inside} of {len(data.dots)} features are adopted by {100 * low:g} to {100 * high:g} % of eligible accounts, "
        "where a feature can tell accounts apart."
    )


def _describe_share(data: ShareOverTime) -> str:
    (first, at_first, _), (last, at_last, n) = data.dots[0], data.dots[-1]
    return f"From {100 * at_first:.1f} % on {first} to {100 * at_last:.1f} % of {n:,} accounts on {last}."


def _describe_calibration(data: Calibration) -> str:
    predicted, churned, n = data.dots[-1]
    return (
        f"In the tenth of rows with the highest risk ({n:,} rows) {100 * predicted:.1f} % were foretold to churn and "
        f"{100 * churned:.1f} % did."
    )


def _describe_lift(data: Lift) -> str:
    share, lift, recall = data.dots[0]
    return (
        f"The {100 * share:.0f} % of rows with the highest risk hold {100 * recall:.0f} % of the churned rows, "
        f"{lift:.1f} times as many as the same number taken at random."
    )


__all__ = [
    "Calibration", "EffectBar", "Effects", "FigureData", "ImportanceMap", "Lift", "MapPoint",
    "RankChange", "RankLine", "ShareOverTime", "describe", "figure_data",
]  # fmt: skip
