"""Shares of the lost MRR that contacts met, worked by hand."""

import pandas as pd
import pytest

from milepost.pipeline.route_replay import BY_LOT, BY_RISK, BY_SAVING, Replayed, summary


def replayed(lost):
    rows = pd.DataFrame({
        "account_id": ["a", "b", "c", "d"], "lost": lost, BY_SAVING: [1.0, 0, 0, 0], BY_RISK: [0.0, 1, 0, 0],
        BY_LOT: [0.25] * 4,
    })  # fmt: skip
    return Replayed(rows, pd.DataFrame())


def test_shares_of_what_was_lost():
    found = summary(replayed([100.0, 300.0, 0.0, 0.0]), seed=1).set_index("order")
    assert found["share"].to_dict() == pytest.approx({BY_SAVING: 0.25, BY_RISK: 0.75, BY_LOT: 0.25})
    assert found["contacts"].to_dict() == {BY_SAVING: 1, BY_RISK: 1, BY_LOT: 1}
    assert found["lost_contacted"].to_dict() == {BY_SAVING: 100, BY_RISK: 300, BY_LOT: 100}
    # drawn again, either of the two may be missing
    assert (found.loc[BY_SAVING, "low"], found.loc[BY_SAVING, "high"]) == (0.0, 1.0)


def test_where_nothing_was_lost_there_is_no_share():
    assert summary(replayed([0.0] * 4), seed=1)["share"].isna().all()
