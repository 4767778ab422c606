"""Spells worked out by hand: monthly snapshots, gap 14 days, outcome window 56 days."""

from datetime import date

import numpy as np
import pytest

from milepost.outcomes import Times
from milepost.review.spells import spells
from milepost.windows import Windows

SINCE = date(2024, 7, 1)
JUNE, JULY, AUGUST = np.array(["2024-06-01", "2024-07-01", "2024-08-01"], dtype="datetime64[D]")


def told(days, left_after, watched):
    return spells(np.array(days), Times(np.array(left_after, float), np.array(watched, float)), Windows(), SINCE)


def test_the_window_across_the_date_is_cut_at_it_and_at_the_next_snapshot() -> None:
    """1 June asks about 15 June to 15 July: 16 days until 1 July, then 14 more."""
    found = told([JUNE, JULY, AUGUST], [np.inf] * 3, [400.0] * 3)
    before, later = ~found.now, found.now
    assert found.row[before].tolist() == [0]
    assert (found.begins[before].tolist(), found.ends[before].tolist()) == ([0.0], [16.0])
    assert found.row[later].tolist() == [0, 1, 2]
    assert found.begins[later].tolist() == [16.0, 0.0, 0.0]
    assert found.ends[later].tolist() == [30.0, 31.0, 56.0]  # the last has no next: its whole window
    assert not found.left.any()


@pytest.mark.parametrize(
    ("left_after", "spans"),
    [
        (15.9, [(0, False, 1.0)]),  # before the date: nothing of it is asked since
        (16.0, [(0, False, 0.0), (0, True, 1.0)]),  # at midnight of the date
        (29.9, [(0, False, 0.0), (0, True, 1.0)]),
        (30.0, [(0, False, 0.0), (0, True, 0.0)]),  # the next snapshot asks about it
        (-1.0, []),  # in the gap: the snapshot before has it
    ],
)
def test_an_end_stands_in_one_spell(left_after: float, spans: list[tuple[int, bool, float]]) -> None:
    found = told([JUNE, JULY], [left_after, np.inf], [400.0, 400.0])
    mine = found.row == 0
    shown = zip(found.row[mine].tolist(), found.now[mine].tolist(), found.left[mine].tolist(), strict=True)
    assert list(shown) == spans


def test_what_is_not_known_yet_is_left_open() -> None:
    """Watched for 20 days: 4 of them since the date; not watched at all: no spell."""
    found = told([JUNE, JULY], [np.inf, np.inf], [20.0, 0.0])
    assert found.row.tolist() == [0, 0]
    assert found.ends.tolist() == [16.0, 20.0]


def test_every_account_that_left_after_the_gap_is_counted_exactly_once() -> None:
    rng = np.random.default_rng(3)
    first, snapshots = np.datetime64("2024-01-01"), np.datetime64("2024-01-01") + np.arange(0, 240, 30)
    gone = rng.uniform(15, 200, 500)
    rows = [(day, one) for one in range(500) for day in snapshots if (day - first).astype(int) < gone[one]]
    offset = np.array([(day - first).astype(int) + 14 for day, _ in rows], dtype=float)
    ends = gone[[one for _, one in rows]]
    found = told([day for day, _ in rows], ends - offset, 220 - offset)
    named = np.array([one for _, one in rows])[found.row[found.left == 1]]
    assert sorted(named.tolist()) == list(range(500))
    # 1 July is day 182
    assert (offset[found.row] + found.begins)[found.now].min() == 182
    assert (offset[found.row] + found.ends)[~found.now].max() == 182
