"""Which rows are ranked, without the matrix."""

from __future__ import annotations

import dataclasses
from types import ModuleType

import numpy as np

from milepost.importance.design import ranked_rows
from milepost.importance.rows import ranked_positions


def test_the_same_rows_as_the_ranking_takes(worlds: ModuleType) -> None:
    world = worlds.simulate(worlds.World(accounts=60, snapshots=3, features=6))
    context = world.observations.context.copy()
    context.loc[[0, 5], "tenure_days"] = 1.0  # too young
    observations = dataclasses.replace(world.observations, context=context)
    kept = ranked_rows(observations, world.outcomes, world.settings)[0]
    rows = ranked_positions(observations, world.outcomes, world.settings)
    assert not {0, 5} & set(rows.tolist())
    assert 0 < len(rows) < len(context)
    np.testing.assert_array_equal(observations.matrix.values[rows], kept.matrix.values)


def test_the_matrix_is_not_read(worlds: ModuleType) -> None:
    world = worlds.simulate(worlds.World(accounts=60, snapshots=3, features=6))
    bare = dataclasses.replace(world.observations.matrix, values=np.zeros((0, 0), dtype=np.float32))
    observations = dataclasses.replace(world.observations, matrix=bare)
    found = ranked_positions(observations, world.outcomes, world.settings)
    np.testing.assert_array_equal(found, ranked_positions(world.observations, world.outcomes, world.settings))
