"""One metric, two arms: which estimator answers, with which accounts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milepost.experiments.adjusted import adjusted, jackknife_values
from milepost.experiments.estimates import Estimate, Floats, conversion, mean, ratio
from milepost.experiments.measures import Values
from milepost.experiments.plan import Metric
from milepost.experiments.square_and_add import quantile, reached_by

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Arms:
    """bool [accounts]: the control, and the arm compared with it; covariates: float [accounts × columns]."""

    control: Flags
    treated: Flags
    covariates: Floats | None = None


def estimate(metric: Metric, values: Values, arms: Arms, alpha: float = 0.05) -> Estimate:
    """Treated minus control among accounts whose outcome is known.

    Means, counts and ratios of totals are adjusted for covariates where there are any; shares, quantiles and times are
    as they are.
    """
    known = ~values.missing
    control, treated = arms.control & known, arms.treated & known
    if metric.kind == "time_to_event":
        assert values.happened is not None  # measured with every time
        pairs = [(values.value[arm], values.happened[arm]) for arm in (control, treated)]
        return reached_by(pairs[0], pairs[1], metric.window_days, alpha)
    if metric.kind == "conversion":
        return conversion(values.value[control], values.value[treated], alpha)
    if metric.kind == "quantile":
        return quantile(values.value[control], values.value[treated], metric.quantile, alpha)
    if arms.covariates is not None and arms.covariates.shape[1]:
        answer = _adjusted(values, control, treated, arms.covariates, alpha)
        if answer.known:
            return answer
    if values.below is not None:
        parts = [(values.value[arm], values.below[arm]) for arm in (control, treated)]
        return ratio(parts[0], parts[1], alpha)
    return mean(values.value[control], values.value[treated], alpha)


def _adjusted(values: Values, control: Flags, treated: Flags, covariates: Floats, alpha: float) -> Estimate:
    outcome = values.value
    if values.below is not None:
        outcome = np.zeros(len(values.value))
        for arm in (control, treated):
            outcome[arm] = jackknife_values(values.value[arm], values.below[arm])
    inside = control | treated
    return adjusted(outcome[inside], treated[inside], covariates[inside], alpha)
