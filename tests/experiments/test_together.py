"""Support beside retention: nothing where there is nothing, what is planted where it is, and size is no cause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from milepost.experiments.propose import ASSOCIATION, NOTHING, WORTH
from milepost.experiments.together import COLUMNS, factors, grade_all, together
from milepost.importance.design import ranked_rows
from milepost.signals.matrix import Matrix
from milepost.signals.spec import Signal


@pytest.fixture(scope="module")
def rows(product: Any) -> Any:
    """2,500 accounts at 6 snapshots: observations and outcomes."""
    seen = product(kind="plain", accounts=2500, snapshots=6, features=24, monthly_churn=0.05, seed=11)
    return ranked_rows(seen.observations, seen.outcomes, seen.settings)


def answered(observations: Any, seed: int, by_size: float = 0.0, silent: float = 0.1) -> tuple[Any, Any]:
    """The observations with two signals of conversations; whether the account is one that is answered fast."""
    rng = np.random.default_rng(seed)
    names, codes = np.unique(observations.context["account_id"], return_inverse=True)
    seats = np.log1p(observations.context["seats"].to_numpy(dtype=float))
    habit = rng.normal(size=len(names))[codes]
    minutes = np.exp(3 - habit - by_size * (seats - seats.mean()) + rng.normal(0, 0.7, len(codes)))
    minutes[rng.random(len(codes)) < silent] = np.nan
    signals = tuple(
        Signal(f"account.{name}", None, name, 84, "", "", "")
        for name in ("first_reply_minutes", "conversations_opened")
    )
    matrix = observations.matrix
    values = np.column_stack([matrix.values, minutes, rng.gamma(1, 0.1, len(codes))]).astype(np.float32)
    wider = Matrix(values, matrix.rows, (*matrix.signals, *signals), matrix.source_hash)
    return replace(observations, matrix=wider), habit > 0


def graded(observations: Any, outcomes: Any) -> Any:
    return grade_all(together(observations, outcomes, "retained", factors(observations, ["event_003"]), 7)).set_index(
        "factor"
    )


def test_support_that_matters_is_found_and_what_it_needs_is_said(rows: Any) -> None:
    observations, fast = answered(rows[0], 1)
    outcomes = rows[1]
    spared = fast & (np.random.default_rng(5).random(len(fast)) < 0.6)
    kept = outcomes.missing(np.where(spared, 0, outcomes.churned).astype(np.float32))
    found = graded(observations, kept)
    row = found.loc["fast_first_reply"]
    assert list(found.reset_index()[COLUMNS].columns) == COLUMNS
    assert row["low"] > 0.5
    assert row["q"] < 0.001
    assert row["grade"] in (WORTH, ASSOCIATION)
    assert row["rows"] < len(fast)  # those without a reply are on no side


def test_nothing_is_found_where_there_is_nothing(rows: Any) -> None:
    """40 draws of who is answered fast: an interval of 95 % leaves out nothing twice; no grade comes more often."""
    wrong = called = 0
    for seed in range(40):
        observations, _ = answered(rows[0], 100 + seed)
        row = graded(observations, rows[1]).loc["fast_first_reply"]
        wrong += not row["low"] <= 0 <= row["high"]
        called += row["grade"] != NOTHING
    assert wrong <= 6
    assert called <= wrong


def test_large_accounts_answered_first_are_compared_with_large_ones(rows: Any) -> None:
    observations, _ = answered(rows[0], 3, by_size=1.5)
    seats = observations.context["seats"].to_numpy(dtype=float)
    spared = (seats > np.median(seats)) & (np.random.default_rng(6).random(len(seats)) < 0.7)
    kept = rows[1].missing(np.where(spared, 0, rows[1].churned).astype(np.float32))
    row = graded(observations, kept).loc["fast_first_reply"]
    assert row["raw"] > 2
    assert abs(row["effect"]) < row["raw"] / 2


def test_too_few_to_compare_is_an_answer(rows: Any) -> None:
    observations, _ = answered(rows[0], 1, silent=0.995)
    row = graded(observations, rows[1]).loc["fast_first_reply"]
    assert row["grade"] == NOTHING
    assert row["because"].startswith("not enough data: ")


def test_help_is_the_features_whose_events_are_named(rows: Any) -> None:
    (one,) = factors(rows[0], ["event_003", "event_004", "elsewhere"])
    assert (one.name, one.columns) == ("reads_help", (3, 4))
    assert (one.holds == (rows[0].counts[:, 3:5] > 0).any(axis=1)).all()
    assert factors(rows[0], ["elsewhere"]) == []


def test_cuts_are_those_of_the_snapshot(rows: Any) -> None:
    """Twice as slow at the last snapshot: as many as before are faster than the median there."""
    observations, _ = answered(rows[0], 1)
    late = observations.context["snapshot_date"] == observations.context["snapshot_date"].max()
    values = observations.matrix.values.copy()
    values[late, -2] *= 2
    slower = replace(observations, matrix=replace(observations.matrix, values=values))
    (one, _), (other, _) = factors(observations, ["event_003"]), factors(slower, ["event_003"])
    assert (one.holds == other.holds).all()
