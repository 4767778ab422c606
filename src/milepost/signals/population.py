"""Which accounts are seen at each snapshot, and what their subscription, age and access look like then."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.data.contract import Tables
from milepost.data.subscriptions import as_of, first_plans
from milepost.settings import Data
from milepost.signals.catalogue import Feature
from milepost.signals.windowed import value_events
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.windows import Windows, midnight

KEYS = [SNAPSHOT, ACCOUNT]
_SUBSCRIPTION_COLUMNS = ["plan", "seats", "mrr", "term_ends_at", "term_months", "items"]


@dataclass(frozen=True)
class Population:
    """The rows of the matrix, sorted by snapshot then account, and what is known about each.

    frame: account_id, snapshot_date, created_at, plan, plan_at_start, seats, mrr, seats_at_start, mrr_at_start,
    term_ends_at, term_months, items and every immutable attribute; account_ids: every known account, sorted, whether it
    is running or not; `position` finds the row of (snapshot, account).
    """

    frame: pd.DataFrame
    snapshots: tuple[date, ...]
    account_ids: NDArray[np.object_]

    @cached_property
    def codes(self) -> NDArray[np.intp]:
        """Of every row, the place of its account in `account_ids`."""
        return pd.Index(self.account_ids).get_indexer(pd.Index(self.frame[ACCOUNT]))

    @cached_property
    def bounds(self) -> NDArray[np.intp]:
        """[snapshots + 1]: the rows of snapshot k are those from bounds[k] to bounds[k + 1]."""
        dates = np.array(self.snapshots, dtype="datetime64[us]")
        return np.append(np.searchsorted(self.frame[SNAPSHOT].to_numpy(), dates), len(self.frame))

    def since(self, done: Collection[date]) -> Population:
        """The rows of the later snapshots only, those of `done` being the earlier ones."""
        left = tuple(day for day in self.snapshots if day not in done)
        begin = int(self.bounds[len(self.snapshots) - len(left)])
        return Population(self.frame.iloc[begin:].reset_index(drop=True), left, self.account_ids)

    def position(self, at: pd.Series, account_ids: pd.Series) -> NDArray[np.intp]:
        """Row of each (snapshot position, account), -1 where the account is not in the population."""
        known = pd.Index(self.frame[ACCOUNT].unique())
        table = np.full((len(self.snapshots), len(known) + 1), -1)
        own = pd.Index([pd.Timestamp(day) for day in self.snapshots]).get_indexer(pd.Index(self.frame[SNAPSHOT]))
        table[own, known.get_indexer(pd.Index(self.frame[ACCOUNT]))] = np.arange(len(self.frame))
        # an unknown account has the code -1, which is the last column and always -1
        rows: NDArray[np.intp] = table[at.to_numpy(), known.get_indexer(pd.Index(account_ids))]
        return rows


def find_population(tables: Tables, data: Data, snapshots: Sequence[date], windows: Windows) -> Population:
    """Accounts created before the snapshot and running at it.

    Running means a subscription; where there are none, a value event within the observation window.
    """
    accounts = tables.connection.to_pyarrow(tables.accounts).to_pandas()
    if tables.subscriptions is None:
        frame = _by_use(tables, data, snapshots, windows)
    else:
        frame = _by_subscription(tables, snapshots, windows)
    frame = frame.merge(accounts, on=ACCOUNT)
    frame = frame[frame["created_at"] < frame[SNAPSHOT]]
    everyone = accounts[ACCOUNT].sort_values().to_numpy(dtype=object)
    return Population(frame.sort_values(KEYS).reset_index(drop=True), tuple(snapshots), everyone)


def _by_use(tables: Tables, data: Data, snapshots: Sequence[date], windows: Windows) -> pd.DataFrame:
    used = value_events(tables, data.value_events, snapshots, windows)
    used = used[used["uses"] > 0]
    days = np.array([midnight(day) for day in snapshots], dtype="datetime64[us]")
    frame = pd.DataFrame({ACCOUNT: used[ACCOUNT], SNAPSHOT: days[used["at"].to_numpy()]})
    frame[["plan", "plan_at_start"]] = ""
    for name in ("seats", "mrr", "term_months", "items", "seats_at_start", "mrr_at_start"):
        frame[name] = np.nan
    frame["term_ends_at"] = np.datetime64("NaT", "us")
    return frame


def _by_subscription(tables: Tables, snapshots: Sequence[date], windows: Windows) -> pd.DataFrame:
    assert tables.subscriptions is not None
    now = _as_of(tables, snapshots)
    length = timedelta(days=windows.observation_days)
    before = _as_of(tables, [day - length for day in snapshots])
    before[SNAPSHOT] = before[SNAPSHOT] + length
    before = before[[*KEYS, "plan", "seats", "mrr"]].rename(columns=lambda name: _at_start(name))
    frame = now.merge(before, on=KEYS, how="left")
    first = first_plans(tables.subscriptions)
    frame = frame.merge(first, on=ACCOUNT, how="left")
    # an account younger than the window is judged by the plan it began with, once it has begun
    began = frame["first_plan"].where(frame["first_at"] < frame[SNAPSHOT])
    frame["plan_at_start"] = frame["plan_at_start"].fillna(began).fillna("")
    return frame.drop(columns=["first_plan", "first_at"]).assign(plan=frame["plan"].fillna(""))


def _as_of(tables: Tables, days: Sequence[date]) -> pd.DataFrame:
    frame = as_of(tables.subscriptions, days)[[*KEYS, *_SUBSCRIPTION_COLUMNS]].copy()
    frame[SNAPSHOT] = frame[SNAPSHOT].astype("datetime64[us]")
    return frame


def _at_start(name: str) -> str:
    return name if name in KEYS else f"{name}_at_start"


def eligible_rows(
    population: Population, tables: Tables, features: Sequence[Feature], windows: Windows
) -> tuple[NDArray[np.bool_], bool]:
    """Who had access for the whole observation window, bool [rows × features], and whether access is known at all.

    Plan and entitlements are taken at the start of the window: upgrading in order to get a feature is a consequence
    of wanting it. A feature sold apart (named in the access table) is open only to accounts with a row there, or to
    the plans the catalogue names.
    """
    plans = population.frame["plan_at_start"].to_numpy(dtype=str)
    columns = [np.isin(plans, feature.plans) if feature.plans else np.ones(len(plans), bool) for feature in features]
    eligible = np.column_stack(columns)
    known = any(feature.plans for feature in features)
    if tables.access is None:
        return eligible, known
    access = tables.connection.to_pyarrow(tables.access).to_pandas()
    for position, feature in enumerate(features):
        rows = access[access["feature"] == feature.name]
        if len(rows):
            by_plan = eligible[:, position] if feature.plans else False
            eligible[:, position] = by_plan | _has_access(population.frame, rows, windows)
    return eligible, known or len(access) > 0


def _has_access(frame: pd.DataFrame, access: pd.DataFrame, windows: Windows) -> NDArray[np.bool_]:
    """Whether one row of the access table covers the observation window (or the account's life, if shorter)."""
    start = frame[SNAPSHOT] - pd.Timedelta(days=windows.observation_days)
    rows = pd.DataFrame({ACCOUNT: frame[ACCOUNT], "row": np.arange(len(frame)), "end": frame[SNAPSHOT],
                         "start": np.maximum(start, frame["created_at"])})  # fmt: skip
    joined = rows.merge(access, on=ACCOUNT)
    open_until = joined["available_to"].fillna(pd.Timestamp.max.floor("us"))
    covered = joined[(joined["available_from"] <= joined["start"]) & (open_until >= joined["end"])]
    answer = np.zeros(len(frame), dtype=bool)
    answer[covered["row"].to_numpy()] = True
    return answer
