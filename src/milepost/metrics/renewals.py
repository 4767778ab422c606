"""Contract terms that came to their end, and whether the account went on."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.data.subscriptions import BASE
from milepost.metrics.retention import COLUMNS, TOTAL, Cell, rate_row, ratio_interval, share_row
from milepost.terms import ACCOUNT
from milepost.windows import midnight


def due_terms(history: pd.DataFrame, start: date, end: date, grace_days: int) -> pd.DataFrame:
    """Terms of the base item that ended in [start, end): account_id, term_ends_at, term_months, renewed, undecided.

    history: rows visible at `end`. A term counts when its row ran until the term's end; one that was replaced before
    it (an upgrade) or left before it is not due. Renewed: some item of the account runs on, or starts again within
    the grace days. Undecided: not yet, and the grace days are not over at `end`.
    """
    term = history["term_ends_at"]
    ran_out = history["ended_at"].isna() | (history["ended_at"] >= term)
    inside = (term >= midnight(start)) & (term < midnight(end))
    due = history[(history["item"] == BASE) & inside & ran_out][[ACCOUNT, "term_ends_at", "term_months"]]
    due = due.drop_duplicates([ACCOUNT, "term_ends_at"]).sort_values([ACCOUNT, "term_ends_at"])
    limit = due["term_ends_at"] + pd.Timedelta(days=grace_days)
    pairs = due[[ACCOUNT, "term_ends_at"]].assign(limit=limit).merge(history[[ACCOUNT, "started_at", "ended_at"]])
    goes_on = pairs["ended_at"].isna() | (pairs["ended_at"] > pairs["term_ends_at"])
    going = pairs[goes_on & (pairs["started_at"] <= pairs["limit"])]
    keys = pd.MultiIndex.from_frame(due[[ACCOUNT, "term_ends_at"]])
    renewed = np.asarray(keys.isin(pd.MultiIndex.from_frame(going[[ACCOUNT, "term_ends_at"]])))
    return due.assign(renewed=renewed, undecided=~renewed & (limit > midnight(end)).to_numpy()).reset_index(drop=True)


def renewal_rows(due: pd.DataFrame, min_accounts: int) -> pd.DataFrame:
    """The renewal rate in total and by billing period, as rows of COLUMNS; the rate is of terms.

    An account billed every month is due many times: its terms are one cluster in the interval.
    """
    billing = due["term_months"].map(_months)
    rows: list[dict[str, Cell]] = []
    for name, values in ((TOTAL, pd.Series(TOTAL, index=due.index)), ("billing", billing)):
        for segment, part in due.groupby(values, sort=True):
            rows.append({"segment_by": name, "segment": str(segment), **_rate(part, min_accounts)})
    return pd.DataFrame(rows, columns=COLUMNS)


def _rate(part: pd.DataFrame, min_accounts: int) -> dict[str, Cell]:
    known = part[~part["undecided"]]
    kept, undecided = known["renewed"], int(part["undecided"].sum())
    if not known[ACCOUNT].duplicated().any():
        return share_row("renewal_rate", int(kept.sum()), len(known), undecided, min_accounts)
    by_account = kept.groupby(known[ACCOUNT])
    figures = ratio_interval(_floats(by_account.sum()), _floats(by_account.size()), share=True)
    sums = int(kept.sum()), len(known)
    return rate_row("renewal_rate", figures, sums, len(by_account), undecided, min_accounts)


def _floats(values: pd.Series) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)


def _months(months: float) -> str:
    if pd.isna(months):
        return "unknown"
    return "1 month" if months == 1 else f"{months:g} months"
