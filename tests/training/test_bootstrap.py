from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit

from milepost.training import bootstrap, evaluate

RISK = np.array([0.1, 0.2, 0.2, 0.8])
CHURNED = np.array([0.0, 1.0, 0.0, 1.0])


def drawn_world(seed: int, rows: int = 80) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    risk = random.integers(1, 12, rows) / 13
    return risk, (random.random(rows) < risk).astype(float), random.integers(0, 4, (6, rows)).astype(float)


@pytest.mark.parametrize("seed", range(5))
def test_a_weight_of_two_is_the_row_twice(seed: int) -> None:
    risk, churned, weights = drawn_world(seed)
    for draw in weights:
        times = draw.astype(int)
        again = np.repeat(risk, times), np.repeat(churned, times)
        one = draw[None, :]
        assert bootstrap.weighted_aucs(risk, churned, one)[0] == pytest.approx(evaluate.roc_auc(*again))
        assert bootstrap.weighted_precisions(risk, churned, one)[0] == pytest.approx(evaluate.average_precision(*again))
        loss = bootstrap.weighted_mean(bootstrap.row_losses(risk, churned), one)[0]
        assert loss == pytest.approx(evaluate.log_loss(*again))


def test_recall_worked_by_hand() -> None:
    # the riskiest quarter is the row at .8, which churned: one of two; the riskiest half takes a row at .2 as well,
    # the first of the two in the table, which churned
    shares = np.array([0.25, 0.5, 1.0])
    assert bootstrap.weighted_recalls(RISK, CHURNED, np.ones((1, 4)), shares)[0].tolist() == [0.5, 1.0, 1.0]


def test_the_slope_is_that_of_a_logistic_regression() -> None:
    risk, churned, weights = drawn_world(3, rows=400)
    found = bootstrap.weighted_slopes(risk, churned, weights)
    x = sm.add_constant(logit(risk))
    for place, draw in enumerate(weights):
        fitted = sm.GLM(churned, x, family=sm.families.Binomial(), freq_weights=draw).fit()
        assert found[place] == pytest.approx(fitted.params[1], abs=1e-6)


def test_risks_twice_as_far_apart_have_half_the_slope() -> None:
    random = np.random.default_rng(11)
    odds = random.normal(-1, 1, 40_000)
    churned = (random.random(40_000) < expit(odds)).astype(float)
    ones = np.ones((1, len(odds)))
    assert bootstrap.weighted_slopes(expit(odds), churned, ones)[0] == pytest.approx(1, abs=0.04)
    assert bootstrap.weighted_slopes(expit(2 * odds), churned, ones)[0] == pytest.approx(0.5, abs=0.02)


def test_what_cannot_be_told_is_nan() -> None:
    ones = np.ones((1, 4))
    assert np.isnan(bootstrap.weighted_slopes(RISK, np.zeros(4), ones)[0])
    assert np.isnan(bootstrap.weighted_slopes(np.full(4, 0.3), CHURNED, ones)[0])
    assert np.isnan(bootstrap.weighted_mean(RISK, np.zeros((1, 4)))[0])
    assert np.isnan(bootstrap.interval(np.full(3, np.nan))[0])


def test_all_rows_of_an_account_are_drawn_together_and_as_many_accounts_as_there_are() -> None:
    accounts = pd.Series(["a", "b", "a", "c"])
    weights = np.concatenate(list(bootstrap.account_draws(accounts, seed=1, draws=50)))
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert len(weights) == 50
