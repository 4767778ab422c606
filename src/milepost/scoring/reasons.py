"""Why an account's churn risk is what it is, in words: the signals that move it most, one per feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milepost.signals.matrix import Matrix
from milepost.signals.spec import Signal
from milepost.training.model import ChurnModel

Column = NDArray[np.object_] | NDArray[np.float64]


@dataclass(frozen=True)
class Reason:
    """One reason: `contribution` in log-odds of churn (positive raises the risk), `typical` the median among retained
    accounts in training; NaN where unknown."""

    signal: str
    value: float
    typical: float
    contribution: float
    sentence: str


def explain(matrix: Matrix, model: ChurnModel, typical: dict[str, float], count: int) -> list[list[Reason]]:
    """The `count` strongest reasons for each row, those that raise the risk first.

    Contributions of signals of one feature are summed before they are compared, so that a feature is named once,
    by its strongest signal. Contributions add up to the model's log-odds; they are not effects.
    """
    contributions = model.contributions(matrix)
    groups = _groups(matrix.signals)
    summed = np.zeros((len(matrix.rows), groups.max() + 1))
    np.add.at(summed.T, groups, contributions.T)
    # what raises the risk comes first; below it, what lowers it most
    order = np.argsort(-np.where(summed > 0, summed + 1e6, -summed), axis=1, kind="stable")[:, :count]
    return [
        [
            _reason(matrix, _strongest(contributions[row], groups, group, total), row, total, typical)
            for group, total in zip(chosen, summed[row, chosen], strict=True)
            if total
        ]
        for row, chosen in enumerate(order)
    ]


_PARTS = ("signal", "value", "typical", "contribution")


def reason_columns(rows: int, count: int) -> dict[str, Column]:
    """Empty columns for so many reasons: reason_<n> and its parts, [rows] each."""
    columns: dict[str, Column] = {}
    for place in range(1, count + 1):
        columns[f"reason_{place}"] = np.full(rows, None, dtype=object)
        columns[f"reason_{place}_signal"] = np.full(rows, None, dtype=object)
        columns |= {f"reason_{place}_{part}": np.full(rows, np.nan) for part in _PARTS[1:]}
    return columns


def place_reasons(columns: dict[str, Column], rows: NDArray[np.intp], reasons: list[list[Reason]]) -> None:
    """Write the reasons of the given rows into the columns."""
    for row, found in zip(rows, reasons, strict=True):
        for place, reason in enumerate(found, start=1):
            columns[f"reason_{place}"][row] = reason.sentence
            for part in _PARTS:
                columns[f"reason_{place}_{part}"][row] = getattr(reason, part)


_TERM = {"term_months", "days_to_term_end", "term_end_in_outcome_window"}


def _groups(signals: tuple[Signal, ...]) -> NDArray[np.intp]:
    """What is named once: a feature, an event of own signals, an attribute with all its values, the running term, any
    other signal alone."""
    names = [_subject(signal) for signal in signals]
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return np.array([places[name] for name in names], dtype=np.intp)


def _subject(signal: Signal) -> str:
    if signal.column:
        return f"account.{signal.column}"
    if signal.event:
        return f"event {signal.event}"
    return signal.feature or ("account.term" if signal.measure in _TERM else signal.name)


def _strongest(contributions: NDArray[np.float64], groups: NDArray[np.intp], group: int, total: float) -> int:
    """The signal of a group that moves the risk most in the group's direction."""
    members = np.flatnonzero(groups == group)
    return int(members[np.argmax(contributions[members] * np.sign(total))])


def _reason(matrix: Matrix, position: int, row: int, total: float, typical: dict[str, float]) -> Reason:
    signal = matrix.signals[position]
    value = float(matrix.values[row, position])
    usual = typical.get(signal.name, float("nan"))
    return Reason(signal.name, value, usual, float(total), sentence(signal, value, usual, total))


def sentence(signal: Signal, value: float, typical: float, contribution: float) -> str:
    """One reason in words, such as "Raises the risk: uses of macros a day observed, last 84 days: 0 (retained
    accounts usually 1.2)"."""
    direction = "Raises the risk" if contribution > 0 else "Lowers the risk"
    if signal.measure == "is":
        holds = "is" if value == 1 else "is not"
        return f"{direction}: {signal.column} {holds} {signal.equals}"
    usual = "" if np.isnan(typical) else f" (retained accounts usually {number(typical)})"
    return f"{direction}: {signal.description}: {number(value)}{usual}"


def number(value: float) -> str:
    """A figure a person can read: three significant digits, no exponent; "unknown" for NaN.

    >>> number(0.04567), number(1234.5), number(2.0)
    ('0.0457', '1,234', '2')
    """
    if np.isnan(value):
        return "unknown"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    shown = f"{value:.3g}"
    return shown if "e" not in shown else "0"
