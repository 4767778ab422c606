"""What own signals ask for, and their columns worked out by hand; the oracle compares every measure."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from milepost.signals.cells import cut
from milepost.signals.own_use import Asked, asked, last_third, own_columns
from milepost.signals.scatter import Chunk, Here, Piece
from milepost.signals.spec import Signal
from milepost.signals.users import Sight

SNAPSHOT = date(2024, 4, 1)
DAYS = np.datetime64(SNAPSHOT, "D").astype(int)
MICROSECONDS = 86_400_000_000


def signal(measure, per="", days=10, **more):
    return Signal("mine", "one", measure, days, per, "", "", own=True, **more)


def test_signals_of_milepost_ask_for_nothing():
    assert asked([Signal("one.count", "one", "count", 84, "day", "", "")]) == Asked()


def test_windows_events_and_users_are_asked_for_once():
    own = [signal("count", days=7), signal("trend", days=21), signal("users", days=14), signal("ever", days=0)]
    own += [signal("count", "user", days=7), Signal("e", None, "count", 7, "", "", "", event="login", own=True)]
    # a trend of 21 days looks at 7 of them
    assert asked(own) == Asked(("login",), (7, 14, 21), (7, 14))


@pytest.mark.parametrize(("days", "third"), [(1, 1), (2, 1), (5, 1), (6, 2), (84, 28)])
def test_the_last_third_has_a_day_at_least(days, third):
    assert last_third(days) == third


@pytest.fixture
def here():
    """Two accounts, one feature and any event: the first used it 6 times 12 days ago and 4 times 2 days ago."""
    cells = cut([SNAPSHOT], (30, 10, 3))
    starts = cells.edges[:-1].tolist()
    old = max(place for place, start in enumerate(starts) if start <= DAYS - 12)
    new = max(place for place, start in enumerate(starts) if start <= DAYS - 2)
    pieces = tuple(
        Piece(cell, 0, np.array([0, 1]), np.full(2, uses), np.zeros(2),
              np.full(2, (DAYS - ago) * MICROSECONDS), np.ones(2, dtype=np.int64))
        for cell, uses, ago in ((old, 6.0, 12), (new, 4.0, 2))
    )  # fmt: skip
    users = {Sight(10, 0): np.array([[1.0, 2.0], [0.0, 0.0]])}
    chunk = Chunk(0, 2, 2, cells, pieces, users)
    return Here(chunk, 0, np.array([0, 1]), np.array([[True], [False]]))


def context(**changed):
    row = {"exposure_days": [30.0, 6.0], "seats": [2.0, 0.0], "before_data": [False, True]}
    return pd.DataFrame(row | changed)


@pytest.mark.parametrize(
    ("own", "first", "second"),
    [
        (signal("count"), 4, 0),
        (signal("count", days=30), 10, 0),
        # ten days observed of thirty; the second account is six days old
        (signal("count", "day"), 0.4, 0),
        (signal("count", "day", days=30), 10 / 30, 0),
        (signal("count", "seat"), 0.2, np.nan),
        (signal("count", "user"), 0.2, np.nan),
        (signal("users", "seat"), 0.5, np.nan),
        (signal("user_share", "user"), 0.5, 0),
        (signal("active_days"), 1, 0),
        (signal("recency"), 2, 10),
        (signal("recency", days=30), 2, 30),
        (signal("trend"), 1, 0),
        # 4 in ten days are 0.4 a day, 6 in the twenty before 0.3
        (signal("trend", days=30), 0.1 / 0.7, 0),
        (signal("ever", days=0), 1, np.nan),
    ],
)
def test_by_hand(here, own, first, second):
    ((place, column),) = own_columns([(own, 0)], here, context())
    assert place == 0
    assert column.dtype == np.float32
    np.testing.assert_allclose(column, np.array([first, second], dtype=np.float32), rtol=1e-6)


def test_each_signal_gets_its_own_place(here):
    own = [(signal("count", days=30), 0), (signal("recency"), 0), (signal("count"), 0)]
    assert {place: column[0] for place, column in own_columns(own, here, context())} == {0: 10, 1: 2, 2: 4}


def test_seats_that_are_unknown_make_it_unknown(here):
    ((_, column),) = own_columns([(signal("count", "seat"), 0)], here, context(seats=[np.nan, 1.0]))
    np.testing.assert_array_equal(column, np.array([np.nan, 0], dtype=np.float32))
