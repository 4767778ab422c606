"""Bring your own matrix: a table with one row per account and a column with the outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from milepost.data.contract import Finding
from milepost.errors import InputError, NotEnoughData, nearest
from milepost.signals.matrix import Matrix
from milepost.signals.spec import Signal
from milepost.terms import ACCOUNT, SNAPSHOT, Action
from milepost.training import evaluate
from milepost.training.calibrate import fit_calibrator
from milepost.training.candidates import BOOSTING, FOREST, LOGISTIC, SHIPPED, Recipe, Rows, best_step, cross_fit, recipe
from milepost.training.guards import varies
from milepost.training.leaks import leak_alarms
from milepost.training.results import Metrics
from milepost.training.train import ChurnModel, refit

FloatArray = NDArray[np.float64]
Progress = Callable[[str], None]

YES, NO = ("yes", "true", "1", "1.0"), ("no", "false", "0", "0.0")
MOST_VALUES = 50
TRAIN_SHARE = 0.7


@dataclass(frozen=True)
class Options:
    """Seed, threads, number of folds, and the fewest rows with the rarer outcome."""

    seed: int = 7
    threads: int = 2
    folds: int = 5
    min_churned: int = 50


@dataclass(frozen=True)
class Figures:
    """One model: mean and spread (standard deviation) over the folds, and all folds pooled."""

    auc: float
    auc_spread: float
    log_loss: float
    pooled: Metrics


@dataclass(frozen=True)
class OwnMatrixResult:
    """What was learnt from the table.

    figures: model -> over the folds; forward: model -> on the latest rows, empty without a time column.
    champion: the smallest log loss of boosting and logistic; model: it, refitted on all rows.
    findings: columns that were left out and why.
    alarms: signals that foretell the label too well to be true. typical: signal -> median of the rows that stayed.
    """

    figures: dict[str, Figures]
    forward: dict[str, Metrics]
    champion: str
    model: ChurnModel
    findings: tuple[Finding, ...]
    alarms: tuple[str, ...]
    rows: int
    churned: int
    typical: dict[str, float]


def train_own_matrix(
    path: Path, label: str, id_column: str | None, time_column: str | None, options: Options, progress: Progress
) -> OwnMatrixResult:
    """Compare the models over folds and refit the best on all rows.

    `label` has two values, yes/no, true/false or 1/0 (1 is churned). `id_column` names the account: its rows stay
    in one fold. `time_column` adds a split forward in time. Neither becomes a signal.
    Raises InputError for a column that is not there or a label of other values, NotEnoughData for too few rows.
    """
    frame = read_table(path)
    for column in filter(None, (label, id_column, time_column)):
        if column not in frame:
            raise InputError(f"no column '{column}'", where=path.name, fix=nearest(column, map(str, frame.columns)))
    churned = read_label(frame[label], label, path.name)
    _check_enough(churned, options, path.name)
    ids = frame[id_column].astype(str) if id_column else pd.Series(np.arange(len(frame)).astype(str))
    given = {label, id_column, time_column}
    matrix, findings = to_matrix(frame[[name for name in frame if name not in given]], ids, path.name)
    rows = Rows(matrix.values, churned, _folds(churned, ids, options))
    progress(f"{len(churned):,} rows, {int(churned.sum()):,} churned, {len(matrix.signals)} signals")
    alarms = leak_alarms(rows, ids, matrix.signals)
    found = {kind: _over_folds(recipe(kind, options.seed, options.threads), rows, ids, progress)
             for kind in (BOOSTING, LOGISTIC, FOREST)}  # fmt: skip
    figures = {kind: figure for kind, (figure, _) in found.items()}
    champion = min(SHIPPED, key=lambda kind: figures[kind].log_loss)
    forward = _forward(read_time(frame[time_column], path.name), rows, ids, found) if time_column else {}
    model, _ = refit(found[champion][1], rows, np.ones(len(churned), dtype=np.bool_), matrix)
    return OwnMatrixResult(
        figures, forward, champion, model, findings, alarms, len(churned), int(churned.sum()), _typical(rows, matrix)
    )  # fmt: skip


def _typical(rows: Rows, matrix: Matrix) -> dict[str, float]:
    stayed = rows.values[rows.churned == 0].astype(np.float64)
    known = ~np.isnan(stayed).all(axis=0)
    medians = np.full(stayed.shape[1], np.nan)
    medians[known] = np.nanmedian(stayed[:, known], axis=0)
    return {signal.name: float(medians[place]) for place, signal in enumerate(matrix.signals) if known[place]}


# -- reading


def read_table(path: Path) -> pd.DataFrame:
    """A CSV or Parquet file as a frame. Raises InputError when it is not there, not readable or empty."""
    try:
        # only an empty cell is unknown: "None" and "NA" are values that real tables use
        frame = (
            pd.read_parquet(path)
            if path.suffix == ".parquet"
            else pd.read_csv(path, keep_default_na=False, na_values=["", " "], encoding="utf-8-sig")
        )
    except FileNotFoundError:
        raise InputError("no such file", where=str(path)) from None
    except (ValueError, pd.errors.ParserError, UnicodeDecodeError):
        raise InputError("it cannot be read", where=str(path), expected="CSV in UTF-8, or Parquet") from None
    if frame.empty:
        raise InputError("0 rows", where=str(path))
    return frame.rename(columns=str)


def read_label(column: pd.Series[str], name: str, where: str) -> FloatArray:
    """1 for yes, true, 1 and 0 for no, false, 0, in any case; float64 [rows]."""
    words = column.map(lambda value: str(value).strip().lower()).astype("str")
    yes, no = (words.isin(known).to_numpy(dtype=np.bool_) for known in (YES, NO))
    if (yes | no).all():
        return yes.astype(np.float64)
    values = [str(value)[:20] for value in column[~(yes | no)].unique()[:5]]
    raise InputError(
        f"column '{name}' holds other values: {', '.join(values)} in {int((~(yes | no)).sum()):,} rows",
        where=where, expected="yes/no, true/false or 1/0 in every row",
    )  # fmt: skip


def read_time(column: pd.Series[str], where: str) -> NDArray[np.float64]:
    """Times as numbers that sort, float64 [rows]. Raises InputError for text that is no date."""
    if pd.api.types.is_numeric_dtype(column):
        times = column.to_numpy(dtype=np.float64)
    else:
        parsed = pd.to_datetime(column, errors="coerce", utc=True, format="ISO8601")
        times = np.where(parsed.isna(), np.nan, (parsed - pd.Timestamp(0, tz="UTC")).dt.total_seconds())
    if np.isnan(times).any():
        raise InputError(
            f"column '{column.name}' holds {int(np.isnan(times).sum()):,} values that are no time",
            where=where, expected="dates such as 2024-04-01, or numbers",
        )  # fmt: skip
    return times


def to_matrix(frame: pd.DataFrame, ids: pd.Series[str], where: str) -> tuple[Matrix, tuple[Finding, ...]]:
    """Numbers as they are, text as one column per value; and what was left out.

    Infinite numbers count as unknown. Raises InputError when no column is left.
    """
    columns: list[NDArray[np.float32]] = []
    signals: list[Signal] = []
    findings: list[Finding] = []
    for name in frame:
        numbers = numbers_of(frame[name])
        if numbers is not None:
            columns.append(numbers)
            signals.append(Signal(str(name), None, "value", 0, "", "", str(name), column=str(name)))
        elif finding := _unusable(frame[name], where):
            findings.append(finding)
        else:
            for value in sorted(frame[name].dropna().astype(str).unique()):
                columns.append((frame[name].astype(str) == value).to_numpy(dtype=np.float32))
                signals.append(Signal(f"{name}={value}", None, "is", 0, "", "", f"{name} is {value}", str(name), value))
    if not columns or not varies(np.column_stack(columns)).any():
        raise InputError("no column is left to learn from", where=where, expected="numbers, or text with few values")
    # text, so that an id of any kind sorts and joins
    rows = pd.DataFrame({ACCOUNT: ids.to_numpy(), SNAPSHOT: pd.Timestamp(0)})
    return Matrix(np.column_stack(columns), rows, tuple(signals), ""), tuple(findings)


def numbers_of(column: pd.Series[str]) -> NDArray[np.float32] | None:
    """The column as numbers when every value that is there is one, else None."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return None
    numbers = pd.to_numeric(column, errors="coerce").astype(np.float64)
    if (numbers.isna() & column.notna()).any():
        return None
    values = numbers.to_numpy(dtype=np.float32, na_value=np.nan)
    return np.where(np.isinf(values), np.float32(np.nan), values)


