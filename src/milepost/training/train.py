"""Train, compare and refit: the whole of training in plain calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Matrix
from milepost.signals.spec import Signal
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.training.boosting import fit_boosting
from milepost.training.calibrate import Platt, fit_platt
from milepost.training.evaluate import calibration_curve, lift, measure
from milepost.training.fit import Fit, Predict, Risk, Values
from milepost.training.forest import fit_forest
from milepost.training.guard import leaking, refuse_too_little
from milepost.training.logistic import fit_logistic, linear_risk
from milepost.training.model import BOOSTING, LOGISTIC, ChurnModel
from milepost.training.results import Evaluation, IndexArray, Metrics, Split
from milepost.training.split import account_folds, accounts_of, split_forward
from milepost.training.tune import Folds, Trial, tune_boosting
from milepost.windows import Windows

FOREST, BASE_RATE = "forest", "base_rate"
CANDIDATES = (BOOSTING, LOGISTIC)
MIN_RECENT_CHURNED = 50
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Training:
    """A finished training: figures, the model refitted for scoring, tuning trials, and leak alarms (signal names)."""

    evaluation: Evaluation
    model: ChurnModel
    trials: tuple[Trial, ...]
    alarms: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Task:
    """The rows to learn from: values float32 [rows × signals], outcome float64 [rows], account number, fold."""

    values: Values
    outcome: Risk
    accounts: IndexArray
    fold: IndexArray
    fit: Fit


@dataclass(frozen=True)
class Judged:
    """One model's calibrated risk on the test rows, with and without its accounts in training."""

    shared: Risk
    disjoint: Risk


def train_models(
    matrix: Matrix, outcomes: Outcomes, settings: Settings, windows: Windows, progress: Progress = lambda text: None
) -> Training:
    """Compare boosting, forest, logistic and base rate on later periods, then refit the champion on everything.

    Raises NotEnoughData, with the counts, before any work when the training period holds too little.
    """
    matrix, outcome = _known(matrix, outcomes)
    split = split_forward(matrix.rows, windows, settings.training)
    train = split.train
    refuse_too_little(matrix.rows[ACCOUNT].iloc[train], outcome[train], matrix.values[train], settings.training)
    fold = account_folds(matrix.rows[ACCOUNT], settings.training.folds, settings.project.seed)
    fit = Fit(settings.project.seed, settings.project.threads)
    alarms = tuple(matrix.signals[i].name for i in leaking(matrix.values[train], outcome[train], fold[train] % 2 == 0))
    later = _later_half(matrix, train)
    trials = tune_boosting(
        matrix.values[train], outcome[train], Folds(fold[train], later), settings.training, fit, progress
    )
    if trials:
        fit = Fit(fit.seed, fit.threads, tuple(trials[0].params.items()))
    task = Task(matrix.values, outcome, accounts_of(matrix.rows), fold, fit)
    evaluation = _evaluate(task, split, settings, progress)
    progress(f"refitting {evaluation.champion} on all rows with a known outcome")
    model, note = refit(task, matrix, evaluation.champion)
    return Training(evaluation, model, trials, alarms, note)


def _known(matrix: Matrix, outcomes: Outcomes) -> tuple[Matrix, Risk]:
    known = outcomes.known & ~np.isnan(outcomes.churned)
    return matrix.take(known), outcomes.churned[known].astype(np.float64)


