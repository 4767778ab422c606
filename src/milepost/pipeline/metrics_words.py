"""The answer of `milepost metrics` for people: at most 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from milepost.metrics.cohorts import MONTHS
from milepost.metrics.retention import TOTAL, records
from milepost.pipeline.result import shown, table

_RATES = ("logo_retention", "gross_revenue_retention", "net_revenue_retention")
_LATEST = 12
_ISSUES = 5
_WIDTH = 100


def metrics_text(
    tables: Mapping[str, pd.DataFrame], period: tuple[date, date], by: Sequence[str], alerts: Sequence[str],
    folder: Path,
) -> str:  # fmt: skip
    """Rates, bridge, renewals, cohorts, support, issues and the segments asked for, one table each."""
    rows = tables["metrics"]
    total = rows[rows["segment_by"] == TOTAL]
    rates = total[total["metric"].isin([*_RATES, "renewal_rate"])]
    parts = [
        f"Retention from {period[0]} to {period[1]}",
        _rates(rates),
        "MRR, from opening to closing",
        _bridge(total),
    ]
    if len(billing := rows[rows["segment_by"] == "billing"]):
        parts += ["Renewal rate by billing period", _rates(billing)]
    parts += [_cohorts(tables["cohorts"]), "Support in the period", _support(total)]
    if len(tables["issues"]):
        parts += ["What accounts ask about, by the accounts running now that asked", _issues(tables["issues"])]
    if len(tables["fixes"]):
        parts += ["Topics before and after they were mended, conversations per 1,000 accounts and 28 days",
                  _fixes(tables["fixes"])]  # fmt: skip
    for name in by:
        if name != "billing":
            parts += [f"By {name}, as it was at the first date (of new accounts at the second)", _segments(rows, name)]
    parts += ["\n".join(line for text in alerts for line in textwrap.wrap(f"ALERT: {text}", _WIDTH))] if alerts else []
    return "\n\n".join([*parts, f"{shown(folder)}\nwhat each figure means: milepost metrics explain NAME"])


def _percent(value: float) -> str:
    return "–" if pd.isna(value) else f"{100 * value:.1f} %"


def _interval(low: float, high: float) -> str:
    return "" if pd.isna(low) else f"{100 * low:.1f} to {100 * high:.1f}"


def _rates(rows: pd.DataFrame) -> str:
    cells = [
        [_named(row), _percent(row['value']), row['note'] or _interval(row['low'], row['high']), f"{row['accounts']:,}",
         f"{row['undecided']:,}"]
        for row in records(rows)
    ]  # fmt: skip
    return table(["", "rate", "95 % interval", "accounts", "undecided"], cells)


def _support(total: pd.DataFrame) -> str:
    mine = total[~total["metric"].str.startswith("mrr_") & ~total["metric"].isin([*_RATES, "renewal_rate"])]
    if mine.empty:
        return "needs conversations: add [tables.conversations]"
    cells = [
        [row["metric"], "–" if row["note"] else _number(row["value"]),
         "" if pd.isna(row["low"]) else f"{_number(row['low'])} to {_number(row['high'])}", f"{row['accounts']:,}",
         f"{row['undecided']:,}"]
        for row in records(mine)
    ]  # fmt: skip
    notes = [f"{row['metric']}: {row['note']}" for row in records(mine) if row["note"]]
    said = "\n".join(textwrap.fill(note, _WIDTH, subsequent_indent="  ") for note in notes)
    whole = table(["", "value", "95 % interval", "accounts", "undecided"], cells)
    return f"{whole}\n\n{said}" if said else whole


def _issues(issues: pd.DataFrame) -> str:
    """The first of each order: by accounts, and what comes up by MRR."""
    first = issues[(issues["rank_by_accounts"] <= _ISSUES) | (issues["rank_by_mrr"] <= _ISSUES)]
    cells = [
        [str(row["topic"])[:24], str(row["kind"])[:20], f"{row['conversations']:,}", f"{row['accounts']:,}",
         _percent(row["share_of_accounts"]), f"{row['mrr']:,.0f}", f"{row['rank_by_mrr']}",
         row["help_since"] or "none known"]
        for row in records(first)
    ]  # fmt: skip
    head = ["topic", "kind", "conversations", "accounts", "share", "MRR", "by MRR", "help since"]
    left = f"\n… and {len(issues) - len(first)} more in issues.csv" if len(issues) > len(first) else ""
    return f"{table(head, cells)}{left}"


def _fixes(found: pd.DataFrame) -> str:
    cells = [
        [str(row["topic"])[:24], row["fixed_at"], f"{row['days']}", f"{row['accounts']:,}",
         *([row["note"], "", "", ""] if row["note"] else
           [_number(row["before"]), _number(row["after"]), _number(row["ratio"]),
            "" if pd.isna(row["low"]) else f"{_number(row['low'])} to {_number(row['high'])}"])]
        for row in records(found)
    ]  # fmt: skip
    return table(["topic", "mended", "days", "accounts", "before", "after", "ratio", "95 % interval"], cells)


def _number(value: float) -> str:
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3f}" if abs(value) < 1 else f"{value:,.2f}"


def _named(row: dict[str, Any]) -> str:
    return str(row["metric"] if row["segment"] == TOTAL else row["segment"])[:30]


def _bridge(total: pd.DataFrame) -> str:
    lines = total[total["metric"].str.startswith("mrr_")]
    cells = [
        [row["metric"].removeprefix("mrr_"), row["note"] or f"{row['value']:,.2f}", f"{row['accounts']:,}"]
        for row in records(lines)
    ]
    return table(["", "MRR", "accounts"], cells)


def _cohorts(cohorts: pd.DataFrame) -> str:
    names = [name for name in cohorts["cohort"].unique() if name != "all"]
    cells = [_cohort(cohorts[cohorts["cohort"] == name]) for name in ["all", *names[-_LATEST:]] if len(cohorts)]
    head = "Share still there so many months after the first subscription (–: too few still watched)"
    left = f"\n… and {len(names) - _LATEST} earlier cohorts in cohorts.csv" if len(names) > _LATEST else ""
    columns = ["created", "accounts", "churned", "censored", *(str(month) for month in MONTHS)]
    return f"{head}\n\n{table(columns, cells)}{left}"


def _cohort(part: pd.DataFrame) -> list[str]:
    first = part.iloc[0]
    counts = [f"{first[name]:,}" for name in ("accounts", "churned", "censored")]
    return [str(first["cohort"]), *counts, *(_percent(share) for share in part["share"])]


def _segments(rows: pd.DataFrame, name: str) -> str:
    shown_here = rows["metric"].isin([*_RATES, "mrr_opening", "mrr_closing"])
    mine = rows[shown_here & (rows["segment_by"] == name)].pivot(index="segment", columns="metric", values="value")
    cells = [
        [str(segment)[:24], *(_percent(row[rate]) for rate in _RATES), f"{row['mrr_opening']:,.0f}",
         f"{row['mrr_closing']:,.0f}"]
        for segment, row in mine.iterrows()
    ]  # fmt: skip
    return table([name, "logo", "gross revenue", "net revenue", "opening MRR", "closing MRR"], cells)
