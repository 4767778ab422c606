"""Who could use a feature, who does, and whether that tells accounts apart: the adoption benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.settings import AdoptionSettings
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.windows import midnight

Flags = NDArray[np.bool_]


class Standing(StrEnum):
    """Where a feature's adoption stands against the benchmark band."""

    INSIDE = "inside"
    UBIQUITOUS = "ubiquitous"
    NICHE = "niche"
    TOO_NEW = "too_new"


@dataclass(frozen=True)
class Adoption:
    """Adoption of one feature.

    eligible, adopted, not_adopted: distinct accounts that ever were so within the rows (an account can be in both of
    the last two). rate: adopted over eligible, averaged over snapshots, NaN when nobody was eligible.
    by_plan, by_size: group -> rate over its rows. plan_share: share of the variance of adoption that the plan
    explains (eta²), 0..1. discount: 4p(1-p), 1 at one half and 0 at the ends; a smooth alternative to the band.
    """

    feature: str
    eligible: int
    adopted: int
    not_adopted: int
    rate: float
    by_plan: dict[str, float]
    by_size: dict[str, float]
    plan_share: float
    discount: float
    standing: Standing


def adoption_table(observations: Observations, settings: AdoptionSettings) -> tuple[Adoption, ...]:
    """Adoption of every feature, in the catalogue's order, over the rows given."""
    context, allowed = observations.context, available(observations)
    adopted = observations.adopted & allowed
    groups = {name: _Grouped.of(context[name]) for name in (SNAPSHOT, "plan_at_start", "size_band")}
    rates = {name: grouped.rates(adopted, allowed) for name, grouped in groups.items()}
    accounts = pd.factorize(context[ACCOUNT])[0]
    sides = _distinct(accounts, adopted), _distinct(accounts, allowed & ~adopted)
    eligible = _distinct(accounts, allowed)
    return tuple(
        _one(
            observations.features[column],
            Counts(int(eligible[column]), int(sides[0][column]), int(sides[1][column])),
            {name: _named(grouped.names, rates[name][:, column]) for name, grouped in groups.items()},
            groups["plan_at_start"].explained(adopted[:, column], allowed[:, column]),
            (_is_new(observations, column), settings),
        )
        for column in range(len(observations.features))
    )


@dataclass(frozen=True)
class Counts:
    """Distinct accounts: eligible, adopted, and eligible without adopting."""

    eligible: int
    adopted: int
    not_adopted: int


@dataclass(frozen=True)
class _Grouped:
    """Rows by group: names, and the code of each row."""

    names: tuple[str, ...]
    codes: NDArray[np.intp]

    @classmethod
    def of(cls, column: pd.Series) -> _Grouped:
        codes, names = pd.factorize(column, sort=True)
        return cls(tuple(str(name) for name in names), codes.astype(np.intp))

    def rates(self, adopted: Flags, allowed: Flags) -> NDArray[np.float64]:
        """Adopted over allowed: float [groups × features], NaN where nobody was allowed."""
        member = (self.codes == np.arange(len(self.names))[:, None]).astype(np.float32)
        there, used = member @ allowed.astype(np.float32), member @ adopted.astype(np.float32)
        shares: NDArray[np.float64] = np.full(there.shape, np.nan)
        np.divide(used, there, out=shares, where=there > 0)
        return shares

    def explained(self, used: Flags, rows: Flags) -> float:
        """eta² of the groups over the rows."""
        return variance_share(used[rows], self.codes[rows])


def available(observations: Observations) -> Flags:
    """bool [rows × features]: eligible, and launched before the observation window began."""
    days = observations.context[SNAPSHOT].to_numpy(dtype="datetime64[D]")
    opens = days - np.timedelta64(observations.windows.observation_days, "D")
    launched = [
        opens >= np.datetime64(feature.launched_at) if feature.launched_at else np.ones(len(opens), dtype=bool)
        for feature in observations.features
    ]
    return np.asarray(observations.eligible & np.column_stack(launched))


def variance_share(values: Flags, groups: NDArray[np.generic]) -> float:
    """eta²: the share of the variance of 0/1 values that lies between groups; 0 when they do not vary."""
    if not len(values) or values.all() or not values.any():
        return 0.0
    codes = groups if groups.dtype.kind in "iu" else pd.factorize(groups)[0]
    size = np.bincount(codes).astype(np.float64)
    share = np.bincount(codes, values) / np.maximum(size, 1)
    mean = float(values.mean())
    return float((size * (share - mean) ** 2).sum() / len(values) / (mean * (1 - mean)))


def _distinct(accounts: NDArray[np.intp], flags: Flags) -> NDArray[np.intp]:
    """Accounts with any flagged row, for each feature."""
    if not len(accounts):
        return np.zeros(flags.shape[1], dtype=np.intp)
    order = np.argsort(accounts, kind="stable")
    starts = np.flatnonzero(np.diff(accounts[order], prepend=-1))
    return np.asarray(np.logical_or.reduceat(flags[order], starts, axis=0).sum(axis=0), dtype=np.intp)


def _is_new(observations: Observations, column: int) -> bool:
    """Launched inside the observation window of the last snapshot."""
    launched, context = observations.features[column].launched_at, observations.context
    if launched is None or not len(context):
        return False
    last = midnight(pd.Timestamp(context[SNAPSHOT].max()).date())
    return bool(midnight(launched) > last - timedelta(days=observations.windows.observation_days))


def _one(
    feature: Feature,
    counts: Counts,
    rates: dict[str, dict[str, float]],
    plan_share: float,
    given: tuple[bool, AdoptionSettings],
) -> Adoption:
    too_new, settings = given
    rate = float(np.mean(list(rates[SNAPSHOT].values()))) if rates[SNAPSHOT] else float("nan")
    sides = counts.adopted, counts.not_adopted
    return Adoption(
        feature=feature.name,
        eligible=counts.eligible,
        adopted=counts.adopted,
        not_adopted=counts.not_adopted,
        rate=rate,
        by_plan=rates["plan_at_start"],
        by_size=rates["size_band"],
        plan_share=plan_share,
        discount=4 * rate * (1 - rate),
        standing=Standing.TOO_NEW if too_new else _standing(rate, sides, settings),
    )


def _standing(rate: float, sides: tuple[int, int], settings: AdoptionSettings) -> Standing:
    """Inside the band with enough accounts on each side; otherwise by the side that is short."""
    adopted, not_adopted = sides
    if rate > settings.high:
        return Standing.UBIQUITOUS
    if not rate >= settings.low:  # NaN, when nobody was eligible, is below too
        return Standing.NICHE
    if min(adopted, not_adopted) >= settings.min_accounts:
        return Standing.INSIDE
    return Standing.NICHE if adopted < not_adopted or adopted < settings.min_accounts else Standing.UBIQUITOUS


def _named(names: tuple[str, ...], rates: NDArray[np.float64]) -> dict[str, float]:
    """Group -> rate, of the groups in which somebody was allowed."""
    return {name or "unknown": float(rate) for name, rate in zip(names, rates, strict=True) if not np.isnan(rate)}
