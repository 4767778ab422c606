"""The difference of two means at equal covariates, all measured before the experiment: smaller intervals."""

from __future__ import annotations

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy import stats

from milepost.experiments.estimates import Estimate, Floats, Level, relative_difference, too_few, unknown

Flags = NDArray[np.bool_]
ROWS_PER_COLUMN = 15  # accounts per arm and covariate below which a covariate costs more than it gives


def adjusted(outcome: Floats, treated: Flags, covariates: Floats, alpha: float = 0.05) -> Estimate:
    """Least squares on the arm, the centred covariates and their products; HC2 errors with t.

    covariates: float [accounts × columns], all known before assignment. Columns that do not vary, or repeat others, are
    left out; NaN with a note where too few accounts are left for them. Covariates go in as normal scores of their
    ranks: a few accounts with huge values of before would otherwise decide the estimate and its error (11.7 % false
    positives with 100 heavy-tailed accounts). Source: Lin 2013; MacKinnon and White 1985.
    """
    sizes = int((~treated).sum()), int(treated.sum())
    if (missing := too_few(*sizes)) is not None:
        return missing
    scores = normal_scores(covariates)
    centred = independent(scores - scores.mean(axis=0))
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


def normal_scores(columns: Floats) -> Floats:
    """Each column's ranks as quantiles of the normal law, ties alike; a column of two values still has two.

    >>> normal_scores(np.array([[1.0], [10.0], [1000.0]])).round(2).T.tolist()
    [[-0.67, 0.0, 0.67]]
    """
    if not columns.shape[1]:
        return columns
    return np.asarray(stats.norm.ppf(stats.rankdata(columns, axis=0) / (len(columns) + 1)))


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
