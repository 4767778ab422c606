"""Questions to subscription history: what ran at a moment, and until when an account was covered.

A subscription covers [started_at, ended_at). A snapshot looks at the state just before it: a row is running when it
started before the snapshot and did not end before it; an end at or after the snapshot is not known yet.
`term_ends_at`, a contract's scheduled end, is known in advance.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import ibis
import pandas as pd

from milepost.data.contract import to_frame
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.windows import midnight

BASE = "base"
_EXACT = "decimal(24,6)"


def as_of(subscriptions: ibis.Table, days: Sequence[date]) -> pd.DataFrame:
    """State just before midnight of each day, one row per running account.

    Columns: account_id, snapshot_date, plan, seats, mrr, term_ends_at, term_months, items (number running); sorted by
    snapshot_date, account_id. MRR is summed over items; plan, seats and term come from the base item that started
    last (from the item that started last where no base item runs).
    """
    dates = ibis.memtable(
        pd.DataFrame({SNAPSHOT: [midnight(day) for day in days]}).astype("datetime64[us]").drop_duplicates()
    )
    started = subscriptions.inner_join(dates, subscriptions.started_at < dates[SNAPSHOT])
    running = started.filter(started.ended_at.isnull() | (started.ended_at >= started[SNAPSHOT]))
    keys, facts = [SNAPSHOT, ACCOUNT], ["plan", "seats", "term_ends_at", "term_months"]
    mrr = running.mrr.cast(_EXACT).sum().cast("float64")
    counted = running.group_by(keys).aggregate(
        mrr=mrr, rows=running.count(), **{name: running[name].max() for name in facts}
    )
    # most accounts run one item: only the others' items have to be put in order
    alone = counted.filter(counted.rows == 1).mutate(items=ibis.literal(1).cast("int64"))
    columns = [ACCOUNT, SNAPSHOT, "plan", "seats", "mrr", "term_ends_at", "term_months", "items"]
    several = _base_first(running.semi_join(counted.filter(counted.rows > 1), keys), keys, facts)
    return to_frame(alone[columns].union(several[columns]).order_by(keys))


def _base_first(running: ibis.Table, keys: Sequence[str], facts: Sequence[str]) -> ibis.Table:
    """One row per key: MRR of all its items, how many they are, and the facts of the one that stands for them."""
    place = ibis.row_number().over(
        group_by=keys,
        order_by=[ibis.ifelse(running.item == BASE, 0, 1), running.started_at.desc(), running.item],
    )
    totals = running.group_by(keys).aggregate(
        mrr=running.mrr.cast(_EXACT).sum().cast("float64"), items=running.item.nunique()
    )
    first = running.mutate(place=place)
    answer: ibis.Table = first.filter(first.place == 0)[[*keys, *facts]].inner_join(totals, keys)
    return answer


def first_plans(subscriptions: ibis.Table) -> pd.DataFrame:
    """The plan each account began with, and since when: account_id, first_plan, first_at.

    Before `first_at` the plan is not known yet: whoever asks at a snapshot has to compare.
    """
    base = subscriptions.filter(subscriptions.item == BASE)
    place = ibis.row_number().over(group_by=ACCOUNT, order_by=[base.started_at, base.plan])
    ranked = base.mutate(place=place)
    first = ranked.filter(ranked.place == 0)
    return to_frame(first.select(ACCOUNT, first_plan=first.plan, first_at=first.started_at).order_by(ACCOUNT))


def spans(subscriptions: ibis.Table, grace_days: int) -> pd.DataFrame:
    """Covered time per account: account_id, span_start, span_end (NaT while it runs on); sorted.

    Items are taken together, and a new start within `grace_days` after an end continues the span.
    """
    rows = to_frame(subscriptions[[ACCOUNT, "started_at", "ended_at"]]).sort_values([ACCOUNT, "started_at", "ended_at"])
    far = pd.Timestamp("2200-01-01")
    end = rows["ended_at"].fillna(far)
    # the furthest end among the account's earlier rows
    reach = end.groupby(rows[ACCOUNT]).cummax().groupby(rows[ACCOUNT]).shift()
    begins = reach.isna() | (rows["started_at"] > reach + pd.Timedelta(days=grace_days))
    spans = pd.DataFrame(
        {ACCOUNT: rows[ACCOUNT], "span_start": rows["started_at"], "span_end": end, "span": begins.cumsum()}
    )
    merged = spans.groupby("span", sort=True).agg({ACCOUNT: "first", "span_start": "min", "span_end": "max"})
    merged["span_end"] = merged["span_end"].where(merged["span_end"] < far)
    return merged.sort_values([ACCOUNT, "span_start"]).reset_index(drop=True)


def churned_accounts(subscriptions: ibis.Table, grace_days: int, first: datetime, until: datetime) -> int:
    """Accounts whose covered time ended at or after `first`, and that could have come back by `until` and did not."""
    ends = spans(subscriptions, grace_days)
    known = (ends["span_end"] >= first) & (ends["span_end"] + timedelta(days=grace_days) <= until)
    return int(ends.loc[known, ACCOUNT].nunique())
