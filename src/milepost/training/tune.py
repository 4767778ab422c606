"""Tuning the booster: Optuna over shallow trees, scored on accounts and dates not trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import optuna
from sklearn.metrics import log_loss

from milepost.settings import TrainingSettings
from milepost.training.boosting import fit_boosting
from milepost.training.fit import Fit, Risk, Values
from milepost.training.results import IndexArray

_DEFAULTS = {"num_leaves": 7, "learning_rate": 0.03, "feature_fraction": 0.3, "min_data_in_leaf": 40, "lambda_l2": 10.0}


@dataclass(frozen=True)
class Trial:
    """One set of parameters with its score per fold (log loss) and their mean."""

    number: int
    params: dict[str, float]
    fold_scores: tuple[float, ...]
    score: float


@dataclass(frozen=True)
class Folds:
    """Rows for tuning: fold of each row by account, and whether the row belongs to the later dates."""

    fold: IndexArray
    later: np.ndarray[tuple[int], np.dtype[np.bool_]]


def tune_boosting(
    values: Values, outcome: Risk, folds: Folds, settings: TrainingSettings, fit: Fit,
    progress: Callable[[str], None] = lambda text: None,
) -> tuple[Trial, ...]:  # fmt: skip
    """Try `settings.trials` sets of parameters, the defaults first; best first in the answer.

    A fold trains on earlier dates of the other accounts and is scored on later dates of its own.
    """
    if not settings.trials:
        return ()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=fit.seed), direction="minimize")
    study.enqueue_trial(_DEFAULTS)
    tried: list[Trial] = []

    def objective(trial: optuna.Trial) -> float:
        params = {
            "num_leaves": trial.suggest_int("num_leaves", 3, 15),
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.1, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.1, 0.8),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, 200, log=True),
            "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 100.0, log=True),
        }
        scores = _fold_scores(values, outcome, folds, Fit(fit.seed, fit.threads, tuple(params.items())))
        tried.append(Trial(trial.number, params, scores, float(np.mean(scores))))
        progress(f"tuning: trial {trial.number + 1} of {settings.trials}, log loss {tried[-1].score:.4f}")
        return tried[-1].score

    study.optimize(objective, n_trials=settings.trials, timeout=settings.time_limit_seconds)
    return tuple(sorted(tried, key=lambda trial: trial.score))


def _fold_scores(values: Values, outcome: Risk, folds: Folds, fit: Fit) -> tuple[float, ...]:
    scores = []
    for fold in range(int(folds.fold.max()) + 1):
        train, test = (folds.fold != fold) & ~folds.later, (folds.fold == fold) & folds.later
        if len(np.unique(outcome[train])) < 2 or not test.any():
            continue
        risk = np.asarray(fit_boosting(values[train], outcome[train], fit).predict(values[test], num_threads=1))
        scores.append(float(log_loss(outcome[test], np.clip(risk, 1e-7, 1 - 1e-7), labels=[0, 1])))
    return tuple(scores)
