"""A small team and accounts made by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from milepost.routing.rules import Rules, read_rules
from milepost.settings import RoutingSettings

FLAG = {"name": "at_risk", "when": "expected_loss >= 20", "until": "expected_loss < 10", "owner": "success",
        "priority": 20, "hours": 1.0, "reason": "revenue is at risk", "share": 0.1}  # fmt: skip
OWNER = {"name": "success", "hours": 2.0}


def accounts_of(**columns: Any) -> pd.DataFrame:
    """Accounts a00, a01, …; `risk` and `mrr` give expected_loss."""
    frame = pd.DataFrame(columns)
    frame.insert(0, "account_id", [f"a{place:02}" for place in range(len(frame))])
    frame["mrr"] = frame.get("mrr", pd.Series(1000.0, index=frame.index)).astype(float)
    frame["churn_risk"] = frame["churn_risk"].astype(float)
    return frame.assign(expected_loss=frame["churn_risk"] * frame["mrr"])


def rules_of(frame: pd.DataFrame, **settings: Any) -> Rules:
    """Rules for the columns of a frame, without the flags that milepost brings."""
    given = {"owners": [OWNER], "flags": [FLAG], "price_floor": 0.0} | settings
    found = RoutingSettings.model_validate(given)
    from milepost.routing.defaults import DEFAULT_FLAGS

    bare = found.model_copy(update={"without": tuple(flag.name for flag in DEFAULT_FLAGS)})
    return read_rules(bare, set(frame.columns), set(frame.columns))


@pytest.fixture
def accounts():
    return accounts_of


@pytest.fixture
def rules():
    return rules_of
