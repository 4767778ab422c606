"""The risk on later outcomes: silent where nothing changed or a season passes, loud where level or order is lost."""

from __future__ import annotations

import numpy as np

from milepost.review.change import Rows, holm
from milepost.review.foresight import (
    Foretold,
    auc,
    calibration,
    ranking_power,
    repeats,
)
from milepost.review.parts import Standing, judge


def foretold(seed, dates, factor=1.0, sharp=1.0, accounts=3000, season=0.0, first=0):
    """Risks around 3 % of the same accounts on every date; the truth is the risk times `factor` and the season's wave.

    sharp: how much of the order of the risks is true.
    """
    rng = np.random.default_rng(seed)
    score = rng.normal(size=(dates, accounts))
    risk = 1 / (1 + np.exp(4.2 - 1.2 * score))
    shown = 1 / (1 + np.exp(4.2 - 1.2 * (sharp * score + np.sqrt(1 - sharp**2) * rng.normal(size=score.shape))))
    wave = np.exp(season * np.sin(2 * np.pi * (first + np.arange(dates)) / 12))[:, None]
    churned = rng.random(risk.shape) < np.minimum(risk * factor * wave, 1)
    days = np.datetime64("2023-01-01") + 30 * (first + np.repeat(np.arange(dates), accounts))
    return Foretold(np.tile(np.arange(accounts), dates), days, shown.ravel(), churned.ravel().astype(float))


def alarms(seed, **changed):
    """The two standings of a review two cohorts after a training on twelve."""
    then, now = foretold(1000 + seed, 12, season=changed.pop("before", 0.0)), foretold(seed, 2, first=12, **changed)
    claims = [calibration(then, now), ranking_power(auc(foretold(2000 + seed, 2), 1), now, 1)]
    none = np.zeros(0)
    rows = Rows(none, none.astype(int), none[:, None], none.astype(int), none.astype(bool))
    return {part.name: part.standing for part in judge({}, (), rows, {}, claims)}


def test_where_nothing_changed_nothing_is_said():
    """40 reviews: an alarm in 5 % would be 2; a level that is off by under a quarter is tolerated."""
    wrong = sum(Standing.BROKEN in found or Standing.WEAKENING in found
                for seed in range(40) for found in [set(alarms(seed).values())])  # fmt: skip
    assert wrong <= 3


def test_a_season_that_was_there_before_is_no_change():
    for seed in range(10):
        assert alarms(seed, before=0.4, season=0.4)["calibration"] in (Standing.HOLDS, Standing.CANNOT_TELL)


def test_a_level_that_is_off_is_named():
    found = [alarms(seed, factor=2.5) for seed in range(10)]
    assert sum(one["calibration"] in (Standing.BROKEN, Standing.WEAKENING) for one in found) >= 9
    assert all(one["ranking power"] == Standing.HOLDS for one in found)


def test_an_order_that_is_lost_is_named():
    found = [alarms(seed, sharp=0.3) for seed in range(10)]
    assert sum(one["ranking power"] in (Standing.BROKEN, Standing.WEAKENING) for one in found) >= 9


def test_too_few_outcomes_are_no_verdict():
    few = foretold(1, 1, accounts=200)
    claim = calibration(foretold(2, 12), few)
    assert np.isnan(claim.p)
    assert not claim.seen
    assert claim.because == f"not enough data: {few.churned_accounts} churned accounts since the training, 20 needed"
    assert np.isnan(ranking_power((0.8, 0.01), few, 1).p)
    assert np.isnan(ranking_power((np.nan, np.nan), foretold(1, 2), 1).p)


def test_one_churn_seen_on_two_dates_counts_once():
    once = Foretold(np.array(["a", "b"]), np.array(["2024-01-01"] * 2, "M8[D]"), np.ones(2), np.array([1.0, 1.0]))
    twice = Foretold(np.array(["a", "a"]), np.array(["2024-01-01", "2024-02-01"], "M8[D]"), np.ones(2), np.ones(2))
    assert repeats(once) == 1
    assert repeats(twice) == 2


def test_more_parts_ask_for_more():
    claim = calibration(foretold(4, 12), foretold(5, 2, factor=1.8))
    assert holm([claim.p] * 1)[0] < holm([claim.p, *[0.5] * 20])[0]
