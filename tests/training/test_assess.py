from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from milepost.training import assess


@pytest.fixture(scope="module")
def told() -> tuple[np.ndarray, np.ndarray, pd.Series]:
    """Risks that are the truth: 3,000 accounts, two rows each."""
    random = np.random.default_rng(4)
    risk = expit(np.repeat(random.normal(-2, 1, 3_000), 2))
    accounts = pd.Series(np.repeat([f"a{place}" for place in range(3_000)], 2))
    return risk, (random.random(6_000) < risk).astype(float), accounts


def test_true_risks_are_reliable(told: tuple[np.ndarray, np.ndarray, pd.Series]) -> None:
    found = assess.reliability(*told, seed=1)
    assert found.slope_interval[0] < 1 < found.slope_interval[1]
    assert found.observed_over_expected_interval[0] < 1 < found.observed_over_expected_interval[1]
    assert found.brier_skill_interval[0] > 0


def test_other_months_are_told_with_the_errors_of_the_calibration(
    told: tuple[np.ndarray, np.ndarray, pd.Series],
) -> None:
    """Learnt from as many rows as it is tested on, in months that differ by 0.10: both intervals are wider."""
    risk, churned, accounts = told
    months = np.datetime64("2024-01", "M") + np.arange(len(risk)) % 8
    learnt = assess.Learnt(risk, churned, accounts, months.astype("datetime64[D]"))
    alone, found = (assess.reliability(risk, churned, accounts, 1, one) for one in (None, learnt))
    assert np.isnan(alone.months)
    assert found.slope_interval == alone.slope_interval
    width = found.slope_interval[1] - found.slope_interval[0]
    assert np.diff(found.slope_elsewhere)[0] == pytest.approx(np.sqrt(2) * width, rel=0.15)
    low, high = np.log(found.observed_over_expected_interval)
    expected = 2 * np.sqrt(2 * ((high - low) / 2) ** 2 + (1.96 * found.months) ** 2)
    assert np.diff(np.log(found.observed_over_expected_elsewhere))[0] == pytest.approx(expected, rel=0.15)


def test_risks_twice_as_high_are_found_out(told: tuple[np.ndarray, np.ndarray, pd.Series]) -> None:
    risk, churned, accounts = told
    found = assess.reliability(np.minimum(2 * risk, 0.99), churned, accounts, seed=1)
    assert found.observed_over_expected == pytest.approx(0.5, abs=0.06)
    assert found.observed_over_expected_interval[1] < 0.7


def test_a_model_beside_itself_and_beside_one_that_knows_nothing(
    told: tuple[np.ndarray, np.ndarray, pd.Series],
) -> None:
    risk, churned, accounts = told
    base = np.full(len(risk), churned.mean())
    same, nothing = assess.versus(risk, {"same": risk, "base_rate": base}, churned, accounts, seed=1)
    assert (same.model, same.log_loss, same.roc_auc, same.ahead) == ("same", 0, 0, 0.5)
    assert nothing.ahead == 1
    assert nothing.log_loss_interval[1] < 0 < nothing.roc_auc_interval[0]


def test_acting_on_the_riskiest_fifth_by_hand() -> None:
    risk, churned = np.arange(10) / 10, np.array([0, 0, 0, 0, 1, 0, 0, 0, 1, 1.0])
    accounts = pd.Series([f"a{place}" for place in range(10)])
    last = assess.acting(risk, churned, accounts, seed=1)[-1]
    assert (last.share, last.recall) == (0.2, pytest.approx(2 / 3))
    assert last.lift == pytest.approx(10 / 3)
    assert last.recall_interval[0] <= last.recall <= last.recall_interval[1]


def test_groups_are_told_apart_and_too_few_churned_is_an_answer(
    told: tuple[np.ndarray, np.ndarray, pd.Series],
) -> None:
    risk, churned, accounts = told
    context = pd.DataFrame({
        "plan": np.where(np.arange(len(risk)) < 20, "trial", "team"),
        "size_band": "1-5",  # one value only: nothing to tell apart
        "tenure_days": np.where(np.arange(len(risk)) % 2, 40, 900),
    })  # fmt: skip
    found = {(row.group, row.value): row for row in assess.segments(risk, churned, context, accounts, seed=1)}
    assert list(found) == [("plan", "team"), ("plan", "trial"), ("tenure", "under 90 days"),
                           ("tenure", "2 years or more")]  # fmt: skip
    trial, team = found["plan", "trial"], found["plan", "team"]
    assert trial.auc is None
    assert trial.rows == 20
    assert trial.churned == churned[:20].sum()
    assert team.auc is not None
    assert team.low < team.auc < team.high
    assert trial.share == churned[:20].mean()
