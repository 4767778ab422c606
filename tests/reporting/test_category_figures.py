from __future__ import annotations

from milepost.maturity.curves import Curve, CurvePoint
from milepost.reporting.category_data import curve_names, describe_curves
from milepost.reporting.category_figures import draw_categories

CURVE = Curve("automation", 3, 2, (CurvePoint(0, 400, 90, 0.9, 0.86, 0.93), CurvePoint(2, 300, 80, 0.96, 0.93, 0.98)))
SINGLE = Curve("reporting", 1, None, (CurvePoint(0, 400, 90, 0.9, 0.86, 0.93),))


def test_a_single_point_is_no_curve() -> None:
    assert list(curve_names((SINGLE, CURVE))) == ["category-1"]


def test_the_sentence_has_the_figures() -> None:
    assert describe_curves((CURVE,))["category-0"] == (
        "90.0 % (86.0 to 93.0, 90 accounts) are retained with 0 of 3 kept features in use, 96.0 % (93.0 to 98.0, "
        "80 accounts) with 2; mature from 2. Unadjusted; bars are 95 % intervals by account."
    )


def test_the_picture_has_n_units_and_the_cut() -> None:
    figure = draw_categories((CURVE,))["category-0"]
    for text in ("n = 400", "retained, %", "mature from 2", "an account at a snapshot"):
        assert text in figure
