from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from milepost.outcomes import Outcomes
from milepost.signals.matrix import Matrix
from milepost.training.canary import _within, shuffled_canary
from milepost.training.candidates import LOGISTIC, Rows, recipe


def test_outcomes_stay_within_their_snapshot() -> None:
    days = pd.Series(pd.to_datetime(["2024-01-01", "2024-02-01"] * 50))
    churned = np.tile([1.0, 0.0], 50)
    np.testing.assert_array_equal(_within(churned, days, np.random.default_rng(1)), churned)
    mixed = (np.random.default_rng(2).random(100) < 0.3).astype(float)
    found = _within(mixed, days, np.random.default_rng(1))
    assert found[::2].sum() == mixed[::2].sum()
    assert found[1::2].sum() == mixed[1::2].sum()
    assert (found != mixed).any()


def test_shuffled_outcomes_teach_nothing_that_holds(world: tuple[Matrix, Outcomes]) -> None:
    matrix, outcomes = world
    churned, days = np.nan_to_num(outcomes.churned).astype(np.float64), matrix.rows["snapshot_date"]
    early = (days < "2024-06-01").to_numpy()
    train, test = (Rows(matrix.values[part], churned[part], np.zeros(part.sum(), np.intp)) for part in (early, ~early))
    found = shuffled_canary(recipe(LOGISTIC, 7, 1), train, test, (days[early], days[~early]))
    assert found.low <= found.roc_auc <= found.high
    assert abs(found.roc_auc - 0.5) < 0.03


@pytest.mark.long
@pytest.mark.promise("shuffled outcomes: mean AUC 0.50 ± 0.02 (shuffles)", cases=50)
def test_fifty_shuffles_teach_nothing(world: tuple[Matrix, Outcomes]) -> None:
    matrix, outcomes = world
    churned, days = np.nan_to_num(outcomes.churned).astype(np.float64), matrix.rows["snapshot_date"]
    early = (days < "2024-06-01").to_numpy()
    train, test = (Rows(matrix.values[part], churned[part], np.zeros(part.sum(), np.intp)) for part in (early, ~early))
    found = shuffled_canary(recipe(LOGISTIC, 11, 1), train, test, (days[early], days[~early]), shuffles=50)
    assert found.shuffles == 50
    assert abs(found.roc_auc - 0.5) < 0.02
