"""Cases worked out elsewhere, to their printed digits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from milepost.experiments.check import sample_ratio
from milepost.experiments.estimates import conversion, mean, p_not_worse, ratio
from milepost.experiments.power import accounts_for_shares
from milepost.experiments.robust import holm, robustness_value
from milepost.experiments.sequential import even, inflation, power, spend
from milepost.importance.effect import e_value


def shares(hits, size):
    return np.repeat([1.0, 0.0], [hits, size - hits])


def test_cookie_cats_day_7():
    found = conversion(shares(8502, 44700), shares(8279, 45489))
    assert found.difference == pytest.approx(-0.0082013, abs=5e-8)
    assert stats.norm.isf(found.p / 2) == pytest.approx(3.164359, abs=5e-7)
    assert found.p == pytest.approx(0.00155425, abs=5e-9)
    assert (found.low, found.high) == (pytest.approx(-0.0132819, abs=5e-8), pytest.approx(-0.0031213, abs=5e-8))


def test_cookie_cats_sample_ratio():
    found = sample_ratio([44700, 45489], [1, 1])
    assert found.statistic == pytest.approx(6.9024, abs=5e-5)
    assert found.p == pytest.approx(0.008608, abs=5e-7)


def test_newcombe_1998():
    found = conversion(shares(48, 80), shares(56, 70))
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)


def test_accounts_for_a_half_to_three_quarters():
    assert round(accounts_for_shares(0.50, 0.75, power=0.9), 1) == 76.7


def test_holm():
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]).round(2).tolist() == [0.05, 0.08, 0.09, 0.09, 0.09]


def test_holm_leaves_unknown_ones_out():
    assert np.isnan(holm([0.01, np.nan, 0.04])).tolist() == [False, True, False]
    assert holm([0.01, np.nan, 0.04])[[0, 2]].round(4).tolist() == [0.02, 0.04]


@pytest.mark.parametrize(("ratio_of_churn", "expected"), [(3.9, 7.2630), (1.8, 3.0)])
def test_e_values(ratio_of_churn, expected):
    assert e_value(ratio_of_churn) == pytest.approx(expected, abs=5e-5)


def test_robustness_value():
    assert robustness_value(4.18445, 783) == pytest.approx(0.138776, abs=5e-7)


@pytest.mark.parametrize(
    ("looks", "bounds"),
    [(4, [4.3326, 2.9631, 2.3590, 2.0141]), (5, [4.8769, 3.3570, 2.6803, 2.2898, 2.0310]), (1, [1.9600])],
)
def test_bounds_of_evenly_spaced_looks(looks, bounds):
    assert [round(bound, 4) for bound in even(looks).bounds] == bounds


def test_bounds_are_cut_at_eight():
    assert spend((0.01, 1.0)).bounds[0] == 8.0


def test_over_all_looks_alpha_is_spent_and_power_kept():
    design = even(4)
    assert power(design, 0.0)[-1] == pytest.approx(0.05, abs=1e-6)
    drift = (stats.norm.isf(0.025) + stats.norm.ppf(0.8)) * np.sqrt(inflation(design))
    assert power(design, drift)[-1] == pytest.approx(0.8, abs=1e-4)
    assert 1.0 < inflation(design) < 1.05  # the well-known price of O'Brien–Fleming looks


@pytest.mark.parametrize("shares_of", [(), (0.0, 1.0), (0.5, 0.5), (0.5, 1.2)])
def test_looks_that_do_not_rise_are_refused(shares_of):
    with pytest.raises(ValueError, match="rise"):
        spend(shares_of)


def test_welch_by_hand():
    # means 2 and 5; variances 1 and 4 over 5 accounts each; t = 3 / sqrt(1)
    control, treated = np.array([1, 1, 2, 3, 3.0]), np.array([3, 3, 5, 7, 7.0])
    found = mean(control, treated)
    assert found.difference == 3.0
    assert found.p == pytest.approx(stats.ttest_ind(treated, control, equal_var=False).pvalue)
    wanted = stats.ttest_ind(treated, control, equal_var=False).confidence_interval()
    assert (found.low, found.high) == (pytest.approx(wanted.low), pytest.approx(wanted.high))


def test_a_ratio_of_totals_with_equal_denominators_is_welch():
    draws = np.random.default_rng(3)
    control, treated = draws.gamma(2, 3, 40), draws.gamma(2, 4, 60)
    both = ratio((control, np.full(40, 2.0)), (treated, np.full(60, 2.0)))
    alone = mean(control / 2, treated / 2)
    assert (both.difference, both.low, both.p) == pytest.approx((alone.difference, alone.low, alone.p))


def test_not_worse_by_a_margin():
    # 80 % against 80 %: not worse by 10 points with 500 an arm, open with 50
    assert p_not_worse(shares(400, 500), shares(400, 500), 0.10) < 0.001
    assert p_not_worse(shares(40, 50), shares(40, 50), 0.10) > 0.05
    # a fall of exactly the margin is rejected half of the time
    assert p_not_worse(shares(400, 500), shares(350, 500), 0.10) == pytest.approx(0.5, abs=1e-6)
