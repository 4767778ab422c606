"""The ranking as text: it fits a terminal, and says what moved."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from milepost.importance.evidence import FeatureEvidence
from milepost.importance.ranking import Ranking
from milepost.pipeline.rank import moved_text, ranking_text
from milepost.terms import Verdict

FILLERS: dict[str, Any] = {"str": "", "int": 0, "float": 0.5, "dict[str, float]": {}, "tuple[str, ...]": ()}


def row(feature: str, rank: int, verdict: Verdict, naive: int, **given: Any) -> FeatureEvidence:
    values = {field.name: FILLERS.get(str(field.type)) for field in fields(FeatureEvidence)}
    return FeatureEvidence(
        **{**values, "feature": feature, "rank": rank, "verdict": verdict, "naive_rank": naive, **given}
    )


def ranking(*rows: FeatureEvidence) -> Ranking:
    return Ranking(rows, 120_000, 50_000, 9_000, 0.3)


def test_the_widest_table_takes_a_hundred_columns() -> None:
    wide = row(
        "a_feature_with_a_very_long_name_indeed", 150, Verdict.UBIQUITOUS_INTENSITY, 150, effect=-12.34, low=-23.45,
        high=-10.12, adoption=1.0, adopted_churned=9_999, others_churned=123_456,
    )  # fmt: skip
    kept = row("kept", 1, Verdict.KEEP, 2, grade="association", adopted_churned=12, others_churned=1_234)
    lines = ranking_text(ranking(kept, wide)).splitlines()
    assert max(len(line) for line in lines) <= 100
    assert "keep ~" in lines[2]
    assert "12/1,234" in lines[2]
    assert "9,999/123k" in lines[3]


def test_what_moved_is_said_with_the_verdict() -> None:
    found = moved_text(ranking(
        row("macros", 1, Verdict.KEEP, 20, effect=1.9), row("search", 9, Verdict.UBIQUITOUS, 1),
        row("bots", 2, Verdict.KEEP, 3), row("export", 8, Verdict.PROXY, 16),
    ))  # fmt: skip
    assert found.splitlines() == [
        "", "In the forest's first 15, and not kept:", "   1. search: ubiquitous",
        "Kept, and not in the forest's first 15:", "  macros (its place 20): +1.9 points",
    ]  # fmt: skip


def test_without_a_forest_nothing_moved() -> None:
    assert moved_text(ranking(row("macros", 1, Verdict.KEEP, 0))) == ""
