"""Measures of the rows of one snapshot: use as it was scattered, and the ratios of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.signals.scatter import DAY, Here
from milepost.terms import Measure
from milepost.windows import Windows

Wide = NDArray[np.float32]


@dataclass(frozen=True)
class AccountUse:
    """Any event at all, each float64 [rows]: users, active_days, days_since (NaN where none in the window)."""

    users: NDArray[np.float64]
    active_days: NDArray[np.float64]
    days_since: NDArray[np.float64]


@dataclass(frozen=True)
class FeatureUse:
    """Use per row and feature, each float32 [rows × features].

    uses, recent_uses, value, active_days, users: sums within the window, 0 where none.
    days_since: days since the last use, NaN where none within the window.
    ever: 1 once the feature was visibly used at any time, else 0.
    """

    uses: Wide
    recent_uses: Wide
    value: Wide
    active_days: Wide
    users: Wide
    days_since: Wide
    ever: Wide


def use_of_rows(here: Here, features: int, windows: Windows) -> tuple[FeatureUse, AccountUse]:
    """Use of the catalogue's features, which are the first columns, and of the product as a whole, the last one."""
    accounts, snapshot = here.accounts, here.snapshot
    found = here.chunk.at(snapshot, windows.observation_days)
    recent = here.chunk.uses_at(snapshot, windows.recent_days)
    since = (here.midnight - found.last_at[accounts]) / DAY
    whole = AccountUse(found.users[accounts, -1], found.active_days[accounts, -1], since[:, -1])

    def wide(part: NDArray[Any]) -> Wide:
        chosen: Wide = part[accounts, :features].astype(np.float32)
        return chosen

    return FeatureUse(
        uses=wide(found.uses), recent_uses=wide(recent), value=wide(found.value), active_days=wide(found.active_days),
        users=wide(found.users), days_since=since[:, :features].astype(np.float32), ever=wide(here.ever),
    ), whole  # fmt: skip


def feature_measures(use: FeatureUse, context: pd.DataFrame, windows: Windows) -> dict[Measure, Wide]:
    """Every measure of every feature, float32 [rows × features]."""
    exposure = _column(context["exposure_days"])
    recent_exposure = np.minimum(exposure, np.float32(windows.recent_days))
    seats = _column(context["seats"])
    users = _column(context["active_users"])
    per_day: Wide = use.uses / exposure
    recent_per_day: Wide = (use.recent_uses / recent_exposure).astype(np.float32)
    unknown = _column(context["before_data"]) > 0
    return {
        Measure.COUNT: per_day,
        Measure.RECENT_COUNT: recent_per_day,
        Measure.ACTIVE_DAYS: use.active_days / exposure,
        Measure.USERS: use.users,
        Measure.USER_SHARE: ratio(use.users, users, zero=0.0),
        Measure.VALUE_SUM: use.value / exposure,
        Measure.RECENCY: np.where(np.isnan(use.days_since), np.float32(windows.observation_days), use.days_since),
        Measure.TREND: _trend(recent_per_day, use, exposure, recent_exposure),
        # "not seen" is unknown, not no, for an account older than the data
        Measure.EVER: np.where((use.ever == 0) & unknown, np.nan, use.ever),
        Measure.PER_SEAT: ratio(per_day, seats, zero=np.nan),
    }


def _trend(recent: Wide, use: FeatureUse, exposure: Wide, recent_exposure: Wide) -> Wide:
    """(recent - earlier) / (recent + earlier) of the daily rates; 0 without use or without an earlier part."""
    earlier = ratio(use.uses - use.recent_uses, exposure - recent_exposure, zero=np.nan)
    trend = ratio(recent - earlier, recent + earlier, zero=0.0)
    return np.nan_to_num(trend, nan=0.0)


def ratio(numerator: Wide, denominator: Wide, zero: float) -> Wide:
    """numerator / denominator, with `zero` wherever the denominator is 0; NaN stays NaN."""
    top, bottom = np.broadcast_arrays(numerator, denominator)
    answer = np.full(top.shape, zero, dtype=np.float32)
    np.divide(top, bottom, out=answer, where=bottom != 0, casting="unsafe")
    return answer


def _column(values: pd.Series) -> Wide:
    return values.to_numpy(dtype=np.float32)[:, None]
