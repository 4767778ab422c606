"""One row per account: what a contrast between accounts is adjusted for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from milepost.importance.design import Design, dummies, standardised
from milepost.milestones.daily import Codes, Floats
from milepost.milestones.lives import Lives


def account_design(
    lives: Lives, codes: Codes, missed: Floats | NDArray[np.bool_], extra: Sequence[Floats] = ()
) -> Design:
    """The design of accounts `codes`, each a row of its own: size, plan and month of sign-up, and `extra` columns.

    missed: [accounts asked for], 1 where the wanted outcome is missed. Size and plan are those it began with. Without
    accounts it holds an intercept alone.
    """
    if not len(codes):
        return _design(missed, np.ones((0, 1)))
    seats = np.log1p(lives.seats[codes])
    unknown = np.isnan(seats)
    seats = np.where(unknown, np.nanmedian(seats) if not unknown.all() else 0.0, seats)
    size = standardised(seats[:, None])[:, 0]
    months = lives.created[codes].astype("datetime64[D]").astype("datetime64[M]")
    columns = [size, size**2, unknown.astype(float), *dummies(lives.plan[codes]), *dummies(months), *extra]
    controls = np.column_stack([np.ones(len(codes)), standardised(np.column_stack(columns))])
    spread = controls.std(axis=0) > 0
    spread[0] = True
    return _design(missed, controls[:, spread])


def _design(missed: Floats | NDArray[np.bool_], controls: Floats) -> Design:
    count = len(controls)
    return Design(
        missed.astype(np.float64), np.arange(count), count, controls, 0, None, np.zeros((count, 0), dtype=np.intp)
    )
