"""A table somebody brings is scored by the model of one like it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from milepost.bundle import save_bundle
from milepost.errors import BundleError, InputError
from milepost.pipeline.own_matrix import Options, train_own_matrix
from milepost.pipeline.own_score import OwnScores, score_own


def own(rows: int = 400, seed: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    logins, free = random.poisson(5, rows), random.random(rows) < 0.5
    left = random.random(rows) < 1 / (1 + np.exp(-(0.5 - 0.5 * logins + 1.5 * free)))
    return pd.DataFrame({
        "id": [f"a{place:03d}" for place in range(rows)], "logins": logins, "plan": np.where(free, "free", "paid"),
        "left": np.where(left, "Yes", "No"),
    })  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    own().to_csv(folder / "own.csv", index=False)
    result = train_own_matrix(folder / "own.csv", "left", "id", None, Options(threads=1), lambda text: None)
    save_bundle(folder / "models", "run", result.model, {"typical": result.typical})
    return folder / "models"


def asked(model: Path, frame: pd.DataFrame, folder: Path, name: str = "scores.csv") -> OwnScores:
    frame.to_csv(folder / "new.csv", index=False)
    return OwnScores(folder / "new.csv", "id", model, folder / name)


def test_new_rows_are_scored_riskiest_first_with_reasons(model: Path, tmp_path: Path) -> None:
    new = own(200, seed=4).drop(columns="left")
    result = score_own(asked(model, new, tmp_path))
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert result.as_json()["rows"] == len(scores) == 200
    assert scores["churn_risk"].is_monotonic_decreasing
    joined = scores.merge(new, left_on="account_id", right_on="id")
    assert joined["churn_risk"].corr(joined["logins"], method="spearman") < -0.6
    assert scores["reason_1"].iloc[0].startswith("Raises the risk: ")
    assert "retained accounts usually" in " ".join(scores["reason_1"])
    assert result.gate == ""


def test_columns_in_another_order_and_more_of_them_change_nothing(model: Path, tmp_path: Path) -> None:
    new = own(50, seed=5)
    score_own(asked(model, new, tmp_path, "one.csv"))
    score_own(asked(model, new.assign(more=1)[["more", "plan", "id", "logins"]], tmp_path, "two.csv"))
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.rename(columns={"logins": "login"}), "needs column 'logins'; did you mean 'login'"),
        (lambda frame: frame.drop(columns="plan"), "needs column 'plan'"),
        (lambda frame: frame.assign(logins="many"), "column 'logins' holds text; expected numbers"),
        (lambda frame: frame.assign(id="same"), "column 'id' names 49 accounts twice"),
        (lambda frame: frame.rename(columns={"id": "ids"}), "no column 'id'; did you mean 'ids'"),
        (lambda frame: frame.head(0), "0 rows"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_written(model: Path, tmp_path: Path, change, message) -> None:
    with pytest.raises(InputError) as caught:
        score_own(asked(model, change(own(50)), tmp_path))
    assert message in caught.value.line
    assert not (tmp_path / "scores.csv").exists()


def test_values_never_seen_are_counted_and_many_are_a_gate(model: Path, tmp_path: Path) -> None:
    few = own(50)
    few.loc[:4, "plan"] = "trial"
    found = score_own(asked(model, few, tmp_path))
    assert (found.as_json()["findings"][0]["count"], found.gate) == (5, "")
    assert "values the model has never seen in 5 rows" in found.as_text()
    few.loc[:14, "plan"] = "trial"
    assert "never seen in 30% of the rows" in score_own(asked(model, few, tmp_path)).gate


def test_a_table_can_be_written_as_parquet_and_rows_numbered(model: Path, tmp_path: Path) -> None:
    given = asked(model, own(50), tmp_path, "scores.parquet")
    score_own(OwnScores(given.path, "", given.model, given.out))
    assert set(pd.read_parquet(given.out)["account_id"]) == {str(number) for number in range(50)}


def test_a_model_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no model has been saved here yet"):
        score_own(asked(tmp_path / "none", own(50), tmp_path))
