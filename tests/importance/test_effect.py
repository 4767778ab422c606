"""Effects on tables small enough to work out by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from milepost.importance.design import Design
from milepost.importance.effect import (
    Effect,
    e_value,
    e_value_of_bound,
    effect_of,
    overlap,
    p_beyond,
    q_values,
    raw_differences,
    score_test,
    shifted,
)
from milepost.importance.logistic import fit_logistic


def plain_design(churned: np.ndarray, codes: np.ndarray | None = None) -> Design:
    """No controls but the intercept."""
    rows = len(churned)
    codes = np.arange(rows) if codes is None else codes
    accounts, groups = int(codes.max()) + 1, np.zeros((rows, 0), int)
    return Design(churned.astype(float), codes.astype(np.intp), accounts, np.ones((rows, 1)), 0, None, groups)


def two_by_two(users: int, gone: int, others: int, others_gone: int) -> tuple[np.ndarray, np.ndarray]:
    """adopted, churned."""
    adopted = np.repeat([True, False], [users, others])
    churned = np.concatenate([np.arange(users) < gone, np.arange(others) < others_gone])
    return adopted, churned


def test_effect_of_a_two_by_two_table_is_the_risk_difference() -> None:
    # 30 of 1,000 users churn against 80 of 1,000 others: 5 points; pooled test: z = .05 / sqrt(2 * .055 * .945 / 1000)
    adopted, churned = two_by_two(1000, 30, 1000, 80)
    found = effect_of(plain_design(churned), adopted, np.ones(2000, bool))
    assert found.effect == pytest.approx(5.0, abs=0.02)
    assert found.risk_ratio == pytest.approx(3 / 8, rel=0.01)
    pooled = 0.05 / np.sqrt(2 * 0.055 * 0.945 / 1000)
    assert found.effect / found.error == pytest.approx(pooled, rel=0.01)
    assert found.low == pytest.approx(5 - 1.98 * 5 / pooled, abs=0.05)


def test_rows_of_one_account_count_once() -> None:
    adopted, churned = two_by_two(1000, 30, 1000, 80)
    once = effect_of(plain_design(churned), adopted, np.ones(2000, bool))
    codes = np.tile(np.arange(2000), 4)
    four = plain_design(np.tile(churned, 4), codes)
    again = effect_of(four, np.tile(adopted, 4), np.ones(8000, bool))
    assert again.effect == pytest.approx(once.effect, abs=0.02)
    assert again.error == pytest.approx(once.error, rel=0.02)


def test_no_churn_among_few_adopters_is_not_overrated() -> None:
    # 10 churned are expected among 100 adopters and none is seen: exact chance about e^-10.5; z must stay near 10/3
    adopted, churned = two_by_two(100, 0, 900, 100)
    found = effect_of(plain_design(churned), adopted, np.ones(1000, bool))
    assert np.isfinite([found.effect, found.low, found.high]).all()
    assert found.effect / found.error < 3.6


def test_one_sided_columns_are_unknown() -> None:
    adopted, churned = two_by_two(100, 5, 100, 9)
    design = plain_design(churned)
    everyone = np.ones(200, bool)
    assert np.isnan(effect_of(design, everyone, everyone).effect)
    assert np.isnan(effect_of(design, adopted, ~churned).effect)


def test_only_eligible_rows_count() -> None:
    adopted, churned = two_by_two(1000, 30, 1000, 80)
    more = plain_design(np.concatenate([churned, np.ones(500, bool)]))
    treated = np.concatenate([adopted, np.ones(500, bool)])
    rows = np.arange(2500) < 2000
    assert effect_of(more, treated, rows).effect == pytest.approx(5.0, abs=0.02)


def test_influence_carries_the_error() -> None:
    adopted, churned = two_by_two(300, 10, 300, 40)
    found = effect_of(plain_design(churned), adopted, np.ones(600, bool))
    assert np.sqrt((found.influence**2).sum()) == pytest.approx(found.error)


def test_a_confounder_in_the_controls_takes_the_difference_away() -> None:
    # inside each group adopters and others churn alike: 10 % and 40 %
    group = np.repeat([0, 0, 1, 1], [800, 200, 200, 800])
    adopted = np.repeat([True, False, True, False], [800, 200, 200, 800])
    churned = np.concatenate([np.arange(n) < gone for n, gone in ((800, 80), (200, 20), (200, 80), (800, 320))])
    design = plain_design(churned)
    raw = raw_differences(design, adopted[:, None], np.ones((2000, 1), bool))[0]
    assert raw.effect == pytest.approx(18.0)
    controls = np.column_stack([np.ones(2000), group * 2.0 - 1])
    adjusted = effect_of(dataclasses.replace(design, controls=controls), adopted, np.ones(2000, bool))
    assert adjusted.effect == pytest.approx(0.0, abs=0.05)


def test_depth_is_left_out_on_request() -> None:
    # depth explains everything: with it nothing is left, without it the 18 points of the raw table are
    depth = np.repeat([0, 0, 1, 1], [800, 200, 200, 800])
    adopted = np.repeat([True, False, True, False], [800, 200, 200, 800])
    churned = np.concatenate([np.arange(n) < gone for n, gone in ((800, 80), (200, 20), (200, 80), (800, 320))])
    controls = np.column_stack([np.ones(2000), depth * 2.0 - 1])
    design = dataclasses.replace(plain_design(churned), controls=controls, depth_columns=1)
    everyone = np.ones(2000, bool)
    assert effect_of(design, adopted, everyone).effect == pytest.approx(0.0, abs=0.05)
    assert effect_of(design, adopted, everyone, depth=False).effect == pytest.approx(18.0, abs=0.1)


def test_shifted_by_what_all_share() -> None:
    # 5 ± 2·1.98 less 1.5 with an error of 0: the middle moves, the width stays, z falls from 5/2 to 3.5/2
    adopted, churned = two_by_two(1000, 30, 1000, 80)
    found = effect_of(plain_design(churned), adopted, np.ones(2000, bool))
    moved = shifted(found, 1.5, 0.0)
    assert moved.effect == pytest.approx(found.effect - 1.5)
    assert moved.high - moved.low == pytest.approx(found.high - found.low)
    assert stats.norm.isf(moved.p / 2) == pytest.approx(
        stats.norm.isf(found.p / 2) * (found.effect - 1.5) / found.effect
    )
    wider = shifted(found, 1.5, found.error)
    assert wider.error == pytest.approx(found.error * np.sqrt(2))


def test_e_value_of_the_bound() -> None:
    # 8 % churn without, 3 % with: ratio 3/8; at half of the effect 5.5 % churn, ratio 11/16
    part = Effect(5.0, 2.5, 7.5, 0.001, 1.2, 3 / 8, np.zeros(1), 100)
    assert e_value_of_bound(part) == pytest.approx(e_value(11 / 16))
    assert e_value_of_bound(dataclasses.replace(part, low=-0.1)) == 1.0
    harm = Effect(-5.0, -7.5, -2.5, 0.001, 1.2, 8 / 3, np.zeros(1), 100)
    assert e_value_of_bound(harm) == pytest.approx(e_value(1 + 0.5 * 5 / 3))


def test_score_test_by_hand() -> None:
    # intercept only, chance 1/2: cleaned treatment ±1/2, residual ±1/2; users stay: S = 4 * 1/4 = 1, V = 4 * 1/16
    adopted, churned = np.array([1.0, 1, 0, 0]), np.array([0.0, 0, 1, 1])
    x = np.ones((4, 1))
    test = score_test(adopted, churned, x, fit_logistic(x, churned, np.zeros(1)), np.arange(4))
    assert test.scores.tolist() == pytest.approx([0.25] * 4)
    assert test.information.sum() == pytest.approx(0.25)
    assert test.z == pytest.approx(1 / np.sqrt(0.25 * 4 / 3))


def test_overlap_of_two_equal_rows_per_account_is_two() -> None:
    residual, weight = np.array([0.5, 0.5, -0.5, -0.5]), np.full(4, 0.25)
    assert overlap(residual, weight, np.array([0, 0, 1, 1])) == pytest.approx(2.0)
    assert overlap(residual, weight, np.array([0, 1, 0, 1])) == 1.0


def test_beyond_a_least_effect_by_hand() -> None:
    effect = Effect(1.0, 0.02, 1.98, 2 * stats.norm.sf(2.0), 0.5, 0.9, np.zeros(2), 10)
    assert p_beyond(effect, 0.0) == effect.p
    assert p_beyond(effect, 0.25) == pytest.approx(2 * stats.norm.sf(1.5))  # (1 - 0.25) / 0.5
    assert p_beyond(dataclasses.replace(effect, effect=-1.0), 0.25) == pytest.approx(2 * stats.norm.sf(1.5))
    assert p_beyond(effect, 1.5) == 1.0  # less than that
    assert p_beyond(dataclasses.replace(effect, effect=0.0, p=1.0), 0.25) == 1.0
    assert np.isnan(p_beyond(dataclasses.replace(effect, effect=float("nan"), p=float("nan")), 0.25))


def test_q_values_by_hand() -> None:
    # sorted .005 .01 .03 .5 of 4: .02 .02 .04 .5
    found = q_values(np.array([0.5, 0.01, np.nan, 0.005, 0.03]))
    assert found[[0, 1, 3, 4]] == pytest.approx([0.5, 0.02, 0.02, 0.04])
    assert np.isnan(found[2])


@pytest.mark.parametrize(("ratio", "value"), [(3.9, 7.2630), (1.8, 3.0), (1 / 1.8, 3.0), (1.0, 1.0)])
def test_e_value(ratio: float, value: float) -> None:
    assert e_value(ratio) == pytest.approx(value, abs=5e-5)


def test_e_value_of_nothing_is_unknown() -> None:
    assert np.isnan(e_value(float("nan")))
    assert np.isnan(e_value(0.0))
