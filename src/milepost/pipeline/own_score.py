"""`milepost score --matrix`: score a table somebody brings with a model that was trained on one like it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.bundle import load_bundle
from milepost.data.contract import Finding
from milepost.data.publish import spreadsheet_safe, write_atomic
from milepost.errors import InputError, nearest
from milepost.pipeline.own_matrix import numbers_of, read_table
from milepost.pipeline.result import Result, shown, table
from milepost.scoring.reasons import explain, place_reasons, reason_columns
from milepost.scoring.score import check_scores
from milepost.signals.matrix import Matrix
from milepost.signals.spec import Signal
from milepost.terms import ACCOUNT, SNAPSHOT, Action
from milepost.training.model import ChurnModel

REASONS, EXPLAINED = 3, 5_000
MOST_UNSEEN = 0.20


@dataclass(frozen=True)
class OwnScores:
    """What the command line says: the table, the column that names the account ("": the row's number), the folder of
    the model, and where the scores go.
    """

    path: Path
    id_column: str
    model: Path
    out: Path


def score_own(asked: OwnScores) -> Result:
    """Score every row and write the scores, riskiest first; more than 20 % of rows with a value that the model has
    never seen is a quality gate.

    Raises InputError for a column that is missing or no longer holds numbers, or an id that stands twice; BundleError
    for a model that is damaged or not there.
    """
    model, about = load_bundle(asked.model)
    frame = read_table(asked.path)
    matrix, findings = matrix_for(model, frame, _ids(frame, asked))
    scores = _scores(matrix, model, about.get("typical") or {}).assign(model_id=about["model_id"])
    safe = spreadsheet_safe(scores)
    write = scores.to_parquet if asked.out.suffix == ".parquet" else safe.to_csv
    write_atomic(asked.out, lambda path: write(path, index=False))
    answer = {"rows": len(scores), "path": str(asked.out), "model_id": about["model_id"],
              "findings": [{**asdict(one), "verdict": str(one.verdict)} for one in findings]}  # fmt: skip
    rows = [[row.risk_rank, str(row.account_id)[:24], f"{row.churn_risk:.1%}"] for row in scores.head(10).itertuples()]
    notes = [f"{one.verdict}: {one.where}: {one.check} in {one.count:,} rows; {one.what_to_do}" for one in findings]
    text = "\n".join([f"{len(scores):,} rows scored", table(["", "account", "risk"], rows), *notes, shown(asked.out)])
    return Result(answer, text, _gate(findings, len(scores)))


def _ids(frame: pd.DataFrame, asked: OwnScores) -> pd.Series[str]:
    if not asked.id_column:
        return pd.Series(np.arange(len(frame)).astype(str))
    if asked.id_column not in frame:
        fix = nearest(asked.id_column, map(str, frame.columns))
        raise InputError(f"no column '{asked.id_column}'", where=asked.path.name, fix=fix)
    ids = frame[asked.id_column].astype(str)
    if twice := int(ids.duplicated().sum()):
        raise InputError(f"column '{asked.id_column}' names {twice:,} accounts twice", where=asked.path.name,
                         expected="one row per account")  # fmt: skip
    return ids


def matrix_for(model: ChurnModel, frame: pd.DataFrame, ids: pd.Series[str]) -> tuple[Matrix, tuple[Finding, ...]]:
    """The table as the matrix the model knows, and columns with values it has never seen (they count as none of them).

    Raises InputError for a column that is missing or no longer holds numbers.
    """
    texts: dict[str, set[str]] = {}
    columns = []
    for signal in model.signals:
        if signal.column not in frame:
            given = [str(name) for name in frame.columns]
            raise InputError(f"the model needs column '{signal.column}'", where="matrix",
                             fix=nearest(signal.column, given))  # fmt: skip
        if signal.measure == "is":
            texts.setdefault(signal.column, set()).add(signal.equals)
        columns.append(_column(signal, frame[signal.column]))
    findings = tuple(
        Finding("values the model has never seen", f"column '{name}'", count, Action.WARN, "train again with them")
        for name, known in texts.items() if (count := int((~_words(frame[name]).isin(known)
                                                          & frame[name].notna()).sum()))
    )  # fmt: skip
    rows = pd.DataFrame({ACCOUNT: ids.to_numpy(), SNAPSHOT: pd.Timestamp(0)})
    return Matrix(np.column_stack(columns), rows, model.signals, ""), findings


def _column(signal: Signal, column: pd.Series[str]) -> NDArray[np.float32]:
    if signal.measure == "is":
        return np.asarray((_words(column) == signal.equals), dtype=np.float32)
    numbers = numbers_of(column)
    if numbers is None:
        raise InputError(f"column '{signal.column}' holds text", where="matrix", expected="numbers, as in training")
    return numbers


def _words(column: pd.Series[str]) -> pd.Series[str]:
    return column.astype(str)


def _scores(matrix: Matrix, model: ChurnModel, typical: dict[str, float]) -> pd.DataFrame:
    risk = model.predict(matrix)
    reasons = reason_columns(len(risk), REASONS)
    explained = np.sort(np.argsort(-risk, kind="stable")[:EXPLAINED])
    place_reasons(reasons, explained, explain(matrix.take(explained), model, typical, REASONS))
    scores = pd.DataFrame({ACCOUNT: matrix.rows[ACCOUNT], "churn_risk": risk, **reasons})
    scores = scores.sort_values(["churn_risk", ACCOUNT], ascending=[False, True], ignore_index=True)
    scores.insert(2, "risk_rank", np.arange(1, len(scores) + 1))
    check_scores(scores)
    return scores


def _gate(findings: tuple[Finding, ...], rows: int) -> str:
    worst = max(findings, key=lambda one: one.count, default=None)
    if worst is None or worst.count <= MOST_UNSEEN * rows:
        return ""
    return f"{worst.where} holds values the model has never seen in {worst.count / rows:.0%} of the rows"
