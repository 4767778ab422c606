from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from milepost.training import evaluate

RISK = np.array([0.1, 0.2, 0.2, 0.8])
CHURNED = np.array([0.0, 1.0, 0.0, 1.0])


def test_auc_counts_a_tie_as_half_a_pair() -> None:
    # pairs (churned, retained): .2 over .1 right, .2 with .2 half, .8 over both right: 3.5 of 4
    assert evaluate.roc_auc(RISK, CHURNED) == 3.5 / 4


def test_auc_and_average_precision_agree_with_scikit_learn_ties_included() -> None:
    random = np.random.default_rng(5)
    for _ in range(20):
        risk, churned = random.integers(0, 9, 60) / 9, (random.random(60) < 0.3).astype(float)
        assert evaluate.roc_auc(risk, churned) == pytest.approx(roc_auc_score(churned, risk))
        assert evaluate.average_precision(risk, churned) == pytest.approx(average_precision_score(churned, risk))


def test_one_class_only_has_no_auc() -> None:
    assert np.isnan(evaluate.roc_auc(RISK, np.zeros(4)))
    assert np.isnan(evaluate.average_precision(RISK, np.zeros(4)))


def test_log_loss_of_a_coin_is_the_logarithm_of_two_and_certainty_stays_finite() -> None:
    assert evaluate.log_loss(np.full(4, 0.5), CHURNED) == pytest.approx(np.log(2))
    assert evaluate.log_loss(np.array([1.0]), np.array([0.0])) == pytest.approx(-np.log(1e-7), rel=1e-3)


def test_the_interval_of_repeated_rows_is_as_wide_as_that_of_the_accounts() -> None:
    random = np.random.default_rng(3)
    risk, churned = random.random(150), (random.random(150) < 0.4).astype(float)
    names = pd.Series([f"account {place}" for place in range(150)])
    once = evaluate.auc_interval(risk, churned, names, seed=1)
    ten = evaluate.auc_interval(
        np.tile(risk, 10), np.tile(churned, 10), pd.concat([names] * 10, ignore_index=True), seed=1
    )
    assert ten == pytest.approx(once)
    assert once[0] < evaluate.roc_auc(risk, churned) < once[1]


def test_curve_error_and_lift_worked_by_hand() -> None:
    risk = np.arange(10) / 10
    churned = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1, 1.0])
    assert evaluate.calibration_curve(risk, churned, parts=5)[4] == (pytest.approx(0.85), 1.0, 2)
    # distance per row: its own risk below .8, then .2 and .1: (2.8 + .3) / 10
    assert evaluate.calibration_error(risk, churned) == pytest.approx(0.31)
    lift = {share: rest for share, *rest in evaluate.lift_table(risk, churned)}
    assert lift[0.1] == [pytest.approx(5.0), 0.5]
    assert lift[0.2] == [pytest.approx(5.0), 1.0]
    assert lift[0.5] == [pytest.approx(2.0), 1.0]


def test_metrics_count_rows_and_accounts_apart() -> None:
    accounts = pd.Series(["a", "b", "c", "b"])
    found = evaluate.metrics(RISK, CHURNED, accounts, seed=0)
    assert (found.test_rows, found.churned_rows, found.churned_accounts, found.base_rate) == (4, 2, 1, 0.5)
    assert found.brier == pytest.approx((0.01 + 0.64 + 0.04 + 0.04) / 4)
