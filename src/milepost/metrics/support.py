"""What conversations say about support in a period, in total and by segment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.data.subscriptions import to_frame
from milepost.metrics.retention import COLUMNS, TOTAL, Cell, rate_row, ratio_interval
from milepost.terms import ACCOUNT
from milepost.windows import midnight

DRAWS = 200
_TIMES = ("opened_at", "first_reply_at", "resolved_at", "rated_at")
_NEEDS = {"one_touch_share": "replies", "satisfaction_mean": "rating", "satisfaction_response_rate": "rating",
          "reply_quality_mean": "quality_score"}  # fmt: skip


def visible_conversations(conversations: ibis.Table, end: date) -> pd.DataFrame:
    """Conversations opened before midnight of `end`, as known then: account_id, the four times, replies, rating,
    quality_score. Times at or after it are not there yet; replies and quality count once it is resolved, a rating
    once it is given.
    """
    columns = [ACCOUNT, *_TIMES, "replies", "rating", "quality_score"]
    rows = to_frame(conversations.filter(conversations.opened_at < midnight(end))[columns])
    for name in _TIMES[1:]:
        rows[name] = rows[name].where(rows[name] < midnight(end))
    for name in ("replies", "quality_score"):
        rows[name] = rows[name].where(rows["resolved_at"].notna())
    rows["rating"] = rows["rating"].where(rows["rated_at"].notna())
    # the engine gives rows in any order: sums and draws must not depend on it
    return rows.sort_values(columns, ignore_index=True)


def support_rows(
    rows: pd.DataFrame, running: pd.DataFrame, segments: Mapping[str, pd.Series], start: date, min_accounts: int,
    seed: int,
) -> pd.DataFrame:  # fmt: skip
    """Every support figure, long, as rows of retention.COLUMNS.

    rows: `visible_conversations` at the end; running: account_id and seats of the accounts running then; segments:
    name -> label by account (others are "unknown").
    """
    answer: list[dict[str, Cell]] = []
    everyone = pd.Series(TOTAL, index=running[ACCOUNT].drop_duplicates())
    for name, label in {TOTAL: everyone, **segments}.items():
        other = TOTAL if name == TOTAL else "unknown"
        mine, at_end = (frame[ACCOUNT].map(label).fillna(other) for frame in (rows, running))
        for segment in sorted({*mine.unique(), *at_end.unique()}):
            found = _figures(rows[mine == segment], running[at_end == segment], start, min_accounts, seed)
            answer += [{"segment_by": name, "segment": str(segment), **row} for row in found]
    frame = pd.DataFrame(answer, columns=COLUMNS)
    for metric, column in _NEEDS.items():
        if rows[column].isna().all():
            frame.loc[frame["metric"] == metric, "note"] = f"needs {column} in conversations"
    return frame


def quantile(values: NDArray[np.float64], account: NDArray[np.intp], share: float, seed: int) -> tuple[float, ...]:
    """The smallest value that at least `share` of the values do not exceed, with a 95 % interval by account.

    Percentile bootstrap over accounts (account: codes from 0), each draw weighting whole accounts; NaN for no values.
    """
    if not len(values):
        return np.nan, np.nan, np.nan
    order = np.argsort(values, kind="stable")
    ordered, code = values[order], account[order]
    rng, accounts = np.random.default_rng(seed), int(account.max()) + 1
    drawn = [rng.multinomial(accounts, np.full(accounts, 1 / accounts))[code] for _ in range(DRAWS)]
    ends = np.percentile([_weighted(ordered, weight, share) for weight in drawn if weight.any()], [2.5, 97.5])
    return _weighted(ordered, np.ones(len(code), np.int64), share), float(ends[0]), float(ends[1])


def _weighted(ordered: NDArray[np.float64], weight: NDArray[np.int64], share: float) -> float:
    reached = np.cumsum(weight)
    return float(ordered[np.searchsorted(reached, share * reached[-1] - 1e-9)])


def _figures(
    rows: pd.DataFrame, running: pd.DataFrame, start: date, min_accounts: int, seed: int
) -> list[dict[str, Cell]]:
    opened = rows[rows["opened_at"] >= midnight(start)]
    resolved = rows[rows["resolved_at"] >= midnight(start)]
    waiting = rows[rows["resolved_at"].isna()]
    found = [_count("conversations_opened", opened), _count("conversations_resolved", resolved),
             _count("backlog", waiting)]  # fmt: skip
    for metric, column, unit in (
        ("first_reply_minutes", "first_reply_at", 60),
        ("resolution_hours", "resolved_at", 3600),
    ):
        took = (opened[column] - opened["opened_at"]).dt.total_seconds() / unit
        found += _waits(metric, opened[ACCOUNT], took, min_accounts, seed)
    rated = rows[rows["rated_at"] >= midnight(start)]
    once = (resolved["replies"] == 1).where(resolved["replies"].notna())
    found += [
        _mean("one_touch_share", resolved[ACCOUNT], once.astype(float), min_accounts, share=True),
        _mean("satisfaction_mean", rated[ACCOUNT], rated["rating"], min_accounts),
        _mean("satisfaction_response_rate", resolved[ACCOUNT], resolved["rating"].notna(), min_accounts, share=True),
        _mean("reply_quality_mean", resolved[ACCOUNT], resolved["quality_score"], min_accounts),
    ]
    count = running[ACCOUNT].map(opened.groupby(ACCOUNT).size()).fillna(0).to_numpy(float)
    for metric, of in (
        ("conversations_per_account", np.ones(len(count))),
        ("conversations_per_seat", running["seats"]),
    ):
        size = np.nan_to_num(np.asarray(of, dtype=float))
        have = size > 0
        sums = float(count[have].sum()), float(size.sum())
        found.append(rate_row(metric, ratio_interval(count[have], size[have]), sums, int(have.sum()), 0, min_accounts))
    return found


def _count(metric: str, rows: pd.DataFrame) -> dict[str, Cell]:
    return {"metric": metric, "value": float(len(rows)), "accounts": int(rows[ACCOUNT].nunique()), "undecided": 0,
            "note": ""}  # fmt: skip


def _waits(metric: str, account: pd.Series, took: pd.Series, min_accounts: int, seed: int) -> list[dict[str, Cell]]:
    """Median and 90th percentile of what has come; what still waits is `undecided`."""
    there = took.notna()
    codes, names = pd.factorize(account[there], sort=True)
    values, waiting = took[there].to_numpy(float), int((~there).sum())
    enough = len(names) >= min_accounts
    return [
        rate_row(f"{metric}_{word}", _three(values, codes, share, seed, enough), (np.nan, np.nan), len(names), waiting,
                 min_accounts)
        for word, share in (("median", 0.5), ("p90", 0.9))
    ]  # fmt: skip


def _three(
    values: NDArray[np.float64], codes: NDArray[np.intp], share: float, seed: int, enough: bool
) -> tuple[float, float, float]:
    value, low, high = quantile(values, codes, share, seed) if enough else (np.nan,) * 3
    return value, low, high


def _mean(
    metric: str, account: pd.Series, values: pd.Series, min_accounts: int, share: bool = False
) -> dict[str, Cell]:
    """A mean over conversations with its interval by account; rows without a value do not count."""
    by_account = values.dropna().astype(float).groupby(account)
    kept, of = (np.asarray(part, dtype=float) for part in (by_account.sum(), by_account.size()))
    sums = float(kept.sum()), float(of.sum())
    return rate_row(metric, ratio_interval(kept, of, share=share), sums, len(of), 0, min_accounts)
