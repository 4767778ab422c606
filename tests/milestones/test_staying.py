"""How long accounts stay by the milestone they had reached at one past snapshot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from milepost.milestones.staying import COLUMNS, staying

TODAY = 2_000


def states(codes: list[int], day: int, milestone: list[str]) -> pd.DataFrame:
    return pd.DataFrame({
        "account_id": [f"a{code:03d}" for code in codes], "milestone": milestone,
        "snapshot_date": pd.Timestamp("1970-01-01") + pd.Timedelta(days=day),
    })  # fmt: skip


def test_the_share_still_there_by_hand(lives_of: Any) -> None:
    """Of twelve mature accounts one leaves on day 100, of twelve without a milestone six leave on day 40."""
    end = [1_735 + 100, *[None] * 11, *[1_735 + 40] * 6, *[None] * 6]
    lives = lives_of([1_000] * 24, end=end)
    held = ["maturity"] * 12 + ["none"] * 12
    frame = pd.concat([states(list(range(24)), day, held) for day in (1_400, 1_735, 1_900)], ignore_index=True)
    found = staying(lives, frame)
    assert found is not None
    assert found.begin == str(np.datetime64(1_735, "D"))  # of the three the one nearest to a year ago
    assert found.watched == TODAY - 1_735
    assert list(found.curves) == ["none", "maturity"]
    table = found.table.set_index(["milestone", "days"])
    assert list(found.table) == COLUMNS
    assert table.loc[("none", 30), "share"] == 1.0
    assert table.loc[("none", 90), "share"] == pytest.approx(0.5)
    assert table.loc[("maturity", 90), "share"] == 1.0
    assert table.loc[("maturity", 180), "share"] == pytest.approx(11 / 12)
    assert ("maturity", 365) not in table.index  # it was watched for 265 days
    assert table.loc[("none", 30), "median_days"] == 40
    assert table.loc[("none", 90), "low"] < 0.5 < table.loc[("none", 90), "high"]


def test_few_accounts_have_no_curve(lives_of: Any) -> None:
    lives = lives_of([1_000] * 12)
    found = staying(lives, states(list(range(12)), 1_800, ["setup"] * 9 + ["none"] * 3))
    assert found is not None
    assert found.curves == {}
    assert found.table.empty


def test_without_a_snapshot_two_months_back_there_is_none(lives_of: Any) -> None:
    assert staying(lives_of([1_000]), states([0], TODAY - 59, ["none"])) is None
