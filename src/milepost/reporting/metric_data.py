"""Retention and support on the page: the figures of a date as plain data, the bridge to draw, and both in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Any

import pandas as pd

from milepost.metrics.definitions import DEFINITIONS
from milepost.metrics.retention import TOTAL, records
from milepost.reporting.text import cut

RATES = ("logo_retention", "gross_revenue_retention", "net_revenue_retention", "renewal_rate")
SHOWN_ISSUES = 10
_SHARE = "share"
BRIDGE = "bridge"
ASSUMED = "contacts_avoided_per_help_view"


@dataclass(frozen=True)
class MetricsPart:
    """start, end: the period; rows, cohorts, issues: as in out/metrics; alerts: figures beyond their line; together:
    support beside retention and expansion, empty where it was not measured.
    """

    start: date
    end: date
    rows: pd.DataFrame
    cohorts: pd.DataFrame
    issues: pd.DataFrame
    alerts: tuple[str, ...]
    together: pd.DataFrame


@dataclass(frozen=True)
class MetricRow:
    """One figure in words: its name, the figure, its interval (or why there is no figure), the accounts."""

    name: str
    value: str
    interval: str
    accounts: int


@dataclass(frozen=True)
class Bridge:
    """Steps (name, from, to) in MRR, the first and the last from 0; currency as in the data."""

    steps: tuple[tuple[str, float, float], ...]
    accounts: tuple[int, ...]


def metric_rows(part: MetricsPart, retention: bool) -> list[MetricRow]:
    """Totals of retention, or of support, that are known or say why not."""
    total = part.rows[part.rows["segment_by"] == TOTAL]
    mine = total["metric"].isin(RATES) == retention
    return [_row(row) for row in records(total[mine & ~total["metric"].str.startswith("mrr_")])]


def _row(row: dict[str, Any]) -> MetricRow:
    name, unit = str(row["metric"]), DEFINITIONS[str(row["metric"])].unit
    words = name.replace("_", " ") + (" (assumed)" if name == ASSUMED else "")
    if row["note"]:
        return MetricRow(words, "–", str(row["note"]), int(row["accounts"]))
    low, high = float(row["low"]), float(row["high"])
    interval = f"{_said(low, unit)} to {_said(high, unit)}" if isfinite(low) else ""
    return MetricRow(words, _said(float(row["value"]), unit), interval, int(row["accounts"]))


def signed(value: float) -> str:
    """1234.5 -> "+1,234", with a minus sign below zero."""
    return f"{value:+,.0f}".replace("-", "−")


def _said(value: float, unit: str) -> str:
    if unit == _SHARE:
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.2f}"


def bridge(part: MetricsPart | None) -> Bridge | None:
    """What became of the MRR, step by step; None without MRR."""
    if part is None:
        return None
    total = part.rows[(part.rows["segment_by"] == TOTAL) & part.rows["metric"].str.startswith("mrr_")]
    if total.empty or total["value"].isna().any():
        return None
    steps, accounts, level = [], [], 0.0
    for row in records(total):
        name, value = str(row["metric"]).removeprefix("mrr_"), float(row["value"])
        ends = name in ("opening", "closing")
        if ends or value:
            steps.append((name, 0.0, value) if ends else (name, level, level + value))
            accounts.append(int(row["accounts"]))
            level = value if ends else level + value
    return Bridge(tuple(steps), tuple(accounts))


def describe_metrics(part: MetricsPart | None) -> dict[str, str]:
    """Figure name -> what it shows."""
    found = bridge(part)
    if found is None or part is None:
        return {}
    moved = ", ".join(
        f"{name} {signed(end - begin)} ({accounts:,} accounts)"
        for (name, begin, end), accounts in zip(found.steps[1:-1], found.accounts[1:-1], strict=True)
    )
    first, last = found.steps[0][2], found.steps[-1][2]
    said = f"From {first:,.0f} on {part.start} to {last:,.0f} on {part.end}"
    return {BRIDGE: f"{said}: {moved}." if moved else f"{said}."}


def issue_rows(part: MetricsPart) -> list[dict[str, Any]]:
    """The issues that touch most accounts."""
    return [{**row, "topic": cut(str(row["topic"]), 60), "kind": cut(str(row["kind"]), 40)}
            for row in records(part.issues.head(SHOWN_ISSUES))]  # fmt: skip
