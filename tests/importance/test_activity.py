"""Depth of use, on tables small enough to work out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from milepost.importance.activity import activity, deviations, log_use
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.windows import Windows


def seen(counts: list[list[float]], exposure: list[float] | None = None) -> Observations:
    """Observations of one snapshot with these counts [accounts × features]."""
    table = np.array(counts, dtype=np.float32)
    context = pd.DataFrame({
        "account_id": [f"a{place}" for place in range(len(table))],
        "snapshot_date": pd.Timestamp("2024-01-01"),
        "exposure_days": exposure or [84.0] * len(table),
    })  # fmt: skip
    features = tuple(Feature(f"f{place}", (f"e{place}",), "c") for place in range(table.shape[1]))
    matrix = Matrix(np.zeros((len(table), 0), np.float32), context[["account_id", "snapshot_date"]], (), "")
    return Observations(matrix, features, table, np.ones(table.shape, bool), False, context, Windows())


def test_use_is_scaled_to_a_full_window() -> None:
    # 10 uses in 42 of 84 days are 20 in a window
    assert log_use(seen([[10.0]], [42.0]))[0, 0] == pytest.approx(np.log(21))


def test_deviations_by_hand() -> None:
    # adopters of the first feature use it e-1 and e³-1 times: log use 1 and 3, mean 2, spread 1
    found = deviations(seen([[np.e - 1, 0], [np.e**3 - 1, 5], [0, 5]]))
    assert found[:, 0].tolist() == pytest.approx([-1, 1, 0], abs=1e-6)
    assert found[:, 1].tolist() == pytest.approx([0, 0, 0], abs=1e-6)  # all adopters alike


def test_nothing_adopted_is_no_depth() -> None:
    found = activity(seen([[0, 0], [3, 9], [9, 3]]))
    assert found[0].tolist() == [0, 0]


def test_adopting_more_at_the_same_pace_is_no_depth() -> None:
    # every adopter uses a feature alike: how many are adopted does not count
    assert np.allclose(activity(seen([[4, 0, 0], [4, 4, 0], [4, 4, 4]])), 0)


def test_a_busy_account_is_deep(product: Callable[..., Any]) -> None:
    observations = product(kind="plain", accounts=300, snapshots=3, features=20, seed=1).observations
    busy = replace(observations, counts=observations.counts.copy())
    busy.counts[0] *= 50
    assert activity(busy)[0, 0] > activity(observations)[0, 0] + 1
    assert activity(observations)[:, 1].tolist() == pytest.approx((activity(observations)[:, 0] ** 2).tolist())
