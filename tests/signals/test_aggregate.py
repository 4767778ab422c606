"""The long form: one row per account, feature and cell of days in which it was used."""

from datetime import date, datetime

import pandas as pd
import pytest

from milepost.signals.aggregate import BEFORE, OTHER, Question, use_of_features, use_rows, valued_features
from milepost.signals.cells import cut

BEGIN, UNTIL = datetime(2024, 1, 1), datetime(2024, 12, 1)
SNAPSHOTS = (date(2024, 3, 15), date(2024, 4, 1))
ACCOUNTS = pd.DataFrame({"account_id": ["a"], "created_at": [BEGIN]})
EVENTS = pd.DataFrame(
    [
        ("a", datetime(2024, 3, 10), "e1", "u1", 0.1, 1.0, None),
        ("a", datetime(2024, 3, 10, 5), "e1", "u2", 0.2, None, None),
        ("a", datetime(2024, 3, 28), "shared", None, 1.0, None, None),
        ("a", datetime(2024, 3, 10), "shared", None, 4.0, None, datetime(2024, 3, 20)),  # known to April only
        ("b", datetime(2024, 1, 5), "e1", "u1", 1.0, None, None),  # before both windows
        ("a", datetime(2024, 3, 12), "login", "u3", 1.0, None, None),
        ("stranger", datetime(2024, 3, 12), "e1", "u3", 1.0, None, None),
        ("a", datetime(2024, 3, 12), "e1", "u4", 0.0, None, None),
    ],
    columns=["account_id", "occurred_at", "event_name", "user_id", "quantity", "value", "loaded_at"],
).astype({"loaded_at": "datetime64[us]"})
# cells of windows of 30 days: Feb 14 to Mar 2, to Mar 15, to Apr 1
QUESTION = Question(["a", "b"], [("e1", "shared"), ("shared",)], cut(SNAPSHOTS, (30,)))


@pytest.fixture
def tables(make_tables):
    return make_tables(EVENTS, ACCOUNTS, BEGIN, UNTIL)


def rows(table, *columns):
    keys = ["account", "feature", "cell", "seen_at"]
    return table.order_by(keys).select(*keys, *columns).execute().to_numpy().tolist()


def test_use_is_added_up_once_per_cell_and_sighting(tables):
    use = use_of_features(tables, QUESTION)
    # decimals: .1 + .2 is .3 exactly; Mar 10 is the ninth day of its cell, Mar 28 the fourteenth
    assert rows(use, "uses", "value", "days") == [
        [0, OTHER, 1, 0, 1.0, 0.0, 1 << 10],
        [0, 0, 1, 0, pytest.approx(0.3, abs=0), 1.0, 1 << 8],
        [0, 0, 1, 1, 4.0, 0.0, 1 << 8],
        [0, 0, 2, 1, 1.0, 0.0, 1 << 13],
        [0, 1, 1, 1, 4.0, 0.0, 1 << 8],
        [0, 1, 2, 1, 1.0, 0.0, 1 << 13],
        [1, 0, BEFORE, 0, 0.0, 0.0, 0],
    ]


def test_what_was_known_before_counts_inside_the_windows_only(tables):
    use = use_of_features(tables, QUESTION, known_before=date(2024, 3, 1))
    assert len(rows(use)) == 6
    assert [1, 0, BEFORE, 0] not in rows(use)
    # loaded since: what it says of all history is not known yet
    later = use_of_features(tables, QUESTION, known_before=date(2024, 1, 5))
    assert [1, 0, BEFORE, 0] in rows(later)


def test_any_event_is_one_feature_more(tables):
    found = use_rows(use_of_features(tables, QUESTION), 2, 0, 1)
    whole = sorted(
        (int(cell), int(seen), int(days), str(pd.Timestamp(last, unit="us")))
        for cell, seen, days, last, feature in zip(
            found["cell"], found["seen_at"], found["days"], found["last_at"], found["feature"], strict=True
        )
        if feature == 2
    )
    assert whole == [
        (1, 0, 1 << 8 | 1 << 10, "2024-03-12 00:00:00"), (1, 1, 1 << 8, "2024-03-10 00:00:00"),
        (2, 1, 1 << 13, "2024-03-28 00:00:00"),
    ]  # fmt: skip


def test_a_value_counts_where_a_window_sees_it(tables):
    cells = QUESTION.cells
    assert valued_features(use_of_features(tables, QUESTION), cells) == {0}
    old = Question(["a"], QUESTION.names, cut((date(2024, 5, 1),), (30,)))
    assert valued_features(use_of_features(tables, old), old.cells) == frozenset()
