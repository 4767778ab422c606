"""What became of each account after each snapshot: churned, expanded, dormant, or left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.data.contract import Tables, to_frame
from milepost.data.subscriptions import as_of, spans
from milepost.settings import Data
from milepost.terms import ACCOUNT, LEFT_OUT_CENSORED, LEFT_OUT_GAP, LEFT_OUT_UNKNOWN, SNAPSHOT
from milepost.windows import Windows

Flags = NDArray[np.float32]


@dataclass(frozen=True)
class Outcomes:
    """Outcomes aligned with the rows of a matrix.

    churned, expanded, dormant: float32 [rows]; 1 yes, 0 no, NaN unknown or left out.
    left_out: text [rows]; "" for a row that may train and test, else `ended_in_gap`, `censored` or `unknown`.
    """

    churned: Flags
    expanded: Flags
    dormant: Flags
    left_out: NDArray[np.str_]

    @property
    def known(self) -> NDArray[np.bool_]:
        """bool [rows]: the row's outcome is known and counts."""
        return np.asarray(self.left_out == "")

    def missing(self, missed: Flags) -> Outcomes:
        """The same rows judged by another goal: `missed` (1, 0, NaN unknown) takes the place of churned.

        A row whose outcome is unknown is left out.
        """
        left_out = np.where(np.isnan(missed) & self.known, LEFT_OUT_UNKNOWN, self.left_out).astype(str)
        hidden = np.where(left_out == "", missed, np.float32(np.nan)).astype(np.float32)
        return Outcomes(hidden, self.expanded, self.dormant, left_out)

    def take(self, keep: NDArray[np.intp] | NDArray[np.bool_]) -> Outcomes:
        """The same outcomes with some rows only."""
        return Outcomes(self.churned[keep], self.expanded[keep], self.dormant[keep], self.left_out[keep])


def find_outcomes(tables: Tables, rows: pd.DataFrame, data: Data, windows: Windows) -> Outcomes:
    """Outcomes for the rows (account_id, snapshot_date) of a matrix.

    A row whose gap, outcome and grace days do not all lie before `complete_until` is censored, whatever is known
    about it by then: otherwise the churned would be counted earlier than the retained.
    """
    snapshots = rows[SNAPSHOT]
    censored = (snapshots + timedelta(days=windows.purge_days) > tables.complete_until).to_numpy()
    dormant = _dormant(tables, rows, data, windows)
    if tables.subscriptions is None:
        churned, in_gap = dormant, np.zeros_like(censored)
        expanded = np.full(len(rows), np.nan, dtype=np.float32)
    else:
        end = _running_until(tables.subscriptions, rows, windows.grace_days)
        opens, closes = (snapshots + timedelta(days=days) for days in _edges(windows))
        in_gap = np.asarray(end < opens)
        churned = np.asarray((end >= opens) & (end < closes), dtype=np.float32)
        expanded = _expanded(tables.subscriptions, rows, windows, churned)
    left_out = np.where(censored, LEFT_OUT_CENSORED, np.where(in_gap, LEFT_OUT_GAP, ""))
    hide = left_out != ""
    churned, expanded, dormant = (_hidden(flag, hide) for flag in (churned, expanded, dormant))
    return Outcomes(churned, expanded, dormant, left_out.astype(str))


@dataclass(frozen=True)
class Times:
    """When accounts leave, per row: left_after, days from the start of the outcome window until the last
    subscription ended, infinite where that is not known; watched, days until which it is known. float64 [rows].
    """

    left_after: NDArray[np.float64]
    watched: NDArray[np.float64]

    def take(self, keep: NDArray[np.intp] | NDArray[np.bool_]) -> Times:
        """The same times with some rows only."""
        return Times(self.left_after[keep], self.watched[keep])


def find_times(tables: Tables, rows: pd.DataFrame, windows: Windows) -> Times | None:
    """Times for the rows (account_id, snapshot_date) of a matrix; None without subscription history.

    An end counts once its grace days have passed: until then the account may come back.
    """
    if tables.subscriptions is None:
        return None
    end = _running_until(tables.subscriptions, rows, windows.grace_days)
    known = pd.Timestamp(tables.complete_until) - timedelta(days=windows.grace_days)
    opens, day = rows[SNAPSHOT] + timedelta(days=windows.gap_days), pd.Timedelta(days=1)
    after = ((end - opens) / day).to_numpy(dtype=float)
    watched = np.maximum(((known - opens) / day).to_numpy(dtype=float), 0.0)
    return Times(np.where((end <= known).to_numpy(), after, np.inf), watched)


