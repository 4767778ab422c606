"""How much single months lie off the risks by themselves: what an interval by account knows nothing of."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

LEAST_DATES = 6  # dates, under which nothing is known of how much months differ by themselves
LEAST_SPREAD = 0.10  # of log (observed / foretold) between months, at least
UNKNOWN_SPREAD = 0.20  # where too few dates tell
_LEAST_CHURNED = 5


def between_months(days: NDArray[np.datetime64], risk: FloatArray, churned: FloatArray) -> float:
    """Spread of log (observed / foretold) between dates, beyond chance; arrays [rows]."""
    frame = pd.DataFrame({"date": days, "foretold": risk, "observed": churned})
    dates = frame.groupby("date")[["foretold", "observed"]].sum()
    dates = dates[(dates["observed"] >= _LEAST_CHURNED) & (dates["foretold"] > 0)]
    if len(dates) < LEAST_DATES:
        return UNKNOWN_SPREAD
    logs = np.log(dates["observed"] / dates["foretold"])
    beyond = float(logs.var(ddof=1)) - float((1 / dates["observed"]).mean())
    return max(sqrt(max(beyond, 0.0)), LEAST_SPREAD)
