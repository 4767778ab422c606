"""Bands, the action line, and the promises of a scores table."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from milepost.errors import MilepostError
from milepost.framework import Framework
from milepost.maturity.categories import Category
from milepost.scoring.score import ScoringInputs, check_scores, risk_bands, rows_to_explain, score
from milepost.settings import ScoringSettings
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.signals.spec import Signal
from milepost.windows import Windows


def test_a_band_begins_at_its_cut():
    settings = ScoringSettings(elevated_from=0.05, high_from=0.15)
    risk = np.array([0.0, 0.0499, 0.05, 0.1499, 0.15, 1.0])
    assert risk_bands(risk, settings).tolist() == ["low", "low", "elevated", "elevated", "high", "high"]


def test_few_accounts_are_all_explained_and_many_above_the_line():
    risk = np.linspace(0, 1, 100)
    assert len(rows_to_explain(risk, ScoringSettings(always_explain=5_000))) == 100
    above = rows_to_explain(risk, ScoringSettings(always_explain=0, action_share=0.1))
    assert above.tolist() == list(range(90, 100))


@pytest.mark.promise("scores: numbers from 0 to 1, one per running account, with model and run", cases=1)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.01, 1.01])
def test_a_risk_that_is_none_is_never_published(wrong):
    with pytest.raises(MilepostError, match="churn risk is not a number within"):
        check_scores(pd.DataFrame({"account_id": ["a", "b"], "churn_risk": [0.5, wrong]}))


@pytest.mark.promise("scores: numbers from 0 to 1, one per running account, with model and run", cases=1)
def test_two_scores_for_one_account_are_never_published():
    with pytest.raises(MilepostError, match="more than one score"):
        check_scores(pd.DataFrame({"account_id": ["a", "a"], "churn_risk": [0.5, 0.5]}))


FEATURE = Feature("export", ("export",), "reporting", adopted_at_least=2)
SIGNAL = Signal("export.count", "export", "count", 84, "day", "uses a day", "uses of export a day observed")
TENURES = [400.0, 10.0, 28.0, 400.0]
CATEGORY = Category("reporting", ("export",), 1, 1, *[0.5] * 9, because="because")


def observations():
    """Accounts d, b, c, a; b is too young for the model, a has no MRR on record."""
    names = ["d", "b", "c", "a"]
    context = pd.DataFrame(
        {"account_id": names, "snapshot_date": [pd.Timestamp("2024-04-01")] * 4, "plan": "pro", "seats": 5.0,
         "mrr": [100.0, 50.0, 10.0, np.nan], "size_band": "1-5 seats", "segment": "", "tenure_days": TENURES}
    )  # fmt: skip
    matrix = Matrix(np.array([[0], [1], [2], [0]], np.float32), context[["account_id", "snapshot_date"]], (SIGNAL,), "")
    counts = np.array([[0], [1], [2], [3]], np.float32)
    return Observations(matrix, (FEATURE,), counts, np.ones((4, 1), bool), False, context, Windows())


class Fixed:
    """A model that says .2 for everybody, and that one signal moves it by .5."""

    def predict(self, matrix):
        return np.full(len(matrix.rows), 0.2)

    def contributions(self, matrix):
        return np.full(matrix.values.shape, 0.5)


def inputs(**changes):
    given = {
        "model": Fixed(), "model_id": "m1", "young_risk": 0.07, "typical": {"export.count": 1.5}, "framework": None,
        "settings": ScoringSettings(reasons=2), "min_tenure_days": 28,
    }  # fmt: skip
    return ScoringInputs(**{**given, **changes})


def test_scores_are_sorted_by_risk_then_account():
    scores = score(observations(), inputs())
    # the model's three at .2, then the young one at .07; 28 days of tenure are enough
    assert scores["account_id"].tolist() == ["a", "c", "d", "b"]
    assert scores["risk_rank"].tolist() == [1, 2, 3, 4]
    assert scores["churn_risk"].tolist() == [0.2, 0.2, 0.2, 0.07]
    assert scores["risk_band"].tolist() == ["high", "high", "high", "elevated"]
    assert scores["scored_by"].tolist() == ["model", "model", "model", "rule"]
    np.testing.assert_allclose(scores["expected_loss"], [np.nan, 2, 20, 3.5])


def test_each_score_says_what_it_rests_on():
    scores = score(observations(), inputs(framework=Framework(3, date(2024, 4, 1), "f", (CATEGORY,))))
    assert set(scores["model_id"]) == {"m1"}
    assert set(scores["framework_version"]) == {3}
    # adopted from 2 uses on: a used it 3 times, c twice, d never, b once
    assert scores.set_index("account_id")["level_reporting"].to_dict() == {
        "a": "mature", "c": "mature", "d": "basic", "b": "basic",
    }  # fmt: skip
    without = score(observations(), inputs())
    assert set(without["framework_version"]) == {0}
    assert without["mature_categories"].isna().all()


def test_reasons_for_the_models_scores_and_none_for_the_rules():
    scores = score(observations(), inputs()).set_index("account_id")
    assert scores.loc["c", "reason_1"] == (
        "Raises the risk: uses of export a day observed: 2 (retained accounts usually 1.5)"
    )
    assert scores["reason_2"].isna().all()
    assert pd.isna(scores.loc["b", "reason_1"])
    assert not [name for name in score(observations(), inputs(settings=ScoringSettings(reasons=0))) if "reason" in name]


def test_only_accounts_above_the_action_line_get_reasons():
    few = ScoringSettings(always_explain=0, action_share=0.25, reasons=1)
    scores = score(observations(), inputs(settings=few))
    assert scores["reason_1"].notna().sum() == 1


def test_a_model_that_breaks_the_promise_is_stopped():
    with pytest.raises(MilepostError, match=r"churn risk is not a number within \[0, 1\]"):
        score(observations(), inputs(young_risk=float("nan")))
