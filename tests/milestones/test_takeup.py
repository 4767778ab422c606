"""How often what is lacking is there later, on rows written by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from milepost.milestones.takeup import row_later, taken_up
from milepost.signals.matrix import Matrix, Observations
from milepost.windows import Windows


def rows_of(*rows: tuple[str, int]) -> tuple[Observations, np.ndarray]:
    """Rows (account, day), and their days."""
    frame = pd.DataFrame(rows, columns=["account_id", "day"])
    nothing = np.zeros((len(rows), 0), np.float32)
    matrix = Matrix(nothing, frame[["account_id"]], (), "")
    observations = Observations(matrix, (), nothing, nothing.astype(bool), False, frame, Windows())
    return observations, frame["day"].to_numpy()


def test_the_row_nearest_to_ninety_days_later_of_the_same_account() -> None:
    rows = rows_of(("a", 0), ("a", 60), ("a", 85), ("a", 100), ("b", 90), ("b", 0), ("c", 0))
    # a at 0: day 85 is nearer to 90 than day 100; a at 60: nothing within 20 days of 150; c: gone
    assert row_later(*rows).tolist() == [2, -1, -1, -1, -1, 4, -1]


def test_twenty_days_away_is_near_enough_and_twenty_one_is_not() -> None:
    assert row_later(*rows_of(("a", 0), ("a", 110), ("b", 0), ("b", 111))).tolist() == [1, -1, -1, -1]


def test_no_rows_have_no_later_rows() -> None:
    assert row_later(*rows_of()).tolist() == []


def test_only_who_lacks_it_and_could_have_it_is_asked() -> None:
    later = np.array([4, 5, 6, -1, -1, -1, -1])
    held = np.array([[0, 1], [0, 0], [0, 0], [0, 0], [1, 0], [0, 1], [1, 1]], dtype=bool)
    could = np.ones_like(held)
    could[2, 0] = False
    share, rows = taken_up(held, could, later)
    # first: rows 0 and 1 lack it and could have it, 0 has it later; second: rows 1 and 2 lack it, both have it later
    assert share.tolist() == [0.5, 1.0]
    assert rows.tolist() == [2, 2]


def test_a_thing_that_everybody_has_is_taken_up_by_nobody() -> None:
    held = np.ones((2, 1), dtype=bool)
    share, rows = taken_up(held, held, np.array([1, -1]))
    assert np.isnan(share[0])
    assert rows[0] == 0
