"""Adoption that lasts, on states written by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from milepost.importance.effect import Effect
from milepost.importance.persistence import kept_up, persistence
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.windows import Windows


def seen(states: np.ndarray, days: tuple[str, ...] = ("2023-01-01", "2023-01-31", "2023-03-02")) -> Observations:
    """states: bool [snapshots × accounts], one feature; by default 30 days apart."""
    snapshots, accounts = states.shape
    context = pd.DataFrame({
        "account_id": np.tile([f"a{place:05d}" for place in range(accounts)], snapshots),
        "snapshot_date": np.repeat(pd.to_datetime(list(days[:snapshots])), accounts),
    })  # fmt: skip
    counts = states.reshape(-1, 1).astype(np.float32)
    matrix = Matrix(np.zeros((len(counts), 0), np.float32), context, (), "")
    feature = (Feature("f", ("e",), "c"),)
    return Observations(matrix, feature, counts, np.ones(counts.shape, bool), False, context, Windows())


def share(observations: Observations) -> float:
    return float(persistence(observations, observations.eligible)[0])


def states(lapse: tuple[int, int], begin: int = 0) -> np.ndarray:
    """400 accounts, the first 200 adopters; so many of them without it at the second and third snapshot."""
    adopted = np.zeros((3, 400), bool)
    adopted[:, :200] = True
    adopted[1, : lapse[0]] = False
    adopted[2, : lapse[1]] = False
    adopted[1:, 200 : 200 + begin] = True
    return adopted


def test_every_part_of_the_outcome_window_counts_by_its_days() -> None:
    # the window is days 14 to 70: 16 days of the first snapshot, 30 of the second, 10 of the third; only the first
    # snapshot's window is reached by the last one. 20 and then 40 of 200 adopters lapse:
    assert share(seen(states((20, 40)))) == pytest.approx((16 * 1.0 + 30 * 0.9 + 10 * 0.8) / 56)


def test_others_who_begin_take_away_from_it() -> None:
    assert share(seen(states((20, 40), begin=20))) == pytest.approx((16 + 30 * (0.9 - 0.1) + 10 * (0.8 - 0.1)) / 56)


def test_adoption_that_never_changes_lasts() -> None:
    assert share(seen(states((0, 0)))) == 1.0


def test_what_comes_and_goes_counts_as_three_quarters_at_least() -> None:
    assert share(seen(states((200, 200)))) == 0.75


@pytest.mark.parametrize("snapshots", [1, 2])
def test_snapshots_that_do_not_reach_the_windows_end_tell_nothing(snapshots: int) -> None:
    days = ("2023-01-01", "2023-01-11")  # with a step of ten days the second speaks until day 20 of 70
    assert share(seen(states((20, 40))[:snapshots], days)) == 1.0


def test_too_few_who_are_seen_again_tell_nothing() -> None:
    few = states((20, 40))
    few[:, 24:200] = False  # each is seen again twice
    assert share(seen(few)) == 1.0
    few[:, 24] = True
    assert share(seen(few)) < 1.0


def test_a_step_of_the_set_up_is_done_once() -> None:
    observations = seen(states((20, 40)))
    step = replace(observations, features=(replace(observations.features[0], setup_step=1),))
    assert share(step) == 1.0


def test_accounts_without_access_are_not_asked() -> None:
    observations = seen(states((20, 40)))
    allowed = observations.eligible.copy()
    allowed[np.tile(np.arange(400) < 20, 3)] = False  # the 20 who lapse at once
    assert persistence(observations, allowed)[0] == pytest.approx((16 + 30 + 10 * 160 / 180) / 56)


def test_the_order_of_rows_does_not_matter() -> None:
    observations = seen(states((20, 40), begin=7))
    order = np.random.default_rng(3).permutation(len(observations.counts))
    assert share(observations.take(order)) == share(observations)


def test_an_effect_grows_with_its_interval_and_the_test_stays() -> None:
    effect = Effect(1.8, 0.9, 2.7, 0.0001, 0.45, 0.82, np.array([0.3, -0.3]), 100)
    grown = kept_up(effect, 0.9)
    assert (grown.effect, grown.low, grown.high, grown.error) == pytest.approx((2.0, 1.0, 3.0, 0.5))
    assert grown.p == effect.p
    assert grown.risk_ratio == pytest.approx(0.8)
    assert grown.influence.tolist() == pytest.approx([1 / 3, -1 / 3])
    assert kept_up(effect, 1.0) is effect


def test_an_effect_that_cannot_be_known_stays_unknown() -> None:
    nan = float("nan")
    unknown = Effect(nan, nan, nan, nan, nan, nan, np.zeros(2), 0)
    assert np.isnan(kept_up(unknown, 0.8).effect)
    assert np.isnan(kept_up(unknown, 0.8).risk_ratio)
