"""A new model takes over when it is not worse than the one in use on the test rows of both."""

import numpy as np
import pandas as pd
import pytest

from milepost.pipeline.promotion import Decision, compare, keep_foretold
from milepost.pipeline.train import decided
from milepost.training.results import Evaluation, Metrics, Split

ROWS = 1500


def outcomes(seed=1):
    draw = np.random.default_rng(seed)
    truth = draw.uniform(0.02, 0.4, ROWS)
    return truth, (draw.uniform(size=ROWS) < truth).astype(float)


def keep(folder, model_id, risk, churned, names=None):
    pd.DataFrame({
        "account_id": names or [f"a{number // 3}" for number in range(len(risk))],
        "snapshot_date": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(risk)) % 3 * 30, unit="D"),
        "churn_risk": risk, "churned": churned,
    }).to_parquet(folder / f"{model_id}.parquet")  # fmt: skip


def test_the_better_model_takes_over_and_the_worse_waits(tmp_path):
    truth, churned = outcomes()
    keep(tmp_path, "good", truth, churned)
    keep(tmp_path, "poor", np.full(ROWS, churned.mean()), churned)
    better = compare(tmp_path, ("good", "poor"), 7)
    assert better.promoted
    assert better.in_use == "good"
    assert better.rows == ROWS
    assert better.log_loss < 0
    worse = compare(tmp_path, ("poor", "good"), 7)
    assert not worse.promoted
    assert worse.in_use == "good"
    assert worse.log_loss == pytest.approx(-better.log_loss)
    assert 0 < worse.low < worse.high
    assert "may be worse by more than" in worse.because
    assert "stays in use; poor waits" in decided(worse)


def test_a_model_worse_by_a_hair_may_take_over(tmp_path):
    truth, churned = outcomes()
    keep(tmp_path, "now", truth, churned)
    # a little more than the truth for everybody: worse by far less than a hundredth of the log loss, and surely so
    keep(tmp_path, "next", np.clip(truth * 1.02, 0, 1), churned)
    found = compare(tmp_path, ("next", "now"), 7)
    assert found.promoted
    assert abs(found.log_loss) < 0.002


def test_only_rows_that_both_foretold_count(tmp_path):
    truth, churned = outcomes()
    keep(tmp_path, "now", truth, churned)
    keep(tmp_path, "next", truth[:900], churned[:900])
    assert compare(tmp_path, ("next", "now"), 7).rows == 900


def test_too_few_common_churned_accounts_to_compare(tmp_path):
    truth, churned = outcomes()
    keep(tmp_path, "now", truth, churned)
    keep(tmp_path, "next", truth[:30], churned[:30])
    found = compare(tmp_path, ("next", "now"), 7)
    assert found.promoted
    assert "too few to compare" in found.because
    assert found.log_loss is None


def test_a_model_whose_test_rows_are_gone_gives_way(tmp_path):
    truth, churned = outcomes()
    keep(tmp_path, "next", truth, churned)
    (tmp_path / "now.parquet").write_text("damaged")
    assert "is not there" in compare(tmp_path, ("next", "now"), 7).because


def test_what_is_kept_are_the_test_rows(tmp_path):
    nothing = np.array([], dtype=np.intp)
    day = pd.Timestamp("2024-01-01").date()
    split = Split(nothing, nothing, np.array([2, 0]), (day, day), (day, day), 0)
    figures = {"boosting": Metrics(*[0.5] * 6, 2, 1, 1, 0.4, 0.6)}
    evaluation = Evaluation(
        figures, figures, "boosting", "disjoint", split, np.array([0.3, 0.1]), np.array([1.0, 0.0]), (), ()
    )
    rows = pd.DataFrame({"account_id": ["a", "b", "c"], "snapshot_date": pd.Timestamp("2024-01-01")})
    keep_foretold(tmp_path, "m1", evaluation, rows)
    kept = pd.read_parquet(tmp_path / "m1.parquet")
    assert kept[["account_id", "churn_risk", "churned"]].values.tolist() == [["c", 0.3, 1.0], ["a", 0.1, 0.0]]


def test_the_answer_names_the_model_in_use():
    decision = Decision("new", "", True, "no model was in use")
    assert decision.as_json()["in_use"] == "new"
    assert decided(decision) == "model new is in use: no model was in use"
