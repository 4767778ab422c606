"""Breaks in the data themselves: events that stop coming, and plans that were renamed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from milepost.signals.matrix import Observations
from milepost.terms import SNAPSHOT

Floats = NDArray[np.float64]
LEFT = 0.5  # of the share of accounts that use a feature: below it, its events are taken to be broken
BEFORE = 3  # snapshots that say how it was
LEAST_USERS = 30  # accounts that would be expected
MAX_P = 1e-4  # of so few by chance
NEW_PLANS = 0.05  # share of accounts on a plan that nobody was on before


@dataclass(frozen=True)
class Use:
    """A feature's users among the accounts, then and at the last snapshot; expected: had it moved as the others."""

    feature: str
    then: float
    now: float
    expected: float
    broken: bool


@dataclass(frozen=True)
class Plans:
    """Names of plans that came and went since; share: of the accounts at the last snapshot on one that came."""

    came: tuple[str, ...]
    went: tuple[str, ...]
    share: float

    @property
    def renamed(self) -> bool:
        """Whether so many accounts are on names that were not there that plans can no longer be compared."""
        return self.share >= NEW_PLANS


def uses(observations: Observations, since: np.datetime64) -> tuple[Use, ...]:
    """Who used each feature in the days before the last snapshot, beside the last snapshots up to `since`.

    What moves most features alike, a season or a new kind of account, is taken out by the middle ratio of all.
    () where no snapshot lies on both sides.
    """
    days = observations.context[SNAPSHOT].to_numpy(dtype="datetime64[D]")
    before = np.unique(days[days <= since])[-BEFORE:]
    last = days.max() if len(days) else since
    if not len(before) or last <= since:
        return ()
    used = _used(observations)
    then, now = used[np.isin(days, before)].mean(axis=0), used[days == last].mean(axis=0)
    known = then * (days == last).sum() >= LEAST_USERS
    common = float(np.median(now[known] / then[known])) if known.any() else 1.0
    expected, accounts = np.minimum(then * common, 1.0), int((days == last).sum())
    chance = stats.binom.cdf(np.rint(now * accounts), accounts, LEFT * expected)
    # more than half of what was expected being left is no break, however sure
    broken = known & (now < LEFT * expected) & (chance < MAX_P)
    return tuple(
        Use(feature.name, float(then[place]), float(now[place]), float(expected[place]), bool(broken[place]))
        for place, feature in enumerate(observations.features)
    )


def plans(context: pd.DataFrame, since: np.datetime64) -> Plans:
    """Which plans came and went: at the last snapshot, beside all snapshots up to `since`."""
    days = context[SNAPSHOT].to_numpy(dtype="datetime64[D]")
    before, last = context.loc[days <= since, "plan"], context.loc[days == days.max(), "plan"]
    known, there = (set(names.astype(str)) - {""} for names in (before, last))
    if not known or not (days.max() > since):
        return Plans((), (), 0.0)
    came = tuple(sorted(there - known))
    return Plans(came, tuple(sorted(known - there)), float(last.astype(str).isin(came).mean()))


def _used(observations: Observations) -> NDArray[np.bool_]:
    """bool [rows × features]: used in the recent part of the window where that is a signal, else in all of it."""
    recent = {
        signal.feature: place
        for place, signal in enumerate(observations.matrix.signals)
        if signal.measure == "recent_count"
    }
    columns = [
        observations.matrix.values[:, recent[feature.name]] if feature.name in recent else observations.counts[:, place]
        for place, feature in enumerate(observations.features)
    ]
    return np.column_stack(columns) > 0
