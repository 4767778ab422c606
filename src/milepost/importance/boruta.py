"""Boruta: which features beat the best of their own shuffled copies, round after round.

Kursa and Rudnicki 2010, "Feature selection with the Boruta package", Journal of Statistical Software 36(11). Two
differences: importance is the forest's impurity, as in most Python versions of it, and a copy is shuffled over
accounts, not rows: the snapshots of an account share its outcome, so that a copy shuffled over rows is too easy to
beat for anything that merely tells accounts apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom
from sklearn.ensemble import RandomForestClassifier

Floats = NDArray[np.float64]
Values = NDArray[np.float32]
Codes = NDArray[np.intp]
Progress = Callable[[str], None]

MOST_ROUNDS = 30
MOST_ROWS = 20_000
LEVEL = 0.01  # two-sided, for all features together (Bonferroni)
_SAY_EVERY = 10
OPEN, CONFIRMED, REJECTED = 0, 1, -1
_FOREST: dict[str, Any] = {
    "n_estimators": 80, "max_depth": 7, "min_samples_leaf": 20, "max_features": "sqrt", "class_weight": "balanced",
}  # fmt: skip


@dataclass(frozen=True)
class Boruta:
    """hit_share: float [features], share of its rounds in which a feature beat every copy; status: [features]."""

    hit_share: Floats
    status: Codes


@dataclass(frozen=True)
class _Rows:
    """Rows sorted by account: counts [rows × features], churned [rows]; account, place (0, 1, … within it): [rows]."""

    counts: Values
    churned: Floats
    account: Codes
    place: Codes


def boruta(
    counts: Values, churned: Floats, codes: Codes, seed: int, threads: int = 1, progress: Progress = lambda text: None
) -> Boruta:
    """Up to 30 rounds of forest over features and their copies; rejected features drop out.

    counts: [rows × features]; churned: [rows], 0 or 1; codes: the account of each row. Beyond 20,000 rows accounts
    are drawn.
    """
    rng = np.random.default_rng(seed)
    rows = _by_account(counts, churned, codes, rng)
    hits, rounds, status = (np.zeros(counts.shape[1], dtype=np.intp) for _ in range(3))
    for number in range(MOST_ROUNDS):
        live = np.flatnonzero(status != REJECTED)
        hits[live] += _beats_copies(rows, live, rng, threads)
        rounds[live] += 1
        status = decided(hits, rounds, status)
        if number % _SAY_EVERY == _SAY_EVERY - 1:
            progress(f"boruta: {number + 1} rounds, {int((status == CONFIRMED).sum())} confirmed")
        if not (status == OPEN).any():
            break
    return Boruta(hits / np.maximum(rounds, 1), status)


def decided(hits: Codes, rounds: Codes, status: Codes) -> Codes:
    """CONFIRMED or REJECTED where a fair coin would hardly hit so often or so seldom; decided ones stay."""
    often, seldom = binom.sf(hits - 1, rounds, 0.5), binom.cdf(hits, rounds, 0.5)
    sure = 2 * np.minimum(often, seldom) * len(hits) <= LEVEL
    found: Codes = np.where((status == OPEN) & sure, np.where(often < seldom, CONFIRMED, REJECTED), status)
    return found


def copies(values: Values, account: Codes, place: Codes, rng: np.random.Generator) -> Values:
    """Shuffled copies [rows × columns] of rows sorted by account: every account gets the rows of another, in order.

    Each column has a draw of its own. The rows of a donor that has fewer are used again.
    """
    sizes = np.bincount(account)
    first = np.cumsum(sizes) - sizes
    shuffled = np.empty_like(values)
    for column in range(values.shape[1]):
        donor = rng.permutation(len(sizes))[account]
        shuffled[:, column] = values[first[donor] + place % sizes[donor], column]
    return shuffled


def _by_account(counts: Values, churned: Floats, codes: Codes, rng: np.random.Generator) -> _Rows:
    """Whole accounts in random order as long as the rows are not too many, the first one always."""
    order = rng.permutation(int(codes.max()) + 1)
    drawn = order[: max(1, int((np.cumsum(np.bincount(codes)[order]) <= MOST_ROWS).sum()))]
    number = np.full(len(order), -1, dtype=np.intp)
    number[np.sort(drawn)] = np.arange(len(drawn))
    rows = np.argsort(codes, kind="stable")
    rows = rows[number[codes[rows]] >= 0]
    account = number[codes[rows]]
    sizes = np.bincount(account)
    place = np.arange(len(rows)) - (np.cumsum(sizes) - sizes)[account]
    return _Rows(np.asarray(counts[rows], dtype=np.float32), churned[rows], account, place)


def _beats_copies(rows: _Rows, live: Codes, rng: np.random.Generator, threads: int) -> NDArray[np.bool_]:
    """bool [live features]: more important than the most important copy."""
    values = rows.counts[:, live]
    both = np.column_stack([values, copies(values, rows.account, rows.place, rng)])
    forest = RandomForestClassifier(**_FOREST, random_state=int(rng.integers(2**31)), n_jobs=threads)
    gains = forest.fit(both, rows.churned).feature_importances_
    return np.asarray(gains[: len(live)] > gains[len(live) :].max())
