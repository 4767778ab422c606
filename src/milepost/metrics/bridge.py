"""What became of every account's MRR between two midnights: the rows behind the bridge.

The worked example that the comments compute: 2024-01-01 to 2024-04-01 with 14 days of grace.
Money is kept in whole millionths, so that a bridge adds up to the cent however many accounts it sums.
"""

from __future__ import annotations

from datetime import date

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.data.contract import to_frame
from milepost.data.subscriptions import as_of
from milepost.terms import ACCOUNT, SNAPSHOT, Movement
from milepost.windows import midnight

MILLIONTHS = 1_000_000
ADDS = (Movement.NEW, Movement.REACTIVATED, Movement.RESUMED, Movement.EXPANDED)
TAKES = (Movement.CONTRACTED, Movement.PAUSED, Movement.CHURNED)


def movements(history: pd.DataFrame, states: pd.DataFrame, start: date, end: date, grace_days: int) -> pd.DataFrame:
    """One row per account that ran at the start or at the end of [start, end), sorted by account.

    history: account_id, started_at, ended_at as visible at `end`; states: `as_of` at both dates.
    Columns: account_id, opening and closing (MRR in millionths, int64; 0 where nothing runs), ran and runs (whether it
    did at the start and does at the end), plan and seats (at the start; of accounts that did not run then, at the
    end), movement.
    """
    before, after = (_state(states, day) for day in (start, end))
    names = before.index.union(after.index).sort_values()
    opening, closing = before.reindex(names), after.reindex(names)
    ran, runs = names.isin(before.index), names.isin(after.index)
    frame = pd.DataFrame(
        {
            ACCOUNT: names,
            "opening": opening["mrr"].fillna(0).to_numpy(np.int64),
            "closing": closing["mrr"].fillna(0).to_numpy(np.int64),
            "ran": ran,
            "runs": runs,
            "plan": opening["plan"].where(ran, closing["plan"]).to_numpy(),
            "seats": opening["seats"].where(ran, closing["seats"]).to_numpy(float),
        }
    )
    frame["movement"] = _named(frame, _turns(history, names, start), end, grace_days, start)
    return frame


def read_movements(subscriptions: ibis.Table, start: date, end: date, grace_days: int) -> pd.DataFrame:
    """The movements of a subscriptions table (Ibis); nothing at or after `end` is seen."""
    return movements(visible(subscriptions, end), as_of(subscriptions, [start, end]), start, end, grace_days)


def visible(subscriptions: ibis.Table, end: date) -> pd.DataFrame:
    """The history known just before midnight of `end`: later starts are left out, later ends are not known yet."""
    columns = [ACCOUNT, "item", "started_at", "ended_at", "term_ends_at", "term_months"]
    rows = to_frame(subscriptions.filter(subscriptions.started_at < midnight(end))[columns])
    return rows.assign(ended_at=rows["ended_at"].where(rows["ended_at"] < midnight(end)))


def _state(states: pd.DataFrame, day: date) -> pd.DataFrame:
    """plan, seats and MRR in millionths by account, just before midnight of a day."""
    frame = states[states[SNAPSHOT] == midnight(day)].set_index(ACCOUNT)
    return frame.assign(mrr=np.rint(frame["mrr"].fillna(0) * MILLIONTHS))


def _turns(history: pd.DataFrame, names: pd.Index, start: date) -> pd.DataFrame:
    """By account: its first start, its last end before `start`, its first start from then on, its last end at all."""
    cut, who = midnight(start), history[ACCOUNT]
    started, ended = history["started_at"], history["ended_at"]
    return pd.DataFrame(
        {
            "first": started.groupby(who).min(),
            "left_before": ended.where(ended < cut).groupby(who).max(),
            "next": started.where(started >= cut).groupby(who).min(),
            "last_end": ended.groupby(who).max(),
        }
    ).reindex(names)


def _named(frame: pd.DataFrame, turns: pd.DataFrame, end: date, grace_days: int, start: date) -> NDArray[np.object_]:
    """The movement of every row; the first case that holds."""
    grace = pd.Timedelta(days=grace_days)
    gone = frame["ran"].to_numpy() & ~frame["runs"].to_numpy()
    came = ~frame["ran"].to_numpy()
    change = (frame["closing"] - frame["opening"]).to_numpy()
    cases = {
        # ended 2024-03-20: it may come back until 2024-04-03, so at 2024-04-01 nobody knows yet
        Movement.PAUSED: gone & (turns["last_end"] + grace > midnight(end)).to_numpy(),
        Movement.CHURNED: gone,
        Movement.NEW: came & (turns["first"] >= midnight(start)).to_numpy(),
        # ended 2023-12-28, back 2024-01-05: within the grace days it never churned
        Movement.RESUMED: came & (turns["next"] <= turns["left_before"] + grace).to_numpy(),
        Movement.REACTIVATED: came,
        Movement.EXPANDED: change > 0,
        Movement.CONTRACTED: change < 0,
    }
    return np.select(list(cases.values()), [case.value for case in cases], Movement.UNCHANGED.value).astype(object)
