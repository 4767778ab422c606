"""History cut into cells: the example of the module's docstring, and one window longer than a word of bits."""

from datetime import date

import numpy as np
import pytest

from milepost.signals.cells import cut

MARCH_AND_APRIL = (date(2024, 3, 1), date(2024, 4, 1))


def days(*dates):
    return np.array(dates, dtype="datetime64[D]")


def test_no_window_begins_or_ends_inside_a_cell():
    cells = cut(MARCH_AND_APRIL, (30, 10))
    expected = days("2024-01-31", "2024-02-20", "2024-03-01", "2024-03-02", "2024-03-22", "2024-04-01")
    assert cells.edges.tolist() == expected.astype(int).tolist()
    assert cells.first.tolist() == [0, 0, 1, 1, 1]
    # the 30 days before April begin on March 2: cell 2, of March 1 alone, belongs to no window of 30 days
    assert cells.last(30).tolist() == [0, 0, 0, 1, 1]
    assert cells.last(10).tolist() == [-1, 0, 0, 0, 1]


def test_days_say_their_cell_their_bit_and_up_to_which_snapshot_they_count():
    found = cut(MARCH_AND_APRIL, (30, 10)).days()
    rows = {str(day): place for place, day in enumerate(found["day"])}
    # March 1 is in no window
    assert len(rows) == 60
    assert "2024-03-01" not in rows
    shown = [(int(found["cell"][i]), int(found["bit"][i]), int(found["until_30"][i]), int(found["until_10"][i]))
             for i in (rows["2024-01-31"], rows["2024-02-29"], rows["2024-03-31"])]  # fmt: skip
    assert shown == [(0, 1, 0b01, 0), (1, 1 << 9, 0b01, 0b01), (4, 1 << 9, 0b11, 0b11)]


def test_a_day_is_first_seen_by_the_snapshot_after_it():
    found = cut(MARCH_AND_APRIL, (30,)).sightings()
    # the day of a snapshot begins at it: the next one is the first to see it
    assert (str(found["day"][0]), int(found["seen_at"][0]), len(found["day"])) == ("2024-03-01", 1, 31)
    assert int(found["since"][0]) & 0b11 == 0b10


@pytest.mark.parametrize(("window", "lengths"), [(62, [62]), (63, [62, 1]), (84, [62, 22]), (365, [62] * 5 + [55])])
def test_a_cell_has_no_more_days_than_a_word_has_bits(window, lengths):
    cells = cut((date(2024, 4, 1),), (window,))
    assert np.diff(cells.edges).tolist() == lengths
    assert cells.days()["bit"].min() > 0


@pytest.mark.parametrize("snapshots", [(), (date(2024, 4, 1), date(2024, 3, 1)), tuple(
    date(2020 + month // 12, 1 + month % 12, 1) for month in range(61))])  # fmt: skip
def test_snapshots_rise_and_fit_in_a_word(snapshots):
    with pytest.raises(ValueError, match="1 to 60 snapshots in rising order"):
        cut(snapshots, (30,))
