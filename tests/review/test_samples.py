"""One p for two samples of a signal: worked by hand, quiet where nothing moved, and of every kind of signal."""

import numpy as np
import pytest
from scipy.stats import norm

from milepost.review.samples import two_sample_p

NAN = np.nan


def test_a_share_that_moved_is_the_chi_squared_test_worked_by_hand():
    """20 of 100 then, 40 of 100 now, 30 expected: by Yates 2 x 9.5² / 30 of those, 2 x 9.5² / 70 of the others."""
    then, now = np.repeat([0.0, 1.0], [80, 20]), np.repeat([0.0, 1.0], [60, 40])
    chi = 2 * 9.5**2 / 30 + 2 * 9.5**2 / 70
    assert two_sample_p(then, now) == pytest.approx(2 * norm.sf(np.sqrt(chi)))


def test_how_many_are_unknown_counts_as_well_and_the_smaller_p_is_doubled():
    """The known values are alike; 20 of 100 are unknown then and 40 now, the table of the test before."""
    then = np.concatenate([np.full(20, NAN), np.tile([1.0, 2.0], 40)])
    now = np.concatenate([np.full(40, NAN), np.tile([1.0, 2.0], 30)])
    chi = 2 * 9.5**2 / 30 + 2 * 9.5**2 / 70
    assert two_sample_p(then, now) == pytest.approx(2 * 2 * norm.sf(np.sqrt(chi)))


@pytest.mark.parametrize(
    ("then", "now"), [([1.0] * 60, [1.0] * 60), ([NAN] * 60, [NAN] * 60), ([1.0, 2.0] * 30, [2.0, 1.0] * 30)]
)
def test_where_nothing_differs_it_is_one(then, now):
    assert two_sample_p(np.array(then), np.array(now)) == 1.0


def test_a_signal_known_on_one_side_only_has_moved():
    assert two_sample_p(np.arange(200.0), np.full(200, NAN)) < 1e-60


def test_it_is_wrong_no_more_often_than_it_says():
    draw = np.random.default_rng(1)
    p = [two_sample_p(draw.poisson(2.0, 300).astype(float), draw.poisson(2.0, 300).astype(float)) for _ in range(400)]
    assert np.mean(np.array(p) <= 0.05) <= 0.06
    assert two_sample_p(draw.poisson(2.0, 300).astype(float), draw.poisson(3.0, 300).astype(float)) < 1e-6
