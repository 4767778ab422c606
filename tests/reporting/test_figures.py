from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from milepost.reporting.figure_data import FigureData, MapPoint, RankLine, describe, figure_data
from milepost.reporting.figures import draw_all, draw_effects, label
from milepost.reporting.summary import Summary

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def data(summary: Summary) -> FigureData:
    return figure_data(summary)


def test_effects_leave_out_what_was_not_estimated(data: FigureData) -> None:
    assert data.effects is not None
    assert len(data.effects.bars) == 15
    first = data.effects.bars[0]
    assert (first.feature, first.effect, first.kept) == ("macros", 4.2, True)
    assert (first.low, first.high) == pytest.approx((2.9, 5.5))
    assert "profile" not in {bar.feature for bar in data.effects.bars}
    assert data.effects.eligible == (2000, 2000)


def test_ranks_hold_the_first_of_either_list(data: FigureData) -> None:
    assert data.ranks is not None
    lines = {line.feature: line for line in data.ranks.lines}
    assert lines["inbox"] == RankLine("inbox", 1, 15, False)
    assert lines["api_tokens"] == RankLine("api_tokens", 17, 3, True)
    assert not {"kiosk", "fax"} & set(lines)  # outside both
    assert data.ranks.features == 20


def test_the_map_prefers_held_out_importance_and_names_eight(data: FigureData) -> None:
    assert data.importance is not None
    assert data.importance.band == (0.10, 0.90)
    assert data.importance.measure == "loss of held-out AUC when shuffled (boosting)"
    assert data.importance.dots[0] == MapPoint("macros", 0.42, 0.0115, True, "macros")
    assert sum(bool(dot.label) for dot in data.importance.dots) == 8


def test_the_map_without_held_out_importance_is_not_drawn(
    make_summary: Callable[..., Summary], summary: Summary
) -> None:
    bare = tuple(replace(row, importance={"forest_impurity": 0.1}) for row in summary.evidence)
    assert figure_data(make_summary(evidence=bare)).importance is None


def test_maturity_calibration_and_lift_are_the_results_own_figures(data: FigureData) -> None:
    assert data.maturity is not None
    assert data.maturity.dots[0] == (date(2024, 1, 1), 0.2, 900)
    assert data.calibration is not None
    assert data.calibration.rows == 4000
    assert data.lift is not None
    assert data.lift.dots[0] == (0.01, 6.1, 0.06)
    assert data.lift.base_rate == 0.061


def test_every_figure_is_described_with_figures(data: FigureData) -> None:
    texts = describe(data)
    assert texts["effects"].endswith("the first is macros with 4.2 points, 95 % interval 2.9 to 5.5.")
    assert texts["ranks"].startswith("Of the 15 features that lead the forest's own list, 10 are not kept")
    # inside 10 to 90 %: all but inbox, search, profile, kiosk, fax, voice_notes and screen_recording
    assert texts["importance"].startswith("13 of 20 features are adopted by 10 to 90 %")
    assert texts["maturity"] == "From 20.0 % on 2024-01-01 to 30.0 % of 1,500 accounts on 2024-07-01."


def test_nothing_computed_nothing_drawn(make_summary: Callable[..., Summary]) -> None:
    empty = make_summary(evidence=None, maturity=None, evaluation=None, scores=None)
    assert draw_all(figure_data(empty)) == {}


def test_the_same_numbers_give_the_same_bytes(data: FigureData) -> None:
    assert draw_all(data) == draw_all(data)


def test_figures_are_drawn_with_title_units_and_n(data: FigureData) -> None:
    drawn = draw_all(data)
    assert set(drawn) == {"effects", "ranks", "importance", "maturity", "calibration", "lift"}
    words = {name: " ".join(ET.fromstring(svg).itertext()) for name, svg in drawn.items()}
    assert "percentage points" in words["effects"]
    assert "n = 2,000 eligible accounts" in words["effects"]
    assert "n = 20 features" in words["importance"]
    assert "n = 900 to 1,500 alive accounts" in words["maturity"]
    assert "n = 4,000 test rows" in words["calibration"]
    assert "n = 4,000 test rows" in words["lift"]
    for name, svg in drawn.items():
        root = ET.fromstring(svg)
        assert root[0].tag == f"{SVG}title"
        assert root.attrib["aria-labelledby"] == root[0].attrib["id"] == f"figure-{name}-title"


def test_ids_do_not_collide_on_one_page_and_every_reference_is_met(data: FigureData) -> None:
    page = "".join(draw_all(data).values())
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) | set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_colours_follow_the_page(data: FigureData) -> None:
    for svg in draw_all(data).values():
        assert "var(--ink, #1f2021)" in svg
        assert not re.search(r"(?<!, )#1f2021", svg)


@pytest.mark.parametrize(
    "name", ["$x_1$", "$\\frac{1}{0}$", "<script>alert(1)</script>", "a&b\"c'", "مرحبا", "🦊", "\x00\x1b", "x" * 10_000]
)
def test_any_name_is_drawn_as_text(data: FigureData, name: str) -> None:
    assert data.effects is not None
    bars = (replace(data.effects.bars[0], feature=name), *data.effects.bars[1:])
    root = ET.fromstring(draw_effects(replace(data.effects, bars=bars), name))
    words = [" ".join(text.itertext()).strip() for text in root.iter(f"{SVG}text")]
    assert label(name) in words
    assert not list(root.iter(f"{SVG}script"))


def test_one_value_only_is_drawn(data: FigureData) -> None:
    assert data.maturity is not None
    assert data.effects is not None
    one = FigureData(
        replace(data.effects, bars=data.effects.bars[:1]), None, None,
        replace(data.maturity, dots=((date(2024, 1, 1), 0.0, 1),)), None, None,
    )  # fmt: skip
    assert set(draw_all(one)) == {"effects", "maturity"}
