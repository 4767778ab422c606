"""A small product with three signals that matter, and nothing to wait for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from milepost.outcomes import Outcomes
from milepost.settings import Settings, parse
from milepost.signals.matrix import Matrix
from milepost.signals.spec import Signal
from milepost.training.train import Training, train_models
from milepost.windows import Windows

SIGNALS = tuple(
    Signal(f"use {place}", f"feature {place}", "count", 84, "day", "uses", f"use {place}") for place in range(8)
)


def small_world(accounts: int = 220, months: int = 9, seed: int = 0) -> tuple[Matrix, Outcomes]:
    """Eight signals, of which 0 and 1 keep accounts and 2 drives them away; signal 7 is unknown for a third."""
    random = np.random.default_rng(seed)
    dates = pd.date_range("2024-01-01", periods=months, freq="MS")
    habits = random.normal(size=(accounts, 8))
    rows = pd.DataFrame({
        "account_id": np.tile([f"acc-{place:04d}" for place in range(accounts)], months),
        "snapshot_date": np.repeat(dates.to_numpy(), accounts),
    })  # fmt: skip
    seen = np.tile(habits, (months, 1)) + 0.3 * random.normal(size=(accounts * months, 8))
    odds = -2.2 - 1.2 * seen[:, 0] - 0.8 * seen[:, 1] + 0.8 * seen[:, 2]
    churned = (random.random(len(rows)) < 1 / (1 + np.exp(-odds))).astype(np.float32)
    values = np.exp(seen).astype(np.float32)
    values[random.random(len(rows)) < 1 / 3, 7] = np.nan
    unknown = np.full(len(rows), np.nan, dtype=np.float32)
    left_out = np.where(random.random(len(rows)) < 0.02, "ended_in_gap", "")
    churned[left_out != ""] = np.nan
    return Matrix(values, rows, SIGNALS, "made by hand"), Outcomes(churned, unknown, unknown, left_out)


def plain_settings(**parts: Any) -> Settings:
    """Settings with their defaults but for what is given."""
    tables = {"accounts": {"path": "accounts.csv"}, "events": {"path": "events.csv"}}
    return parse({"tables": tables, **parts}, Path())


@pytest.fixture(scope="session")
def world() -> tuple[Matrix, Outcomes]:
    return small_world()


@pytest.fixture(scope="session")
def make_world() -> Callable[..., tuple[Matrix, Outcomes]]:
    return small_world


@pytest.fixture(scope="session")
def make_settings() -> Callable[..., Settings]:
    return plain_settings


@pytest.fixture(scope="session")
def training(world: tuple[Matrix, Outcomes]) -> Training:
    return train_models(*world, plain_settings(), Windows(28, 7, 30, 7), lambda text: None)