def _unusable(column: pd.Series[str], where: str) -> Finding | None:
    """Why a text column cannot become signals, None when it can."""
    known, different = int(column.notna().sum()), int(column.nunique())
    place = f"{where}: column '{column.name}'"
    if different == known and known > 2:
        return Finding("text that differs in every row", place, different, Action.WARN, "left out: it only names rows")
    if different > MOST_VALUES:
        what = f"left out: text with more than {MOST_VALUES} values; group them, or give numbers"
        return Finding("text with too many values", place, different, Action.WARN, what)
    return None


def _check_enough(churned: FloatArray, options: Options, where: str) -> None:
    rarer = int(min(churned.sum(), len(churned) - churned.sum()))
    if rarer < max(options.min_churned, options.folds):
        raise NotEnoughData(
            f"{len(churned):,} rows, of which {int(churned.sum()):,} churned",
            where=where, expected=f"at least {options.min_churned} rows of each outcome",
        )  # fmt: skip


# -- comparing


def _folds(churned: FloatArray, ids: pd.Series[str], options: Options) -> NDArray[np.intp]:
    """Fold of each row: the same churned share in each, all rows of an id in one."""
    folds = np.zeros(len(churned), dtype=np.intp)
    cut = StratifiedGroupKFold(options.folds, shuffle=True, random_state=options.seed)
    for fold, (_, inside) in enumerate(cut.split(churned, churned, pd.factorize(ids)[0])):
        folds[inside] = fold
    return folds


