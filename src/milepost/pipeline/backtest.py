"""`milepost backtest`: what a model trained at each past date would have said, and what happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.bundle import load_bundle, model_in_use
from milepost.data.publish import publish, spreadsheet_safe
from milepost.errors import NotEnoughData
from milepost.pipeline.alarms import headed
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, shown, table
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.training import evaluate
from milepost.training.calibrate import fit_calibrator
from milepost.training.candidates import Recipe, Rows, best_step, cross_fit, fit, recipe
from milepost.training.season import When
from milepost.training.split import account_folds

Flags = NDArray[np.bool_]
TENTH = 0.1
COLUMNS = ["snapshot_date", "learnt_from", "accounts", "churned", "foretold", "auc", "low", "high", "found_in_tenth"]


@dataclass(frozen=True)
class Backtest:
    """dates: COLUMNS, one row per date, foretold in accounts; accounts: account_id, snapshot_date, churn_risk, churned;
    left_out: date -> why.
    """

    dates: pd.DataFrame
    accounts: pd.DataFrame
    left_out: dict[str, str]


def backtest_job(job: Job, begin: date | None = None, end: date | None = None) -> Result:
    """Replay the snapshots from `begin` to `end` (the whole history by default) and publish out/backtest.

    Raises NotEnoughData when no date had enough outcomes before it, or none has matured.
    """
    found = replay(job, begin, end)
    if found.dates.empty:
        why = next(iter(found.left_out.values()), "no snapshot lies there")
        raise NotEnoughData(f"no date can be replayed: {why}", where="backtest", fix="choose other dates")
    folder = job.settings.output / "backtest"

    def write(target: object) -> None:
        for name, frame in (("dates", found.dates), ("accounts", found.accounts)):
            frame.to_parquet(f"{target}/{name}.parquet", index=False)
            spreadsheet_safe(frame).to_csv(f"{target}/{name}.csv", index=False)

    publish(folder, job.version, write)
    answer = {"dates": found.dates.to_dict("records"), "whole": _whole(found.accounts, job.settings.project.seed),
              "left_out": found.left_out, "path": str(folder)}  # fmt: skip
    return headed(Result(answer, _text(found, job.settings.project.seed) + f"\n{shown(folder)}"), job.alarms.texts)


def replay(job: Job, begin: date | None, end: date | None) -> Backtest:
    """Train at every date on the outcomes that were certain by it, and foretell the accounts of that date.

    The kind of model is that of the model in use, with its defaults; nothing of it but its kind is taken.
    """
    kind = load_bundle(job.settings.models)[0].kind if model_in_use(job.settings.models) else "boosting"
    matrix, known = job.observations.matrix, np.flatnonzero(job.learnable & ~np.isnan(job.outcomes.churned))
    days = matrix.rows[SNAPSHOT].to_numpy(dtype="datetime64[D]")[known]
    names = matrix.rows[ACCOUNT].iloc[known].reset_index(drop=True)
    churned = job.outcomes.churned[known].astype(np.float64)
    how = recipe(kind, job.settings.project.seed, job.settings.project.threads)
    certain = np.timedelta64(job.windows.purge_days, "D")
    dates, accounts, left_out = [], [], {}
    for day in _between(np.unique(days), begin, end):
        before, now = np.asarray(days <= day - certain), np.asarray(days == day)
        gone = names[before & (churned == 1)].nunique()
        if gone < job.settings.training.min_churned:
            left_out[str(day)] = (
                f"{gone} accounts had churned for certain by {day}, {job.settings.training.min_churned} needed"
            )
            continue
        job.progress(f"backtest: {day}, learning from {int(before.sum()):,} rows")
        folds = account_folds(names, job.settings.training.folds, job.settings.project.seed)
        learnt = Rows(matrix.values[known[before]], churned[before], folds[before])
        when = When(days[before], names[before].to_numpy(dtype=str)), days[now]
        risk = _foretold(how, learnt, matrix.values[known[now]], when)
        dates.append(_row(day, int(before.sum()), risk, churned[now], names[now].reset_index(drop=True), how.seed))
        accounts.append(pd.DataFrame({ACCOUNT: names[now].to_numpy(), SNAPSHOT: pd.Timestamp(day), "churn_risk": risk,
                                      "churned": churned[now]}))  # fmt: skip
    told = pd.concat(accounts, ignore_index=True) if accounts else pd.DataFrame()
    return Backtest(pd.DataFrame(dates, columns=COLUMNS), told, left_out)


def _between(days: NDArray[np.datetime64], begin: date | None, end: date | None) -> Iterator[np.datetime64]:
    for day in days:
        if (begin is None or day >= np.datetime64(begin)) and (end is None or day <= np.datetime64(end)):
            yield day


def _foretold(
    how: Recipe, learnt: Rows, values: NDArray[np.float32], when: tuple[When, NDArray[np.datetime64]]
) -> NDArray[np.float64]:
    """Fitted and calibrated as in training, on what was known then."""
    (inside,) = cross_fit(how, learnt)
    step = best_step(inside, learnt.churned)
    calibrator = fit_calibrator(inside[step], learnt.churned, when[0])
    return calibrator.risk(fit(how.at(step), learnt)(values)[0], when[1])


def _row(
    day: np.datetime64, learnt: int, risk: NDArray[np.float64], churned: NDArray[np.float64], names: pd.Series[str],
    seed: int,
) -> dict[str, object]:  # fmt: skip
    both = 0 < churned.sum() < len(churned)
    low, high = evaluate.auc_interval(risk, churned, names, seed) if both else (np.nan, np.nan)
    return dict(zip(COLUMNS, (
        pd.Timestamp(day), learnt, len(churned), int(churned.sum()), float(risk.sum()),
        evaluate.roc_auc(risk, churned) if both else np.nan, low, high, _found(risk, churned),
    ), strict=True))  # fmt: skip


def _found(risk: NDArray[np.float64], churned: NDArray[np.float64]) -> float:
    """Share of the churned among the riskiest tenth; NaN where nobody churned."""
    first = np.argsort(-risk, kind="stable")[: max(round(TENTH * len(risk)), 1)]
    return float(churned[first].sum() / churned.sum()) if churned.sum() else float("nan")


def _whole(rows: pd.DataFrame, seed: int) -> dict[str, float]:
    """All dates together: AUC with its interval by account, observed over foretold."""
    risk, churned = rows["churn_risk"].to_numpy(), rows["churned"].to_numpy()
    low, high = evaluate.auc_interval(risk, churned, rows[ACCOUNT], seed)
    return {"auc": evaluate.roc_auc(risk, churned), "low": low, "high": high,
            "observed_over_foretold": float(churned.sum() / risk.sum()), "rows": float(len(rows)),
            "churned": float(churned.sum())}  # fmt: skip


def _text(found: Backtest, seed: int) -> str:
    rows = [
        [f"{row['snapshot_date']:%Y-%m-%d}", f"{row['learnt_from']:,}", f"{row['accounts']:,}", f"{row['churned']:,}",
         f"{row['foretold']:.0f}", f"{row['auc']:.3f}", f"{row['low']:.3f} to {row['high']:.3f}",
         "–" if np.isnan(row["found_in_tenth"]) else f"{row['found_in_tenth']:.0%}"]
        for row in found.dates.to_dict("records")
    ]  # fmt: skip
    whole = _whole(found.accounts, seed)
    head = ["date", "learnt from", "accounts", "churned", "foretold", "AUC", "95 % interval", "in riskiest tenth"]
    left = f"\n{len(found.left_out)} earlier dates had too few outcomes before them" if found.left_out else ""
    together = (
        f"all dates: AUC {whole['auc']:.3f} ({whole['low']:.3f} to {whole['high']:.3f}), observed over foretold "
        f"{whole['observed_over_foretold']:.2f}{left}"
    )
    return f"What a model trained at each date would have said\n\n{table(head, rows)}\n\n{together}"
