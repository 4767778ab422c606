from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from milepost.maturity.categories import Category
from milepost.maturity.curves import Curve, retention_curves
from milepost.outcomes import Outcomes
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.windows import Windows

NAMES = ("macros", "rules")


def category(cut: int | None = 1) -> Category:
    return Category("automation", NAMES, cut, 1, 0.9, 0.5, 0.9, 0.5, 0.9, 0.8, 1.0, 0.5, 1.5, "")


def curve(used: list[int], churned: list[float], accounts: list[str], learnable: list[bool] | None = None) -> Curve:
    """One category of two features; `used` of them are in use in each row."""
    rows = pd.DataFrame({"account_id": accounts, "snapshot_date": pd.Timestamp("2024-07-01")})
    counts = np.array([[uses >= 1, uses >= 2] for uses in used], dtype=np.float32)
    features = tuple(Feature(name, (name,), "automation") for name in NAMES)
    matrix = Matrix(np.zeros((len(rows), 0), dtype=np.float32), rows, (), "test")
    seen = Observations(
        matrix, features, counts, counts >= 0, True, rows, Windows(28, 7, 28, 7, "month")
    )  # fmt: skip
    gone = np.array(churned, dtype=np.float32)
    outcomes = Outcomes(gone, gone, gone, np.full(len(rows), ""))
    known = np.array(learnable or [True] * len(rows))
    (found,) = retention_curves(seen, outcomes, known, (category(),))
    return found


def test_shares_and_counts_by_hand() -> None:
    found = curve([0, 0, 0, 0, 1, 1, 2], [1, 1, 0, 0, 0, 1, 0], list("abcdefg"))
    assert (found.category, found.of, found.cut) == ("automation", 2, 1)
    assert [(point.features, point.rows, point.retained) for point in found.points] == [
        (0, 4, 0.5), (1, 2, 0.5), (2, 1, 1.0),
    ]  # fmt: skip


def test_wilson_by_hand() -> None:
    # 2 of 4 independent accounts: centre .5, half width z sqrt(n/4 + z²/4) / (n + z²) = .350
    point = curve([0] * 4, [1, 1, 0, 0], list("abcd")).points[0]
    assert (point.low, point.high) == pytest.approx((0.1500, 0.8500), abs=1e-3)


def test_rows_of_the_same_account_count_once() -> None:
    once = curve([0] * 4, [1, 1, 0, 0], list("abcd")).points[0]
    tenfold = curve([0] * 40, [1, 1, 0, 0] * 10, list("abcd") * 10).points[0]
    assert (tenfold.rows, tenfold.accounts) == (40, 4)
    assert (tenfold.low, tenfold.high) == pytest.approx((once.low, once.high))
    kept = curve([0] * 40, [0] * 40, list("abcd") * 10).points[0]  # all retained: four accounts are no proof
    assert (kept.retained, kept.low) == pytest.approx((1.0, 4 / (4 + 1.959964**2)))


def test_rows_that_are_not_known_are_left_out() -> None:
    found = curve([0, 0, 1], [0, float("nan"), 0], list("abc"), [True, True, False])
    assert [(point.features, point.rows) for point in found.points] == [(0, 1)]


def test_where_use_means_nothing_the_curve_is_flat() -> None:
    draw = np.random.default_rng(5)
    used, churned = draw.integers(0, 3, 6000), draw.random(6000) < 0.1
    found = curve(used.tolist(), churned.astype(float).tolist(), [f"a{n}" for n in range(6000)])
    assert all(point.low < 0.9 < point.high for point in found.points)


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=60))
def test_an_interval_always_holds_its_share(rows: list[tuple[int, bool]]) -> None:
    """Whatever the rows: no interval is narrower than that of as many independent rows, none leaves 0 to 1."""
    (point,) = curve([0] * len(rows), [float(gone) for _, gone in rows], [f"a{who}" for who, _ in rows]).points
    assert 0 <= point.low <= point.retained + 1e-12
    assert point.retained <= point.high + 1e-12 <= 1 + 2e-12
    low, high = proportion_confint(point.retained * len(rows), len(rows), method="wilson")
    assert point.high - point.low >= high - low - 1e-12


def test_accounts_that_are_all_alike_are_no_proof() -> None:
    # each account left once and stayed once: the share does not vary over accounts at all
    point = curve([0] * 8, [1, 0] * 4, ["a", "a", "b", "b", "c", "c", "d", "d"]).points[0]
    assert (point.low, point.high) == pytest.approx((0.1500, 0.8500), abs=1e-3)  # four accounts, not eight rows
