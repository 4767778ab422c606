"""Own signals computed: what they need of the events, and their columns, each over a window of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.signals.scatter import DAY, Here, WindowUse
from milepost.signals.spec import Signal
from milepost.terms import Measure

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """What own signals need beside the catalogue's features: single events, windows, windows in which users count."""

    events: tuple[str, ...] = ()
    windows: tuple[int, ...] = ()
    user_windows: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Rows:
    """One signal's use within its window, each [rows]; `users` of any event, `recent_uses` in its last third."""

    uses: Floats
    value: Floats
    active_days: Floats
    days_since: Floats
    feature_users: Floats
    users: Floats
    recent_uses: Floats
    ever: NDArray[np.bool_]
    exposure: Floats
    recent_exposure: Floats
    seats: Floats
    before_data: NDArray[np.bool_]
    window_days: int


def asked(signals: Iterable[Signal]) -> Asked:
    """What these signals need; those that are not own need nothing."""
    own = [signal for signal in signals if signal.own]
    windows = {signal.window_days for signal in own if signal.window_days}
    windows |= {last_third(signal.window_days) for signal in own if signal.measure == Measure.TREND}
    counting = {signal.window_days for signal in own if needs_users(signal)}
    events = {signal.event for signal in own if signal.event}
    return Asked(tuple(sorted(events)), tuple(sorted(windows)), tuple(sorted(counting)))


def needs_users(signal: Signal) -> bool:
    """Whether it counts users, of the feature or of the whole product."""
    return signal.measure in (Measure.USERS, Measure.USER_SHARE) or signal.per == "user"


def last_third(window_days: int) -> int:
    """The recent days that a trend compares with the others of its window, as `Windows.recent_days` does."""
    return max(1, window_days // 3)


def own_columns(
    signals: Sequence[tuple[Signal, int]], here: Here, context: pd.DataFrame
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The place of each signal among `signals` and its values, float32 [rows]; with each the column of its use.

    One window is spread out at a time; the arithmetic is in float64.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        for window in sorted({signal.window_days for signal, _ in signals}):
            chosen = [place for place, (signal, _) in enumerate(signals) if signal.window_days == window]
            trends = any(signals[place][0].measure == Measure.TREND for place in chosen)
            # ever looks at all of the past, which is no window
            use = here.within(window or here.chunk.cells.longest)
            recent = here.within(last_third(window)).uses if trends else np.zeros_like(use.uses)
            for place in chosen:
                signal, column = signals[place]
                rows = _rows(use, recent[:, column], column, here, context, window)
                yield place, measured(signal, rows).astype(np.float32)


def _rows(use: WindowUse, recent: Floats, column: int, here: Here, context: pd.DataFrame, window: int) -> _Rows:
    exposure = np.minimum(context["exposure_days"].to_numpy(dtype=np.float64), window)
    return _Rows(
        uses=use.uses[:, column], value=use.value[:, column], active_days=use.active_days[:, column],
        days_since=(here.midnight - use.last_at[:, column]) / DAY, feature_users=use.users[:, column],
        users=use.users[:, -1], recent_uses=recent, ever=here.ever[here.accounts, column], exposure=exposure,
        recent_exposure=np.minimum(exposure, last_third(window)), seats=context["seats"].to_numpy(dtype=np.float64),
        before_data=context["before_data"].to_numpy(dtype=bool), window_days=window,
    )  # fmt: skip


def measured(signal: Signal, rows: _Rows) -> Floats:
    """The measure, divided by what `per` says; what is divided by 0 seats or users is unknown."""
    found = _MEASURES[Measure(signal.measure)](rows)
    if signal.measure in (Measure.COUNT, Measure.VALUE_SUM, Measure.ACTIVE_DAYS) and signal.per:
        found = found / rows.exposure
    if signal.per == "seat":
        found = found / np.where(rows.seats == 0, np.nan, rows.seats)
    if signal.per == "user" and signal.measure != Measure.USER_SHARE:
        found = found / np.where(rows.users == 0, np.nan, rows.users)
    return found


def _user_share(rows: _Rows) -> Floats:
    return np.where(rows.users == 0, 0.0, rows.feature_users / rows.users)


def _recency(rows: _Rows) -> Floats:
    return np.where(np.isnan(rows.days_since), float(rows.window_days), rows.days_since)


def _trend(rows: _Rows) -> Floats:
    """(recent - earlier) / (recent + earlier) of the daily rates; 0 without use or without an earlier part."""
    recent = rows.recent_uses / rows.recent_exposure
    earlier = (rows.uses - rows.recent_uses) / (rows.exposure - rows.recent_exposure)
    known = (rows.exposure > rows.recent_exposure) & (recent + earlier != 0)
    return np.where(known, (recent - earlier) / (recent + earlier), 0.0)


def _ever(rows: _Rows) -> Floats:
    return np.where(~rows.ever & rows.before_data, np.nan, rows.ever.astype(np.float64))


_MEASURES: Mapping[Measure, Callable[[_Rows], Floats]] = {
    Measure.COUNT: lambda rows: rows.uses,
    Measure.VALUE_SUM: lambda rows: rows.value,
    Measure.ACTIVE_DAYS: lambda rows: rows.active_days,
    Measure.USERS: lambda rows: rows.feature_users,
    Measure.USER_SHARE: _user_share,
    Measure.RECENCY: _recency,
    Measure.TREND: _trend,
    Measure.EVER: _ever,
}
