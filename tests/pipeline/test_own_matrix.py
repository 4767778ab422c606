from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from milepost.errors import InputError, NotEnoughData
from milepost.pipeline.own_matrix import Options, read_label, read_table, to_matrix, train_own_matrix


def silent(text: str) -> None:
    pass


def own(rows: int = 600) -> pd.DataFrame:
    """Accounts that leave when they log in little and are on the free plan."""
    random = np.random.default_rng(3)
    logins, free = random.poisson(5, rows), random.random(rows) < 0.5
    left = random.random(rows) < 1 / (1 + np.exp(-(0.5 - 0.5 * logins + 1.5 * free)))
    return pd.DataFrame({
        "id": [f"a{place}" for place in range(rows)],
        "logins": logins,
        "plan": np.where(free, "free", "paid"),
        "left": np.where(left, "Yes", "No"),
        "day": pd.date_range("2024-01-01", periods=rows, freq="h").strftime("%Y-%m-%d"),
        "email": [f"person{place}@example.com" for place in range(rows)],
        "city": [f"city {place % 60}" for place in range(rows)],
    })  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    own().to_csv(tmp_path / "own.csv", index=False)
    return tmp_path / "own.csv"


def test_a_table_of_ones_own_is_learnt_and_what_was_left_out_is_said(path: Path) -> None:
    found = train_own_matrix(path, "left", "id", "day", Options(min_churned=20), silent)
    assert [signal.name for signal in found.model.signals] == ["logins", "plan=free", "plan=paid"]
    assert [(f.where, f.count) for f in found.findings] == [
        ("own.csv: column 'email'", 600),
        ("own.csv: column 'city'", 60),
    ]
    assert found.rows == 600
    assert found.figures[found.champion].auc > 0.8
    assert found.forward[found.champion].roc_auc > 0.75
    assert found.alarms == ()
    assert found.model.kind == found.champion


def test_rows_of_one_id_stay_in_one_fold(tmp_path: Path) -> None:
    # the outcome is chance but the same in all ten rows of an account, which its size gives away
    random = np.random.default_rng(0)
    size, left = random.normal(size=120), random.random(120) < 0.5
    frame = pd.DataFrame(
        {"id": np.repeat(np.arange(120), 10), "size": np.repeat(size, 10), "left": np.repeat(left, 10)}
    )
    frame.to_parquet(tmp_path / "own.parquet")
    with_id = train_own_matrix(tmp_path / "own.parquet", "left", "id", None, Options(), silent)
    without = train_own_matrix(tmp_path / "own.parquet", "left", None, None, Options(), silent)
    assert with_id.figures["forest"].auc < 0.65
    assert without.figures["forest"].auc > 0.9


@pytest.mark.parametrize(
    ("label", "id_column", "message"),
    [
        ("lef", "id", "no column 'lef'.*did you mean 'left'"),
        ("left", "identity", "no column 'identity'"),
        ("plan", None, "holds other values: .*expected yes/no"),
    ],
)
def test_wrong_columns_are_named(path: Path, label: str, id_column: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        train_own_matrix(path, label, id_column, None, Options(), silent)


def test_a_time_that_is_none_and_too_few_rows_are_refused(path: Path) -> None:
    with pytest.raises(InputError, match="'city' holds 600 values that are no time"):
        train_own_matrix(path, "left", "id", "city", Options(min_churned=20), silent)
    with pytest.raises(NotEnoughData, match="600 rows, of which"):
        train_own_matrix(path, "left", "id", None, Options(min_churned=400), silent)


@pytest.mark.parametrize("values", [["Yes", "No"], ["true", "False"], [1, 0], [True, False], [1.0, 0.0]])
def test_a_label_may_be_written_in_any_of_these_ways(values: list[object]) -> None:
    assert read_label(pd.Series(values), "left", "own.csv").tolist() == [1, 0]


def test_an_empty_label_is_another_value() -> None:
    with pytest.raises(InputError, match="in 1 rows"):
        read_label(pd.Series(["Yes", None, "No"]), "left", "own.csv")


def test_blank_is_unknown_and_words_such_as_none_are_values(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("charges,support\n1.5,None\n ,NA\n3,None\n,None\n")
    matrix, _ = to_matrix(read_table(tmp_path / "own.csv"), pd.Series(list("abcd")), "own.csv")
    assert [signal.name for signal in matrix.signals] == ["charges", "support=NA", "support=None"]
    np.testing.assert_array_equal(matrix.values[:, 0], np.array([1.5, np.nan, 3, np.nan], dtype=np.float32))
    assert matrix.values[:, 2].tolist() == [1, 0, 1, 1]


def test_files_that_are_no_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "own.parquet").write_text("a,b\n1,2\n")
    (tmp_path / "empty.csv").write_text("a,b\n")
    for name, message in (("own.parquet", "cannot be read"), ("empty.csv", "0 rows"), ("none.csv", "no such file")):
        with pytest.raises(InputError, match=message):
            read_table(tmp_path / name)


def test_telco_reaches_what_others_reach() -> None:
    folder = os.environ.get("MILEPOST_TEST_DATA")
    if not folder:
        pytest.skip("MILEPOST_TEST_DATA does not name a folder with telco/")
    table = Path(folder) / "telco" / "Telco-Customer-Churn.csv"
    found = train_own_matrix(table, "Churn", "customerID", None, Options(), silent)
    assert (found.rows, found.churned) == (7043, 1869)
    assert found.figures[found.champion].auc >= 0.849
    assert found.figures[found.champion].log_loss <= 0.412
