from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from milepost.errors import NotEnoughData
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Matrix
from milepost.signals.spec import Signal
from milepost.training import evaluate
from milepost.training.train import Training, choose_champion, train_models
from milepost.windows import Windows

WINDOWS = Windows(28, 7, 30, 7)
World = tuple[Matrix, Outcomes]
MakeSettings = Callable[..., Settings]


def silent(text: str) -> None:
    pass


def test_every_model_is_measured_both_ways_on_the_same_rows(world: World, training: Training) -> None:
    found = training.evaluation
    assert set(found.shared) == set(found.disjoint) == {"boosting", "logistic", "forest", "base_rate"}
    sizes = {metrics.test_rows for part in (found.shared, found.disjoint) for metrics in part.values()}
    assert sizes == {len(found.split.test)} == {len(found.predictions)}
    np.testing.assert_array_equal(found.outcome, world[1].churned[found.split.test])


def test_the_models_learn_what_made_the_accounts_leave(training: Training) -> None:
    for kind in ("boosting", "logistic", "forest"):
        assert training.evaluation.disjoint[kind].roc_auc > 0.72
    assert training.evaluation.disjoint["base_rate"].roc_auc == 0.5
    assert training.evaluation.best.calibration_error < 0.05


def test_boosting_is_only_taken_where_it_is_ahead_beyond_noise() -> None:
    random = np.random.default_rng(6)
    odds = random.normal(-1, 1.5, 3_000)
    churned, accounts = (random.random(3_000) < expit(odds)).astype(float), pd.Series(range(3_000)).astype(str)
    blurred, hardly = expit(odds + random.normal(0, 1, 3_000)), expit(odds + random.normal(0, 0.05, 3_000))

    def chosen(boosting: np.ndarray, logistic: np.ndarray) -> tuple[str, str]:
        return choose_champion({"boosting": boosting, "logistic": logistic}, churned, accounts, seed=1)

    kind, because = chosen(expit(odds), blurred)
    assert kind == "boosting"
    assert "below that of logistic regression: -0." in because
    assert chosen(blurred, expit(odds)) == ("logistic", "it has the smallest log loss")
    better = expit(odds) if evaluate.log_loss(expit(odds), churned) < evaluate.log_loss(hardly, churned) else hardly
    other = hardly if better is not hardly else expit(odds)
    kind, because = chosen(better, other)
    assert kind == "logistic"
    assert because.startswith("it is simpler, and the log loss of boosting is not below it")


def test_the_champion_is_the_model_and_is_told_beside_every_other(training: Training) -> None:
    found = training.evaluation
    assert found.champion == training.model.kind
    assert {row.model for row in found.against} == set(found.disjoint) - {found.champion}
    assert found.canary is not None
    assert abs(found.canary.roc_auc - 0.5) < 0.05
    assert [row.share for row in found.acting] == [0.05, 0.1, 0.2]
    assert found.segments == ()


def test_days_since_the_last_use_are_a_rule_to_beat(world: World, make_settings: MakeSettings) -> None:
    matrix, outcomes = world
    since = Signal("idle", None, "days_since_last_use", 28, "", "days", "days since the last event")
    days = np.nan_to_num(outcomes.churned)[:, None] * 5 + np.random.default_rng(1).integers(
        0, 20, (len(outcomes.churned), 1)
    )
    planted = replace(
        matrix, values=np.hstack([matrix.values, days.astype(np.float32)]), signals=(*matrix.signals, since)
    )
    context = pd.DataFrame({"plan": np.resize(["solo", "team"], len(days))})
    found = train_models(planted, outcomes, make_settings(), WINDOWS, silent, (), context).evaluation
    assert found.disjoint["last_use"].roc_auc > 0.55
    assert found.disjoint["last_use"] == found.shared["last_use"]
    assert [(row.group, row.value) for row in found.segments] == [("plan", "solo"), ("plan", "team")]


def test_positions_of_the_split_count_the_rows_of_the_matrix(world: World, training: Training) -> None:
    matrix, outcomes = world
    split = training.evaluation.split
    assert outcomes.known[np.r_[split.train, split.test]].all()
    days = matrix.rows["snapshot_date"]
    assert days.iloc[split.train].max().date() == split.train_dates[1]
    assert (days.iloc[split.test].min() - days.iloc[split.train].max()).days >= WINDOWS.purge_days


def test_the_same_input_gives_the_same_bytes_at_any_number_of_threads(
    world: World, make_settings: MakeSettings
) -> None:
    found = [train_models(*world, make_settings(project={"threads": threads}), WINDOWS, silent) for threads in (1, 4)]
    one, four = (training.model.predict(world[0]).tobytes() for training in found)
    assert one == four
    assert found[0].evaluation.disjoint == found[1].evaluation.disjoint


def test_outcomes_of_later_periods_do_not_reach_the_models_under_test(
    world: World, make_settings: MakeSettings
) -> None:
    matrix, outcomes = world
    settings = make_settings()
    before = train_models(matrix, outcomes, settings, WINDOWS, silent).evaluation
    turned = outcomes.churned.copy()
    turned[before.split.test] = 1 - turned[before.split.test]
    after = train_models(matrix, replace(outcomes, churned=turned), settings, WINDOWS, silent).evaluation
    # the same ranking against the opposite outcome
    assert after.shared["boosting"].roc_auc == pytest.approx(1 - before.shared["boosting"].roc_auc)
    assert after.disjoint["logistic"].roc_auc == pytest.approx(1 - before.disjoint["logistic"].roc_auc)


def test_shuffled_outcomes_teach_nothing(make_world: Callable[..., World], make_settings: MakeSettings) -> None:
    aucs = []
    for seed in range(4):
        matrix, outcomes = make_world(accounts=150, seed=seed)
        known = np.flatnonzero(outcomes.known)
        churned = outcomes.churned.copy()
        churned[known] = np.random.default_rng(seed).permutation(churned[known])
        found = train_models(matrix, replace(outcomes, churned=churned), make_settings(), WINDOWS, silent)
        aucs.append(found.evaluation.disjoint["boosting"].roc_auc)
    assert abs(np.mean(aucs) - 0.5) < 0.06


def test_a_signal_that_is_the_outcome_raises_the_alarm(world: World, make_settings: MakeSettings) -> None:
    matrix, outcomes = world
    leak = np.nan_to_num(outcomes.churned)[:, None].astype(np.float32)
    planted = replace(
        matrix,
        values=np.hstack([matrix.values, leak]),
        signals=(*matrix.signals, Signal("status", None, "is", 0, "", "", "status")),
    )
    found = train_models(planted, outcomes, make_settings(), WINDOWS, silent)
    assert found.alarms == ("status (AUC 1.000)",)


def test_a_clean_world_raises_none_and_the_note_says_how_the_model_was_made(training: Training) -> None:
    assert training.alarms == ()
    assert "fitted again on all" in training.note
    assert "out-of-fold predictions, by account" in training.note


def test_a_calibration_period_of_its_own_is_used(world: World, make_settings: MakeSettings) -> None:
    settings = make_settings(training={"train_share": 0.4, "calibrate_share": 0.1})
    windows = replace(WINDOWS, gap_days=0, grace_days=0)
    found = train_models(*world, settings, windows, silent).evaluation
    assert len(found.split.calibrate) > 0
    assert found.best.roc_auc > 0.7


def test_too_few_churned_accounts_are_refused_before_any_fit(world: World, make_settings: MakeSettings) -> None:
    with pytest.raises(NotEnoughData, match=r"churned in the training period; at best a difference of"):
        train_models(*world, make_settings(training={"min_churned": 5_000}), WINDOWS, silent)
