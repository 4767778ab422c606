"""What moved is said, what did not is not, and what cannot be known is said so; truths worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from milepost.review.beside import Told, inputs, revenue, scores
from milepost.review.drift import Drift

DRAW = np.random.default_rng(5)


def moved(*psi):
    frame = pd.DataFrame({"signal": [f"s{n}" for n in range(len(psi))], "psi": psi, "limit": 0.25})
    return Drift(frame.assign(drifted=frame["psi"] > frame["limit"]), (100, 100))


def test_signals_that_lie_otherwise_are_named():
    assert inputs(None).told is Told.CANNOT_TELL
    assert inputs(moved(0.2, 0.1)).told is Told.AS_BEFORE
    assert "0.10" not in inputs(moved(0.3, 0.1)).text
    found = inputs(moved(0.9, 0.3, 0.1))
    assert found.told is Told.MOVED
    assert found.text.startswith("Inputs: 2 of 3 signals lie otherwise than in training: s0 (PSI 0.90), s1 (PSI 0.30)")


def test_scores_move_only_where_size_and_chance_agree():
    then = DRAW.beta(1, 12, 4000)
    assert scores(then, DRAW.beta(1, 12, 4000)).told is Told.AS_BEFORE
    assert scores(then, then * 3).told is Told.MOVED
    # certain, and a trifle
    trifle = scores(then, DRAW.beta(1, 12, 4000) * 1.15)
    assert trifle.told is Told.AS_BEFORE
    assert scores(then[:49], then).told is Told.CANNOT_TELL


def test_equal_risks_give_an_index_of_nothing():
    assert (
        "as at the last date learnt from (PSI 0.00, p 1); the middle risk was 0.100 then and is 0.100."
        in scores(np.full(60, 0.1), np.full(60, 0.1)).text
    )


def test_scores_of_one_population_seldom_move():
    told = [scores(DRAW.beta(1, 12, 300), DRAW.beta(1, 12, 300)).told for _ in range(200)]
    assert told.count(Told.MOVED) <= 4


def test_revenue_worked_by_hand():
    """90 accounts in three thirds; of those with a high risk 20 pay more, of those with a low one 10 pay less."""
    risk = np.repeat([0.1, 0.2, 0.3], 30) + np.arange(90) / 1e6
    before, after = np.full(90, 100.0), np.full(90, 100.0)
    after[:10] = 90
    after[30:60] = 110
    after[60:80] = 110
    found = revenue(risk, before, after)
    # 30 of 90 disagree; unrelated: 1/3 of 50/90 and 1/3 of 10/90, which is 22.2 %
    assert "33.3% (24.5% to 43.6%) of 90 accounts" in found.text
    assert "22.2% would if the two were unrelated: they disagree for many accounts." in found.text
    assert found.told is Told.MOVED


def test_revenue_that_follows_the_risk_or_has_nothing_to_do_with_it():
    risk = DRAW.random(3000)
    fits = np.where(risk > 0.5, 90.0, 110.0)
    assert revenue(risk, np.full(3000, 100.0), fits).told is Told.AS_BEFORE
    told = [revenue(risk, np.full(3000, 100.0), 100 + DRAW.choice([-5.0, 0.0, 5.0], 3000)).told for _ in range(100)]
    assert told.count(Told.MOVED) <= 6


@pytest.mark.parametrize("after", [np.full(200, 100.0), np.full(200, np.nan), np.zeros(200)])
def test_without_changes_it_cannot_be_told(after):
    found = revenue(DRAW.random(200), np.full(200, 100.0), after)
    assert found.told is Told.CANNOT_TELL
    assert "0 accounts that stayed pay another amount, 50 are needed" in found.text
