"""A product of twelve accounts on disk, and a job over it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from milepost.pipeline.job import Job, open_job

SETTINGS = """\
[windows]
observation_days = 30
gap_days = 7
outcome_days = 30
grace_days = 7

[signals]
min_tenure_days = 20

[tables.accounts]
path = "accounts.csv"
[tables.events]
path = "events.csv"
[tables.subscriptions]
path = "subscriptions.csv"
"""
CATALOGUE = "feature,event_names,category\nmacros,macro,automation\nexport,export,reporting\n"


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """Accounts a00..a11 since 2024-01-01, an event of each every third day until 2024-06-30 12:00; a00 leaves on
    2024-04-20."""
    names = [f"a{number:02}" for number in range(12)]
    days = [datetime(2024, 1, 1, 12) + timedelta(days=day) for day in range(0, 182)]
    rows = [(name, day, ("macro", "export", "login")[place % 3]) for place, name in enumerate(names)
            for number, day in enumerate(days) if (number + place) % 3 == 0 or day == days[-1]]  # fmt: skip
    pd.DataFrame({"account_id": names, "created_at": "2024-01-01"}).to_csv(tmp_path / "accounts.csv", index=False)
    events = pd.DataFrame(rows, columns=["account_id", "occurred_at", "event_name"])
    events.to_csv(tmp_path / "events.csv", index=False)
    spans = [(name, "2024-01-01", "2024-04-20" if name == "a00" else None, 5, 50) for name in names]
    subscriptions = pd.DataFrame(spans, columns=["account_id", "started_at", "ended_at", "seats", "mrr"])
    subscriptions.to_csv(tmp_path / "subscriptions.csv", index=False)
    (tmp_path / "features.csv").write_text(CATALOGUE, encoding="utf-8")
    (tmp_path / "milepost.toml").write_text(SETTINGS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def make_job(product: Path) -> Callable[..., Job]:
    """A new job, as a new command would open it; `said` collects its progress."""

    def make(as_of: date | None = None, said: list[str] | None = None) -> Job:
        lines: list[Any] = [] if said is None else said
        return open_job(product / "milepost.toml", datetime(2024, 7, 1, 9), as_of, lines.append)

    return make
