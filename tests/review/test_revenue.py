"""Score against revenue: worked by hand, silent where nothing changed or prices rise, loud where they part."""

import numpy as np
import pytest

from milepost.review.change import Rows
from milepost.review.parts import Standing, judge
from milepost.review.revenue import Paid, revenue

DAY = np.datetime64("2024-01-01")


def paid(seed, accounts=3000, follows=2.0, more=0.1):
    """Risk uniform; a fifth pays less or more, by odds that rise with the risk as `follows` says."""
    draw = np.random.default_rng(seed)
    risk = draw.random(accounts)
    less = draw.random(accounts) < 1 / (1 + np.exp(-follows * 2 * (risk - 0.5)))
    change = np.where(draw.random(accounts) < 2 * more, np.where(less, -0.1, 0.1), 0.0)
    return Paid(np.arange(accounts), np.full(accounts, DAY), risk, change)


def standing(claim):
    none = np.zeros(0)
    rows = Rows(none, none.astype(int), none[:, None], none.astype(int), none.astype(bool))
    return judge({}, (), rows, {}, [claim])[0].standing


def test_who_disagrees_worked_by_hand():
    """Nine accounts in thirds. High risk: one pays more, two less. Low: one left, one pays more, one unchanged."""
    risk = np.arange(1, 10) / 10
    change = np.array([-1.0, 0.05, 0.0, 0.05, -0.05, 0.0, 0.05, -0.05, -0.05])
    one = Paid(np.arange(9), np.full(9, DAY), risk, change)
    assert one.against == pytest.approx(2 / 9)
    # unchanged rows are in no pair; those that pay less: .1 .5 .8 .9, more: .2 .4 .7
    moved = one.moved
    assert moved.risk.tolist() == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.7, 0.8, 0.9])
    assert moved.churned.tolist() == [1, 0, 0, 1, 0, 1, 1]
    unknown = Paid(np.arange(9), np.full(9, DAY), risk, np.where(risk < 0.15, np.nan, change))
    # of the eight known ones the lowest third are .2 and .3: none of them pays less
    assert unknown.against == pytest.approx(1 / 8)


def test_where_nothing_changed_nothing_is_said():
    said = [standing(revenue(paid(1000 + seed), paid(seed), 1)) for seed in range(40)]
    assert set(said) <= {Standing.HOLDS, Standing.CANNOT_TELL}


def test_prices_that_rise_for_everybody_are_no_change():
    """Everybody who stays pays a tenth more than otherwise: 1.1 of what it was."""
    now = paid(3)
    left = now.change < 0
    before = Paid(now.account, now.date, now.risk, np.where(left, -1.0, now.change))
    dearer = Paid(now.account, now.date, now.risk, np.where(left, -1.0, 1.1 * (1 + now.change) - 1))
    assert revenue(paid(4), dearer, 1) == revenue(paid(4), before, 1)
    assert standing(revenue(paid(4), paid(5, more=0.3), 1)) == Standing.HOLDS


def test_a_score_that_no_longer_says_who_pays_more_is_named():
    claim = revenue(paid(1), paid(2, follows=-0.5), 1)
    assert standing(claim) == Standing.BROKEN
    assert "in training" in claim.because
    assert standing(revenue(paid(1), paid(2, follows=0.7, accounts=6000), 1)) == Standing.WEAKENING


def test_too_few_that_pay_less_or_more_are_no_verdict():
    few = revenue(paid(1), paid(2, accounts=50), 1)
    assert few.because.endswith("that pay more since the training, 20 of each needed")
    before = revenue(paid(2, accounts=50), paid(1), 1)
    assert "how it was before is not known" in before.because
    assert standing(few) == standing(before) == Standing.CANNOT_TELL
    none = Paid(np.zeros(0), np.zeros(0, "M8[D]"), np.zeros(0), np.zeros(0))
    assert standing(revenue(none, none, 1)) == Standing.CANNOT_TELL
