"""What conversations are about: topics and kinds by the accounts and the MRR they touch, and whether a fix helped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from milepost.metrics.retention import ratio_interval
from milepost.settings import HelpTopic
from milepost.terms import ACCOUNT
from milepost.windows import midnight

ISSUE_COLUMNS = ["topic", "kind", "conversations", "accounts", "share_of_accounts", "mrr", "rank_by_accounts",
                 "rank_by_mrr", "help_since"]  # fmt: skip
FIX_COLUMNS = ["topic", "fixed_at", "days", "accounts", "before", "after", "ratio", "low", "high", "note"]
LOOK = 91  # days before and after a fix, where the period has them
SHORTEST = 28
SETTLED = 14  # days in which a conversation is resolved and its topic known, to be counted on either side alike
UNKNOWN = "not said"
_SETTLED = timedelta(days=SETTLED)


def issues(
    conversations: pd.DataFrame, running: pd.DataFrame, topics: Sequence[HelpTopic], start: date
) -> pd.DataFrame:
    """One row per topic and kind of the conversations resolved in the period, ISSUE_COLUMNS, most accounts first.

    running: account_id and mrr of the accounts running at the end; only these count in accounts and MRR, so that what
    is ranked is what can still be kept. An open conversation has no topic yet.
    """
    rows = conversations[conversations["resolved_at"] >= midnight(start)]
    keys = [rows["topic"].fillna(UNKNOWN), rows["kind"].fillna(UNKNOWN)]
    counted = rows.groupby(keys).size().rename("conversations")
    here = rows[rows[ACCOUNT].isin(running[ACCOUNT])]
    touched = here.assign(topic=keys[0], kind=keys[1])[["topic", "kind", ACCOUNT]].drop_duplicates()
    touched = touched.assign(mrr=touched[ACCOUNT].map(running.groupby(ACCOUNT)["mrr"].sum()))
    by = touched.groupby(["topic", "kind"]).agg(accounts=(ACCOUNT, "size"), mrr=("mrr", "sum"))
    found = counted.to_frame().join(by).fillna({"accounts": 0, "mrr": 0.0}).reset_index()
    found["mrr"] = found["mrr"].round(6)
    found["share_of_accounts"] = found["accounts"] / max(running[ACCOUNT].nunique(), 1)
    for name, column in (("rank_by_accounts", "accounts"), ("rank_by_mrr", "mrr")):
        found[name] = found[column].rank(method="min", ascending=False).astype(int)
    covered = {one.topic: one.help_since.isoformat() for one in topics if one.help_since is not None}
    found["help_since"] = found["topic"].map(covered).fillna("").astype(str)
    ordered = found.sort_values(["rank_by_accounts", "rank_by_mrr", "topic", "kind"], ignore_index=True)
    return ordered.astype({"accounts": int})[ISSUE_COLUMNS]


def fixes(
    conversations: pd.DataFrame, running_at: dict[date, frozenset[str]], topics: Sequence[HelpTopic],
    period: tuple[date, date], min_accounts: int,
) -> pd.DataFrame:  # fmt: skip
    """One row per topic with `fixed_at` inside the period, FIX_COLUMNS.

    before, after: conversations about it per 1,000 accounts and 28 days, of the accounts running both before and after
    (`running_at`: date -> accounts, for the first and last day looked at), in equally many days on either side; ratio:
    after over before with its 95 % interval by account. A conversation counts when it was opened, if it was resolved
    within SETTLED days: without that the later ones, whose topic is not known yet, would be missing after the fix.
    """
    rows = []
    for one in topics:
        if one.fixed_at is None or not period[0] < one.fixed_at < period[1]:
            continue
        days = days_around(one.fixed_at, period)
        first, last = one.fixed_at - timedelta(days=days), one.fixed_at + timedelta(days=days)
        both = running_at.get(first, frozenset()) & running_at.get(last, frozenset())
        about = (conversations["topic"] == one.topic) & conversations[ACCOUNT].isin(both)
        mine = conversations[about & (conversations["resolved_at"] - conversations["opened_at"] <= _SETTLED)]
        rows.append({"topic": one.topic, "fixed_at": one.fixed_at.isoformat(), "days": days, "accounts": len(both),
                     **_change(mine, one.fixed_at, (first, last), len(both), min_accounts)})  # fmt: skip
    return pd.DataFrame(rows, columns=FIX_COLUMNS)


def days_around(fixed: date, period: tuple[date, date]) -> int:
    """Days looked at on either side of a fix: LOOK, or what the period has that is settled at its end."""
    return max(min(LOOK, (fixed - period[0]).days, (period[1] - fixed).days - SETTLED), 0)


def _change(
    rows: pd.DataFrame, fixed: date, around: tuple[date, date], accounts: int, min_accounts: int
) -> dict[str, float | str]:
    days = (around[1] - fixed).days
    nothing = {name: float("nan") for name in ("before", "after", "ratio", "low", "high")}
    if days < SHORTEST:
        return {**nothing, "note": f"not enough data: {days} days on either side, {SHORTEST} needed"}
    if accounts < min_accounts:
        return {**nothing, "note": f"not enough data: {accounts} accounts on both sides, {min_accounts} needed"}
    earlier = (rows["opened_at"] >= midnight(around[0])) & (rows["opened_at"] < midnight(fixed))
    later = (rows["opened_at"] >= midnight(fixed)) & (rows["opened_at"] < midnight(around[1]))
    counts = pd.DataFrame({"before": earlier, "after": later}).groupby(rows[ACCOUNT]).sum()
    silent = np.zeros(accounts - len(counts))  # accounts that never asked are accounts too
    before, after = (np.append(counts[name].to_numpy(dtype=float), silent) for name in ("before", "after"))
    ratio, low, high = ratio_interval(after, before)
    scale = 1000 / accounts * 28 / days
    note = "" if np.isfinite(ratio) else "nobody asked before"
    return {"before": before.sum() * scale, "after": after.sum() * scale, "ratio": ratio, "low": low, "high": high,
            "note": note}  # fmt: skip
