"""What acting on the risks may save: MRR of accounts that would have left, at a capacity and a cost."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.settings import TrainingSettings
from milepost.training.bootstrap import interval, over_draws
from milepost.training.results import Saving

FloatArray = NDArray[np.float64]

USUAL_SHARE = 0.05  # of the accounts of a date, where no capacity is given


def saving(
    risk: FloatArray, churned: FloatArray, rows: pd.DataFrame, rules: TrainingSettings, seed: int
) -> tuple[Saving, ...]:
    """MRR saved a date by contacting the accounts with the largest risk × MRR, with the largest risk, with the largest
    MRR, and any; rows: account_id, snapshot_date, mrr of each test row.

    An account that left would have stayed in a share `saved_share` of the cases: an assumption of the settings, no
    finding. A contact costs `contact_cost`. Unknown MRR counts as 0. Intervals are over accounts drawn again.
    """
    mrr = rows["mrr"].fillna(0).to_numpy(dtype=float)
    dates = pd.factorize(rows["snapshot_date"])[0]
    number = int(dates.max()) + 1
    per_date = rules.contacts or max(1, round(USUAL_SHARE * len(risk) / number))
    orders = {"risk × MRR": risk * mrr, "risk": risk, "MRR": mrr}
    picked = {name: _largest(order, dates, per_date) for name, order in orders.items()}
    any_of = per_date / np.bincount(dates)[dates]
    picked["at random"] = np.minimum(any_of, 1.0)
    lost = churned * mrr * rules.saved_share
    worth = np.column_stack([(lost - rules.contact_cost) * chosen for chosen in picked.values()])

    def figures(weights: FloatArray) -> FloatArray:
        return np.asarray(weights @ worth / number)

    point = figures(np.ones((1, len(risk))))[0]
    drawn = over_draws(figures, rows["account_id"], seed)
    return tuple(
        Saving(name, per_date, float(point[place]), interval(drawn[:, place])) for place, name in enumerate(picked)
    )


def _largest(order: FloatArray, dates: NDArray[np.intp], count: int) -> FloatArray:
    """1 for the rows with the `count` largest values of each date, 0 for the others; of equals the first rows."""
    sorted_rows = np.lexsort((np.arange(len(order)), -order, dates))
    begin = np.searchsorted(dates[sorted_rows], np.arange(dates.max() + 1))
    place = np.arange(len(order)) - begin[dates[sorted_rows]]
    chosen = np.zeros(len(order))
    chosen[sorted_rows[place < count]] = 1.0
    return chosen
