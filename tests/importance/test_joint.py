"""Effects from the joint model against fits made one by one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from milepost.importance.design import Design
from milepost.importance.effect import effect_of
from milepost.importance.joint import Joint, beside_others, effects_beside, fit_joint

ROWS, FEATURES = 6000, 6


@pytest.fixture(scope="module")
def data() -> tuple[Design, np.ndarray, np.ndarray]:
    """Two controls, six features of which two keep accounts and one harms; the last goes with the first."""
    rng = np.random.default_rng(8)
    size = rng.normal(size=ROWS)
    adopted = rng.random((ROWS, FEATURES)) < 1 / (1 + np.exp(-0.6 * size[:, None]))
    adopted[:, 5] = np.where(rng.random(ROWS) < 0.7, adopted[:, 0], adopted[:, 5])
    eta = -2 - 0.5 * size - 0.9 * adopted[:, 0] - 0.5 * adopted[:, 1] + 0.5 * adopted[:, 2]
    churned = (rng.random(ROWS) < 1 / (1 + np.exp(-eta))).astype(float)
    controls = np.column_stack([np.ones(ROWS), (size - size.mean()) / size.std()])
    design = Design(churned, np.arange(ROWS), ROWS, controls, 0, None, np.zeros((ROWS, 0), int))
    return design, adopted, np.ones_like(adopted)


@pytest.fixture(scope="module")
def joint(data: tuple[Design, np.ndarray, np.ndarray]) -> Joint:
    return fit_joint(*data)


def none(features: int = FEATURES) -> np.ndarray:
    return np.zeros((features, features), dtype=bool)


def test_without_the_others_it_is_the_effect_of_one(data: tuple[Design, np.ndarray, np.ndarray], joint: Joint) -> None:
    design, adopted, eligible = data
    found = effects_beside(design, joint, eligible, beside_others(joint, ~none()))
    for place, effect in enumerate(found):
        alone = effect_of(design, adopted[:, place], eligible[:, place])
        assert effect.effect == pytest.approx(alone.effect, abs=0.03)
        # the information matrix is that of the joint fit
        assert effect.error == pytest.approx(alone.error, rel=0.05)
        assert effect.risk_ratio == pytest.approx(alone.risk_ratio, rel=0.01)


def test_beside_all_others_it_is_the_marginal_effect_of_a_joint_fit(
    data: tuple[Design, np.ndarray, np.ndarray], joint: Joint
) -> None:
    design, adopted, eligible = data
    x = pd.DataFrame(np.column_stack([design.controls, adopted]).astype(float))
    fit = sm.Logit(design.churned, x).fit(disp=0)
    margins = -100 * fit.get_margeff(dummy=True).margeff[1:]
    free = dataclasses.replace(joint, penalty=joint.penalty * 1e-3)
    found = effects_beside(design, free, eligible, beside_others(joint, none()))
    assert [effect.effect for effect in found] == pytest.approx(margins.tolist(), abs=0.03)


def test_leaving_a_column_out_is_a_fit_without_it(data: tuple[Design, np.ndarray, np.ndarray], joint: Joint) -> None:
    design, adopted, eligible = data
    behind = none()
    behind[0, 5] = True
    found = effects_beside(design, joint, eligible, beside_others(joint, behind), wanted=[0])[0]
    x = pd.DataFrame(np.column_stack([design.controls, adopted[:, :5]]).astype(float))
    fit = sm.Logit(design.churned, x).fit(disp=0)
    assert found.effect == pytest.approx(-100 * fit.get_margeff(dummy=True).margeff[1], abs=0.15)


def test_one_sided_features_are_unknown_and_harm_nobody(data: tuple[Design, np.ndarray, np.ndarray]) -> None:
    design, adopted, eligible = data
    odd = np.column_stack([adopted, np.ones(ROWS, bool), np.zeros(ROWS, bool)])
    every = np.ones_like(odd)
    with_odd, without = fit_joint(design, odd, every), fit_joint(*data)
    found = effects_beside(design, with_odd, every, beside_others(with_odd, none(8)))
    assert np.isnan([found[6].effect, found[7].effect]).all()
    plain = effects_beside(design, without, eligible, beside_others(without, none()))
    assert [effect.effect for effect in found[:6]] == pytest.approx([effect.effect for effect in plain], abs=0.02)


def test_batches_do_not_matter(data: tuple[Design, np.ndarray, np.ndarray]) -> None:
    design, adopted, _ = data
    many = np.column_stack([adopted, np.random.default_rng(1).random((ROWS, 8)) < 0.5])
    every = np.ones_like(many)
    joint = fit_joint(design, many, every)
    left_out = beside_others(joint, none(14))
    whole = effects_beside(design, joint, every, left_out)
    for place in (0, 7, 8, 13):
        one = effects_beside(design, joint, every, left_out, wanted=[place])[place]
        assert one.effect == pytest.approx(whole[place].effect, abs=1e-9)
        assert one.error == pytest.approx(whole[place].error, abs=1e-9)


def test_rows_of_one_account_count_once(data: tuple[Design, np.ndarray, np.ndarray], joint: Joint) -> None:
    design, adopted, eligible = data
    once = effects_beside(design, joint, eligible, beside_others(joint, none()))[0]
    twice = Design(
        np.tile(design.churned, 2), np.tile(design.codes, 2), ROWS, np.tile(design.controls, (2, 1)), 0, None,
        np.zeros((2 * ROWS, 0), int),
    )  # fmt: skip
    again_joint = fit_joint(twice, np.tile(adopted, (2, 1)), np.tile(eligible, (2, 1)))
    again = effects_beside(twice, again_joint, np.tile(eligible, (2, 1)), beside_others(again_joint, none()))[0]
    assert again.error == pytest.approx(once.error, rel=0.03)


def test_who_has_no_access_is_not_among_those_it_is_averaged_over(
    data: tuple[Design, np.ndarray, np.ndarray],
) -> None:
    design, adopted, eligible = data
    half = eligible.copy()
    half[:, 0] = np.random.default_rng(2).random(ROWS) < 0.5
    joint = fit_joint(design, adopted, half)
    found = effects_beside(design, joint, half, beside_others(joint, none()), wanted=[0])[0]
    assert found.rows == half[:, 0].sum()
    assert joint.first == design.controls.shape[1] + 1  # one column more: who had access
    outside = ~half[:, 0]
    moved = adopted.copy()
    moved[outside, 0] = ~moved[outside, 0]  # what accounts without access do is not looked at
    again = effects_beside(design, fit_joint(design, moved, half), half, beside_others(joint, none()), wanted=[0])[0]
    assert again.effect == pytest.approx(found.effect, abs=1e-9)


def test_the_ridge_is_strong_where_there_is_nothing(data: tuple[Design, np.ndarray, np.ndarray], joint: Joint) -> None:
    design, adopted, eligible = data
    shuffled = dataclasses.replace(design, churned=np.random.default_rng(4).permutation(design.churned))
    empty = fit_joint(shuffled, adopted, eligible)
    assert empty.penalty[-1] > 10 * joint.penalty[-1]
    assert joint.penalty[0] == 0


def test_an_effect_that_only_one_plan_has_is_averaged_over_both() -> None:
    rng = np.random.default_rng(9)
    rows = 40_000
    plan = rng.integers(0, 2, rows)
    adopted = rng.random((rows, FEATURES)) < np.where(plan == 0, 0.15, 0.7)[:, None]
    odds = np.where(plan == 0, -1.4, 0.0)[:, None] * np.array([1.0, 0.8, 0.6, 0, 0, 0])
    base = -1.0 + 1.5 * plan  # the plan without effects churns more
    chance = 1 / (1 + np.exp(-(base + (odds * adopted).sum(axis=1))))
    churned = (rng.random(rows) < chance).astype(float)
    controls = np.column_stack([np.ones(rows), (plan - plan.mean()) / plan.std()])
    others = (odds * adopted).sum(axis=1) - odds[:, 0] * adopted[:, 0]
    truth = 100 * (1 / (1 + np.exp(-base - others)) - 1 / (1 + np.exp(-base - others - odds[:, 0]))).mean()
    eligible, errors = np.ones_like(adopted), []
    for groups in (np.zeros((rows, 0), int), plan[:, None]):
        design = Design(churned, np.arange(rows), rows, controls, 0, None, groups)
        joint = fit_joint(design, adopted, eligible)
        found = effects_beside(design, joint, eligible, beside_others(joint, np.zeros((FEATURES, FEATURES), bool)))[0]
        errors.append(abs(found.effect - truth) / found.error)
    assert errors[0] > 3 > 1.5 > errors[1]
