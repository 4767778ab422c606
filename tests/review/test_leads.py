"""Does a milestone still lead to the next: sides by date, silent where nothing changed, loud where it stops."""

import numpy as np
import pytest

from milepost.importance.design import Design
from milepost.review.change import Rows
from milepost.review.leads import Lead, lead_claim
from milepost.review.parts import Standing, judge

SINCE = 1000


def lead(seed, then=1.5, now=1.5, accounts=1500):
    """Half before the day and half since; the log-odds of missing the next fall by `then`, `now` with the first."""
    draw = np.random.default_rng(seed)
    late, reached = np.arange(accounts) >= accounts // 2, draw.random(accounts) < 0.4
    missed = draw.random(accounts) < 1 / (1 + np.exp(-0.5 + np.where(late, now, then) * reached))
    begins = np.where(late, SINCE, SINCE - 100)
    design = Design(
        missed.astype(float), np.arange(accounts), accounts, np.ones((accounts, 1)), 0, None,
        np.zeros((accounts, 0), dtype=np.intp),
    )  # fmt: skip
    return Lead("setup", "activation", design, reached, begins, begins + 63)


def standing(claim):
    none = np.zeros(0)
    rows = Rows(none, none.astype(int), none[:, None], none.astype(int), none.astype(bool))
    return judge({}, (), rows, {}, [claim])[0].standing


def test_times_that_lie_across_the_day_are_on_neither_side():
    """The day is 100. A time that ends on it was before, one that begins on it since."""
    begins, ends = np.array([30, 37, 38, 99, 100, 130]), np.array([93, 100, 101, 162, 163, 193])
    none = np.zeros((6, 0), dtype=np.intp)
    design = Design(np.array([1.0, 0, 1, 0, 1, 0]), np.arange(6), 6, np.ones((6, 1)), 0, None, none)
    rows, reached = Lead("a", "b", design, np.array([True, False] * 3), begins, ends).rows(100)
    assert rows.now.tolist() == [False, False, True, True]
    assert rows.churned.tolist() == [1, 0, 1, 0]
    assert reached.tolist() == [True, False, True, False]


def test_where_nothing_changed_nothing_is_said():
    said = [standing(lead_claim(lead(seed), SINCE)) for seed in range(60)]
    assert said.count(Standing.HOLDS) >= 58
    assert sum(one in (Standing.WEAKENING, Standing.BROKEN) for one in said) <= 3


def test_a_milestone_that_no_longer_leads_on_is_broken():
    said = [lead_claim(lead(seed, now=0.0), SINCE) for seed in range(10)]
    assert [standing(claim) for claim in said].count(Standing.BROKEN) >= 9
    assert said[0].because.startswith("odds of activation with setup × ")
    assert said[0].name == "setup to activation"
    assert standing(lead_claim(lead(1, then=2.5, now=1.0, accounts=4000), SINCE)) == Standing.WEAKENING


def test_more_that_reach_it_is_no_alarm():
    assert standing(lead_claim(lead(2, then=0.8, now=2.5), SINCE)) == Standing.HOLDS


@pytest.mark.parametrize("accounts", [0, 60, 150])
def test_few_accounts_cannot_tell(accounts):
    claim = lead_claim(lead(3, accounts=accounts), SINCE)
    assert standing(claim) == Standing.CANNOT_TELL
    assert claim.because.startswith("not enough data: since then ")


def test_what_was_never_clear_is_said_to_be_so():
    claim = lead_claim(lead(4, then=0.0, now=0.0), SINCE)
    assert claim.because.endswith("it was not clear before")
    assert standing(claim) == Standing.CANNOT_TELL
