"""A season that is known, one that is not there, and one that cannot be told."""

import numpy as np
import pytest
from scipy.special import expit

from milepost.training.calibrate import fit_calibrator
from milepost.training.season import Season, When, fit_season, levelled

TRUE = Season(0.0, 0.4, 0.3)  # height 0.5


def rows(season: Season, dates: int = 12, accounts: int = 3000, seed: int = 1):
    """Log-odds around -3, a snapshot a month from 2023 on, each account once."""
    rng = np.random.default_rng(seed)
    months = (np.datetime64("2023-01", "M") + np.arange(dates)).astype("datetime64[D]")
    days = np.repeat(months, accounts)
    odds = rng.normal(-3.0, 0.8, len(days))
    churned = (rng.random(len(days)) < expit(odds + season.at(days))).astype(float)
    return odds, churned, When(days, np.arange(len(days)))


def test_the_day_of_the_year_by_hand() -> None:
    """1 January is the start of the turn; 2 July 2023 is day 182, half of it, and the cosine turns round."""
    found = Season(0.1, 0.0, 0.2).at(np.array(["2023-01-01", "2023-07-02", "NaT"], dtype="datetime64[D]"))
    assert found == pytest.approx([0.3, -0.1, 0.1], abs=1e-3)
    assert Season(0.1, 0.0, 0.2).at(None) == 0.1


def test_a_season_is_found_and_its_risks_are_right_month_by_month() -> None:
    odds, churned, when = rows(TRUE)
    found = fit_season(odds, churned, when)
    assert (found.sine, found.cosine) == (pytest.approx(0.4, abs=0.1), pytest.approx(0.3, abs=0.1))
    calibrator = fit_calibrator(odds, churned, when)
    months = when.days.astype("datetime64[M]")
    for month in np.unique(months):
        inside = months == month
        share = calibrator.risk(odds[inside], when.days[inside]).mean()
        assert churned[inside].mean() / share == pytest.approx(1, abs=0.25)


def test_where_there_is_none_little_is_found() -> None:
    """900 churned rows: the height is chance, about 0.05."""
    assert max(fit_season(*rows(Season(), seed=seed)).height for seed in range(5)) < 0.15


def test_few_churned_rows_leave_little_of_it() -> None:
    """About 10 churned rows against a prior of 25 on each part."""
    many, few = fit_season(*rows(TRUE)), fit_season(*rows(TRUE, accounts=15))
    assert few.height < 0.5 * many.height


def test_rows_that_repeat_one_churn_count_less() -> None:
    odds, churned, when = rows(TRUE, accounts=60)
    twice = When(np.tile(when.days, 2), np.tile(when.accounts, 2))
    once, doubled = fit_season(odds, churned, when), fit_season(np.tile(odds, 2), np.tile(churned, 2), twice)
    assert (doubled.sine, doubled.cosine) == pytest.approx((once.sine, once.cosine), abs=1e-6)


def test_under_300_days_a_season_cannot_be_told() -> None:
    assert fit_season(*rows(TRUE, dates=10)) == Season()
    assert fit_season(*rows(TRUE, dates=11)).height > 0.2


def test_the_level_follows_the_rows_it_is_set_on() -> None:
    """Half the churn of a quiet half-year is not taken for the season: the wave stays, the shift brings the sum."""
    odds, churned, when = rows(TRUE)
    late = when.days >= np.datetime64("2023-07-01")
    found = levelled(TRUE, odds[late], churned[late], when.take(late))
    assert (found.sine, found.cosine) == (TRUE.sine, TRUE.cosine)
    assert expit(odds[late] + found.at(when.days[late])).sum() == pytest.approx(churned[late].sum())


def test_a_calibrator_without_dates_is_as_it_was() -> None:
    odds, churned, when = rows(TRUE)
    plain = fit_calibrator(odds, churned)
    assert plain.season == Season()
    np.testing.assert_array_equal(plain.risk(odds), plain.risk(odds, when.days))
    assert (np.diff(fit_calibrator(odds, churned, when).risk(np.sort(odds))) >= 0).all()
