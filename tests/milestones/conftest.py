"""Lives of a few accounts from plain arrays, and the simulated world with planted milestones."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from milepost.milestones.daily import NEVER, daily_counts
from milepost.milestones.lives import Lives, SeatHistory
from milepost.signals.build import size_bands

WORLD = Path(__file__).parents[2] / "benchmarks" / "worlds" / "journeys.py"
BEGIN, TODAY = 1_000, 2_000  # days


def make_lives(
    created: Sequence[int],
    value: Sequence[tuple[int, int]] | Sequence[tuple[int, int, int]] = (),
    steps: Mapping[str, Sequence[int | None]] | None = None,
    **changed: Any,
) -> Lives:
    """created: day of each account; value: (account, day) or (account, day, count); steps: days, None for never."""
    count = len(created)
    rows = np.array([(*row, 1)[:3] for row in value], dtype=np.int64).reshape(-1, 3)
    counts = daily_counts(rows[:, 0].astype(np.intp), rows[:, 1], rows[:, 1], rows[:, 2].astype(float), count)
    seats = np.asarray(changed.pop("seats", np.full(count, 2.0)), dtype=float)
    days = np.asarray(created, dtype=np.int64)
    given = {
        "account_id": np.array([f"a{place:03d}" for place in range(count)]),
        "created": days,
        "end": np.full(count, NEVER, dtype=np.int64),
        "before_data": np.zeros(count, dtype=bool),
        "plan": np.full(count, "basic"),
        "seats": seats,
        "size_band": size_bands(pd.Series(seats), (5, 20, 100)),
        "history": SeatHistory(np.arange(count), days, seats),
        "value": counts,
        "metric": counts,
        "value_name": "answer",
        "metric_name": "answers",
        "areas": {},
        "steps": {
            name: np.array([NEVER if day is None else day for day in when], dtype=np.int64)
            for name, when in (steps or {}).items()
        },
        "today": TODAY,
    }
    if "end" in changed:
        changed["end"] = np.array([NEVER if day is None else day for day in changed["end"]], dtype=np.int64)
    return Lives(**{**given, **changed})


@pytest.fixture(scope="session")
def lives_of() -> Callable[..., Lives]:
    """`make_lives`, for tests."""
    return make_lives


@pytest.fixture(scope="session")
def planted() -> ModuleType:
    """The module with `World` and `live`."""
    name = "milepost_test_journeys"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, WORLD)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
