"""Boruta on planted examples, and its two steps by hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from milepost.importance import boruta as module
from milepost.importance.boruta import CONFIRMED, OPEN, Boruta, Floats, Values, boruta, copies, decided

ACCOUNTS, SNAPSHOTS = 240, 3


def planted(seed: int) -> tuple[Values, Floats, module.Codes]:
    """Feature 0 halves again and again the odds of churning; 1 to 5 say nothing. An account's rows are all alike."""
    rng = np.random.default_rng(seed)
    use = rng.poisson(2.0, (ACCOUNTS, 6)).astype(np.float32)
    churned = rng.random(ACCOUNTS) < 1 / (1 + np.exp(2.0 * (use[:, 0] - 1.5)))
    return (
        np.repeat(use, SNAPSHOTS, axis=0),
        np.repeat(churned, SNAPSHOTS).astype(float),
        np.repeat(np.arange(ACCOUNTS), SNAPSHOTS),
    )


@pytest.fixture(scope="module", autouse=True)
def small_forests() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(module._FOREST, "n_estimators", 25)
        yield


@pytest.fixture(scope="module")
def found() -> Boruta:
    return boruta(*planted(1), seed=3)


def test_the_planted_feature_is_confirmed_and_no_other(found: Boruta) -> None:
    assert found.status[0] == CONFIRMED
    assert (found.status[1:] != CONFIRMED).all()
    assert found.hit_share[0] == 1.0
    assert found.hit_share[1:].max() < 0.9


def test_the_same_seed_gives_the_same(found: Boruta) -> None:
    again = boruta(*planted(1), seed=3, threads=2)
    np.testing.assert_array_equal(again.hit_share, found.hit_share)
    np.testing.assert_array_equal(again.status, found.status)


def test_with_no_churn_nothing_is_confirmed() -> None:
    counts, churned, codes = planted(1)
    found = boruta(counts, np.zeros_like(churned), codes, seed=3)
    assert (found.status != CONFIRMED).all()
    assert (found.hit_share == 0).all()


def test_decisions_by_hand() -> None:
    # 60 features, two-sided: 2 * 60 * 2^-13 = .0146 is above .01, 2 * 60 * 2^-14 = .0073 is below
    never, always = np.zeros(60, dtype=np.intp), np.ones(60, dtype=np.intp)
    for rounds, expected in ((13, OPEN), (14, CONFIRMED)):
        assert (decided(rounds * always, rounds * always, never) == expected).all()
        assert (decided(never, rounds * always, never) == -expected).all()
    assert (decided(7 * always, 14 * always, never) == OPEN).all()
    assert (decided(never, 14 * always, always) == CONFIRMED).all()  # decided before


def test_a_copy_gives_every_account_the_rows_of_another_in_order() -> None:
    account, place = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 0])
    values = np.array([[10.0], [11], [20], [21], [30]], dtype=np.float32)
    whole = {(10.0, 11.0), (20.0, 21.0), (30.0, 30.0)}  # the third has one row: used again
    seen = set()
    for seed in range(20):
        shuffled = copies(values, account, place, np.random.default_rng(seed))[:, 0].tolist()
        assert {tuple(shuffled[:2]), tuple(shuffled[2:4])} <= whole
        assert shuffled[4] in {10.0, 20.0, 30.0}
        seen.add(tuple(shuffled))
    assert len(seen) == 6  # every order of three accounts


def test_whole_accounts_are_drawn_when_there_are_too_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 100)
    rows = module._by_account(*planted(1), np.random.default_rng(0))
    assert len(rows.account) == 99  # 33 accounts of three rows
    assert np.bincount(rows.account).tolist() == [3] * 33
    assert rows.place.tolist() == [0, 1, 2] * 33