def _later_half(matrix: Matrix, train: IndexArray) -> NDArray[np.bool_]:
    days = matrix.rows[SNAPSHOT].to_numpy()[train]
    dates = np.unique(days)
    return np.asarray(days > dates[len(dates) // 2]) if len(dates) > 1 else np.ones(len(days), dtype=np.bool_)


def _fitters(fit: Fit) -> dict[str, Callable[[Values, Risk], Predict]]:
    """Model name -> a function that fits on (values, outcome) and returns its predict."""

    def boosting(values: Values, outcome: Risk) -> Predict:
        booster = fit_boosting(values, outcome, fit)
        return lambda rows: np.asarray(booster.predict(rows, num_threads=1), dtype=np.float64)

    def logistic(values: Values, outcome: Risk) -> Predict:
        linear = fit_logistic(values, outcome, fit)
        return lambda rows: linear_risk(linear, rows)

    def base_rate(values: Values, outcome: Risk) -> Predict:
        return lambda rows: np.full(len(rows), outcome.mean())

    return {
        BOOSTING: boosting,
        FOREST: lambda values, outcome: fit_forest(values, outcome, fit),
        LOGISTIC: logistic,
        BASE_RATE: base_rate,
    }


def _evaluate(task: Task, split: Split, settings: Settings, progress: Progress) -> Evaluation:
    test, seed = split.test, settings.project.seed
    judged = {}
    for name, fitter in _fitters(task.fit).items():
        progress(f"training {name}: {len(split.train):,} rows, {settings.training.folds} folds by account")
        judged[name] = _judge(fitter, task, split, calibrated=name != BASE_RATE)
    outcome, accounts = task.outcome[test], task.accounts[test]
    shared = {name: measure(risk.shared, outcome, accounts, seed) for name, risk in judged.items()}
    disjoint = {name: measure(risk.disjoint, outcome, accounts, seed) for name, risk in judged.items()}
    headline = settings.training.accounts
    champion = choose(disjoint if headline == "disjoint" else shared)
    risk = getattr(judged[champion], headline)
    return Evaluation(
        shared,
        disjoint,
        champion,
        headline,
        split,
        risk,
        outcome,
        calibration_curve(risk, outcome),
        lift(risk, outcome),
    )


def choose(figures: dict[str, Metrics]) -> str:
    """The candidate with the best log loss; the forest is compared but not shipped, see docs."""
    return min(CANDIDATES, key=lambda name: figures[name].log_loss)


def _judge(fitter: Callable[[Values, Risk], Predict], task: Task, split: Split, calibrated: bool) -> Judged:
    """Fit once on the whole training period and once without each fold of accounts.

    The fold models do double duty: their predictions on the accounts left out calibrate the model, and on the test
    rows of those accounts they are the account-disjoint figure.
    """
    train, test = split.train, split.test
    calibration = split.calibrate if len(split.calibrate) else train
    shared = fitter(task.values[train], task.outcome[train])(task.values[test])
    held_out, disjoint = np.full(len(task.outcome), np.nan), np.full(len(test), np.nan)
    for fold in range(int(task.fold.max()) + 1):
        inside = train[task.fold[train] != fold]
        mine, tested = calibration[task.fold[calibration] == fold], task.fold[test] == fold
        predict = fitter(task.values[inside], task.outcome[inside])
        if len(mine):
            held_out[mine] = predict(task.values[mine])
        if tested.any():
            disjoint[tested] = predict(task.values[test[tested]])
    if not calibrated:
        return Judged(shared, disjoint)
    whole = fit_platt(held_out[calibration], task.outcome[calibration])
    return Judged(whole(shared), _calibrated_by_others(disjoint, held_out, task, calibration, test))


def _calibrated_by_others(
    disjoint: Risk, held_out: Risk, task: Task, calibration: IndexArray, test: IndexArray
) -> Risk:
    """Each fold's test predictions, calibrated on the other folds: no account helps to calibrate itself."""
    answer = np.empty_like(disjoint)
    for fold in range(int(task.fold.max()) + 1):
        others = calibration[task.fold[calibration] != fold]
        tested = task.fold[test] == fold
        answer[tested] = fit_platt(held_out[others], task.outcome[others])(disjoint[tested])
    return answer


def refit(task: Task, matrix: Matrix, kind: str) -> tuple[ChurnModel, str]:
    """The champion on all rows with a known outcome, calibrated on out-of-fold predictions of the latest dates."""
    held_out = np.full(len(task.outcome), np.nan)
    fitter = _fitters(task.fit)[kind]
    for fold in range(int(task.fold.max()) + 1):
        mine = task.fold == fold
        held_out[mine] = fitter(task.values[~mine], task.outcome[~mine])(task.values[mine])
    recent, since = _recent(matrix, task)
    calibrator: Platt = fit_platt(held_out[recent], task.outcome[recent])
    note = (
        f"{kind} was fitted again on all {len(task.outcome):,} rows with a known outcome for scoring; "
        f"it is calibrated on out-of-fold predictions from {since}"
    )
    signals: tuple[Signal, ...] = matrix.signals
    base_rate = float(task.outcome.mean())
    if kind == LOGISTIC:
        linear = fit_logistic(task.values, task.outcome, task.fit)
        return ChurnModel(LOGISTIC, signals, calibrator, base_rate, linear=linear), note
    text = fit_boosting(task.values, task.outcome, task.fit).model_to_string()
    return ChurnModel(BOOSTING, signals, calibrator, base_rate, booster_text=text), note


def _recent(matrix: Matrix, task: Task) -> tuple[NDArray[np.bool_], str]:
    """Rows of the latest dates that hold enough churned rows to calibrate on; all rows when they never do."""
    days = matrix.rows[SNAPSHOT].to_numpy()
    for date in np.unique(days)[::-1]:
        rows = days >= date
        if task.outcome[rows].sum() >= MIN_RECENT_CHURNED:
            return np.asarray(rows), str(date)[:10]
    return np.ones(len(days), dtype=np.bool_), "all dates"
