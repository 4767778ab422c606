"""Controls and depth of use."""

from __future__ import annotations

import dataclasses
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from milepost.importance.activity import activity
from milepost.importance.design import (
    Design,
    account_codes,
    account_sums,
    dummies,
    make_design,
    ranked_rows,
    standardised,
)


@pytest.fixture(scope="module")
def small(worlds: ModuleType):  # type: ignore[no-untyped-def]
    """A world of 300 accounts, 4 snapshots, 10 features."""
    return worlds.simulate(worlds.World(accounts=300, snapshots=4, features=10, monthly_churn=0.05))


def make(small) -> Design:  # type: ignore[no-untyped-def]
    return make_design(*ranked_rows(small.observations, small.outcomes, small.settings))


def test_depth_stands_last_among_the_controls(small) -> None:  # type: ignore[no-untyped-def]
    design = make(small)
    used, _ = ranked_rows(small.observations, small.outcomes, small.settings)
    assert design.depth_columns == 2
    assert np.allclose(design.controls[:, -2:], standardised(activity(used)))
    assert design.without_depth.shape[1] == design.controls.shape[1] - 2


def test_the_rarer_outcome_is_counted() -> None:
    churned = np.array([1.0, 1.0, 1.0, 0.0])
    design = Design(churned, np.array([0, 0, 1, 2]), 3, np.ones((4, 1)), 0, None, np.zeros((4, 0), int))
    assert (design.rare, design.churned_accounts) == (0.0, 1)
    turned = Design(1 - churned, np.array([0, 0, 1, 2]), 3, np.ones((4, 1)), 0, None, np.zeros((4, 0), int))
    assert (turned.rare, turned.churned_accounts) == (1.0, 1)
    assert turned.churned_among(np.array([True, True, True, False])) == 0


def test_only_known_and_old_enough_rows_are_ranked(small) -> None:  # type: ignore[no-untyped-def]
    used, found = ranked_rows(small.observations, small.outcomes, small.settings)
    assert (used.context["tenure_days"] >= 28).all()
    assert found.known.all()
    left = ~small.outcomes.known | (small.observations.context["tenure_days"] < 28).to_numpy()
    assert len(used.counts) == (~left).sum()


def test_first_control_is_the_intercept_and_none_is_constant(small) -> None:  # type: ignore[no-untyped-def]
    controls = make(small).controls
    assert (controls[:, 0] == 1).all()
    assert (controls[:, 1:].std(axis=0) > 0.99).all()


@pytest.mark.parametrize(
    ("days", "months", "inside"),
    [
        (14, 12, 1), (13, 12, 0), (69, 12, 1), (70, 12, 0),  # the outcome window is [14, 70)
        (5, 1, 1),  # a monthly term that ends on day 5 ends again on day 35
        (5, 6, 0),  # a half-year term that ends on day 5 ends again on day 185
        (np.nan, np.nan, 1),  # unknown: at any time
    ],
)  # fmt: skip
def test_term_end_inside_the_outcome_window(small, days: float, months: float, inside: int) -> None:  # type: ignore[no-untyped-def]
    used, found = ranked_rows(small.observations, small.outcomes, small.settings)
    context = used.context.assign(days_to_term_end=30.0, term_months=12.0)
    context.loc[0, ["days_to_term_end", "term_months"]] = [days, months]
    design = make_design(dataclasses.replace(used, context=context), found)
    assert design.at_renewal is not None
    assert design.at_renewal[0] == bool(inside)


@pytest.mark.parametrize(
    ("days", "months", "inside"),
    [
        (40, 12, 1), (39, 12, 0), (50, 12, 0),  # the span is [40, 50)
        (15, 1, 1),  # a monthly term that ends on day 15 ends again on day 45
        (25, 1, 0),  # again on day 55
        (2, 0.5, 1),  # every 15 days: 2, 17, 32, 47
    ],
)  # fmt: skip
def test_term_end_inside_a_span_of_its_own(small, days: float, months: float, inside: int) -> None:  # type: ignore[no-untyped-def]
    used, found = ranked_rows(small.observations, small.outcomes, small.settings)
    context = used.context.assign(days_to_term_end=30.0, term_months=12.0)
    context.loc[0, ["days_to_term_end", "term_months"]] = [days, months]
    rows = len(context)
    span = (np.full(rows, 40.0), np.full(rows, 50.0))
    design = make_design(dataclasses.replace(used, context=context), found, span)
    assert design.at_renewal is not None
    assert design.at_renewal[0] == bool(inside)


def test_no_term_ends_known_means_no_renewal(small) -> None:  # type: ignore[no-untyped-def]
    assert make(small).at_renewal is None


def test_dummies_leave_out_the_largest_and_merge_the_small() -> None:
    labels = np.array(["a"] * 500 + ["b"] * 300 + ["c"] * 2 + ["d"] * 3)
    columns = dummies(labels)
    assert sorted(int(column.sum()) for column in columns) == [5, 300]
    assert dummies(np.array(["only"] * 5)) == []


def test_account_codes_and_sums() -> None:
    codes, count = account_codes(pd.Series(["b", "a", "b"], dtype="object").to_numpy())
    assert (codes.tolist(), count) == ([1, 0, 1], 2)
    assert account_sums(codes, np.array([1.0, 2.0, 4.0]), 3).tolist() == [2.0, 5.0, 0.0]


def test_standardised_leaves_a_constant_at_zero() -> None:
    found = standardised(np.array([[1.0, 7.0], [3.0, 7.0]]))
    assert found.tolist() == [[-1.0, 0.0], [1.0, 0.0]]
