from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Matrix
from milepost.training.candidates import Rows
from milepost.training.split import account_folds
from milepost.training.tune import tune
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
    assert best == min(trials, key=lambda trial: trial.score).params
    assert all(len(trial.fold_scores) == 5 for trial in trials)
    assert len(said) == 3
    assert tune(rows, matrix.rows["snapshot_date"], WINDOWS, settings, said.append)[0] == trials
