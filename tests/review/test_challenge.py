"""Champion against challenger: kept unless the new one is surely and noticeably better."""

from dataclasses import replace

import numpy as np
import pytest

from milepost.review.challenge import Met, challenge
from milepost.review.change import Rows
from milepost.review.parts import Standing, judge


def met(seed, champion=0.3, challenger=0.3, accounts=2000, dates=3):
    """Both see the same truth through noise of their own, in log-odds."""
    draw = np.random.default_rng(seed)
    log_odds = np.tile(-3 + 1.5 * draw.normal(size=accounts), dates)
    churned = (draw.random(len(log_odds)) < 1 / (1 + np.exp(-log_odds))).astype(float)

    def seen(noise):
        return 1 / (1 + np.exp(-log_odds - noise * draw.normal(size=len(log_odds))))

    days = np.datetime64("2024-01-01") + 30 * np.repeat(np.arange(dates), accounts)
    return Met(np.tile(np.arange(accounts), dates), days, seen(champion), seen(challenger), churned)


def standing(claim):
    none = np.zeros(0)
    rows = Rows(none, none.astype(int), none[:, None], none.astype(int), none.astype(bool))
    return judge({}, (), rows, {}, [claim])[0].standing


def test_the_difference_of_log_loss_worked_by_hand():
    """40 of 80 accounts churn. In use: a half for all, .6931. Anew: .8 and .2, -ln .8 = .2231: -.4700, and AUC +.5."""
    churned = np.repeat([1.0, 0.0], 40)
    one = Met(np.arange(80), np.full(80, np.datetime64("2024-01-01")), np.full(80, 0.5), 0.2 + 0.6 * churned, churned)
    claim = challenge(one, 1)
    assert (
        "anew for one date has log loss -0.4700 (-0.4700 to -0.4700) and AUC +0.500 (+0.500 to +0.500)" in claim.because
    )
    assert claim.because.endswith("on 80 rows with 40 churned accounts: the one trained anew is better")
    assert (standing(claim), claim.todo) == (Standing.WEAKENING, "take the new model: milepost train")


def test_the_same_model_is_kept():
    one = met(1)
    claim = challenge(replace(one, challenger=one.champion), 1)
    assert standing(claim) == Standing.HOLDS
    assert claim.because.endswith("keep the model in use")


def test_of_two_that_are_as_good_the_one_in_use_stays():
    assert {standing(challenge(met(seed), 1)) for seed in range(30)} <= {Standing.HOLDS, Standing.CANNOT_TELL}


def test_a_worse_challenger_does_not_matter_and_a_better_one_does():
    assert standing(challenge(met(2, champion=0.1, challenger=2.0), 1)) != Standing.WEAKENING
    assert standing(challenge(met(2, champion=2.0, challenger=0.1), 1)) == Standing.WEAKENING


def test_under_twenty_churned_accounts_cannot_tell():
    one = met(3, accounts=60, dates=1)
    claim = challenge(replace(one, churned=np.where(np.arange(60) < 19, 1.0, 0.0)), 1)
    assert claim.because == "not enough data: 19 churned accounts since the training, 20 needed"
    assert standing(claim) == Standing.CANNOT_TELL
    assert claim.p != pytest.approx(0)
