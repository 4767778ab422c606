"""Risk by months: the parameters that were planted come back, and what it foretells happens."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from milepost.errors import BundleError
from milepost.training.hazard import Hazard, fit_hazard, from_saved, judge, months_of, to_saved

TRUE = Hazard((-0.4, -0.2, 0.0, 0.1, 0.0, -0.1), 0.9, -0.08)


def world(rows: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Risks, days until leaving by the hazard `TRUE` (within the month at random), and days watched."""
    draw = np.random.default_rng(seed)
    risk = expit(draw.normal(-3, 1.2, rows))
    odds = np.array(TRUE.levels) + logit(risk)[:, None] * (TRUE.slope + TRUE.fade * np.arange(6))
    leaves = draw.random((rows, 6)) < expit(odds)
    month = np.where(leaves.any(axis=1), leaves.argmax(axis=1), np.inf)
    return risk, month * 30 + draw.uniform(0, 30, rows), draw.uniform(0, 400, rows)


def test_the_planted_parameters_come_back() -> None:
    risk, left, watched = world(60_000)
    found = fit_hazard(risk, left, watched)
    assert found is not None
    np.testing.assert_allclose(found.levels, TRUE.levels, atol=0.25)
    assert found.slope == pytest.approx(TRUE.slope, abs=0.06)
    assert found.fade == pytest.approx(TRUE.fade, abs=0.03)


def test_what_is_foretold_happens_within_every_span() -> None:
    found = fit_hazard(*world(80_000, seed=4))
    assert found is not None
    risk, left, watched = world(20_000, seed=5)
    figures = judge(found, risk, left, watched, pd.Series(np.arange(20_000).astype(str)), 7)
    assert [row.days for row in figures] == [30, 90, 180]
    for row in figures:
        low, high = row.observed_over_expected_interval
        assert low < 1 < high
        assert row.rows == int((watched >= row.days).sum())
        assert row.roc_auc > 0.7
    assert figures[0].share < figures[1].share < figures[2].share


def test_months_count_only_where_they_were_watched_to_their_end() -> None:
    left, there = months_of(np.array([10.0, 10.0, 75.0, np.inf]), np.array([400.0, 20.0, 89.0, 61.0]))
    assert left[0].tolist() == [1, 0, 0, 0, 0, 0]
    assert there[0].tolist() == [True, False, False, False, False, False]
    assert not there[1].any()  # left on day 10, but the month was not over
    assert there[2].tolist() == [True, True, False, False, False, False]
    assert left[2].sum() == 0  # left on day 75 of a third month that was watched for 29 days
    assert there[3].tolist() == [True, True, False, False, False, False]


def test_the_risk_within_a_span_by_hand() -> None:
    even = Hazard((0.0,) * 6, 0.0, 0.0)  # a half leaves every month, whatever the risk
    assert even.within(np.array([0.1, 0.9]), 90).tolist() == [0.875, 0.875]
    grows = TRUE.within(np.array([0.01, 0.5]), 30), TRUE.within(np.array([0.01, 0.5]), 180)
    assert (grows[0] < grows[1]).all()
    assert grows[1][0] < grows[1][1]


def test_months_beyond_the_history_are_like_the_last_one() -> None:
    risk, left, _ = world(20_000)
    found = fit_hazard(risk, left, np.full(20_000, 95.0))
    assert found is not None
    assert found.levels[3] == found.levels[4] == found.levels[5] == found.levels[2]


def test_too_few_that_left_give_no_hazard() -> None:
    risk, left, watched = world(60_000)
    assert fit_hazard(risk[:300], np.full(300, np.inf), watched[:300]) is None
    assert fit_hazard(risk, left, np.zeros(60_000)) is None


def test_parameters_are_saved_as_numbers_and_checked() -> None:
    assert from_saved(to_saved(TRUE)) == TRUE
    whole = {"levels": [0.0] * 6, "slope": 1, "fade": 0}
    changed = ({"levels": [0.0] * 5}, {"levels": ["x"] * 6}, {"levels": [float("nan")] * 6}, {"levels": "abcdef"})
    for wrong in ({}, *({**whole, **change} for change in changed)):
        with pytest.raises(BundleError, match="cannot be read"):
            from_saved(wrong)
