from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from milepost.errors import BundleError
from milepost.outcomes import Outcomes
from milepost.signals.matrix import Matrix
from milepost.signals.spec import Signal
from milepost.training.train import Training

World = tuple[Matrix, Outcomes]


def changed(matrix: Matrix, **parts: Any) -> Matrix:
    return replace(matrix, **parts)


def test_columns_in_another_order_are_put_right_and_additional_ones_ignored(world: World, training: Training) -> None:
    matrix, model = world[0], training.model
    extra = Signal("new feature", "new", "count", 84, "day", "uses", "new")
    order = [8, 3, 1, 0, 2, 7, 6, 5, 4]
    values = np.hstack([matrix.values, np.ones((len(matrix.rows), 1), dtype=np.float32)])[:, order]
    mixed = changed(matrix, values=values, signals=tuple((*matrix.signals, extra)[place] for place in order))
    np.testing.assert_array_equal(model.predict(mixed), model.predict(matrix))
    added = model.contributions(mixed)
    assert (added[:, 0] == 0).all()
    np.testing.assert_array_equal(added[:, 1:], model.contributions(matrix)[:, order[1:]])


def test_a_renamed_signal_is_refused_with_the_nearest_name(world: World, training: Training) -> None:
    renamed = (*world[0].signals[:7], replace(world[0].signals[7], name="use seven 7"))
    with pytest.raises(
        BundleError, match=r"1 signals that are not there: 'use 7'; for 'use 7' did you mean 'use seven 7'"
    ):
        training.model.predict(changed(world[0], signals=renamed))


def test_a_signal_over_another_window_is_refused(world: World, training: Training) -> None:
    other = (replace(world[0].signals[0], window_days=28), *world[0].signals[1:])
    with pytest.raises(BundleError, match="'use 0' is not the one the model knows: window_days was 84, is 28"):
        training.model.predict(changed(world[0], signals=other))


def test_infinite_values_are_refused_and_unknown_ones_are_not(world: World, training: Training) -> None:
    values = world[0].values.copy()
    values[0] = np.nan
    risk = training.model.predict(changed(world[0], values=values))
    assert ((risk >= 0) & (risk <= 1)).all()
    values[5, 2] = np.inf
    with pytest.raises(BundleError, match=r"'use 2' holds infinite values"):
        training.model.predict(changed(world[0], values=values))


def test_contributions_and_a_constant_add_up_to_the_log_odds_of_the_risk(world: World, training: Training) -> None:
    risk, added = training.model.predict(world[0]), training.model.contributions(world[0])
    constant = np.log(risk / (1 - risk)) - added.sum(axis=1)
    np.testing.assert_allclose(constant, constant[0], atol=1e-6)
    # signals 0 and 1 keep accounts: more use, less risk
    assert np.corrcoef(world[0].values[:, 0], added[:, 0])[0, 1] < -0.5
