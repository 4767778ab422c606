"""Shares by group with Wilson's interval; too small a group has counts only."""

from datetime import date

import pandas as pd
import pytest

from milepost.routing.decide import route_accounts
from milepost.routing.fairness import fairness
from milepost.routing.memory import no_memory

from .conftest import OWNER, accounts_of, rules_of


def test_shares_worked_by_hand():
    frame = accounts_of(churn_risk=[0.05, 0.05, 0.05, 0.001, 0.9], plan=["pro", "pro", "plus", "plus", ""])
    found = route_accounts(frame, rules_of(frame, owners=[{**OWNER, "hours": 3}]), no_memory(), date(2024, 4, 1))
    table = fairness(found, frame[["plan"]], frame["expected_loss"], 2).set_index("group")
    assert table["accounts"].to_dict() == {"plus": 2, "pro": 2, "unknown": 1}
    assert table["served"].to_dict() == {"plus": 0, "pro": 2, "unknown": 1}
    assert table["flagged"].to_dict() == {"plus": 1, "pro": 2, "unknown": 1}
    # Wilson for 2 of 2: 1 / (1 + 1.96² / 2)
    assert table.loc["pro", "low"] == pytest.approx(1 / (1 + 1.959964**2 / 2))
    assert table.loc["pro", "expected_loss_share"] == pytest.approx(100 / 1051)
    assert pd.isna(table.loc["unknown", "served_share"])
    assert pd.isna(table.loc["plus", "served_of_flagged"])
