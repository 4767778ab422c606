"""Bands, the action line, and the promises of a scores table."""

import numpy as np
import pandas as pd
import pytest

from milepost.errors import MilepostError
from milepost.scoring.score import check_scores, risk_bands, rows_to_explain
from milepost.settings import ScoringSettings


def test_a_band_begins_at_its_cut():
    settings = ScoringSettings(elevated_from=0.05, high_from=0.15)
    risk = np.array([0.0, 0.0499, 0.05, 0.1499, 0.15, 1.0])
    assert risk_bands(risk, settings).tolist() == ["low", "low", "elevated", "elevated", "high", "high"]


def test_few_accounts_are_all_explained_and_many_above_the_line():
    risk = np.linspace(0, 1, 100)
    assert len(rows_to_explain(risk, ScoringSettings(always_explain=5_000))) == 100
    above = rows_to_explain(risk, ScoringSettings(always_explain=0, action_share=0.1))
    assert above.tolist() == list(range(90, 100))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.01, 1.01])
def test_a_risk_that_is_none_is_never_published(wrong):
    with pytest.raises(MilepostError, match="churn risk is not a number within"):
        check_scores(pd.DataFrame({"account_id": ["a", "b"], "churn_risk": [0.5, wrong]}))


def test_two_scores_for_one_account_are_never_published():
    with pytest.raises(MilepostError, match="more than one score"):
        check_scores(pd.DataFrame({"account_id": ["a", "a"], "churn_risk": [0.5, 0.5]}))
