from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from milepost.importance.evidence import FeatureEvidence
from milepost.importance.worth import gap_worth
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.terms import Verdict
from milepost.windows import Windows


def evidence(**given: Any) -> FeatureEvidence:
    """A kept feature of 2 points (1 to 3); what the gap does not look at is left empty."""
    values: dict[str, Any] = dict.fromkeys(FeatureEvidence.__dataclass_fields__)
    return FeatureEvidence(**values | {"feature": "macros", "effect": 2.0, "low": 1.0, "high": 3.0,
                                       "verdict": Verdict.KEEP} | given)  # fmt: skip


def running(mrr: list[float]) -> Observations:
    """Four accounts of which the first has adopted macros; the last has no access."""
    rows = pd.DataFrame({"account_id": list("abcd"), "snapshot_date": pd.Timestamp("2024-07-01")})
    context = rows.assign(mrr=mrr)
    matrix = Matrix(np.zeros((4, 0), dtype=np.float32), rows, (), "test")
    counts, eligible = np.array([[3], [0], [0], [0]], dtype=np.float32), np.array([[1], [1], [1], [0]], dtype=bool)
    features = (Feature("macros", ("macro",), "automation"),)
    return Observations(matrix, features, counts, eligible, True, context, Windows(28, 7, 28, 7, "month"))


def test_the_gap_of_equal_risks_is_effect_times_mrr() -> None:
    # b and c lack macros and pay 300; at equal risk the 2 points fall on all alike: 2 % of 300
    (found,) = gap_worth((evidence(),), running([50.0, 100.0, 200.0, 400.0]), np.full(4, 0.1))
    assert (found.feature, found.accounts, found.unknown, found.mrr) == ("macros", 2, 0, 300.0)
    assert (found.worth, found.low, found.high) == pytest.approx((6.0, 3.0, 9.0))
    assert found.expected_loss == pytest.approx(30.0)


def test_the_effect_falls_on_accounts_by_their_risk() -> None:
    # risk × (1 - risk): a .09, b .09, c .16, mean .1133; b counts .09/.1133 × 2 %, c .16/.1133 × 2 %
    (found,) = gap_worth((evidence(),), running([50.0, 100.0, 200.0, 400.0]), np.array([0.1, 0.1, 0.2, 0.5]))
    assert found.worth == pytest.approx(100 * 0.02 * 0.09 / (0.34 / 3) + 200 * 0.02 * 0.16 / (0.34 / 3))


def test_no_account_counts_with_more_than_its_expected_loss() -> None:
    (found,) = gap_worth((evidence(effect=50.0, high=90.0),), running([50.0, 100.0, 200.0, 400.0]), np.full(4, 0.1))
    assert found.worth == found.high == pytest.approx(found.expected_loss) == pytest.approx(30.0)


def test_accounts_without_mrr_or_risk_are_counted_apart() -> None:
    risk = np.array([0.1, 0.1, 0.1, 0.1])
    (found,) = gap_worth((evidence(),), running([50.0, np.nan, 200.0, 400.0]), risk)
    assert (found.accounts, found.unknown, found.mrr) == (2, 1, 200.0)
    assert gap_worth((evidence(),), running([np.nan] * 4), risk) == ()
    assert gap_worth((evidence(),), running([1.0] * 4), np.full(4, np.nan)) == ()


def test_where_nothing_is_kept_nothing_is_worth_anything() -> None:
    unkept = (evidence(verdict=Verdict.INCONCLUSIVE), evidence(verdict=Verdict.PROXY))
    seen = running([50.0, 100.0, 200.0, 400.0])
    assert gap_worth(unkept, seen, np.full(4, 0.1)) == ()
    assert gap_worth((evidence(feature="gone"),), seen, np.full(4, 0.1)) == ()
    assert gap_worth((evidence(),), replace(seen, context=seen.context.assign(mrr=0.0)), np.full(4, 0.1))[0].worth == 0
