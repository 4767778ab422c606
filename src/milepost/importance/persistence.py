"""How much of the adoption seen at a snapshot is still there while the outcome is decided.

An account that has adopted a feature may leave it before the outcome window ends, and one that has not may begin. What
an effect is worth to an account that keeps the feature is then diluted, as a treatment not all take up is: dividing by
the difference that adoption at the snapshot makes to adoption in the outcome window gives it back (Bloom 1984), if
adoption works through being kept up. The test of no effect stays what it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.importance.effect import Effect
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]

LEAST = 0.75  # below it a feature comes and goes: how much would hang on the correction alone
_LEAST_PAIRS = 50  # rows of adopters, and of others, whose account is seen again later
_DAY = np.timedelta64(1, "D")


def persistence(observations: Observations, eligible: Flags) -> Floats:
    """Adoption in the outcome window among adopters less that among others, by feature: float [features], 0.75 to 1.

    Each part of the outcome window counts by its days with the adoption at the last snapshot before it. 1 where no
    later snapshots tell, and for the steps of a set-up, which are done once.
    """
    adopted, features = observations.adopted & eligible, len(observations.features)
    weight, still = np.zeros((2, features)), np.zeros((2, features))  # of others, of adopters
    seen_again = np.zeros((2, features))
    for now, later, days in _pairs(observations):
        both, before, after = eligible[now] & eligible[later], adopted[now], adopted[later]
        counts = np.array([(both & ~before).sum(axis=0), before.sum(axis=0) - (before & ~both).sum(axis=0)])
        weight += days * counts
        still += days * np.array([(both & ~before & after).sum(axis=0), (both & before & after).sum(axis=0)])
        seen_again += counts * (now[0] != later[0])
    share = still / np.maximum(weight, 1e-12)
    lasting = np.clip(share[1] - share[0], LEAST, 1.0)
    once = np.array([feature.setup_step is not None for feature in observations.features], dtype=bool)
    known = (seen_again >= _LEAST_PAIRS).all(axis=0) & ~once
    return np.where(known, lasting, 1.0)


def kept_up(effect: Effect, lasting: float) -> Effect:
    """The effect for accounts that keep the feature through the outcome window; p stays, the interval grows along."""
    if lasting >= 1:
        return effect
    by = 1 / lasting
    ratio = max(1 - (1 - effect.risk_ratio) * by, 1e-6)
    return replace(
        effect, effect=effect.effect * by, low=effect.low * by, high=effect.high * by, error=effect.error * by,
        risk_ratio=ratio, influence=effect.influence * by,
    )  # fmt: skip


def _pairs(observations: Observations) -> Iterator[tuple[Places, Places, float]]:
    """Rows at a snapshot, the same accounts' rows at a later one (or the same), and the days of the outcome window
    that the later one speaks for; snapshots whose window the last snapshot does not reach are left out."""
    accounts = pd.factorize(observations.context[ACCOUNT])[0]
    moments = observations.context["snapshot_date"].to_numpy(dtype="datetime64[D]")
    dates = np.unique(moments)
    if len(dates) < 2:
        return
    step = np.median(np.diff(dates)) / _DAY
    places = [np.flatnonzero(moments == date) for date in dates]
    opens, length = observations.windows.gap_days, observations.windows.outcome_days
    for first, date in enumerate(dates):
        ahead = (dates[first:] - date) / _DAY
        if ahead[-1] + step < opens + length:
            continue
        ends = np.append(ahead[1:], ahead[-1] + step)
        for later, (begin, end) in enumerate(zip(ahead, ends, strict=True), start=first):
            days = min(end, opens + length) - max(begin, opens)
            if days > 0:
                _, now, then = np.intersect1d(
                    accounts[places[first]], accounts[places[later]], assume_unique=True, return_indices=True
                )
                yield places[first][now], places[later][then], float(days)
