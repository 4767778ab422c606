from __future__ import annotations

import numpy as np

from milepost.training.logistic import fit_logistic, fit_scaler


def test_the_scaler_logs_what_is_never_negative_and_flags_each_pattern_of_unknown_once() -> None:
    nan = np.nan
    values = np.array([[0, -1, 5, nan, nan], [3, 1, 5, 2, 8], [8, 1, 5, 2, 8], [0, -1, 5, 4, 9]], dtype=np.float32)
    scaler = fit_scaler(values)
    assert scaler.logged.tolist() == [True, False, True, True, True]
    # columns 3 and 4 are unknown in the same rows: one flag
    assert scaler.flagged.tolist() == [False, False, False, True, False]
    z = scaler.transform(values)
    assert z.shape == (4, 6)
    np.testing.assert_allclose(z[:, :2].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(z[:, :2].std(axis=0), 1, atol=1e-5)
    assert (z[:, 2] == 0).all()
    assert z[:, 5].tolist() == [1, 0, 0, 0]


def test_a_value_far_outside_training_counts_as_ten_deviations() -> None:
    scaler = fit_scaler(np.array([[-1.0], [1.0]], dtype=np.float32))
    assert scaler.transform(np.array([[1e30], [-1e30]], dtype=np.float32))[:, 0].tolist() == [10, -10]


def test_the_coefficients_that_made_the_data_come_back_with_a_weak_penalty() -> None:
    random = np.random.default_rng(9)
    values = random.normal(size=(20_000, 3)).astype(np.float32)
    odds = -1 + 0.8 * values[:, 0] - 0.5 * values[:, 1]
    churned = (random.random(20_000) < 1 / (1 + np.exp(-odds))).astype(np.float64)
    strong, weak = fit_logistic(values, churned, (1e-4, 1.0))
    np.testing.assert_allclose(weak.coefficients, [0.8, -0.5, 0.0], atol=0.06)
    assert abs(weak.intercept + 1) < 0.06
    assert abs(strong.coefficients[0]) < 0.6


def test_contributions_and_intercept_add_up_flags_counted_with_their_signal() -> None:
    random = np.random.default_rng(2)
    values = random.normal(size=(500, 3)).astype(np.float32)
    values[::4, 1] = np.nan
    churned = np.isnan(values[:, 1]).astype(np.float64)
    (model,) = fit_logistic(values, churned, (1.0,))
    added = model.contributions(values)
    np.testing.assert_allclose(added.sum(axis=1) + model.intercept, model.log_odds(values))
    assert added.shape == (500, 3)
    assert added[::4, 1].min() > added[1::4, 1].max() + 1