def _over_folds(how: Recipe, rows: Rows, ids: pd.Series[str], progress: Progress) -> tuple[Figures, Recipe]:
    """Figures of one model, every row predicted by a model that saw no row of its fold, and the recipe refined.

    The strength used on a fold, and its calibration, are chosen on the other folds.
    """
    progress(f"training: {how.kind}")
    (log_odds,) = cross_fit(how, rows)
    risk = np.empty(len(rows.churned))
    aucs, losses = [], []
    for fold in np.unique(rows.folds):
        inside, others = rows.folds == fold, rows.folds != fold
        path = log_odds[best_step(log_odds[:, others], rows.churned[others])]
        risk[inside] = fit_calibrator(path[others], rows.churned[others]).risk(path[inside])
        aucs.append(evaluate.roc_auc(risk[inside], rows.churned[inside]))
        losses.append(evaluate.log_loss(risk[inside], rows.churned[inside]))
    pooled = evaluate.metrics(risk, rows.churned, ids, how.seed)
    figures = Figures(float(np.mean(aucs)), float(np.std(aucs)), float(np.mean(losses)), pooled)
    return figures, how.at(best_step(log_odds, rows.churned))


def _forward(
    times: FloatArray, rows: Rows, ids: pd.Series[str], found: dict[str, tuple[Figures, Recipe]]
) -> dict[str, Metrics]:
    """Learn on the earlier rows, predict the later ones, no account on both sides; {} when a side has one outcome."""
    later = times > np.quantile(times, TRAIN_SHARE, method="lower")
    early, late = rows.take(~later), rows.take(later)
    if any(not len(part.churned) or part.churned.min() == part.churned.max() for part in (early, late)):
        return {}
    figures = {}
    for kind, (_, how) in found.items():
        whole = recipe(kind, how.seed, how.threads)
        inside, outside = cross_fit(whole, early, (late,))
        step = best_step(inside, early.churned)
        risk = fit_calibrator(inside[step], early.churned).risk(outside[step])
        figures[kind] = evaluate.metrics(risk, late.churned, ids[later], how.seed)
    return figures
