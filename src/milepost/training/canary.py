"""The shuffled canary: taught on outcomes that were dealt out anew, a model must know nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.training import evaluate
from milepost.training.candidates import Recipe, Rows, fit
from milepost.training.results import Canary

FloatArray = NDArray[np.float64]
Days = tuple["pd.Series[pd.Timestamp]", "pd.Series[pd.Timestamp]"]

SHUFFLES = 10
MOST_ROWS = 4_000


def shuffled_canary(how: Recipe, train: Rows, test: Rows, days: Days, shuffles: int = SHUFFLES) -> Canary:
    """Fit `how` on at most 4,000 rows whose outcomes were shuffled within each snapshot, test on shuffled later ones.

    days: the snapshot of each row of `train` and of `test`. Source: Ojala and Garriga (2010), permutation tests.
    """
    random = np.random.default_rng(how.seed)
    aucs = np.empty(shuffles)
    for place in range(shuffles):
        taught = replace(train, churned=_within(train.churned, days[0], random))
        few = random.permutation(len(taught.churned))[:MOST_ROWS]
        sample = Rows(taught.values[few], taught.churned[few], taught.folds[few])
        aucs[place] = evaluate.roc_auc(fit(how, sample)(test.values)[-1], _within(test.churned, days[1], random))
    return Canary(shuffles, float(np.nanmean(aucs)), float(np.nanmin(aucs)), float(np.nanmax(aucs)))


def _within(churned: FloatArray, days: pd.Series[pd.Timestamp], random: np.random.Generator) -> FloatArray:
    """The outcomes, dealt out anew among the rows of each snapshot."""
    drawn = random.random(len(churned))
    codes = pd.factorize(days)[0]
    shuffled = np.empty(len(churned))
    shuffled[np.argsort(codes, kind="stable")] = churned[np.lexsort((drawn, codes))]
    return shuffled
