"""Support beside retention and expansion: adjusted associations, graded like those of features; never a cause.

An account is compared with accounts of equal plan, size, age, depth of use and equally many conversations. Who is
answered fast is not drawn by lot: an account in trouble asks harder questions, and these take longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.experiments.aipw import Association, associate
from milepost.experiments.propose import NOTHING, Proposal, Standing, propose
from milepost.importance.comovement import state_moves_together
from milepost.importance.design import Design, make_design, standardised
from milepost.importance.effect import Effect, effect_of, q_values, raw_differences
from milepost.importance.verdicts import grade
from milepost.outcomes import Outcomes
from milepost.signals.matrix import Observations
from milepost.terms import SNAPSHOT

Flags = NDArray[np.bool_]

COLUMNS = ["goal", "factor", "words", "rows", "accounts_with", "accounts_without", "effect", "low", "high", "raw", "q",
           "e_value_low", "overlap", "grade", "because"]  # fmt: skip
GOOD_RATING = 4.0
CLEAR = 0.05  # q from which nothing is shown
ASKING = "account.conversations_opened"
_MONTH = 30


@dataclass(frozen=True)
class Factor:
    """One state of support: bool [rows], where it holds and where that is known."""

    name: str
    words: str
    holds: Flags
    known: Flags
    columns: tuple[int, ...] = ()  # features it is made of


@dataclass(frozen=True)
class Measured:
    """One factor beside one goal before the family is judged: its row, the p of its effect, and what grades it."""

    row: dict[str, Any]
    p: float
    association: Association
    standing: Standing


def factors(observations: Observations, read_events: Sequence[str]) -> list[Factor]:
    """The states of support these data have: answered and resolved faster than the median of the same snapshot,
    satisfied (mean rating of GOOD_RATING or more), and help read in the observation window (bool [rows] each).
    """
    names = {signal.name for signal in observations.matrix.signals}
    found = []
    for name, signal, words in (
        ("fast_first_reply", "account.first_reply_minutes", "first replies faster than the median account gets"),
        ("fast_resolution", "account.resolution_minutes", "conversations resolved faster than for the median account"),
        ("satisfied", "account.rating", f"conversations rated {GOOD_RATING:g} or more on average"),
    ):
        if signal in names:
            values = observations.matrix.column(signal).astype(np.float64)
            holds = values >= GOOD_RATING if name == "satisfied" else values < _medians(observations, values)
            found.append(Factor(name, words, holds, ~np.isnan(values)))
    columns = [place for place, one in enumerate(observations.features) if set(one.event_names) & set(read_events)]
    if columns:
        read = np.asarray((observations.counts[:, columns] > 0).any(axis=1))
        always = np.ones(len(read), dtype=np.bool_)
        found.append(Factor("reads_help", "help read in the observation window", read, always, tuple(columns)))
    return found


def together(
    observations: Observations, outcomes: Outcomes, goal: str, given: Sequence[Factor], seed: int
) -> list[Measured]:
    """Every factor beside one goal; the rows are those whose outcome is known."""
    design = _asking(make_design(observations, outcomes), observations)
    return [_measured(observations, design, goal, one, seed) for one in given if one.known.any()]


def grade_all(measured: Sequence[Measured]) -> pd.DataFrame:
    """One row per factor and goal, COLUMNS, effects in points of the goal.

    All of them are one family: q is over all, and decides with overlap, balance and the negative control on the grade.
    """
    q = q_values(np.array([one.p for one in measured], dtype=np.float64))
    rows = []
    for one, value in zip(measured, q, strict=True):
        made = propose(one.row["factor"], one.association, replace(one.standing, q=float(value)), 1.0)
        if not value <= CLEAR:
            made = replace(made, grade=NOTHING)
        rows.append({**one.row, "q": value, "grade": made.grade, "because": _because(made)})
    return pd.DataFrame(rows, columns=COLUMNS)


def _because(made: Proposal) -> str:
    """Why it is no more than it is called; "" where the figures beside it say so."""
    if made.grade == NOTHING:
        without, having = made.association.accounts
        short = f"not enough data: {having:,} accounts with it, {without:,} without, at least 50 like the others asked"
        return "" if made.association.known else short
    said = "; ".join(made.because).replace("all features tested", "all that is compared")
    return said.replace("the ranking grades it an association: ", "")


def _medians(observations: Observations, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median of each row's own snapshot: what comes later moves no cut."""
    by_snapshot = pd.Series(values).groupby(observations.context[SNAPSHOT].to_numpy())
    return np.asarray(by_snapshot.transform("median"), dtype=np.float64)


def _asking(design: Design, observations: Observations) -> Design:
    """The design with how often the account asks beside its other controls."""
    if ASKING not in {signal.name for signal in observations.matrix.signals}:
        return design
    asked = np.log1p(np.nan_to_num(observations.matrix.column(ASKING).astype(np.float64)) * _MONTH)
    if np.ptp(asked) == 0:
        return design
    controls = np.insert(design.controls, 1, standardised(asked[:, None])[:, 0], axis=1)
    return replace(design, controls=controls)


def _measured(observations: Observations, design: Design, goal: str, one: Factor, seed: int) -> Measured:
    rows, state = one.known, one.holds & one.known
    total = effect_of(design, state, rows)
    found = _associated(design, state, rows, seed)
    nearby = state_moves_together(observations.take(rows), state[rows], one.columns)
    (raw,) = raw_differences(design, state[:, None], rows[:, None])
    row = {
        "goal": goal, "factor": one.name, "words": one.words, "rows": int(rows.sum()),
        "accounts_with": len(np.unique(design.codes[state])),
        "accounts_without": len(np.unique(design.codes[rows & ~state])),
        "effect": total.effect, "low": total.low, "high": total.high, "raw": raw.effect,
        "e_value_low": found.e_value_low, "overlap": found.overlap,
    }  # fmt: skip
    return Measured(row, total.p, found, Standing("", float("nan"), _grade(design, state, rows, total, nearby), nearby))


def _associated(design: Design, state: Flags, rows: Flags, seed: int) -> Association:
    """The second estimate, doubly robust, with its overlap and balance."""
    codes = np.unique(design.codes[rows], return_inverse=True)[1]
    return associate(design.churned[rows], state[rows], design.controls[rows], codes, seed)


def _grade(design: Design, state: Flags, rows: Flags, total: Effect, nearby: float) -> str:
    if not np.isfinite(total.effect):
        return ""
    others = [effect_of(design, state, rows, depth=False)]
    return grade(total, others, nearby, control_failed=False)
