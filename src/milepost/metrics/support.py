"""What conversations say about support in a period, in total and by segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.data.contract import to_frame
from milepost.metrics.clock import hours_of_day, uncovered, working_seconds
from milepost.metrics.help import help_rows
from milepost.metrics.retention import COLUMNS, TOTAL, Cell, rate_row, ratio_interval
from milepost.settings import HelpSettings, TeamHours
from milepost.terms import ACCOUNT
from milepost.windows import midnight

_WAITS = (("first_reply_minutes", "first_reply_at", 60), ("resolution_hours", "resolved_at", 3600))
_AT_THE_END = ("replies", "quality_score", "reopened", "topic", "kind")  # known once it is resolved
_TIMES = ("opened_at", "first_reply_at", "resolved_at", "rated_at")
_NEEDS = {"one_touch_share": "replies", "satisfaction_mean": "rating", "satisfaction_response_rate": "rating",
          "reply_quality_mean": "quality_score", "reopened_share": "reopened"}  # fmt: skip


@dataclass(frozen=True)
class Support:
    """What support figures are counted from.

    rows: `visible_conversations` at the end of the period; running: account_id and seats of the accounts running then;
    start: first day of the period; help_days: `metrics.help.followed`, None where no help event is named.
    """

    rows: pd.DataFrame
    running: pd.DataFrame
    start: date
    team: TeamHours = field(default_factory=TeamHours)
    help: HelpSettings = field(default_factory=HelpSettings)
    help_days: pd.DataFrame | None = None


def visible_conversations(conversations: ibis.Table, end: date) -> pd.DataFrame:
    """Conversations opened before midnight of `end`, as known then: account_id, the four times, replies, rating,
    quality_score, reopened, topic, kind. Times at or after it are not there yet; a rating counts once it is given, the
    others once the conversation is resolved.
    """
    columns = [ACCOUNT, *_TIMES, "rating", *_AT_THE_END]
    rows = to_frame(conversations.filter(conversations.opened_at < midnight(end))[columns])
    for name in _TIMES[1:]:
        rows[name] = rows[name].where(rows[name] < midnight(end))
    for name in _AT_THE_END:
        rows[name] = rows[name].where(rows["resolved_at"].notna())
    rows["rating"] = rows["rating"].where(rows["rated_at"].notna())
    # the engine gives rows in any order: sums and draws must not depend on it
    return rows.sort_values(columns, ignore_index=True)


def support_rows(given: Support, segments: Mapping[str, pd.Series], min_accounts: int) -> pd.DataFrame:
    """Every support figure, long, as rows of retention.COLUMNS.

    segments: name -> label by account (others are "unknown").
    """
    answer: list[dict[str, Cell]] = []
    everyone = pd.Series(TOTAL, index=given.running[ACCOUNT].drop_duplicates())
    for name, label in {TOTAL: everyone, **segments}.items():
        other = TOTAL if name == TOTAL else "unknown"
        mine, at_end = (frame[ACCOUNT].map(label).fillna(other) for frame in (given.rows, given.running))
        reading = None if given.help_days is None else given.help_days[ACCOUNT].map(label).fillna(other)
        for segment in sorted({*mine.unique(), *at_end.unique()}):
            part = replace(
                given, rows=given.rows[mine == segment], running=given.running[at_end == segment],
                help_days=None if given.help_days is None else given.help_days[reading == segment],
            )  # fmt: skip
            found = _figures(part, min_accounts)
            answer += [{"segment_by": name, "segment": str(segment), **row} for row in found]
    frame = pd.DataFrame(answer, columns=COLUMNS)
    for metric, column in _NEEDS.items():
        if given.rows[column].isna().all():
            frame.loc[frame["metric"] == metric, "note"] = f"needs {column} in conversations"
    return frame


def quantile(values: NDArray[np.float64], account: NDArray[np.intp], share: float) -> tuple[float, float, float]:
    """The smallest value that at least `share` of the values do not exceed, with a 95 % interval by account.

    The interval is Woodruff's (1952): that of the share of values up to it, carried back to values. account: codes from
    0. NaN for no values, and for the interval of a single account.
    """
    if not len(values):
        return np.nan, np.nan, np.nan
    ordered = np.sort(values)
    found = _at(ordered, share)
    sizes = np.bincount(account).astype(np.float64)
    below = np.bincount(account, (values <= found).astype(np.float64), minlength=len(sizes)).astype(np.float64)
    # the share up to the value itself may be above the one asked for: its spread is what counts
    middle, low, high = ratio_interval(below, sizes, share=True)
    if not np.isfinite(low):
        return found, np.nan, np.nan
    return found, _at(ordered, share - (middle - low)), _at(ordered, share + (high - middle))


def _at(ordered: NDArray[np.float64], share: float) -> float:
    place = int(np.ceil(share * len(ordered) - 1e-9)) - 1
    return float(ordered[min(max(place, 0), len(ordered) - 1)])


def _figures(given: Support, min_accounts: int) -> list[dict[str, Cell]]:
    rows, begin = given.rows, midnight(given.start)
    opened, resolved = rows[rows["opened_at"] >= begin], rows[rows["resolved_at"] >= begin]
    found = [_count("conversations_opened", opened), _count("conversations_resolved", resolved),
             _count("backlog", rows[rows["resolved_at"].isna()])]  # fmt: skip
    for metric, column, unit in _WAITS:
        took = (opened[column] - opened["opened_at"]).dt.total_seconds() / unit
        found += _waits(metric, opened[ACCOUNT], took, min_accounts)
        if not given.team.always:
            worked = pd.Series(working_seconds(opened["opened_at"], opened[column], given.team) / unit, opened.index)
            found += _waits(f"{metric}_working", opened[ACCOUNT], worked, min_accounts)
    hours = _count("hours_uncovered", opened)
    found.append({**hours, "value": float(uncovered(hours_of_day(rows, given.team, given.start)))})
    found += _answers(rows[rows["rated_at"] >= begin], resolved, min_accounts)
    found += _per_running(opened, given.running, min_accounts)
    if given.help_days is not None:
        found += help_rows(given.help_days, opened, given.running, given.help, min_accounts)
    return found


def _answers(rated: pd.DataFrame, resolved: pd.DataFrame, min_accounts: int) -> list[dict[str, Cell]]:
    """What conversations that came to an end say of them, and what was rated."""
    once, again = (
        said.where(resolved[name].notna()).astype(float)
        for name, said in (("replies", resolved["replies"] == 1), ("reopened", resolved["reopened"] > 0))
    )
    account = resolved[ACCOUNT]
    return [
        _mean("one_touch_share", account, once, min_accounts, share=True),
        _mean("reopened_share", account, again, min_accounts, share=True),
        _mean("satisfaction_mean", rated[ACCOUNT], rated["rating"], min_accounts),
        _mean("satisfaction_response_rate", account, resolved["rating"].notna(), min_accounts, share=True),
        _mean("reply_quality_mean", account, resolved["quality_score"], min_accounts),
    ]


def _per_running(opened: pd.DataFrame, running: pd.DataFrame, min_accounts: int) -> list[dict[str, Cell]]:
    count = running[ACCOUNT].map(opened.groupby(ACCOUNT).size()).fillna(0).to_numpy(float)
    found = []
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


def _waits(metric: str, account: pd.Series, took: pd.Series, min_accounts: int) -> list[dict[str, Cell]]:
    """Median and 90th percentile of what has come; what still waits is `undecided`."""
    there = took.notna()
    codes, names = pd.factorize(account[there], sort=True)
    values, waiting = took[there].to_numpy(float), int((~there).sum())
    return [
        rate_row(f"{metric}_{word}", quantile(values, codes, share), (np.nan, np.nan), len(names), waiting,
                 min_accounts)
        for word, share in (("median", 0.5), ("p90", 0.9))
    ]  # fmt: skip


def _mean(
    metric: str, account: pd.Series, values: pd.Series, min_accounts: int, share: bool = False
) -> dict[str, Cell]:
    """A mean over conversations with its interval by account; rows without a value do not count."""
    by_account = values.dropna().astype(float).groupby(account)
    kept, of = (np.asarray(part, dtype=float) for part in (by_account.sum(), by_account.size()))
    sums = float(kept.sum()), float(of.sum())
    return rate_row(metric, ratio_interval(kept, of, share=share), sums, len(of), 0, min_accounts)