def find_mrr(tables: Tables, rows: pd.DataFrame, windows: Windows) -> NDArray[np.float64]:
    """MRR at the end of the outcome window of the rows (account_id, snapshot_date) of a matrix, float64 [rows].

    0 where nothing runs then, NaN where it is not known, and everywhere without subscription history.
    """
    if tables.subscriptions is None or not len(rows):
        return np.full(len(rows), np.nan)
    length, keys = timedelta(days=windows.gap_days + windows.outcome_days), [ACCOUNT, SNAPSHOT]
    later = as_of(tables.subscriptions, [day.date() + length for day in pd.to_datetime(rows[SNAPSHOT].unique())])
    later = later.assign(**{SNAPSHOT: later[SNAPSHOT] - length})[[*keys, "mrr"]]
    joined = rows[keys].merge(later, on=keys, how="left", indicator="there")
    found = joined["mrr"].where(joined["there"] == "both", 0.0)
    known = (rows[SNAPSHOT] + length <= tables.complete_until).to_numpy()
    return np.where(known, found.to_numpy(dtype=np.float64), np.nan)


def _hidden(flag: Flags, hide: NDArray[np.bool_]) -> Flags:
    return np.where(hide, np.float32(np.nan), flag).astype(np.float32)


def _edges(windows: Windows) -> tuple[int, int]:
    return windows.gap_days, windows.gap_days + windows.outcome_days


def _running_until(subscriptions: ibis.Table, rows: pd.DataFrame, grace_days: int) -> pd.Series:
    """End of the span that is running just before each row's snapshot, far future while it has none."""
    running = spans(subscriptions, grace_days).sort_values(["span_start", ACCOUNT], kind="stable")
    keyed = rows[[ACCOUNT, SNAPSHOT]].assign(row=np.arange(len(rows))).sort_values([SNAPSHOT, ACCOUNT], kind="stable")
    # a subscription that starts at the snapshot is not visible at it: strictly before
    found = pd.merge_asof(
        keyed, running, left_on=SNAPSHOT, right_on="span_start", by=ACCOUNT, allow_exact_matches=False
    ).sort_values("row")  # fmt: skip
    far = pd.Timestamp("2200-01-01")
    return found["span_end"].fillna(far).set_axis(rows.index)


def _expanded(subscriptions: ibis.Table, rows: pd.DataFrame, windows: Windows, churned: Flags) -> Flags:
    """MRR or seats larger at the end of the outcome window than at the snapshot; never for the churned."""
    length = timedelta(days=windows.gap_days + windows.outcome_days)
    dates = [day.date() for day in pd.to_datetime(rows[SNAPSHOT].unique())]
    size = ["mrr", "seats"]
    keys = [ACCOUNT, SNAPSHOT]
    now = as_of(subscriptions, dates)[[*keys, *size]]
    later = as_of(subscriptions, [day + length for day in dates])[[*keys, *size]]
    later = later.assign(**{SNAPSHOT: later[SNAPSHOT] - length})
    joined = rows[keys].merge(now, on=keys, how="left").merge(later, on=keys, how="left", suffixes=("", "_later"))
    grew = (joined["mrr_later"] > joined["mrr"]) | (joined["seats_later"] > joined["seats"])
    return np.where(churned == 1, 0, grew).astype(np.float32)


def _dormant(tables: Tables, rows: pd.DataFrame, data: Data, windows: Windows) -> Flags:
    """1 where no value event lies in the outcome window; any event counts where the settings name none."""
    # a daily table may hold a row with a count of 0 for every day without use
    events = tables.events.filter(tables.events.quantity != 0)
    if data.value_events:
        events = events.filter(events.event_name.isin(list(data.value_events)))
    starts = pd.Series(rows[SNAPSHOT].unique()).sort_values()
    dates = pd.DataFrame({SNAPSHOT: starts, "opens": starts, "closes": starts})
    dates["opens"] += timedelta(days=windows.gap_days)
    dates["closes"] += timedelta(days=windows.gap_days + windows.outcome_days)
    edges = ibis.memtable(dates.astype("datetime64[us]"))
    inside = events.inner_join(edges, [events.occurred_at >= edges.opens, events.occurred_at < edges.closes])
    active = to_frame(inside.select(ACCOUNT, SNAPSHOT).distinct())
    seen = pd.MultiIndex.from_frame(active[[ACCOUNT, SNAPSHOT]].astype({SNAPSHOT: "datetime64[us]"}))
    wanted = pd.MultiIndex.from_frame(rows[[ACCOUNT, SNAPSHOT]].astype({SNAPSHOT: "datetime64[us]"}))
    return np.asarray(~wanted.isin(seen), dtype=np.float32)
