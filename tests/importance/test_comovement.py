"""Does use of all else rise with a feature within accounts?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from milepost.importance.comovement import TOGETHER, moves_together
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.windows import Windows

ACCOUNTS, MONTHS, FEATURES = 800, 8, 12


def seen(health: np.ndarray, level: np.ndarray) -> Observations:
    """Feature 0 is in use while health [months × accounts] is up, the others always, at a pace of level + health."""
    rng = np.random.default_rng(7)
    pace = np.exp(1.5 + level + 0.6 * health)[:, :, None] * np.ones(FEATURES)
    counts = rng.poisson(pace).astype(np.float32) + 1
    counts[:, :, 0] = np.where(health > 0, counts[:, :, 0], 0)
    counts[:, :, 1] = np.where(rng.random((MONTHS, ACCOUNTS)) < 0.5, counts[:, :, 1], 0)
    context = pd.DataFrame({
        "account_id": np.tile([f"a{place:04d}" for place in range(ACCOUNTS)], MONTHS),
        "snapshot_date": np.repeat(pd.date_range("2023-01-01", periods=MONTHS, freq="MS"), ACCOUNTS),
        "exposure_days": 84.0,
        "tenure_days": np.repeat(np.arange(MONTHS) * 30.0 + 100, ACCOUNTS),
    })  # fmt: skip
    table = counts.reshape(-1, FEATURES)
    matrix = Matrix(np.zeros((len(table), 0), np.float32), context, (), "")
    names = tuple(Feature(f"f{place}", (f"e{place}",), "c") for place in range(FEATURES))
    return Observations(matrix, names, table, np.ones(table.shape, bool), False, context, Windows())


def test_a_feature_that_follows_health_moves_with_the_rest() -> None:
    rng = np.random.default_rng(1)
    found = moves_together(seen(rng.normal(size=(MONTHS, ACCOUNTS)), np.zeros((MONTHS, ACCOUNTS))), [0, 1])
    assert found[0] > 3 * TOGETHER
    assert found[1] == 0.0


def test_busy_accounts_and_busy_months_do_not_count() -> None:
    # health stands still within an account and moves with the calendar: both are taken out
    rng = np.random.default_rng(2)
    level = np.tile(rng.normal(size=ACCOUNTS), (MONTHS, 1)) + np.linspace(-1, 1, MONTHS)[:, None]
    found = moves_together(seen(np.zeros((MONTHS, ACCOUNTS)) + 0.1, level), [1])
    assert found[1] == 0.0


def test_a_feature_nobody_ever_changes_is_unknown() -> None:
    found = moves_together(seen(np.full((MONTHS, ACCOUNTS), 0.1), np.zeros((MONTHS, ACCOUNTS))), [2])
    assert found[2] != pytest.approx(0.0, nan_ok=False)
    assert np.isnan(found[2])
