"""The population stability index: worked by hand, quiet where nothing moved, loud where something did."""

import numpy as np
import pandas as pd
import pytest

from milepost.errors import BundleError
from milepost.review.drift import drift, read_reference, reference_of
from milepost.signals.matrix import Matrix
from milepost.signals.spec import Signal


def matrix(values):
    values = np.asarray(values, dtype=np.float32).reshape(len(values), -1)
    rows = pd.DataFrame(
        {"account_id": [f"a{n}" for n in range(len(values))], "snapshot_date": pd.Timestamp("2024-01-01")}
    )
    signals = tuple(Signal(f"s{n}", None, "count", 28, "day", "uses", "a signal") for n in range(values.shape[1]))
    return Matrix(values, rows, signals, "")


def test_the_index_is_the_one_worked_by_hand():
    """Then: 1..10, a tenth in each bin. Now: all of 1000 accounts in the two lowest bins, half each."""
    kept = reference_of(matrix(np.arange(1, 11)))
    assert kept["accounts"] == 10
    assert kept["signals"]["s0"]["edges"] == pytest.approx(np.arange(1.9, 9.2, 0.9))
    assert kept["signals"]["s0"]["shares"] == pytest.approx([0, *[0.1] * 10])
    found = drift(kept, matrix(np.repeat([1, 2], 500)))
    # unknown then: half of one of ten accounts; the empty bins now: half of one of a thousand
    then = np.array([0.05, *[0.1] * 10]) / 1.05
    now = np.array([0.0005, 0.5, 0.5, *[0.0005] * 8]) / 1.0045
    assert found.signals["psi"].iloc[0] == pytest.approx(((now - then) * np.log(now / then)).sum())
    assert found.drifted == ["s0"]
    assert found.accounts == (1000, 10)


def test_the_same_values_have_not_moved():
    same = matrix([[1, np.nan], [2, np.nan], [3, np.nan], [4, np.nan]])
    assert drift(reference_of(same), same).signals["psi"].tolist() == pytest.approx([0, 0], abs=1e-12)


def test_a_signal_that_becomes_unknown_has_drifted():
    draw = np.random.default_rng(1).normal(size=(2000, 1))
    gone = np.where(np.arange(2000)[:, None] < 1000, np.nan, draw)
    assert drift(reference_of(matrix(draw)), matrix(gone)).drifted == ["s0"]


def test_accounts_of_one_population_seldom_drift():
    """500 signals of 300 accounts against 2000: none of them in at least 95 % of draws; here in all of twenty."""
    draw = np.random.default_rng(2)
    kept = reference_of(matrix(draw.poisson(2.0, (2000, 500))))
    assert sum(len(drift(kept, matrix(draw.poisson(2.0, (300, 500)))).drifted) for _ in range(20)) == 0


def test_few_accounts_are_not_called_drifted_by_chance():
    draw = np.random.default_rng(3)
    kept = reference_of(matrix(draw.normal(size=(2000, 50))))
    found = drift(kept, matrix(draw.normal(size=(12, 50))))
    assert found.signals["psi"].max() > 0.25  # which chance alone does with twelve
    assert found.drifted == []


def test_a_moved_signal_is_named_first():
    draw = np.random.default_rng(4)
    kept = reference_of(matrix(draw.normal(size=(2000, 20))))
    moved = draw.normal(size=(500, 20))
    moved[:, 7] += 1.0
    found = drift(kept, matrix(moved))
    assert found.drifted == ["s7"]
    assert found.signals["signal"].iloc[0] == "s7"


def test_signals_the_model_does_not_know_are_left_out():
    kept = reference_of(matrix([[1], [2], [3]]))
    assert drift(kept, matrix([[1, 5], [2, 6], [3, 7]])).signals["signal"].tolist() == ["s0"]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"accounts": 5, "signals": []},
        {"accounts": "many", "signals": {}},
        {"accounts": 5, "signals": {"s0": {"edges": [2, 1], "shares": [0, 0.5, 0.5, 0]}}},
        {"accounts": 5, "signals": {"s0": {"edges": [1], "shares": [0, 1]}}},
        {"accounts": 5, "signals": {"s0": {"edges": [1], "shares": [0, 2, -1]}}},
    ],
)
def test_what_cannot_be_read_is_refused(wrong):
    with pytest.raises(BundleError, match="cannot be read"):
        read_reference(wrong)
