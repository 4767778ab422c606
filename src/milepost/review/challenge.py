"""The model in use against one trained anew, on the latest outcomes that the model in use has not learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from milepost.review.foresight import LEAST_CHURNED, Claim
from milepost.training.assess import Z, versus
from milepost.training.bootstrap import row_losses

Floats = NDArray[np.float64]
MARGIN = 0.01  # of the log loss of the model in use: what a training is worth
SEEN = 0.05  # of it: a gain that should have been seen


@dataclass(frozen=True)
class Met:
    """What both foretold of the same rows, arrays of [rows]: account; date; champion and challenger, risks; churned."""

    account: NDArray[np.generic]
    date: NDArray[np.datetime64]
    champion: Floats
    challenger: Floats
    churned: Floats


def challenge(met: Met, seed: int) -> Claim:
    """Whether the challenger is surely better, by more than 1 % of the log loss: paired, over accounts drawn again."""
    name, todo = "challenger", "take the new model: milepost train"
    churned = int(np.unique(met.account[met.churned == 1]).size)
    if churned < LEAST_CHURNED:
        because = f"not enough data: {churned} churned accounts since the training, {LEAST_CHURNED} needed"
        return Claim("risk", name, nan, False, False, because, todo)
    (found,) = versus(met.challenger, {"in use": met.champion}, met.churned, pd.Series(met.account), seed)
    low, high = found.log_loss_interval
    auc_low, auc_high = found.roc_auc_interval
    level, error = float(np.mean(row_losses(met.champion, met.churned))), max((high - low) / (2 * Z), 1e-12)
    p = float(stats.norm.sf((-found.log_loss - MARGIN * level) / error))
    keep = "keep the model in use" if high > -MARGIN * level else "the one trained anew is better"
    dates = len(np.unique(met.date))
    each = "one date" if dates == 1 else f"each of {dates} dates"
    because = (
        f"a model trained anew for {each} has log loss {found.log_loss:+.4f} ({low:+.4f} to {high:+.4f}) "
        f"and AUC {found.roc_auc:+.3f} ({auc_low:+.3f} to {auc_high:+.3f}) against the "
        f"model in use, on {len(met.churned):,} rows with {churned} churned accounts: {keep}"
    )
    return Claim("risk", name, p, False, error * 2.49 <= (SEEN - MARGIN) * level, because, todo)
