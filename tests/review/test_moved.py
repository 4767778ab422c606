"""Drift needs size and certainty, and more than what moves by itself."""

import numpy as np
import pytest

from milepost.review.change import Rows
from milepost.review.moved import MOST_ACCOUNTS, drawn, inputs_claim, moved, scores_claim
from milepost.review.parts import Standing, judge

DAYS = np.array([f"2024-{month:02}-01" for month in range(1, 13)], "M8[D]")
SINCE = DAYS[8]  # September: three months later is December


def product(seed=0, accounts=600, signals=40, now=lambda values: values, of_month=lambda month, values: values):
    """Twelve months of accounts drawn anew from one population; `now` changes those after September."""

    def at(day):
        month = int((day.astype("M8[M]") - DAYS[0].astype("M8[M]")).astype(int))
        values = np.random.default_rng([seed, month]).normal(size=(accounts, signals))
        values = of_month(month, values)
        return now(values) if day > SINCE else values

    return moved([f"s{place}" for place in range(signals)], DAYS, at, SINCE)


def standing(claim):
    none = np.zeros(0)
    rows = Rows(none, none.astype(int), none[:, None], none.astype(int), none.astype(bool))
    return judge({}, (), rows, {}, [claim])[0].standing


def shifted(by, count=1):
    def change(values):
        values = values.copy()
        values[:, :count] += by
        return values

    return change


def test_where_nothing_changed_nothing_moved():
    """60 reviews of 40 signals: not one alarm."""
    claims = [inputs_claim(product(seed), SINCE) for seed in range(60)]
    assert {standing(claim) for claim in claims} == {Standing.HOLDS}
    assert "none of 40 signals lies otherwise than at each of the last 6 snapshots up to 2024-09-01" in (
        claims[0].because
    )


def test_a_signal_that_moved_is_named_and_nothing_else():
    found = product(now=shifted(1.0))
    assert found.drifted["signal"].tolist() == ["s0"]
    claim = inputs_claim(found, SINCE)
    assert claim.because.startswith("1 of 40 signals lies otherwise than at each of the last 6 snapshots")
    assert standing(claim) == Standing.WEAKENING
    assert "s0 (PSI " in claim.because


def test_half_of_the_signals_is_broken():
    assert standing(inputs_claim(product(now=shifted(1.0, 20)), SINCE)) == Standing.BROKEN
    assert standing(inputs_claim(product(now=shifted(1.0, 19)), SINCE)) == Standing.WEAKENING


def test_a_sure_trifle_is_no_drift():
    """5,000 accounts and 0.2 standard deviations: p under a hundred millionth, PSI about .2² = .04."""
    found = product(accounts=5000, signals=5, now=shifted(0.2))
    assert float(found.signals.set_index("signal").loc["s0", "q"]) < 1e-8
    assert not found.signals["drifted"].any()
    assert standing(inputs_claim(found, SINCE)) == Standing.HOLDS


def test_a_large_index_of_few_accounts_is_no_drift_and_cannot_be_told():
    found = product(accounts=60)
    assert found.signals["psi"].max() > 0.2
    assert standing(inputs_claim(found, SINCE)) == Standing.CANNOT_TELL
    few = inputs_claim(product(accounts=49), SINCE)
    assert few.because == "not enough data: 49 accounts up to 2024-09-01 and 49 now, 50 needed"
    assert standing(few) == Standing.CANNOT_TELL


def test_what_was_so_on_another_snapshot_is_no_drift():
    """Every third month lies elsewhere, as where it begins on a Monday: December is like June, not like September."""
    found = product(of_month=lambda month, values: values + 2.0 * (month % 3 == 2) * (month != 8))
    assert not found.signals["drifted"].any()


def test_what_grows_by_itself_is_no_drift_and_a_jump_is():
    """A quarter of a standard deviation a month: .75² = .56 in three months, then as now."""
    grows = product(of_month=lambda month, values: values + 0.25 * month)
    assert grows.signals["psi"].min() > 0.25
    assert not grows.signals["drifted"].any()
    jumps = product(of_month=lambda month, values: values + 0.25 * month, now=shifted(1.0))
    assert jumps.drifted["signal"].tolist() == ["s0"]


def test_without_a_snapshot_on_both_sides_it_cannot_be_told():
    assert moved(["s0"], DAYS, lambda day: np.ones((60, 1)), DAYS[-1]) is None
    assert moved(["s0"], DAYS, lambda day: np.ones((60, 1)), DAYS[0] - 1) is None
    claim = inputs_claim(None, SINCE)
    assert claim.because == "no snapshot up to 2024-09-01 to compare with, or none after it"
    assert standing(claim) == standing(scores_claim(None, SINCE, (0.1, 0.1))) == Standing.CANNOT_TELL


def test_scores_are_one_signal():
    same, other = product(signals=1), product(signals=1, now=shifted(1.0))
    claim = scores_claim(other, SINCE, (0.02, 0.05))
    assert standing(claim) == Standing.WEAKENING
    assert claim.because.startswith("churn risks lie otherwise than up to 2024-09-01 (PSI ")
    assert claim.because.endswith("the middle risk was 0.020 and is 0.050")
    assert standing(scores_claim(same, SINCE, (0.02, 0.02))) == Standing.HOLDS


@pytest.mark.parametrize("accounts", [0, 10, MOST_ACCOUNTS, MOST_ACCOUNTS + 1, 20000])
def test_of_many_accounts_some_are_compared_always_the_same(accounts):
    places = drawn(accounts, 7)
    assert len(places) == len(np.unique(places)) == min(accounts, MOST_ACCOUNTS)
    assert (np.diff(places) > 0).all()
    assert (drawn(accounts, 7) == places).all()
