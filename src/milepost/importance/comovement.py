"""A second negative control: does the use of everything else rise when an account takes a feature up?

A feature keeps accounts by what it does itself. Where accounts use all else more in the very months in which they use
it, and less in the others, something that changes within the account (health, a new team, a project) moves both, and
may move retention too. Differences between accounts and between dates are taken out, so that big or busy accounts
do not count.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from milepost.importance.activity import deviations
from milepost.importance.design import account_codes
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

TOGETHER = 0.06  # correlation within accounts from which an effect is an association only
_CLEARLY = 4.0  # standard errors, by account
_ROUNDS = 6


def moves_together(observations: Observations, wanted: Sequence[int]) -> dict[int, float]:
    """Column -> correlation, within accounts, of adopting the feature with the depth of use of all others.

    0 when it is not clearly positive; NaN when no account ever changes. Account and snapshot means and the age of the
    account are taken out of both.
    """
    groups = _groups(observations)
    adopted = observations.adopted
    deviation, count = deviations(observations), adopted.sum(axis=1).astype(np.float64)
    total = deviation.sum(axis=1)
    age = _within(np.log1p(observations.context["tenure_days"].to_numpy(dtype=np.float64).clip(0)), groups)
    found = {}
    for column in wanted:
        others = (total - deviation[:, column]) / (np.maximum(count - adopted[:, column], 0) + 2)
        use = _less(_within(adopted[:, column].astype(np.float64), groups), age)
        found[column] = _clear_correlation(use, _less(_within(others, groups), age), groups[0])
    return found


def state_moves_together(observations: Observations, state: NDArray[np.bool_], without: Sequence[int] = ()) -> float:
    """The same for a 0/1 state of the rows that is no feature: bool [rows]; `without`: features it is made of."""
    groups, others = _groups(observations), np.ones(len(observations.features), dtype=bool)
    others[list(without)] = False
    use = deviations(observations)[:, others].sum(axis=1) / (observations.adopted[:, others].sum(axis=1) + 2.0)
    age = _within(np.log1p(observations.context["tenure_days"].to_numpy(dtype=np.float64).clip(0)), groups)
    moved = _less(_within(state.astype(np.float64), groups), age)
    return _clear_correlation(moved, _less(_within(use, groups), age), groups[0])


def _clear_correlation(use: Floats, depth: Floats, accounts: Codes) -> float:
    spread = float(use @ use) * float(depth @ depth)
    if spread < 1e-12:
        return float("nan")
    slope = float(use @ depth) / float(use @ use)
    scores = np.bincount(accounts, use * (depth - slope * use))
    error = float(np.sqrt((scores**2).sum())) / float(use @ use)
    return float(use @ depth) / float(np.sqrt(spread)) if slope > _CLEARLY * error else 0.0


def _groups(observations: Observations) -> tuple[Codes, Codes]:
    """Account and snapshot of each row, as numbers."""
    snapshots = np.unique(observations.context[SNAPSHOT].to_numpy(), return_inverse=True)[1]
    return account_codes(observations.context[ACCOUNT].to_numpy())[0], snapshots.astype(np.intp)


def _within(values: Floats, groups: tuple[Codes, ...]) -> Floats:
    """Values less their account's and snapshot's means, by turns until both are near 0."""
    for _ in range(_ROUNDS):
        for codes in groups:
            values = values - (np.bincount(codes, values) / np.maximum(np.bincount(codes), 1))[codes]
    return values


def _less(values: Floats, other: Floats) -> Floats:
    """Values less their projection on another column."""
    length = float(other @ other)
    return values - other * (float(other @ values) / length) if length > 1e-12 else values
