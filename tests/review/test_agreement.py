"""The order of features before and since, by hand."""

import pytest

from milepost.review.agreement import agreement
from milepost.review.change import Change, Z
from milepost.review.parts import Part, Standing


def part(name: str, then: float, now: float, error: float = 0.1, standing: Standing = Standing.HOLDS) -> Part:
    half = Z * error
    change = Change(then, then - half, then + half, now, now - half, now + half, 0.5, (100, 100), True)
    return Part("feature", name, standing, "", "", change)


def test_four_features_of_which_one_fell_behind() -> None:
    """Ranks 1 2 3 4 and 1 2 4 3 from the top but one: 1 - 6 · 2 / (4 · 15) = 0.8."""
    parts = [
        part("a", 0.9, 0.8),
        part("b", 0.7, 0.6),
        part("c", 0.5, -0.1, standing=Standing.BROKEN),
        part("d", 0.2, 0.1),
    ]
    found = agreement(parts, seed=1)
    assert found is not None
    assert found.rank == pytest.approx(0.8)
    assert (found.features, found.same_sign, found.changed) == (4, 3, 1)
    assert found.text.startswith(
        "Of 4 features 3 have the sign they had, 1 is weakening or broken; rank agreement 0.80"
    )


def test_without_error_luck_leaves_the_order() -> None:
    found = agreement([part(str(place), place / 10, place / 10, 1e-6) for place in range(6)], seed=1)
    assert found is not None
    assert found.unchanged == (pytest.approx(1), pytest.approx(1))


def test_large_errors_alone_shuffle_the_order() -> None:
    found = agreement([part(str(place), place / 100, place / 100, 1.0) for place in range(8)], seed=1)
    assert found is not None
    low, high = found.unchanged
    assert low < -0.5
    assert high > 0.5


def test_too_few_features_or_none_estimated_have_no_order() -> None:
    nan = float("nan")
    unknown = Part("feature", "x", Standing.CANNOT_TELL, "", "", Change(*[nan] * 7, (3, 3), False))
    assert agreement([part(str(place), 0.1, 0.1) for place in range(3)] + [unknown], seed=1) is None
