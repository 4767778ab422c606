"""Adoption worked by hand on four accounts and two snapshots."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from milepost.adoption import Standing, adoption_table, available, variance_share
from milepost.settings import AdoptionSettings
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.windows import Windows

MARCH, JUNE = pd.Timestamp("2024-03-01"), pd.Timestamp("2024-06-01")


def observed(counts: list[list[float]], eligible: list[list[bool]] | None = None, **feature: object) -> Observations:
    """Accounts a, b (plan small), c, d (plan large) in March, then the same in June; one column per feature."""
    values = np.array(counts, dtype=np.float32)
    context = pd.DataFrame({
        "account_id": list("abcd") * (len(values) // 4),
        "snapshot_date": np.repeat([MARCH, JUNE][: len(values) // 4], 4),
        "plan_at_start": ["small", "small", "large", "large"] * (len(values) // 4),
        "size_band": ["1-5", "6-20"] * (len(values) // 2),
    })  # fmt: skip
    features = tuple(Feature(f"f{place}", ("e",), "c", **feature) for place in range(values.shape[1]))
    allowed = np.ones(values.shape, dtype=bool) if eligible is None else np.array(eligible)
    matrix = Matrix(np.zeros((len(values), 0), np.float32), context[["account_id", "snapshot_date"]], (), "")
    return Observations(matrix, features, values, allowed, True, context, Windows())


def test_rate_is_the_mean_over_snapshots() -> None:
    # March: 1 of 4; June: 3 of 4
    found = adoption_table(observed([[1], [0], [0], [0], [1], [1], [1], [0]]), AdoptionSettings(min_accounts=1))[0]
    assert found.rate == pytest.approx(0.5)
    assert (found.eligible, found.adopted, found.not_adopted) == (4, 3, 3)
    assert found.discount == pytest.approx(1.0)
    assert found.by_plan == {"large": 0.25, "small": 0.75}
    assert found.standing is Standing.INSIDE


def test_only_eligible_rows_count() -> None:
    seen = observed([[1], [1], [1], [0]], [[False], [True], [True], [True]])
    found = adoption_table(seen, AdoptionSettings(min_accounts=1))[0]
    assert found.rate == pytest.approx(2 / 3)
    assert (found.eligible, found.adopted) == (3, 2)


def test_the_threshold_of_the_catalogue_counts() -> None:
    seen = observed([[5], [4], [9], [0]], adopted_at_least=5)
    assert adoption_table(seen, AdoptionSettings())[0].rate == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("counts", "least", "standing"),
    [
        ([[1], [1], [1], [1]], 1, Standing.UBIQUITOUS),
        ([[0], [0], [0], [0]], 1, Standing.NICHE),
        ([[1], [1], [1], [0]], 2, Standing.UBIQUITOUS),  # 75 % lies inside the band, but one account is no other side
        ([[1], [0], [0], [0]], 2, Standing.NICHE),
        ([[1], [1], [0], [0]], 2, Standing.INSIDE),
    ],
)
def test_standing(counts: list[list[float]], least: int, standing: Standing) -> None:
    assert adoption_table(observed(counts), AdoptionSettings(min_accounts=least))[0].standing is standing


def test_nobody_eligible_is_niche_with_an_unknown_rate() -> None:
    found = adoption_table(observed([[1], [1], [0], [0]], [[False]] * 4), AdoptionSettings())[0]
    assert found.standing is Standing.NICHE
    assert np.isnan(found.rate)


def test_launched_inside_the_last_window_is_too_new() -> None:
    # June's window opens 84 days before June 1: on March 9
    both = [[1], [1], [0], [0]] * 2
    late = adoption_table(observed(both, launched_at=date(2024, 3, 10)), AdoptionSettings(min_accounts=1))[0]
    just = adoption_table(observed(both, launched_at=date(2024, 3, 9)), AdoptionSettings(min_accounts=1))[0]
    assert late.standing is Standing.TOO_NEW
    assert just.standing is Standing.INSIDE
    assert available(observed(both, launched_at=date(2024, 3, 9)))[:, 0].tolist() == [False] * 4 + [True] * 4


def test_variance_share_by_hand() -> None:
    plans = np.array(["s", "s", "l", "l"])
    assert variance_share(np.array([True, True, False, False]), plans) == pytest.approx(1.0)
    assert variance_share(np.array([True, False, True, False]), plans) == pytest.approx(0.0)
    # means 1 and 1/2 around 3/4: between 1/16, total 3/16
    assert variance_share(np.array([True, True, True, False]), plans) == pytest.approx(1 / 3)
    assert variance_share(np.array([True, True, True, True]), plans) == 0.0
