"""The controls of a contrast between accounts, on a few accounts worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from milepost.milestones.design import account_design

# day 1000 is 27 September 1972: two sign up then, two in November
CREATED = [1000, 1001, 1040, 1041]


def test_each_account_is_a_row_with_its_outcome(lives_of: Any) -> None:
    design = account_design(lives_of(CREATED), np.array([3, 1]), np.array([True, False]))
    assert design.churned.tolist() == [1.0, 0.0]
    assert design.codes.tolist() == [0, 1]
    assert (design.accounts, design.depth_columns, design.at_renewal) == (2, 0, None)
    assert design.groups.shape == (2, 0)


def test_equal_accounts_leave_the_intercept_and_the_month(lives_of: Any) -> None:
    design = account_design(lives_of(CREATED), np.arange(4), np.zeros(4))
    assert design.controls.shape == (4, 2)
    assert design.controls[:, 0].tolist() == [1, 1, 1, 1]
    assert np.abs(design.controls[:, 1]).tolist() == [1, 1, 1, 1]
    assert design.controls[0, 1] == design.controls[1, 1] == -design.controls[2, 1]


def test_size_is_on_a_logarithm_and_squared(lives_of: Any) -> None:
    # log1p of 1, 3, 7: 1, 2, 3 times log 2, so -1.2247, 0, 1.2247; squared 1.5, 0, 1.5
    design = account_design(lives_of([1000] * 3, seats=[1, 3, 7]), np.arange(3), np.zeros(3))
    assert design.controls[:, 1] == pytest.approx([-np.sqrt(1.5), 0, np.sqrt(1.5)], abs=1e-9)
    assert design.controls[:, 2] == pytest.approx([np.sqrt(0.5), -np.sqrt(2), np.sqrt(0.5)])
    assert design.controls.shape == (3, 3)


def test_an_unknown_size_is_the_middle_one_with_a_flag(lives_of: Any) -> None:
    design = account_design(lives_of([1000] * 4, seats=[1, 3, 7, np.nan]), np.arange(4), np.zeros(4))
    assert design.controls[3, 1] == pytest.approx(design.controls[1, 1])
    assert design.controls[:, 3] == pytest.approx([-1 / np.sqrt(3)] * 3 + [np.sqrt(3)])
    nothing_known = account_design(lives_of([1000] * 4, seats=[np.nan] * 4), np.arange(4), np.zeros(4))
    assert nothing_known.controls.tolist() == [[1], [1], [1], [1]]


def test_plans_are_told_apart_and_extra_columns_standardised(lives_of: Any) -> None:
    lives = lives_of([1000] * 4, plan=np.array(["basic", "basic", "basic", "top"]))
    design = account_design(lives, np.arange(4), np.zeros(4), [np.array([10.0, 10.0, 30.0, 30.0])])
    assert design.controls[:, 1] == pytest.approx([-1 / np.sqrt(3)] * 3 + [np.sqrt(3)])
    assert design.controls[:, 2] == pytest.approx([-1, -1, 1, 1])


def test_months_under_one_percent_share_a_column(lives_of: Any) -> None:
    created = [1000] * 300 + [1100] * 300 + [1200, 1300]
    design = account_design(lives_of(created), np.arange(602), np.zeros(602))
    assert design.controls.shape == (602, 3)
    assert design.controls[600].tolist() == design.controls[601].tolist()


def test_no_accounts_leave_an_intercept_alone(lives_of: Any) -> None:
    design = account_design(lives_of(CREATED), np.zeros(0, dtype=np.intp), np.zeros(0), [np.zeros(0)])
    assert design.controls.shape == (0, 1)
    assert design.accounts == 0
