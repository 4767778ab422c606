"""The learning curve: more accounts teach more, and the last point is everything."""

from __future__ import annotations

import numpy as np

from milepost.outcomes import Outcomes
from milepost.signals.matrix import Matrix
from milepost.training import evaluate
from milepost.training.candidates import LOGISTIC, Rows, fit, recipe
from milepost.training.learning import learning_curve


def test_a_quarter_a_half_and_all_of_accounts_and_dates(world: tuple[Matrix, Outcomes]) -> None:
    matrix, outcomes = world
    churned, days = np.nan_to_num(outcomes.churned).astype(np.float64), matrix.rows["snapshot_date"]
    accounts = matrix.rows["account_id"]
    early = (days < "2024-06-01").to_numpy()
    train, test = (Rows(matrix.values[part], churned[part], np.zeros(part.sum(), np.intp)) for part in (early, ~early))
    how = recipe(LOGISTIC, 7, 1).at(1)
    found = learning_curve(how, train, test, (accounts[early], days[early]), accounts[~early].reset_index(drop=True))
    assert [(point.kind, point.count) for point in found] == [
        ("accounts", 55), ("accounts", 110), ("accounts", 220), ("dates", 1), ("dates", 2), ("dates", 5),
    ]  # fmt: skip
    assert [point.rows for point in found] == [55 * 5, 110 * 5, 220 * 5, 220, 440, 1100]
    assert found[0].roc_auc < found[2].roc_auc
    assert found[2].roc_auc == found[5].roc_auc == evaluate.roc_auc(fit(how, train)(test.values)[-1], test.churned)
    assert all(point.low <= point.roc_auc <= point.high for point in found)
