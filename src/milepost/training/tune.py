"""Search for LightGBM's parameters, forward in time and apart by account; the records are for others to log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import optuna
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from milepost.errors import NotEnoughData
from milepost.settings import Settings, TrainingSettings
from milepost.terms import SNAPSHOT
from milepost.training.boosting import DEFAULTS, full_params
from milepost.training.candidates import BOOSTING, Recipe, Rows, cross_fit, recipe
from milepost.training.evaluate import log_loss
from milepost.training.split import split_forward
from milepost.windows import Windows

Params = dict[str, float | int]


@dataclass(frozen=True)
class Trial:
    """One set of parameters: fold_scores are log losses (smaller is better), score the one over all rows."""

    number: int
    params: Params
    fold_scores: tuple[float, ...]
    score: float


def tune(
    train: Rows, days: pd.Series[pd.Timestamp], windows: Windows, settings: Settings, progress: Callable[[str], None]
) -> tuple[tuple[Trial, ...], Params]:
    """Up to `trials` sets of parameters, the defaults first; returns the records and the best set.

    Without trials: no records and no parameters, which means the defaults. A time limit that is reached ends the
    search early, and then the result depends on the machine.
    """
    if not settings.training.trials:
        return (), {}
    earlier, later = _forward(train, days, windows, settings.training)
    how = recipe(BOOSTING, settings.project.seed, settings.project.threads)
    defaults = full_params(len(train.churned), train.values.shape[1], how.seed, how.threads)
    found: list[Trial] = []

    def objective(trial: optuna.Trial) -> float:
        params = suggest(trial)
        record = Trial(
            trial.number, params, *_scores(Recipe(BOOSTING, how.seed, how.threads, how.steps, params), earlier, later)
        )
        found.append(record)
        progress(f"tuning: trial {trial.number + 1} of {settings.training.trials}, log loss {record.score:.4f}")
        return record.score

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=how.seed))
    study.enqueue_trial({name: defaults[name] for name in (*DEFAULTS, "min_data_in_leaf")})
    study.optimize(objective, n_trials=settings.training.trials, timeout=settings.training.time_limit_seconds)
    return tuple(found), min(found, key=lambda trial: trial.score).params


def suggest(trial: optuna.Trial) -> Params:
    """Shallow trees only: they are explained several times faster, and churn data seldom carry deeper ones."""
    return {
        "num_leaves": trial.suggest_int("num_leaves", 3, 15),
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.15, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.05, 1.0, log=True),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.4, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 100.0, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 5, 400, log=True),
    }


def _forward(
    train: Rows, days: pd.Series[pd.Timestamp], windows: Windows, settings: TrainingSettings
) -> tuple[Rows, Rows]:
    """Earlier and later rows of the training period; all rows on both sides when it is too short to cut.

    Either way no account is on both sides of a fold.
    """
    try:
        split = split_forward(
            pd.DataFrame({SNAPSHOT: days}), windows, settings.model_copy(update={"calibrate_share": 0})
        )
    except NotEnoughData:
        return train, train
    earlier, later = (_take(train, places) for places in (split.train, split.test))
    enough = min(earlier.churned.sum(), later.churned.sum()) >= settings.folds
    return (earlier, later) if enough else (train, train)


def _take(rows: Rows, places: NDArray[np.intp]) -> Rows:
    keep = np.zeros(len(rows.churned), dtype=np.bool_)
    keep[places] = True
    return rows.take(keep)


def _scores(how: Recipe, earlier: Rows, later: Rows) -> tuple[tuple[float, ...], float]:
    """Log loss by fold and over all later rows, at the best number of rounds."""
    _, outside = cross_fit(how, earlier, (later,))
    losses = [log_loss(expit(step), later.churned) for step in outside]
    risk = expit(outside[int(np.argmin(losses))])
    folds = (later.folds == fold for fold in np.unique(later.folds))
    return tuple(log_loss(risk[inside], later.churned[inside]) for inside in folds), min(losses)
