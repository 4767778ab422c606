"""Who could use a feature, who does, and whether that tells accounts apart: the adoption benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.settings import AdoptionSettings
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
    allowed, adopted = available(observations), observations.adopted
    accounts = pd.factorize(observations.context[ACCOUNT])[0]
    return tuple(
        _one(observations, column, allowed[:, column], adopted[:, column] & allowed[:, column], accounts, settings)
        for column in range(len(observations.features))
    )


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
    frame = pd.DataFrame({"value": values.astype(float), "group": groups})
    means = frame.groupby("group")["value"].transform("mean").to_numpy()
    return float(means.var() / frame["value"].to_numpy().var())


def _one(
    observations: Observations,
    column: int,
    allowed: Flags,
    adopted: Flags,
    accounts: NDArray[np.intp],
    settings: AdoptionSettings,
) -> Adoption:
    context = observations.context
    rows, used = context[allowed], adopted[allowed]
    rate = float(_rates(used, rows[SNAPSHOT]).mean()) if len(rows) else float("nan")
    sides = len(np.unique(accounts[adopted])), len(np.unique(accounts[allowed & ~adopted]))
    launched = observations.features[column].launched_at
    last = midnight(pd.Timestamp(context[SNAPSHOT].max()).date()) if len(context) else None
    opens = last - timedelta(days=observations.windows.observation_days) if last else None
    too_new = launched is not None and opens is not None and midnight(launched) > opens
    standing = Standing.TOO_NEW if too_new else _standing(rate, sides, settings)
    return Adoption(
        feature=observations.features[column].name,
        eligible=len(np.unique(accounts[allowed])),
        adopted=sides[0],
        not_adopted=sides[1],
        rate=rate,
        by_plan=_named(_rates(used, rows["plan_at_start"])),
        by_size=_named(_rates(used, rows["size_band"])),
        plan_share=variance_share(used, rows["plan_at_start"].to_numpy()),
        discount=4 * rate * (1 - rate),
        standing=standing,
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


def _rates(used: Flags, groups: pd.Series) -> pd.Series:
    return pd.Series(used.astype(float), index=groups.index).groupby(groups).mean()


def _named(rates: pd.Series) -> dict[str, float]:
    return {str(group) or "unknown": float(rate) for group, rate in rates.items()}
