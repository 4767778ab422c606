"""Which features follow which (a total effect is not adjusted for those), and which are nearly the same.

A feature that leads to others does part of its work through them. Cross-sections cannot tell the leader from the
follower, but dates can: where F leads to G, accounts with F start G more often, and accounts with G do not start F
more often to the same degree. A taste for both raises both rates alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milepost.adoption import available
from milepost.importance.design import account_codes
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

TWINS = 0.8  # correlation of adoption from which two features are one bundle
_CLEARLY = 4.0  # standard errors by which one direction must exceed the other
_TWICE = 0.69  # log of the least rise of the start rate
_MOST_DAYS = 62  # between two looks at an account
_MOST_ADOPTED = 0.9  # nobody is left to compare with


@dataclass(frozen=True)
class Relations:
    """followers: bool [features × features], [f, g] where g follows f. twins: bool, symmetric: one bundle.

    correlation: float, of adoption; 0 on the diagonal.
    """

    followers: Flags
    twins: Flags
    correlation: Floats


def find_relations(observations: Observations) -> Relations:
    """Followers from the start rates between neighbouring snapshots of the same account, twins from correlation."""
    adopted = observations.adopted & available(observations)
    correlation = _correlation(adopted)
    twins = correlation >= TWINS
    return Relations(_followers(observations, adopted) & ~twins, twins, correlation)


def _followers(observations: Observations, adopted: Flags) -> Flags:
    allowed = available(observations)
    now, later = _neighbours(observations)
    if not len(now):
        return np.zeros((adopted.shape[1],) * 2, dtype=bool)
    idle = allowed[now] & ~adopted[now]
    at_risk = (idle & allowed[later]).astype(np.float32)
    starts = at_risk * adopted[later]
    rise, variance = _log_rise(adopted[now].astype(np.float32), idle.astype(np.float32), at_risk, starts)
    more = rise - rise.T
    clear = (more > _CLEARLY * np.sqrt(variance + variance.T)) & (rise > np.maximum(_TWICE, 2 * np.sqrt(variance)))
    rate = adopted.sum(axis=0) / np.maximum(allowed.sum(axis=0), 1)
    clear[rate > _MOST_ADOPTED] = False
    np.fill_diagonal(clear, False)
    return np.asarray(clear)


def _log_rise(
    used: NDArray[np.float32], idle: NDArray[np.float32], at_risk: NDArray[np.float32], starts: NDArray[np.float32]
) -> tuple[Floats, Floats]:
    """log of the start rate of g among users of f over that among others, and its variance: [features × features]."""
    with_f, others = (used.T @ starts).astype(np.float64), (idle.T @ starts).astype(np.float64)
    risk_with, risk_others = (used.T @ at_risk).astype(np.float64), (idle.T @ at_risk).astype(np.float64)
    # a half start each side: no infinite rise from an empty cell
    rise = np.log((with_f + 0.5) / (risk_with + 1)) - np.log((others + 0.5) / (risk_others + 1))
    return rise, 1 / (with_f + 0.5) + 1 / (others + 0.5)


def _neighbours(observations: Observations) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of an account's row and of its next one, where they are close enough to see what started."""
    context = observations.context
    codes = account_codes(context[ACCOUNT].to_numpy())[0]
    days = context[SNAPSHOT].to_numpy(dtype="datetime64[D]").astype(np.int64)
    order = np.lexsort((days, codes))
    now, later = order[:-1], order[1:]
    near = (codes[now] == codes[later]) & (days[later] - days[now] <= _MOST_DAYS)
    return now[near], later[near]


def _correlation(adopted: Flags) -> Floats:
    """Correlation of adoption between features, float [features × features], 0 on the diagonal."""
    values = adopted.astype(np.float64)
    values -= values.mean(axis=0)
    length = np.sqrt((values**2).sum(axis=0))
    values /= np.where(length > 0, length, np.inf)
    correlation: Floats = values.T @ values
    np.fill_diagonal(correlation, 0.0)
    return correlation
