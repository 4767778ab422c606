"""Train the churn models, compare them on periods they have not seen, and refit the best one for scoring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from optuna.storages import BaseStorage

from milepost.outcomes import Outcomes, Times
from milepost.settings import Settings
from milepost.signals.matrix import Matrix
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.training import assess, evaluate
from milepost.training.calibrate import Calibrator, fit_calibrator
from milepost.training.canary import shuffled_canary
from milepost.training.candidates import (
    BASE_RATE,
    BOOSTING,
    FOREST,
    LAST_USE,
    LOGISTIC,
    SHIPPED,
    Recipe,
    Rows,
    best_step,
    cross_fit,
    fit,
    fit_booster,
    fit_regression,
    recipe,
)
from milepost.training.guards import check_enough
from milepost.training.hazard import Hazard, fit_hazard, judge
from milepost.training.leaks import leak_alarms
from milepost.training.learning import learning_curve
from milepost.training.model import ChurnModel
from milepost.training.results import Canary, Evaluation, HorizonFigures, Metrics, Split
from milepost.training.saving import saving
from milepost.training.season import When
from milepost.training.split import account_folds, split_forward
from milepost.training.tune import Trial, tune
from milepost.windows import Windows

__all__ = ["ChurnModel", "Training", "Trial", "refit", "train_models"]

FloatArray = NDArray[np.float64]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Training:
    """What training found.

    evaluation: figures on later periods. model: the champion refitted on every row with a known outcome. hazard: how
    its risk spreads over months, None where too few are known to have left in them.
    trials: tuning, empty when it is off. note: how the model for scoring was made. alarms: signals that foretell
    churn too well to be true; with any of them no score should be published.
    """

    evaluation: Evaluation
    model: ChurnModel
    trials: tuple[Trial, ...]
    note: str
    alarms: tuple[str, ...]
    hazard: Hazard | None = None


@dataclass(frozen=True)
class Periods:
    """The rows of each period, and the accounts and the snapshots of the training and test rows; when: of all three."""

    train: Rows
    calibrate: Rows
    test: Rows
    train_accounts: pd.Series[str]
    test_accounts: pd.Series[str]
    days: tuple[pd.Series[pd.Timestamp], pd.Series[pd.Timestamp]]
    when: tuple[When, When, When]


@dataclass(frozen=True)
class Risks:
    """One model's calibrated risks on the test rows, float64 [rows], and the recipe at its best step; inside: on the
    training rows, out of fold.
    """

    shared: FloatArray
    disjoint: FloatArray
    how: Recipe
    inside: FloatArray


def train_models(
    matrix: Matrix,
    outcomes: Outcomes,
    settings: Settings,
    windows: Windows,
    progress: Progress,
    alarms: tuple[str, ...] | None = None,
    context: pd.DataFrame | None = None,
    storage: BaseStorage | None = None,
    times: Times | None = None,
) -> Training:
    """Compare boosting, logistic regression, forest and base rate forward in time, and refit the best for scoring.

    alarms: what was found to know too much already; None looks at the signals here. context: plan, size_band, segment,
    tenure_days and mrr of every row of `matrix`, by which the champion's figures are told apart. storage: where a
    search for parameters is kept while it goes on. times: when each row's account left.

    Rows without a known outcome are left out. Positions in `evaluation.split` count the rows of `matrix`.
    Raises NotEnoughData, before any fit, with the counts and the smallest effect that could be seen.
    """
    known = np.flatnonzero(outcomes.known & ~np.isnan(outcomes.churned))
    days, accounts = matrix.rows[SNAPSHOT].iloc[known], matrix.rows[ACCOUNT].iloc[known].reset_index(drop=True)
    split = split_forward(matrix.rows.iloc[known], windows, settings.training)
    seed = settings.project.seed
    everything = Rows(
        matrix.values[known],
        outcomes.churned[known].astype(np.float64),
        account_folds(accounts, settings.training.folds, seed),
    )
    periods = _periods(everything, accounts, split, days)
    check_enough(periods.train, accounts.iloc[split.train], periods.test.churned, settings.training)
    if alarms is None:
        progress("training: looking for signals that know too much")
        alarms = leak_alarms(everything, accounts, matrix.signals)
    trials, params = tune(periods.train, days.iloc[split.train], windows, settings, progress, storage)
    risks = compare(periods, seed, settings.project.threads, params, progress) | _rule(periods, matrix, seed)
    in_matrix = replace(split, train=known[split.train], calibrate=known[split.calibrate], test=known[split.test])
    progress("training: figures over accounts drawn again")
    evaluation = _evaluation(periods, risks, settings, in_matrix, context)
    champion = risks[evaluation.champion]
    spread = _horizons(periods, champion, evaluation, times, (windows.gap_days, seed))
    evaluation = replace(evaluation, horizons=spread)
    progress(f"training: refitting {evaluation.champion} on all {len(known):,} rows")
    last = (days >= pd.Timestamp(split.test_dates[0])).to_numpy()
    model, inside = refit(champion.how, everything, last, matrix, _when(days, accounts))
    hazard = None if times is None else fit_hazard(inside, times.left_after[known], times.watched[known])
    return Training(evaluation, model, trials, _note(evaluation, everything, last, split), alarms, hazard)


def _periods(everything: Rows, accounts: pd.Series[str], split: Split, days: pd.Series[pd.Timestamp]) -> Periods:
    def rows(places: NDArray[np.intp]) -> Rows:
        return Rows(everything.values[places], everything.churned[places], everything.folds[places])

    learnt, tested = (accounts.iloc[part].reset_index(drop=True) for part in (split.train, split.test))
    when = _when(days, accounts)
    return Periods(
        rows(split.train), rows(split.calibrate), rows(split.test), learnt, tested,
        (days.iloc[split.train], days.iloc[split.test]),
        (when.take(split.train), when.take(split.calibrate), when.take(split.test)),
    )  # fmt: skip


def _when(days: pd.Series[pd.Timestamp], accounts: pd.Series[str]) -> When:
    return When(days.to_numpy(dtype="datetime64[D]"), accounts.to_numpy(dtype=str))


def compare(
    periods: Periods, seed: int, threads: int, params: dict[str, float | int], progress: Progress
) -> dict[str, Risks]:
    """Calibrated risks of every model on the test rows, model name -> Risks."""
    found = {}
    for kind in (BOOSTING, LOGISTIC, FOREST):
        progress(f"training: {kind}")
        found[kind] = _risks(periods, recipe(kind, seed, threads, params))
    base = np.full(len(periods.test.churned), periods.train.churned.mean())
    inside = np.full(len(periods.train.churned), base[0])
    found[BASE_RATE] = Risks(base, base, recipe(BASE_RATE, seed, threads), inside)
    return found


def _rule(periods: Periods, matrix: Matrix, seed: int) -> dict[str, Risks]:
    """What anybody can say without a model: the longer ago the last use, the higher the risk; {} where not known."""
    places = [place for place, signal in enumerate(matrix.signals) if signal.measure == "days_since_last_use"]
    if not places:
        return {}
    known, later = (np.log1p(rows.values[:, places[0]].astype(np.float64)) for rows in (periods.train, periods.test))
    longest = float(np.nanmax(known, initial=0))
    calibrator = fit_calibrator(np.nan_to_num(known, nan=longest), periods.train.churned)
    inside, risk = (calibrator.risk(np.nan_to_num(part, nan=longest)) for part in (known, later))
    return {LAST_USE: Risks(risk, risk, recipe(LAST_USE, seed, 1), inside)}


def _risks(periods: Periods, how: Recipe) -> Risks:
    """Choose the step on out-of-fold predictions inside the training period, then predict the test rows both ways."""
    train, calibrate, test = periods.train, periods.calibrate, periods.test
    learnt, known, tested = periods.when
    inside, between, outside = cross_fit(how, train, (calibrate, test))
    step = best_step(inside, train.churned)
    how = how.at(step)
    predict = fit(how, train)
    shared = predict(test.values)[0]
    if len(calibrate.churned) and calibrate.churned.any():
        calibrator = fit_calibrator(predict(calibrate.values)[0], calibrate.churned, known)
        disjoint = _calibrated_by_fold((between[step], calibrate, known), (outside[step], test, tested))
    else:
        calibrator = fit_calibrator(inside[step], train.churned, learnt)
        disjoint = _calibrated_by_fold((inside[step], train, learnt), (outside[step], test, tested))
    return Risks(calibrator.risk(shared, tested.days), disjoint, how, calibrator.risk(inside[step], learnt.days))


def _calibrated_by_fold(known: tuple[FloatArray, Rows, When], asked: tuple[FloatArray, Rows, When]) -> FloatArray:
    """Risks of the rows asked; the calibration of a fold learns from the known rows of other folds only."""
    (given, learned, learned_when), (log_odds, test, when) = known, asked
    risk = np.empty(len(log_odds))
    for fold in np.unique(test.folds):
        others, inside = learned.folds != fold, test.folds == fold
        calibrator = fit_calibrator(given[others], learned.churned[others], learned_when.take(others))
        risk[inside] = calibrator.risk(log_odds[inside], when.days[inside])
    return risk


def _evaluation(
    periods: Periods, risks: Mapping[str, Risks], settings: Settings, split: Split, context: pd.DataFrame | None
) -> Evaluation:
    """The figures of every model on the test rows, and all that is told of the champion."""
    churned, accounts, how = periods.test.churned, periods.test_accounts, settings.training
    headline, seed = how.accounts, settings.project.seed

    def figures(part: str) -> dict[str, Metrics]:
        return {kind: evaluate.metrics(getattr(r, part), churned, accounts, seed) for kind, r in risks.items()}

    shown = {kind: np.asarray(getattr(found, headline)) for kind, found in risks.items()}
    champion, because = choose_champion({kind: shown[kind] for kind in SHIPPED}, churned, accounts, seed)
    risk = shown.pop(champion)
    learnt = assess.Learnt(risks[champion].inside, periods.train.churned, periods.train_accounts, periods.when[0].days)
    at_test = None if context is None else context.iloc[split.test].reset_index(drop=True)
    return Evaluation(
        figures("shared"), figures("disjoint"), champion, headline, split, risk, churned,
        evaluate.calibration_curve(risk, churned), evaluate.lift_table(risk, churned), because,
        assess.reliability(risk, churned, accounts, seed, learnt), assess.versus(risk, shown, churned, accounts, seed),
        () if at_test is None else assess.segments(risk, churned, at_test, accounts, seed),
        assess.acting(risk, churned, accounts, seed), _canary(risks[champion].how, periods),
        () if at_test is None or "mrr" not in at_test else saving(
            risk, churned, at_test.assign(account_id=accounts, snapshot_date=periods.days[1].to_numpy()), how, seed
        ),
        learning_curve(risks[champion].how, periods.train, periods.test,
                       (periods.train_accounts, periods.days[0]), accounts),
    )  # fmt: skip


def _horizons(
    periods: Periods, champion: Risks, evaluation: Evaluation, times: Times | None, given: tuple[int, int]
) -> tuple[HorizonFigures, ...]:
    """How well the risk spread over months fits the test rows; learnt on what was known before the first of them."""
    if times is None:
        return ()
    split, (gap, seed) = evaluation.split, given
    learnt, tested = times.take(split.train), times.take(split.test)
    # what a training row became after the first test row began is not known to it
    until = (pd.Timestamp(split.test_dates[0]) - periods.days[0]).dt.days.to_numpy(dtype=float) - gap
    hazard = fit_hazard(champion.inside, learnt.left_after, np.minimum(learnt.watched, np.maximum(until, 0.0)))
    if hazard is None:
        return ()
    named = periods.test_accounts
    return judge(hazard, evaluation.predictions, tested.left_after, tested.watched, named, seed)


def _canary(how: Recipe, periods: Periods) -> Canary:
    return shuffled_canary(how, periods.train, periods.test, periods.days)


def choose_champion(
    risks: Mapping[str, FloatArray], churned: FloatArray, accounts: pd.Series[str], seed: int
) -> tuple[str, str]:
    """The model with the smallest log loss; logistic regression, which is explained at once, where boosting is not
    ahead beyond noise: the interval of the difference, over accounts drawn again, holds 0. With the reason in words.
    """
    least = min(risks, key=lambda kind: evaluate.log_loss(risks[kind], churned))
    if least == LOGISTIC:
        return LOGISTIC, "it has the smallest log loss"
    (beside,) = assess.versus(risks[least], {LOGISTIC: risks[LOGISTIC]}, churned, accounts, seed)
    low, high = beside.log_loss_interval
    shown = f"{beside.log_loss:+.4f} ({low:+.4f} to {high:+.4f})"
    if high < 0:
        return least, f"its log loss is below that of logistic regression: {shown}"
    return LOGISTIC, f"it is simpler, and the log loss of {least} is not below it beyond noise: {shown}"


def refit(
    how: Recipe, rows: Rows, calibrated_on: NDArray[np.bool_], matrix: Matrix, when: When | None = None
) -> tuple[ChurnModel, FloatArray]:
    """Fit on all rows; calibrate on out-of-fold predictions of the rows `calibrated_on`, or of all if one class.

    A season is learnt from all of them: half a year would not show it.

    With it the calibrated risks of all rows, out of fold.
    """
    (inside,) = cross_fit(how, rows)
    chosen = calibrated_on if rows.churned[calibrated_on].any() else np.ones(len(rows.churned), dtype=np.bool_)
    calibrator: Calibrator = fit_calibrator(inside[0][chosen], rows.churned[chosen])
    if when is not None:
        season = fit_calibrator(inside[0], rows.churned, when).season
        calibrator = fit_calibrator(inside[0][chosen], rows.churned[chosen], when.take(chosen), season)
    base_rate, risk = float(rows.churned.mean()), calibrator.risk(inside[0], None if when is None else when.days)
    if how.kind == LOGISTIC:
        return ChurnModel(how.kind, matrix.signals, calibrator, base_rate, logistic=fit_regression(how, rows)), risk
    return ChurnModel(how.kind, matrix.signals, calibrator, base_rate, booster=fit_booster(how, rows).text), risk


def _note(evaluation: Evaluation, rows: Rows, last: NDArray[np.bool_], split: Split) -> str:
    shown = evaluation.disjoint if evaluation.headline == "disjoint" else evaluation.shared
    note = (
        f"The figures are of models trained on {split.train_dates[0]} to {split.train_dates[1]}. "
        f"The model for scoring is {evaluation.champion}, fitted again on all {len(rows.churned):,} rows with a known "
        f"outcome and calibrated on out-of-fold predictions, by account, of the last {int(last.sum()):,} of them."
    )
    if evaluation.best.log_loss >= shown[BASE_RATE].log_loss:
        note += " It does not beat the base rate on the test rows: its risks say little more than the average."
    return note
