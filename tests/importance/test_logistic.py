"""The logistic fit against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from milepost.importance.logistic import fit_logistic, information, invert, logistic


def test_intercept_is_the_log_odds() -> None:
    fit = fit_logistic(np.ones((10, 1)), np.array([1.0] * 2 + [0.0] * 8), np.zeros(1))
    assert fit.beta[0] == pytest.approx(np.log(0.25))
    # information n p (1 - p) = 1.6
    assert fit.inverse[0, 0] == pytest.approx(1 / 1.6)


def test_two_by_two_is_the_log_odds_ratio() -> None:
    group = np.repeat([0.0, 1.0], [100, 100])
    y = np.concatenate([np.arange(100) < 20, np.arange(100) < 50]).astype(float)
    fit = fit_logistic(np.column_stack([np.ones(200), group]), y, np.zeros(2))
    assert fit.beta[1] == pytest.approx(np.log(1.0 / 0.25))


def test_separation_stays_finite_under_a_ridge() -> None:
    group = np.repeat([0.0, 1.0], [100, 100])
    y = np.concatenate([np.arange(100) < 20, np.zeros(100, bool)]).astype(float)
    fit = fit_logistic(np.column_stack([np.ones(200), group]), y, np.array([0.0, 0.05]))
    assert -12 < fit.beta[1] < -2
    # at the optimum the score equals the penalty
    assert (group * (y - fit.chance)).sum() == pytest.approx(0.05 * fit.beta[1], abs=1e-6)


def test_a_constant_column_without_penalty_does_not_fail() -> None:
    fit = fit_logistic(
        np.column_stack([np.ones(10), np.zeros(10)]), np.array([1.0] * 5 + [0.0] * 5), np.array([0, 0.1])
    )
    assert fit.beta.tolist() == pytest.approx([0.0, 0.0])
    assert np.isfinite(invert(np.zeros((2, 2)))).all()


def test_far_values_do_not_overflow() -> None:
    with np.errstate(all="raise"):
        assert logistic(np.array([-1e9, 0.0, 1e9])).tolist() == pytest.approx([0.0, 0.5, 1.0])


def test_information_by_hand() -> None:
    x = np.array([[1.0, 2.0], [1.0, 0.0]])
    assert information(x, np.array([0.25, 0.5])).ravel().tolist() == pytest.approx([0.75, 0.5, 0.5, 1.0])
