"""Arithmetic in words, each worked out by hand."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from milepost.pipeline.signal_facts import Sums
from milepost.pipeline.signal_words import Facts, arithmetic

NOTHING = Sums(0, 0.0, 0.0, 0, 0, None)
FACTS = Facts(
    mine=Sums(5, 6.0, 2.5, 3, 2, datetime(2024, 3, 30, 12)), everyone=Sums(9, 9.0, 2.5, 6, 4, datetime(2024, 3, 31)),
    recent=Sums(2, 2.0, 0.0, 1, 1, datetime(2024, 3, 30, 12)), snapshot=date(2024, 4, 1), window_days=30, exposure=30,
    recent_exposure=10, seats=8.0, used_before=True, older=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("measure", "per", "value", "said"),
    [
        ("count", "day", 0.2, "6 uses, 30 days observed: 6 / 30 = 0.2"),
        ("recent_count", "day", 0.2, "6 uses, 30 days observed: 6 / 30 = 0.2"),
        ("count", "", 6, "6 uses"),
        ("count", "seat", 0.025, "6 uses, 30 days observed, 8 seats: 6 / 30 / 8 = 0.025"),
        ("per_seat", "seat", 0.025, "6 uses, 30 days observed, 8 seats: 6 / 30 / 8 = 0.025"),
        ("count", "user", 0.05, "6 uses, 30 days observed, 4 active users: 6 / 30 / 4 = 0.05"),
        ("value_sum", "day", 2.5 / 30, "2.5 in value, 30 days observed: 2.5 / 30 = 0.08333"),
        ("active_days", "day", 0.1, "3 days with use, 30 days observed: 3 / 30 = 0.1"),
        ("active_days", "", 3, "3 days with use"),
        ("users", "", 2, "2 users"),
        ("users", "seat", 0.25, "2 users, 8 seats: 2 / 8 = 0.25"),
        ("user_share", "user", 0.5, "2 of 4 active users: 2 / 4 = 0.5"),
        ("recency", "", 1.5, "last used 2024-03-30 12:00: 1.5 days before 2024-04-01"),
        # 2 in 10 days are 0.2 a day, 4 in the 20 before as well
        ("trend", "", 0,
         "2 uses in the last 10 days, 4 in the 20 before; 0.2 and 0.2 a day: (0.2 - 0.2) / (0.2 + 0.2) = 0"),
        ("ever", "", 1, "used before 2024-04-01: 1"),
    ],
)  # fmt: skip
def test_by_hand(measure, per, value, said):
    assert arithmetic(measure, per, FACTS) == (pytest.approx(value), said)


@pytest.mark.parametrize(
    ("measure", "per", "changed", "value", "said"),
    [
        ("count", "seat", {"seats": None}, None, "seats unknown: unknown, there is nothing to divide by"),
        ("count", "seat", {"seats": 0.0}, None, "0 seats: unknown, there is nothing to divide by"),
        ("count", "user", {"everyone": NOTHING}, None, "0 active users: unknown, there is nothing to divide by"),
        ("user_share", "user", {"everyone": NOTHING, "mine": NOTHING}, 0, "no active user: 0"),
        ("recency", "", {"mine": NOTHING}, 30, "no use in 30 days: 30"),
        ("trend", "", {"mine": NOTHING, "recent": NOTHING}, 0, "no use, 0"),
        ("trend", "", {"exposure": 10}, 0, "the account was seen for 10 days, which leaves none to compare with: 0"),
        ("ever", "", {"used_before": False}, 0, "never used since the account was created: 0"),
        ("ever", "", {"used_before": False, "older": True}, None, "the account is older than the data: unknown"),
        ("count", "", {"mine": replace(NOTHING, uses=1.0)}, 1, "1 use"),
    ],
)
def test_what_is_nothing_and_what_is_unknown(measure, per, changed, value, said):
    found, words = arithmetic(measure, per, replace(FACTS, **changed))
    assert found == value
    assert words.endswith(said)
