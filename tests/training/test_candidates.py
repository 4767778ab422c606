from __future__ import annotations

import numpy as np
import pytest

from milepost.training.candidates import BOOSTING, FOREST, LOGISTIC, Rows, best_step, cross_fit, fit, recipe


def memorable(rows: int = 600) -> Rows:
    """Rows that come in twins: the outcome is chance, but a model that saw one twin knows the other."""
    random = np.random.default_rng(1)
    twins = random.normal(size=(rows // 2, 4)).astype(np.float32)
    outcome = (random.random(rows // 2) < 0.5).astype(np.float64)
    return Rows(np.repeat(twins, 2, axis=0), np.repeat(outcome, 2), np.repeat(np.arange(rows // 2) % 5, 2))


@pytest.mark.parametrize("kind", [BOOSTING, LOGISTIC, FOREST])
def test_no_row_is_predicted_by_a_model_that_saw_its_fold(kind: str) -> None:
    rows = memorable()
    (inside,) = cross_fit(recipe(kind, seed=3, threads=2), rows)
    flipped = Rows(rows.values, np.where(rows.folds == 2, 1 - rows.churned, rows.churned), rows.folds)
    (again,) = cross_fit(recipe(kind, seed=3, threads=2), flipped)
    np.testing.assert_array_equal(inside[:, rows.folds == 2], again[:, rows.folds == 2])
    assert (inside[:, rows.folds != 2] != again[:, rows.folds != 2]).any()


@pytest.mark.parametrize("kind", [BOOSTING, LOGISTIC, FOREST])
def test_folds_side_by_side_change_no_digit(kind: str) -> None:
    rows = memorable()
    one, four = (cross_fit(recipe(kind, seed=3, threads=threads), rows)[0] for threads in (1, 4))
    np.testing.assert_array_equal(one, four)


def test_the_best_step_is_the_one_with_the_smallest_log_loss_and_the_earliest_of_equals() -> None:
    churned = np.array([1.0, 0.0])
    assert best_step(np.array([[0.0, 0.0], [2.0, -2.0], [2.0, -2.0], [-9.0, 9.0]]), churned) == 1


def test_one_outcome_only_predicts_nearly_that() -> None:
    rows = memorable()
    predict = fit(recipe(LOGISTIC, 0, 1), Rows(rows.values, np.zeros(600), rows.folds))
    assert predict(rows.values[:2])[0] == pytest.approx([np.log(1 / 601)] * 2)
