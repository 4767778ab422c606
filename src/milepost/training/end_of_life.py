"""Features that are only used at the end of an account's life: cancel pages, taking all data away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binom

from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.training.leaks import Leak

FloatArray = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

# a step of a month and a little
LAST_DAYS = 42
SHARE, ACCOUNTS = 0.9, 10
CHANCE = 1e-3  # over all features together


@dataclass(frozen=True)
class _Lives:
    """Rows in time: account of each, whether it churned, whether it or a row soon after did, whether that was seen."""

    codes: Places
    churned: Flags
    soon: Flags
    seen: Flags


def end_of_life_leaks(observations: Observations, churned: FloatArray) -> Iterator[Leak]:
    """Features whose users nearly all leave: at 9 of 10 rows with use, or soon after 9 of 10 first uses.

    At least 10 churned accounts must have used it, and chance must not explain them (exact binomial test by account,
    shared among all features). A harmful feature stays far below: at 9 of 10 rows it would end an account in weeks.
    """
    lives = _lives(observations, churned == 1)
    # where most leave within one outcome window, leaving soon after anything is no sign
    if lives.churned.mean() > 0.5:
        return
    chance = CHANCE / max(len(observations.features), 1)
    for column, feature in enumerate(observations.features):
        rows = np.flatnonzero(observations.counts[:, column] > 0)
        if figure := _while_used(rows, lives, chance) or _after_first_use(rows, lives, chance):
            yield Leak(feature.name, figure, feature.name)


def _lives(observations: Observations, churned: Flags) -> _Lives:
    codes, _ = pd.factorize(observations.context[ACCOUNT])
    days = observations.context[SNAPSHOT].reset_index(drop=True)
    # rows stand in the order of time
    ahead = days.where(churned).groupby(codes).bfill()
    length = pd.Timedelta(days=LAST_DAYS)
    soon, seen = (ahead - days <= length).to_numpy(), (days <= days.max() - length).to_numpy()
    return _Lives(codes.astype(np.intp), churned, soon, seen)


def _while_used(rows: Places, lives: _Lives, chance: float) -> str:
    gone = lives.churned[rows]
    if not len(rows) or gone.mean() < SHARE:
        return ""
    users, count = np.unique(lives.codes[rows], return_counts=True)
    left = len(np.unique(lives.codes[rows[gone]]))
    expected = float(np.mean(1 - (1 - lives.churned.mean()) ** count))
    return _figure(left, len(users), expected, chance)


def _after_first_use(rows: Places, lives: _Lives, chance: float) -> str:
    first = rows[np.unique(lives.codes[rows], return_index=True)[1]]
    first = first[lives.seen[first]]
    left = int(lives.soon[first].sum())
    if not len(first) or left < SHARE * len(first):
        return ""
    expected = float(lives.soon[lives.seen].mean())
    return _figure(left, len(first), expected, chance) if expected <= 0.5 else ""


def _figure(left: int, users: int, expected: float, chance: float) -> str:
    if left < ACCOUNTS or binom.sf(left - 1, users, expected) > chance:
        return ""
    return f"{left:,} of {users:,} accounts that used it left soon after"
