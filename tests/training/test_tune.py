from __future__ import annotations

from collections.abc import Callable

import numpy as np
import optuna
import pytest

from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Matrix
from milepost.training.candidates import Rows
from milepost.training.split import account_folds
from milepost.training.tune import Trial, chosen, tune
from milepost.windows import Windows

WINDOWS = Windows(28, 7, 30, 7)


@pytest.fixture(scope="module")
def train(world: tuple[Matrix, Outcomes]) -> tuple[Rows, Matrix]:
    matrix, outcomes = world
    folds = account_folds(matrix.rows["account_id"], 5, 7)
    return Rows(matrix.values, np.nan_to_num(outcomes.churned).astype(np.float64), folds), matrix


def test_without_trials_there_are_no_records_and_the_defaults_stay(
    train: tuple[Rows, Matrix], make_settings: Callable[..., Settings]
) -> None:
    rows, matrix = train
    assert tune(rows, matrix.rows["snapshot_date"], WINDOWS, make_settings(), print) == ((), {})


def test_the_defaults_come_first_the_best_wins_and_the_search_repeats_itself(
    train: tuple[Rows, Matrix], make_settings: Callable[..., Settings]
) -> None:
    rows, matrix = train
    settings = make_settings(training={"trials": 3})
    said: list[str] = []
    trials, best = tune(rows, matrix.rows["snapshot_date"], WINDOWS, settings, said.append)
    assert [trial.number for trial in trials] == [0, 1, 2]
    assert (trials[0].params["num_leaves"], trials[0].params["lambda_l2"]) == (8, 5.0)
    assert best == chosen(trials).params
    assert all(len(trial.fold_scores) == (3 if trial.pruned else 5) for trial in trials)
    assert len(said) == 3
    assert tune(rows, matrix.rows["snapshot_date"], WINDOWS, settings, said.append)[0] == trials


def test_a_search_that_was_stopped_goes_on_and_comes_to_the_same(
    train: tuple[Rows, Matrix], make_settings: Callable[..., Settings]
) -> None:
    rows, matrix = train

    def search(storage: object, trials: int) -> tuple[Trial, ...]:
        settings = make_settings(training={"trials": trials})
        return tune(rows, matrix.rows["snapshot_date"], WINDOWS, settings, lambda text: None, storage)[0]

    stopped = optuna.storages.InMemoryStorage()
    assert len(search(stopped, 2)) == 2

    def killed(text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        # the third set is tried, and the process ends before it is written down
        tune(rows, matrix.rows["snapshot_date"], WINDOWS, make_settings(training={"trials": 4}), killed, stopped)
    assert search(stopped, 4) == search(optuna.storages.InMemoryStorage(), 4)


def trial(number: int, leaves: int, scores: tuple[float, ...], pruned: bool = False) -> Trial:
    return Trial(number, {"num_leaves": leaves}, scores, float(np.mean(scores)), pruned)


def test_fewer_leaves_are_taken_where_the_loss_is_within_noise() -> None:
    best = trial(0, 12, (0.30, 0.32, 0.28))
    # worse by .01 ± .01 over three folds: the standard error is .0058, so .01 is beyond it; by .004 it is within
    beyond, within = trial(1, 4, (0.31, 0.34, 0.28)), trial(2, 6, (0.300, 0.324, 0.284))
    assert chosen((best, beyond, within)).number == 0
    near = trial(3, 6, (0.31, 0.31, 0.28))  # the mean is the same
    assert chosen((best, beyond, near)).number == 3


def test_a_trial_that_was_given_up_is_never_chosen() -> None:
    assert chosen((trial(0, 8, (0.3, 0.3)), trial(1, 3, (0.1, 0.1), pruned=True))).number == 0
