from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from milepost.metrics.bridge import visible
from milepost.metrics.renewals import due_terms, renewal_rows

START, END, GRACE = date(2024, 1, 1), date(2024, 4, 1), 14


def test_terms_that_came_to_their_end_by_hand(by_hand):
    """annual goes on, gone does not, pausing is not decided before 3 April, short_hole is back within the grace."""
    due = due_terms(visible(by_hand, END), START, END, GRACE)
    found = {row.account_id: (row.term_months, row.renewed, row.undecided) for row in due.itertuples()}
    assert found == {
        "annual": (12, True, False), "gone": (1, False, False), "pausing": (1, False, True),
        "short_hole": (1, True, False),
    }  # fmt: skip
    rows = renewal_rows(due, 1).set_index("segment")
    assert rows.loc["total", ["value", "numerator", "denominator", "undecided"]].tolist() == [2 / 3, 2, 3, 1]
    assert rows.loc["12 months", "value"] == 1
    assert rows.loc["1 month", ["value", "accounts"]].tolist() == [1 / 2, 2]


def test_an_upgrade_before_the_end_of_a_term_is_not_due(subscriptions):
    rows = [("a", "2023-06-01", "2024-02-01", 1.0, "base", "2024-03-01", 12),
            ("a", "2024-02-01", None, 2.0, "base", "2025-02-01", 12)]  # fmt: skip
    assert due_terms(visible(subscriptions(rows), END), START, END, GRACE).empty


@pytest.mark.parametrize(
    ("term_end", "counted"),
    [("2023-12-31 23:59:59.999999", False), ("2024-01-01", True), ("2024-03-31 23:59:59.999999", True),
     ("2024-04-01", False)],
)  # fmt: skip
def test_the_period_is_half_open(subscriptions, term_end, counted):
    rows = [("a", "2023-06-01", None, 1.0, "base", term_end, 12)]
    assert len(due_terms(visible(subscriptions(rows), END), START, END, GRACE)) == counted


def test_terms_of_one_account_are_one_cluster(subscriptions):
    """Three accounts with three monthly terms each, one of which leaves at the third: 8 of 9 terms, 3 clusters."""
    months = [("2023-12-10", "2024-01-10"), ("2024-01-10", "2024-02-10"), ("2024-02-10", "2024-03-10")]
    rows = [(name, start, end, 1.0, "base", end, 1) for name in "abc" for start, end in months]
    rows += [(name, "2024-03-10", None, 1.0) for name in "ab"]
    row = renewal_rows(due_terms(visible(subscriptions(rows), END), START, END, GRACE), 1).iloc[0]
    assert (row["numerator"], row["denominator"], row["accounts"]) == (8, 9, 3)
    # without each: 5/6, 5/6, 1; error sqrt(2/3 * .0185185) = .111111; t(2) = 4.302653; the odds of 8/9 are 8
    half = 4.302653 * 0.111111 / (8 / 81)
    assert [row["low"], row["high"]] == pytest.approx(
        [8 * np.exp(sign * half) / (1 + 8 * np.exp(sign * half)) for sign in (-1, 1)], rel=1e-4
    )
