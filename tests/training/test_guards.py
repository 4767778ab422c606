from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from milepost.errors import NotEnoughData
from milepost.settings import TrainingSettings
from milepost.training.candidates import Rows
from milepost.training.guards import check_enough, smallest_effect_points

BOTH = np.array([0.0, 1.0])


def rows(count: int = 2_000, churned_share: float = 0.1, columns: int = 4) -> tuple[Rows, pd.Series]:
    random = np.random.default_rng(6)
    accounts = pd.Series([f"account {place % (count // 2)}" for place in range(count)])
    churned = (random.random(count) < churned_share).astype(np.float64)
    values = random.gamma(1, size=(count, columns)).astype(np.float32)
    return Rows(values, churned, np.arange(count) % (count // 2) % 5), accounts


def test_the_smallest_effect_worked_by_hand() -> None:
    # (1.96 + .8416) × sqrt(.1 × .9 × (1/200 + 1/200)) = 2.8016 × .03
    assert smallest_effect_points(400, 40) == pytest.approx(8.4048, abs=1e-3)


@pytest.mark.promise("too little data is refused with the counts", cases=1)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"churned": np.zeros(2_000)}, "only one outcome in the training period"),
        ({"churned": np.ones(2_000)}, "only one outcome in the training period"),
        ({"values": np.ones((2_000, 4), dtype=np.float32)}, "every signal has one value only"),
        ({"churned": np.r_[np.ones(9), np.zeros(1_991)]}, "too few churned accounts .*1,000 accounts, 9 churned"),
    ],
)  # fmt: skip
def test_too_little_is_refused_with_the_counts(change: dict[str, np.ndarray], message: str) -> None:
    given, accounts = rows()
    with pytest.raises(NotEnoughData, match=message):
        check_enough(replace(given, **change), accounts, BOTH, TrainingSettings())


def test_the_refusal_names_the_smallest_difference_that_could_be_seen() -> None:
    given, accounts = rows()
    few = replace(given, churned=np.r_[np.ones(40), np.zeros(1_960)])
    # 40 of 1,000 accounts: 280.16 × sqrt(4 × .04 × .96 / 1000) = 3.47
    with pytest.raises(NotEnoughData, match=r"difference of 3\.5 points"):
        check_enough(few, accounts, BOTH, TrainingSettings())


@pytest.mark.promise("too little data is refused with the counts", cases=2)
def test_few_rows_and_a_test_period_with_one_outcome_are_refused_and_enough_is_not() -> None:
    given, accounts = rows()
    with pytest.raises(NotEnoughData, match="too few rows"):
        check_enough(given, accounts, BOTH, TrainingSettings(min_rows=2_001))
    with pytest.raises(NotEnoughData, match="only one outcome in the test period"):
        check_enough(given, accounts, np.zeros(5), TrainingSettings())
    check_enough(given, accounts, BOTH, TrainingSettings())
