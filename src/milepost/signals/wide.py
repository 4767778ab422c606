"""Long form to wide: numpy scatter of feature use, and the measures that are ratios of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.signals.aggregate import Usage
from milepost.signals.catalogue import Feature
from milepost.signals.population import Population
from milepost.terms import ACCOUNT, SNAPSHOT, Measure
from milepost.windows import Windows

Wide = NDArray[np.float32]


@dataclass(frozen=True)
class FeatureUse:
    """Use per row and feature, each float32 [rows × features].

    uses, recent_uses, value, active_days, users: sums within the window, 0 where none.
    days_since: days since the last use, NaN where none within the window.
    first_visible: 1 once the feature was ever visibly used, else 0.
    """

    uses: Wide
    recent_uses: Wide
    value: Wide
    active_days: Wide
    users: Wide
    days_since: Wide
    ever: Wide


def scatter(usage: Usage, population: Population, feature_count: int) -> FeatureUse:
    """Put the long rows into place; accounts outside the population are passed over."""
    long = usage.features
    rows = population.position(long["at"], long[ACCOUNT])
    inside = rows >= 0
    place = (rows[inside], long["feature"].to_numpy()[inside])
    shape = (len(population.frame), feature_count)

    def wide(values: NDArray[np.float64], missing: float = 0.0) -> Wide:
        filled = np.full(shape, missing, dtype=np.float32)
        filled[place] = values
        return filled

    snapshots = population.frame[SNAPSHOT].to_numpy()[place[0]]
    since = (snapshots - long["last_at"].to_numpy()[inside]) / np.timedelta64(1, "D")
    sums = {
        name: wide(np.nan_to_num(long[name].to_numpy(dtype=float)[inside]))
        for name in ("uses", "recent_uses", "value", "active_days", "users")
    }
    return FeatureUse(**sums, days_since=wide(since, np.nan), ever=_ever(usage.first_use, population, shape))


def _ever(first_use: pd.DataFrame, population: Population, shape: tuple[int, int]) -> Wide:
    """Used at any time before the snapshot, by the moment the first use became visible."""
    accounts = pd.Index(population.frame[ACCOUNT].unique())
    first = np.full((len(accounts), shape[1]), np.datetime64("NaT", "us"))
    codes = accounts.get_indexer(pd.Index(first_use[ACCOUNT]))
    inside = codes >= 0
    first[codes[inside], first_use["feature"].to_numpy()[inside]] = first_use["first_visible_at"].to_numpy()[inside]
    own = accounts.get_indexer(pd.Index(population.frame[ACCOUNT]))
    snapshots = population.frame[SNAPSHOT].to_numpy()
    return np.asarray(first[own] < snapshots[:, None], dtype=np.float32)


def feature_columns(
    features: Sequence[Feature], use: FeatureUse, context: pd.DataFrame, windows: Windows
) -> dict[str, Wide]:
    """Signal name -> column, float32 [rows], for every measure of every feature."""
    measures = _measures(use, context, windows)
    return {
        f"{feature.name}.{measure}": np.ascontiguousarray(values[:, position])
        for measure, values in measures.items()
        for position, feature in enumerate(features)
    }


def _measures(use: FeatureUse, context: pd.DataFrame, windows: Windows) -> dict[Measure, Wide]:
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
