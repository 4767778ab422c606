"""What can be said of the accounts without a ranking or a model: counts and sums, no estimate but one share."""

from __future__ import annotations

from datetime import date

import pandas as pd

from milepost.maturity.curves import CurvePoint
from milepost.reporting.sentences import percent
from milepost.reporting.summary import Plainly
from milepost.terms import ACCOUNT

SHOWN_RUNNING = 200
QUIET_DAYS = 14


def plain_sentences(plainly: Plainly, as_of: date, window: tuple[date, date], gap_days: int) -> list[str]:
    """Retention so far, the accounts that run, those that are quiet, those up for renewal, breadth of use."""
    running = plainly.running
    told = [] if plainly.retained is None else [_retained(plainly.retained)]
    if running.empty:
        return [*told, f"No account runs on {as_of}."]
    quiet = running[running["days_since_last_use"] >= QUIET_DAYS]
    days = running["days_to_term_end"]
    ending = running[(days >= gap_days) & (days < gap_days + (window[1] - window[0]).days + 1)]
    told.append(f"{_count(running)} on {as_of}{_paying(running)}.")
    told.append(f"{_count(quiet, running)} had no event in the last {QUIET_DAYS} days{_paying(quiet)}.")
    if days.notna().any():
        told.append(
            f"{_count(ending, running)} have a term that ends from {window[0]} to {window[1]}{_paying(ending)}."
        )
    used = running["features_used"].quantile([0.1, 0.5, 0.9])
    told.append(
        f"The account in the middle uses {used[0.5]:.0f} of {plainly.features} features; nine in ten use "
        f"{used[0.1]:.0f} or more, one in ten {used[0.9]:.0f} or more."
    )
    return told


def quietest(plainly: Plainly) -> list[dict[str, object]]:
    """The running accounts, the longest without an event first, then by MRR: at most SHOWN_RUNNING."""
    order = plainly.running.sort_values(
        ["days_since_last_use", "mrr", ACCOUNT], ascending=[False, False, True], kind="stable", na_position="first"
    )
    return [{str(key): value for key, value in row.items()} for row in order.head(SHOWN_RUNNING).to_dict("records")]


def _retained(point: CurvePoint) -> str:
    return (
        f"Of {point.rows:,} rows with a known outcome ({point.accounts:,} accounts, each seen at several dates) "
        f"{percent(point.retained)} were retained (95 % interval {percent(point.low)} to {percent(point.high)}, "
        "by account)."
    )


def _count(part: pd.DataFrame, whole: pd.DataFrame | None = None) -> str:
    if whole is None:
        return f"{len(part):,} {'account runs' if len(part) == 1 else 'accounts run'}"
    return f"{len(part):,} of them"


def _paying(part: pd.DataFrame) -> str:
    known = part["mrr"].dropna()
    return f", paying {known.sum():,.0f} MRR" if len(known) else ""
