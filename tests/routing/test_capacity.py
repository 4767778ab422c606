"""The choice is the best that fits, counted against trying every set."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.routing.capacity import choose

CANDIDATES = st.lists(st.tuples(st.integers(0, 40), st.sampled_from([15, 20, 30, 60, 90])), max_size=9)


def best_of_all_sets(savings, minutes, budget):
    sets = (np.array(bits, dtype=bool) for bits in product([0, 1], repeat=len(savings)))
    return max(savings[one].sum() for one in sets if minutes[one].sum() <= budget)


def arrays(candidates):
    pairs = np.array(candidates, dtype=float).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1].astype(np.int64)


@settings(max_examples=150, deadline=None)
@given(CANDIDATES, st.integers(0, 400))
def test_no_set_that_fits_saves_more(candidates, budget):
    savings, minutes = arrays(candidates)
    found = choose(savings, minutes, budget)
    assert found.exact
    assert found.minutes == minutes[found.chosen].sum() <= budget
    assert found.value == savings[found.chosen].sum() == best_of_all_sets(savings, minutes, budget)


@settings(max_examples=150, deadline=None)
@given(CANDIDATES, st.integers(0, 400))
def test_by_saving_per_hour_it_fits_and_is_within_one_account_of_the_best(candidates, budget):
    savings, minutes = arrays(candidates)
    found = choose(savings, minutes, budget, most_work=-1)
    best = best_of_all_sets(savings, minutes, budget)
    assert minutes[found.chosen].sum() <= budget
    assert best - savings.max(initial=0) <= found.value <= best <= found.bound + 1e-9


def test_saving_per_hour_can_leave_hours_over_and_the_exact_choice_does_not():
    """One hour free: 10 for 15 minutes is the best ratio, but keeps out 30 for the whole hour."""
    savings, minutes = np.array([10.0, 30.0]), np.array([15, 60])
    assert choose(savings, minutes, 60, most_work=-1).value == 10
    assert choose(savings, minutes, 60).value == 30
    assert choose(savings, minutes, 75).value == 40


def test_earlier_candidates_win_ties_and_the_rest_of_the_time_goes_to_those_without_a_saving():
    found = choose(np.array([5.0, 5.0, 0.0, 0.0]), np.array([60, 60, 30, 15]), 105)
    assert found.chosen.tolist() == [True, False, True, True]
    assert (found.value, found.minutes) == (5.0, 105)


@pytest.mark.parametrize("budget", [0, -5, 10])
def test_without_hours_nobody_is_chosen(budget):
    found = choose(np.array([5.0]), np.array([15]), budget)
    assert (found.chosen.tolist(), found.value, found.minutes) == ([False], 0.0, 0)


def test_a_large_choice_is_exact_and_reaches_the_bound_but_for_one_account():
    rng = np.random.default_rng(3)
    savings, minutes = rng.gamma(0.5, 20, 100_000), rng.choice([15, 30, 60, 120], 100_000)
    found, ratio = choose(savings, minutes, 24_000), choose(savings, minutes, 24_000, most_work=-1)
    assert found.exact
    assert ratio.value <= found.value <= ratio.bound + 1e-6
    assert ratio.bound - found.value < savings.max()
