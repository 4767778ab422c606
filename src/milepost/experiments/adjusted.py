"""The difference of two means at equal covariates, all measured before the experiment: smaller intervals."""

from __future__ import annotations

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import stats

from milepost.experiments.estimates import Estimate, Floats, Level, relative_difference, too_few, unknown

Flags = NDArray[np.bool_]
ROWS_PER_COLUMN = 20  # accounts per arm and covariate below which a covariate costs more than it gives


def adjusted(outcome: Floats, treated: Flags, covariates: Floats, alpha: float = 0.05) -> Estimate:
    """Least squares on the arm, the centred covariates and their products; HC2 errors with t.

    covariates: float [accounts × columns], all known before assignment. Columns that do not vary, or repeat others, are
    left out; NaN with a note where too few accounts are left for them. Source: Lin 2013; MacKinnon and White 1985.
    """
    sizes = int((~treated).sum()), int(treated.sum())
    if (missing := too_few(*sizes)) is not None:
        return missing
    centred = independent(covariates - covariates.mean(axis=0))
    if min(sizes) < ROWS_PER_COLUMN * (1 + centred.shape[1]):
        return unknown(*sizes, f"not enough data: {min(sizes)} accounts in an arm for {centred.shape[1]} covariates")
    design = np.column_stack([np.ones(len(outcome)), treated, centred, centred * treated[:, None]])
    fit = sm.OLS(outcome, design).fit(cov_type="HC2", use_t=True)
    middle, error = float(fit.params[1]), float(fit.bse[1])
    if not error > 0:
        return unknown(*sizes, "not enough data: the values do not vary")
    low, high = (float(bound) for bound in fit.conf_int(alpha)[1])
    base = float(fit.params[0])
    # the two arms' adjusted levels are not independent to the last digit; their common part is the covariates' mean
    covariance = np.asarray(fit.cov_params())
    control = Level(base, float(covariance[0, 0]), float(fit.df_resid))
    other = Level(base + middle, float(covariance[0, 0] + covariance[1, 1] + 2 * covariance[0, 1]), float(fit.df_resid))
    relative = relative_difference(control, other, alpha)
    return Estimate(sizes, base, base + middle, middle, low, high, float(fit.pvalues[1]), *relative)


def independent(columns: Floats) -> Floats:
    """The columns that vary and are no combination of those before them.

    >>> independent(np.array([[1.0, 2.0, 1.0], [2.0, 4.0, 1.0], [4.0, 8.0, 1.0]])).shape
    (3, 1)
    """
    kept: list[int] = []
    for place in range(columns.shape[1]):
        trial = columns[:, [*kept, place]]
        spread = trial.std(axis=0)
        if spread[-1] > 0 and np.linalg.matrix_rank((trial - trial.mean(axis=0)) / spread) == len(kept) + 1:
            kept.append(place)
    return columns[:, kept]


def jackknife_values(numerator: Floats, denominator: Floats) -> Floats:
    """What each account adds to a ratio of totals: values whose mean is the ratio and whose spread is its error's.

    A ratio is adjusted for covariates through these (the delta method).
    """
    whole = numerator.sum() / denominator.sum()
    linear: Floats = whole + (numerator - whole * denominator) / denominator.mean()
    return linear


def two_sided(z: float) -> float:
    """Two-sided p of a normal statistic."""
    return float(2 * stats.norm.sf(abs(z)))
