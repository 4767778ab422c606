"""Which rows are ranked, found without copying the matrix: it can be larger than everything else together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from milepost.importance.design import ranked_rows
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Observations

_POSITION = "_position"


def ranked_positions(observations: Observations, outcomes: Outcomes, settings: Settings) -> NDArray[np.intp]:
    """Positions of the rows that `ranked_rows` keeps, in order."""
    empty = slice(0, 0)
    bare = replace(
        observations,
        matrix=replace(observations.matrix, values=observations.matrix.values[:, empty]),
        counts=observations.counts[:, empty],
        eligible=observations.eligible[:, empty],
        context=observations.context.assign(**{_POSITION: np.arange(len(observations.context), dtype=np.intp)}),
    )
    positions: NDArray[np.intp] = ranked_rows(bare, outcomes, settings)[0].context[_POSITION].to_numpy()
    return positions
