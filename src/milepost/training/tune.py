"""Search for LightGBM's parameters, forward in time and apart by account; the records are for others to log."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import optuna
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from milepost.errors import NotEnoughData
from milepost.settings import Settings, TrainingSettings
from milepost.terms import SNAPSHOT
from milepost.training.boosting import DEFAULTS, full_params
from milepost.training.candidates import BOOSTING, Recipe, Rows, fit, recipe
from milepost.training.evaluate import log_loss
from milepost.training.split import split_forward
from milepost.windows import Windows

Params = dict[str, float | int]
FloatArray = NDArray[np.float64]

BEFORE_PRUNING = 3  # folds; fewer cannot tell two sets of parameters apart
STUDY = "lightgbm"
_FOLDS = "fold_scores"


@dataclass(frozen=True)
class Trial:
    """One set of parameters: fold_scores are log losses (smaller is better), score the one over all rows; `pruned`:
    given up after the first folds, which the score then is of.
    """

    number: int
    params: Params
    fold_scores: tuple[float, ...]
    score: float
    pruned: bool = False


def tune(
    train: Rows,
    days: pd.Series[pd.Timestamp],
    windows: Windows,
    settings: Settings,
    progress: Callable[[str], None],
    storage: optuna.storages.BaseStorage | None = None,
) -> tuple[tuple[Trial, ...], Params]:
    """Up to `trials` sets of parameters, the defaults first; returns the records and the set that is used.

    storage: where trials are kept while the search goes on; one that was stopped goes on where it was, and comes to
    the same. Without trials: no records and no parameters, which means the defaults. A time limit that is reached ends
    the search early, and then the result depends on the machine.
    """
    if not settings.training.trials:
        return (), {}
    earlier, later = _forward(train, days, windows, settings.training)
    how = recipe(BOOSTING, settings.project.seed, settings.project.threads)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(storage=storage, study_name=STUDY, load_if_exists=True)
    if not _finished(study):
        defaults = full_params(len(train.churned), train.values.shape[1], how.seed, how.threads)
        study.enqueue_trial({name: defaults[name] for name in (*DEFAULTS, "min_data_in_leaf")})

    def objective(trial: optuna.Trial) -> float:
        score = _try(trial, replace(how, params=suggest(trial)), earlier, later)
        progress(f"tuning: trial {len(_finished(study)) + 1} of {settings.training.trials}, log loss {score:.4f}")
        return score

    _search(study, objective, settings)
    trials = tuple(_record(number, trial) for number, trial in enumerate(_finished(study)))
    return trials, chosen(trials).params


def _search(study: optuna.Study, objective: Callable[[optuna.Trial], float], settings: Settings) -> None:
    """Trials until there are as many as asked for, each with a seed of its own: it matters not when it is made."""
    limit = settings.training.time_limit_seconds
    begun = time.monotonic()
    while (done := len(_finished(study))) < settings.training.trials:
        left = limit - (time.monotonic() - begun)
        if left <= 0 and done:
            return
        study.sampler = optuna.samplers.TPESampler(seed=settings.project.seed + done)
        study.optimize(objective, n_trials=1)


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """What is complete; a trial that was stopped on the way is none."""
    return [trial for trial in study.trials if trial.value is not None and _FOLDS in trial.user_attrs]


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


def _try(trial: optuna.Trial, how: Recipe, earlier: Rows, later: Rows) -> float:
    """The log loss of one set of parameters; pruned after the first folds, it is that of those folds."""
    folds = np.unique(later.folds)
    first = _losses(how, earlier, later, folds[:BEFORE_PRUNING])
    given_up = len(folds) > BEFORE_PRUNING and _hopeless(trial.study, first)
    found = first if given_up else first + _losses(how, earlier, later, folds[BEFORE_PRUNING:])
    rows = np.array([rows for _, rows in found], dtype=float)
    by_step = np.stack([losses for losses, _ in found])
    # the number of rounds is one for all folds
    pooled = rows @ by_step / rows.sum()
    trial.set_user_attr(_FOLDS, by_step[:, int(pooled.argmin())].tolist())
    trial.set_user_attr("pruned", bool(given_up))
    return float(pooled.min())


def _hopeless(study: optuna.Study, first: list[tuple[FloatArray, int]]) -> bool:
    """Whether each of the first folds, at its own best, is worse than that fold of the best trial so far.

    By chance all three are so in one of eight.
    """
    whole = [trial for trial in _finished(study) if not trial.user_attrs["pruned"]]
    if not whole:
        return False
    best = min(whole, key=lambda trial: trial.value or 0.0).user_attrs[_FOLDS]
    return all(losses.min() > before for (losses, _), before in zip(first, best, strict=False))


def _losses(how: Recipe, earlier: Rows, later: Rows, folds: NDArray[np.intp]) -> list[tuple[FloatArray, int]]:
    """Log loss by step of the later rows of each fold, by a model that saw no row of its accounts; and the rows."""

    def one(fold: int) -> tuple[FloatArray, int]:
        inside = later.take(later.folds == fold)
        odds = fit(replace(how, threads=1), earlier.take(earlier.folds != fold))(inside.values)
        return np.array([log_loss(expit(step), inside.churned) for step in odds]), len(inside.churned)

    with ThreadPoolExecutor(max_workers=how.threads) as pool:
        return list(pool.map(one, folds.tolist()))


def _record(number: int, trial: optuna.trial.FrozenTrial) -> Trial:
    saved = trial.user_attrs
    folds = tuple(float(score) for score in saved[_FOLDS])
    return Trial(number, dict(trial.params), folds, float(trial.value or 0.0), bool(saved["pruned"]))


def chosen(trials: tuple[Trial, ...]) -> Trial:
    """The trial with the fewest leaves whose log loss is not above the smallest by more than its standard error over
    the folds: shallow trees are explained faster. Source: Breiman et al. (1984), the one-standard-error rule, paired.
    """
    whole = [trial for trial in trials if not trial.pruned]
    best = min(whole, key=lambda trial: (trial.score, trial.number))

    def within(trial: Trial) -> bool:
        apart = np.array(trial.fold_scores) - np.array(best.fold_scores)
        noise = apart.std(ddof=1) / np.sqrt(len(apart)) if len(apart) > 1 else 0.0
        return trial.score - best.score <= noise

    return min(filter(within, whole), key=lambda trial: (trial.params["num_leaves"], trial.score, trial.number))


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
