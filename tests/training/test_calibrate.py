from __future__ import annotations

import numpy as np
from scipy.special import expit

from milepost.training.calibrate import Calibrator, fit_calibrator


def draw(rows: int, seed: int, slope: float, intercept: float) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    z = random.normal(size=rows)
    return z, (random.random(rows) < expit(slope * z + intercept)).astype(float)


def test_platt_finds_slope_and_intercept_that_made_the_data() -> None:
    z, churned = draw(9_000, 1, slope=1.5, intercept=-3.0)
    found = fit_calibrator(z, churned)
    assert found.kind == "platt"
    assert abs(found.slope - 1.5) < 0.15
    assert abs(found.intercept + 3.0) < 0.15


def test_a_model_that_ranks_backwards_becomes_the_base_rate() -> None:
    z, churned = draw(4_000, 2, slope=-2.0, intercept=-2.5)
    found = fit_calibrator(z, churned)
    assert found.slope == 0
    np.testing.assert_allclose(found.risk(np.array([-3.0, 0.0, 3.0])), churned.mean(), atol=1e-3)


def stepped(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Risk that does not rise smoothly: 2 %, then 40 %, then 45 %."""
    random = np.random.default_rng(seed)
    z = random.normal(size=rows)
    return z, (random.random(rows) < np.select([z < 0, z < 1.5], [0.02, 0.40], 0.45)).astype(float)


def test_where_the_sigmoid_is_wrong_it_is_isotonic_rising_and_never_certain() -> None:
    z, churned = stepped(8_000, 3)
    found = fit_calibrator(z, churned)
    risk = found.risk(np.linspace(-50, 50, 1_000))
    assert found.kind == "isotonic"
    assert (np.diff(risk) >= 0).all()
    assert 0 < risk[0] < 0.03
    assert 0.4 < risk[-1] < 1
    assert fit_calibrator(z[:1_000], churned[:1_000]).kind == "platt"  # 200 churned rows are too few for it


def test_where_the_sigmoid_is_right_it_stays() -> None:
    """2,000 churned rows and more would allow isotonic: it is fitted to luck there."""
    for seed in range(5):
        z, churned = draw(8_000, 40 + seed, slope=2.0, intercept=-1.0)
        assert churned.sum() > 1_000
        assert fit_calibrator(z, churned).kind == "platt"


def test_isotonic_is_linear_between_its_points_and_flat_outside() -> None:
    found = Calibrator("isotonic", x=np.array([0.0, 2.0]), y=np.array([0.1, 0.3]))
    np.testing.assert_allclose(found.risk(np.array([-9.0, 0.0, 1.0, 9.0])), [0.1, 0.1, 0.2, 0.3])
