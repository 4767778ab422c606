"""A page that accounts open in order to leave is found by its users' ends; a feature that harms is not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.training.end_of_life import end_of_life_leaks
from milepost.windows import Windows

ACCOUNTS, MONTHS = 200, 10
MONTH = np.arange(MONTHS)[:, None]
# accounts 0 to 39 churn at one row: account a at row 2 + a % 8; the others stay
CHURNED = (np.arange(ACCOUNTS) < 40) & (2 + np.arange(ACCOUNTS) % 8 == MONTH)
SEEN = ~((np.cumsum(CHURNED, axis=0) > 0) & ~CHURNED)


def figures(*used: np.ndarray) -> dict[str, str]:
    """Name -> figure of what is found among features used so, each bool [months × accounts]."""
    months, accounts = np.nonzero(SEEN)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(30 * months, "D")
    context = pd.DataFrame({"account_id": [f"a{place:03d}" for place in accounts], "snapshot_date": days})
    counts = np.column_stack([use[months, accounts] for use in used]).astype(np.float32)
    features = tuple(Feature(f"f{place}", (f"f{place}",), "one") for place in range(len(used)))
    matrix = Matrix(counts, context, (), "made by hand")
    observations = Observations(
        matrix, features, counts, np.ones(counts.shape, dtype=bool), False, context, Windows()
    )  # fmt: skip
    churned = CHURNED[months, accounts].astype(np.float64)
    return {leak.name: leak.figure for leak in end_of_life_leaks(observations, churned)}


def some(count: int) -> np.ndarray:
    """The first accounts, which all churn up to 40."""
    return np.arange(ACCOUNTS) < count


def test_ten_accounts_that_use_it_only_when_they_churn_are_enough_and_nine_are_not() -> None:
    assert figures(CHURNED & some(10)) == {"f0": "10 of 10 accounts that used it left soon after"}
    assert figures(CHURNED & some(9)) == {}


def test_one_of_ten_may_stay_and_two_may_not() -> None:
    stays = (np.arange(ACCOUNTS) == 100) & (MONTH == 4)
    stay = ((np.arange(ACCOUNTS) == 100) | (np.arange(ACCOUNTS) == 101)) & (MONTH == 4)
    assert figures(CHURNED & some(10) | stays) == {"f0": "10 of 11 accounts that used it left soon after"}
    assert figures(CHURNED & some(10) | stay) == {}


def test_a_page_first_opened_a_month_before_is_found_by_its_first_use() -> None:
    # used at the row before the churned one too: half of the rows with use churn
    opened = CHURNED | np.vstack([CHURNED[1:], np.zeros((1, ACCOUNTS), dtype=bool)])
    # accounts with a % 8 = 7 churn at the last row, 9; first use at row 8 is too late to be judged: 35 are left
    assert figures(opened) == {"f0": "35 of 35 accounts that used it left soon after"}
    # used from two months before on, it could as well be a feature that harms
    early = opened | np.vstack([CHURNED[2:], np.zeros((2, ACCOUNTS), dtype=bool)])
    assert figures(early) == {}


def test_use_all_along_by_those_who_churn_in_the_end_is_no_leak() -> None:
    assert figures(np.broadcast_to(some(40), CHURNED.shape), np.ones(CHURNED.shape, dtype=bool)) == {}
    assert figures(np.zeros(CHURNED.shape, dtype=bool)) == {}
