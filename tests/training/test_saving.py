"""What acting may save, worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from milepost.settings import TrainingSettings
from milepost.training.saving import _largest, saving

DAYS = pd.to_datetime(["2024-01-01"] * 4 + ["2024-02-01"] * 4)
RISK = np.array([0.9, 0.5, 0.1, 0.2, 0.3, 0.3, 0.8, 0.1])
MRR = [10.0, 100.0, 1000.0, np.nan, 50.0, 60.0, 5.0, 900.0]
CHURNED = np.array([1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0])


def rows() -> pd.DataFrame:
    return pd.DataFrame({"account_id": list("abcdabcd"), "snapshot_date": DAYS, "mrr": MRR})


def test_one_contact_a_date_by_hand() -> None:
    """Risk × MRR: 9, 50, 100, 0 and 15, 18, 4, 90: contacts c and d, who stay. Risk: a (10) and c (5), who leave."""
    rules = TrainingSettings(contacts=1, contact_cost=2.0, saved_share=0.2)
    found = {row.order: row for row in saving(RISK, CHURNED, rows(), rules, 7)}
    assert list(found) == ["risk × MRR", "risk", "MRR", "at random"]
    assert found["risk × MRR"].saved == pytest.approx(-2.0)
    assert found["risk"].saved == pytest.approx((0.2 * 15 - 4) / 2)
    assert found["MRR"].saved == pytest.approx(-2.0)
    # a quarter of (10 + 100 + 0) and of (60 + 5), less two contacts
    assert found["at random"].saved == pytest.approx((0.2 * 175 / 4 - 4) / 2)
    for row in found.values():
        assert row.contacts == 1
        assert row.saved_interval[0] <= row.saved <= row.saved_interval[1]


def test_more_contacts_than_accounts_reach_everybody() -> None:
    rules = TrainingSettings(contacts=100, saved_share=0.5)
    found = saving(RISK, CHURNED, rows(), rules, 7)
    assert [row.saved for row in found] == pytest.approx([0.5 * 175 / 2] * 4)


def test_without_a_number_a_twentieth_of_the_accounts_is_contacted() -> None:
    many = pd.concat([rows()] * 25, ignore_index=True)
    found = saving(np.tile(RISK, 25), np.tile(CHURNED, 25), many, TrainingSettings(), 7)
    assert found[0].contacts == 5  # of 100 a date


def test_the_largest_of_each_date_and_of_equals_the_first() -> None:
    chosen = _largest(np.array([1.0, 3.0, 3.0, 0.0, 2.0]), np.array([0, 0, 0, 1, 1]), 1)
    assert chosen.tolist() == [0, 1, 0, 0, 1]
