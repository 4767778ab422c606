"""Retention and support on the page: figures in words, and a bridge that ends where it must."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from milepost.metrics.retention import COLUMNS
from milepost.reporting.metric_data import MetricsPart, bridge, describe_metrics, issue_rows, metric_rows
from milepost.reporting.metric_figures import draw_metrics

LINES = {"opening": 100.0, "new": 30.0, "reactivated": 0.0, "contracted": -1234.0, "churned": -20.0, "closing": -1124.0}


def row(metric, value, low=np.nan, high=np.nan, note="", accounts=7):
    return dict.fromkeys(COLUMNS, np.nan) | {
        "metric": metric, "segment_by": "total", "segment": "total", "value": value, "low": low, "high": high,
        "note": note, "accounts": accounts,
    }  # fmt: skip


def part(*rows, lines=LINES, issues=()):
    frame = pd.DataFrame([*rows, *(row(f"mrr_{name}", value) for name, value in lines.items())], columns=COLUMNS)
    other = frame.assign(segment_by="plan", segment="pro")
    return MetricsPart(date(2023, 6, 1), date(2024, 6, 1), pd.concat([other, frame]), pd.DataFrame(),
                       pd.DataFrame(list(issues)), (), pd.DataFrame())  # fmt: skip


def test_figures_in_words():
    given = part(
        row("logo_retention", 0.8541, 0.834, 0.872), row("first_reply_minutes_median", 34.987, 34.1, 35.2),
        row("hours_uncovered", 3.0), row("conversations_opened", 179114.0), row("one_touch_share", 0.5, 0.4, 0.6),
        row("contacts_avoided_per_help_view", 0.117, 0.1, 0.12),
        row("satisfaction_mean", np.nan, note="needs rating in conversations"),
    )  # fmt: skip
    (logo,) = metric_rows(given, retention=True)
    assert (logo.name, logo.value, logo.interval) == ("logo retention", "85.4 %", "83.4 % to 87.2 %")
    said = {one.name: (one.value, one.interval) for one in metric_rows(given, retention=False)}
    assert said == {
        "first reply minutes median": ("34.99", "34.10 to 35.20"), "hours uncovered": ("3", ""),
        "conversations opened": ("179,114", ""), "one touch share": ("50.0 %", "40.0 % to 60.0 %"),
        "contacts avoided per help view (assumed)": ("0.12", "0.10 to 0.12"),
        "satisfaction mean": ("–", "needs rating in conversations"),
    }  # fmt: skip


def test_the_bridge_leads_from_opening_to_closing():
    found = bridge(part())
    assert found is not None
    assert found.steps == (
        ("opening", 0, 100), ("new", 100, 130), ("contracted", 130, -1104), ("churned", -1104, -1124),
        ("closing", 0, -1124),
    )  # fmt: skip
    said = describe_metrics(part())["bridge"]
    assert said.startswith("From 100 on 2023-06-01 to -1,124 on 2024-06-01: new +30 (7 accounts), contracted −1,234")


@pytest.mark.parametrize("given", [None, part(lines={}), part(lines={"opening": np.nan, "closing": 1.0})])
def test_without_money_there_is_no_bridge(given):
    assert bridge(given) is None
    assert draw_metrics(given) == {}
    assert describe_metrics(given) == {}


def test_the_bridge_is_drawn_with_its_words():
    drawn = draw_metrics(part())["bridge"]
    assert drawn.startswith("<svg")
    assert "+30" in drawn


def test_names_of_topics_are_inert():
    (found,) = issue_rows(part(issues=[{"topic": "a\u202eb\x00" + "c" * 99, "kind": "bug"}]))
    assert found["topic"].startswith("ab�ccc")
    assert len(found["topic"]) < 90
