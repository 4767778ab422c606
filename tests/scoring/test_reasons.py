"""Reasons: one per feature, what raises the risk first, in words a person can read."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from milepost.scoring.reasons import explain, number, sentence
from milepost.signals.matrix import Matrix
from milepost.signals.spec import Signal


def signal(name, feature=None, column="", equals=""):
    measure = "is" if column else "count"
    return Signal(name, feature, measure, 84, "", "", f"uses of {name}", column, equals)


SIGNALS = (
    signal("macros.count", "macros"), signal("macros.users", "macros"), signal("export.count", "export"),
    signal("account.plan=pro", column="plan", equals="pro"),
    signal("account.plan=free", column="plan", equals="free"),
)  # fmt: skip


class Fixed:
    """A model whose contributions are given."""

    def __init__(self, parts):
        self.parts = np.array(parts)

    def contributions(self, matrix):
        return self.parts


def reasons(parts, values, count=3):
    rows = pd.DataFrame({"account_id": ["a"], "snapshot_date": [pd.Timestamp("2024-04-01")]})
    matrix = Matrix(np.array([values], dtype=np.float32), rows, SIGNALS, "")
    (found,) = explain(matrix, Fixed([parts]), {"macros.count": 1.5}, count)
    return found


def test_a_feature_is_named_once_by_its_strongest_signal():
    # macros .3 + .1 = .4, export .2, plan -.5 + .1 = -.4
    found = reasons([0.3, 0.1, 0.2, -0.5, 0.1], [0, 2, 4, 1, 0])
    assert [reason.signal for reason in found] == ["macros.count", "export.count", "account.plan=pro"]
    assert [round(reason.contribution, 6) for reason in found] == [0.4, 0.2, -0.4]
    assert found[0].sentence == "Raises the risk: uses of macros.count: 0 (retained accounts usually 1.5)"
    assert found[1].sentence == "Raises the risk: uses of export.count: 4"
    assert found[2].sentence == "Lowers the risk: plan is pro"


def test_an_event_of_own_signals_is_named_once():
    days, ever = (replace(signal(f"login_{name}"), event="login", own=True) for name in ("days", "ever"))
    rows = pd.DataFrame({"account_id": ["a"], "snapshot_date": [pd.Timestamp("2024-04-01")]})
    matrix = Matrix(np.array([[2.0, 1.0, 5.0]], dtype=np.float32), rows, (days, ever, SIGNALS[2]), "")
    (found,) = explain(matrix, Fixed([[0.1, 0.4, 0.2]]), {}, 3)
    assert [reason.signal for reason in found] == ["login_ever", "export.count"]


def test_what_raises_comes_before_what_lowers_more():
    found = reasons([0.01, 0, -5.0, 0, 0], [1, 1, 1, 0, 0], count=2)
    assert [reason.signal for reason in found] == ["macros.count", "export.count"]


def test_signals_that_move_nothing_are_no_reason():
    assert [reason.signal for reason in reasons([0, 0, 0.2, 0, 0], [1, 1, 1, 0, 0])] == ["export.count"]


def test_an_attribute_that_does_not_hold():
    assert sentence(SIGNALS[3], 0.0, float("nan"), 0.2) == "Raises the risk: plan is not pro"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.04567, "0.0457"), (2.0, "2"), (1234.5, "1,234"), (float("nan"), "unknown"), (1e-9, "0"), (-150.2, "-150")],
)
def test_numbers_are_short(value, shown):
    assert number(value) == shown


def test_the_running_term_is_one_reason():
    term = [Signal(f"account.{name}", None, name, 84, "", "", name) for name in ("days_to_term_end", "term_months")]
    rows = pd.DataFrame({"account_id": ["a"], "snapshot_date": [pd.Timestamp("2024-04-01")]})
    matrix = Matrix(np.array([[3, 12, 1]], dtype=np.float32), rows, (*term, SIGNALS[2]), "")
    (found,) = explain(matrix, Fixed([[0.3, 0.2, 0.1]]), {}, 3)
    assert [reason.signal for reason in found] == ["account.days_to_term_end", "export.count"]
