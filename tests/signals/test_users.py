"""Distinct users, one bit per feature."""

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from milepost.signals.aggregate import Question
from milepost.signals.cells import cut
from milepost.signals.users import Sight, count_users, note_users

BEGIN, UNTIL = datetime(2024, 1, 1), datetime(2024, 12, 1)
MARCH, APRIL = datetime(2024, 2, 25), datetime(2024, 3, 25)
LATE = datetime(2024, 3, 3)
ROWS = [
    ("a", MARCH, "e0", "u1", None), ("a", MARCH, "e0", "u1", None), ("a", MARCH, "e0", "u2", None),
    ("a", MARCH, "e1", "u2", LATE), ("a", APRIL, "e1", "u3", None), ("a", APRIL, "other", "u4", None),
    ("a", APRIL, "e0", None, None), ("b", APRIL, "last", "u1", None), ("b", datetime(2024, 1, 2), "e0", "u1", None),
]  # fmt: skip


def counted(make_tables, features, snapshots=(date(2024, 3, 1), date(2024, 4, 1)), windows=(40,)):
    events = pd.DataFrame(ROWS, columns=["account_id", "occurred_at", "event_name", "user_id", "loaded_at"])
    accounts = pd.DataFrame({"account_id": ["a", "b"], "created_at": [BEGIN] * 2})
    tables = make_tables(events.astype({"loaded_at": "datetime64[us]"}), accounts, BEGIN, UNTIL)
    names = [(f"e{place}",) for place in range(features - 1)] + [("last",)]
    question = Question(["a", "b"], names, cut(snapshots, windows))
    noted = note_users(tables, question, windows)
    found = {}
    for users in noted:
        found |= count_users(users, features, 0, 2)
    return found, len(noted)


# the bit of any event stands in the first word, in the next one, and alone in one
@pytest.mark.parametrize("features", [3, 61, 62, 63, 130])
def test_a_user_counts_once_per_feature_and_once_at_all(make_tables, features):
    found, _ = counted(make_tables, features)
    march, april = found[Sight(40, 0)], found[Sight(40, 1)]
    assert march.shape == (2, features + 1)
    assert march[0, [0, 1, -2, -1]].tolist() == [2, 0, 0, 2]
    assert march[1].sum() == 0
    # 40 days before April reach back to Feb 21; what was loaded on March 3 is known by then
    assert april[0, [0, 1, -2, -1]].tolist() == [2, 2, 0, 4]
    assert april[1, [0, -2, -1]].tolist() == [0, 1, 1]
    assert np.count_nonzero(april) == 5


def test_many_snapshots_take_several_passes_and_say_the_same(make_tables):
    snapshots = tuple(date(2024, 3, day) for day in range(1, 32))
    found, passes = counted(make_tables, 3, snapshots, (40, 10))
    assert passes == 4
    assert found[Sight(40, 0)][0].tolist() == [2, 0, 0, 2]
    assert found[Sight(10, 0)][0].tolist() == [2, 0, 0, 2]
    assert found[Sight(10, 20)][0].tolist() == [0, 0, 0, 0]
    assert found[Sight(40, 30)][0].tolist() == [2, 2, 0, 4]
