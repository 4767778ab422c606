"""A matrix in files answers as an array does."""

import numpy as np
import pytest

from milepost.signals.stacked import Stacked

WHOLE = np.arange(28, dtype=np.float32).reshape(7, 4)
STACKED = Stacked([WHOLE[:3], WHOLE[3:3], WHOLE[3:4], WHOLE[4:]])
MASK = np.array([True, False, False, True, False, True, True])


@pytest.mark.parametrize(
    "key",
    [
        slice(None), slice(2, 5), slice(3, 3), slice(-3, None), slice(0, 6, 2), slice(5, 100),
        MASK, ~MASK, np.zeros(7, bool), np.array([6, 0, 3, 3]), np.array([], dtype=np.intp), [1, -1],
        (slice(None), 2), (slice(1, 5), [3, 0]), (slice(None), slice(1, 3)), (MASK, 1), (MASK, slice(2, None)),
        (np.array([5, 2]), [True, False, False, True]), np.ix_([4, 0, 6], [3, 1]), np.ix_(MASK, [2]),
        (np.array([0, 3, 6]), np.array([1, 2, 3])), (2, 1), 4,
    ],
    ids=str,
)  # fmt: skip
def test_what_is_asked_for_is_what_an_array_gives(key):
    found = STACKED[key]
    np.testing.assert_array_equal(found, WHOLE[key])
    assert np.shape(found) == np.shape(WHOLE[key])
    assert np.asarray(found).dtype == np.float32


def test_it_has_the_shape_of_an_array_and_can_become_one():
    assert (STACKED.shape, len(STACKED), STACKED.nbytes, STACKED.ndim) == ((7, 4), 7, 112, 2)
    np.testing.assert_array_equal(np.asarray(STACKED), WHOLE)
    assert np.asarray(STACKED, dtype=np.float64).dtype == np.float64
    assert np.isnan(STACKED).sum() == 0


def test_a_row_beyond_the_end_is_refused():
    with pytest.raises(IndexError, match="row 7 of 7"):
        STACKED[np.array([1, 7])]


def test_nothing_but_what_is_asked_for_is_read(tmp_path):
    np.save(tmp_path / "one.npy", WHOLE)
    part = np.load(tmp_path / "one.npy", mmap_mode="r")
    found = Stacked([part, part])[[1, 8]]
    assert not isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, WHOLE[[1, 1]])
