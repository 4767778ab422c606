from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

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


def nobody(seen: Observations) -> Observations:
    return replace(seen, counts=np.zeros((4, 1), dtype=np.float32))


def test_the_gap_of_equal_risks_is_effect_times_mrr() -> None:
    # nobody uses macros; a, b and c have access and pay 350; at equal risk the 2 points are everybody's: 2 % of 350
    (found,) = gap_worth((evidence(),), nobody(running([50.0, 100.0, 200.0, 400.0])), np.full(4, 0.1))
    assert (found.feature, found.accounts, found.unknown, found.mrr) == ("macros", 3, 0, 350.0)
    assert (found.worth, found.low, found.high) == pytest.approx((7.0, 3.5, 10.5))
    assert found.expected_loss == pytest.approx(35.0)


def test_the_effect_falls_on_accounts_by_one_odds_ratio() -> None:
    # at half the odds .1 becomes .05263 and .2 becomes .11111; the adopter's .1 would be .18182 without the feature.
    # these are 4.7368, 8.8889 and 8.1818 points: 7.2692 in the mean. So an effect of 7.2692 points is half the odds
    risk = np.array([0.1, 0.1, 0.2, 0.5])
    (found,) = gap_worth((evidence(effect=7.269183),), running([50.0, 100.0, 200.0, 400.0]), risk)
    assert found.worth == pytest.approx(100 * 0.047368 + 200 * 0.088889, rel=1e-4)


@given(st.floats(0.1, 60), st.lists(st.floats(0.001, 0.9), min_size=4, max_size=4))
def test_no_account_counts_with_more_than_its_expected_loss(effect: float, risk: list[float]) -> None:
    row = evidence(effect=effect, low=effect / 2, high=2 * effect)
    (found,) = gap_worth((row,), running([50.0, 100.0, 200.0, 400.0]), np.array(risk))
    assert 0 < found.low <= found.worth <= found.high <= found.expected_loss * (1 + 1e-9)


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


def test_what_a_planted_odds_ratio_saves_is_found() -> None:
    """Half the odds of churn with the feature; large accounts hardly ever leave: effect × MRR would overstate."""
    draw = np.random.default_rng(3)
    accounts = 4000
    mrr = draw.lognormal(5, 1, accounts)
    without = expit(-2.5 - 0.8 * (np.log(mrr) - 5) + draw.normal(0, 0.8, accounts))
    having = expit(logit(without) + np.log(0.5))
    adopted = draw.random(accounts) < 0.4
    rows = pd.DataFrame({"account_id": [f"a{n}" for n in range(accounts)], "snapshot_date": pd.Timestamp("2024-07-01")})
    matrix = Matrix(np.zeros((accounts, 0), dtype=np.float32), rows, (), "test")
    seen = Observations(
        matrix, (Feature("macros", ("macro",), "automation"),), adopted[:, None].astype(np.float32),
        np.ones((accounts, 1), dtype=bool), True, rows.assign(mrr=mrr), Windows(28, 7, 28, 7, "month"),
    )  # fmt: skip
    effect = 100 * float((without - having).mean())
    row = evidence(effect=effect, low=effect / 2, high=effect * 2)
    (found,) = gap_worth((row,), seen, np.where(adopted, having, without))
    saved = float(((without - having) * mrr)[~adopted].sum())
    assert found.worth == pytest.approx(saved, rel=1e-6)
    assert effect / 100 * found.mrr > 1.5 * saved
