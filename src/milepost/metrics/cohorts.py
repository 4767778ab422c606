"""How long accounts of each cohort stay: Kaplan–Meier from the first subscription, with who is still watched."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from milepost.milestones.survival import kaplan_meier, share_at
from milepost.terms import ACCOUNT
from milepost.windows import midnight

MONTHS = (1, 3, 6, 12, 18, 24)
DAYS_PER_MONTH = 365.25 / 12
COLUMNS = ["cohort", "accounts", "churned", "censored", "month", "share", "low", "high", "at_risk", "note"]


def stays(spans: pd.DataFrame, end: date, grace_days: int) -> pd.DataFrame:
    """Each account's first covered time: account_id, days, churned; sorted by account.

    spans: `data.subscriptions.spans` of what is visible at `end`. An end whose grace days are not over is not known to
    be one: such accounts are censored at that end, running ones at `end`.
    """
    first = spans.sort_values([ACCOUNT, "span_start"]).drop_duplicates(ACCOUNT)
    cut, grace = midnight(end), pd.Timedelta(days=grace_days)
    ended = first["span_end"].where(first["span_end"] < cut)
    churned = (ended + grace <= cut).to_numpy()
    until = ended.fillna(cut)
    days = (until - first["span_start"]).dt.total_seconds() / 86_400
    return pd.DataFrame({ACCOUNT: first[ACCOUNT].to_numpy(), "days": days.to_numpy(float), "churned": churned})


def cohort_curves(lived: pd.DataFrame, cohort: pd.Series, min_accounts: int) -> pd.DataFrame:
    """The share still there by month since the first subscription, per cohort: COLUMNS.

    lived: rows of `stays`; cohort: its label per row. `at_risk` is how many are still watched at that month; a share
    with fewer than `min_accounts` of them is NaN: the rest is censored.
    """
    rows = []
    for label, part in lived.groupby(cohort, sort=True):
        days, churned = part["days"].to_numpy(float), part["churned"].to_numpy(bool)
        curve = kaplan_meier(days, churned)
        assert curve is not None  # a group has a row
        for month in MONTHS:
            at_risk = int((days >= month * DAYS_PER_MONTH).sum())
            enough = at_risk >= min_accounts
            share, low, high = share_at(curve, month * DAYS_PER_MONTH) if enough else (np.nan,) * 3
            note = "" if enough else f"not enough data: {at_risk} accounts still watched, {min_accounts} needed"
            counts = len(part), int(churned.sum()), int((~churned).sum())
            rows.append((str(label), *counts, month, share, low, high, at_risk, note))
    return pd.DataFrame(rows, columns=COLUMNS)
