"""Leaders, followers and twins on accounts whose adoption is written by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from milepost.importance.relations import find_relations
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.windows import Windows

MONTHS = 8


def seen(states: np.ndarray) -> Observations:
    """states: bool [months × accounts × features], what is adopted at each of the monthly snapshots."""
    months, accounts, features = states.shape
    days = pd.date_range("2023-01-01", periods=months, freq="MS")
    context = pd.DataFrame({
        "account_id": np.tile([f"a{place:05d}" for place in range(accounts)], months),
        "snapshot_date": np.repeat(days, accounts),
    })  # fmt: skip
    counts = states.reshape(-1, features).astype(np.float32)
    matrix = Matrix(np.zeros((len(counts), 0), np.float32), context, (), "")
    names = tuple(Feature(f"f{place}", (f"e{place}",), "c") for place in range(features))
    return Observations(matrix, names, counts, np.ones(counts.shape, bool), False, context, Windows())


def grown(rng: np.random.Generator, chance: np.ndarray) -> np.ndarray:
    """A feature that is taken up with `chance` [months × accounts] a month and then kept."""
    return np.logical_or.accumulate(rng.random(chance.shape) < chance, axis=0)


def test_a_feature_that_starts_after_another_follows_it() -> None:
    rng = np.random.default_rng(1)
    leader = grown(rng, np.full((MONTHS, 3000), 0.08))
    before = np.vstack([np.zeros((1, 3000), bool), leader[:-1]])
    follower = grown(rng, np.where(before, 0.25, 0.02))
    alone = grown(rng, np.full((MONTHS, 3000), 0.05))
    found = find_relations(seen(np.stack([leader, follower, alone], axis=2)))
    assert found.followers.tolist() == [[False, True, False], [False] * 3, [False] * 3]


def test_a_taste_for_both_is_no_following() -> None:
    rng = np.random.default_rng(2)
    keen = np.where(rng.random(3000) < 0.3, 0.2, 0.01)
    both = [grown(rng, np.tile(keen, (MONTHS, 1))) for _ in range(2)]
    found = find_relations(seen(np.stack(both, axis=2)))
    assert not found.followers.any()
    assert found.correlation[0, 1] > 0.3


def test_a_copy_is_a_twin_and_no_follower() -> None:
    rng = np.random.default_rng(3)
    one = grown(rng, np.full((MONTHS, 500), 0.1))
    found = find_relations(seen(np.stack([one, one, grown(rng, np.full((MONTHS, 500), 0.1))], axis=2)))
    assert found.twins.tolist() == [[False, True, False], [True, False, False], [False] * 3]
    assert not found.followers.any()


def test_one_snapshot_shows_no_following() -> None:
    rng = np.random.default_rng(4)
    assert not find_relations(seen(rng.random((1, 500, 4)) < 0.4)).followers.any()


def test_what_everybody_uses_leads_nobody() -> None:
    rng = np.random.default_rng(5)
    everywhere = rng.random((MONTHS, 2000)) < 0.97
    later = grown(rng, np.where(everywhere, 0.1, 0.0))
    assert not find_relations(seen(np.stack([everywhere, later], axis=2))).followers[0].any()
