"""What every adjusted effect is adjusted for: plan, size, age, season, term end, segment and depth of use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.importance.activity import activity
from milepost.importance.logistic import Fit, Floats, fit_logistic
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT

Codes = NDArray[np.intp]

CONTROL_PENALTY = 0.1  # on standardised columns: a prior of 0 ± 3 on the log-odds
_MOST_MONTHS = 12
_SMALLEST_GROUP = 0.01
_ANNUAL_MONTHS = 12


@dataclass(frozen=True)
class Design:
    """The rows that effects are estimated on.

    churned: float [rows], 1 where the goal is missed (the account churned); codes: [rows], the account of each row,
    0..accounts-1; controls: [rows × controls], an intercept first, the others with mean 0 and spread 1, depth of use in
    the last `depth_columns`; at_renewal: bool [rows], a term ends within the outcome window, None where unknown;
    groups: [rows × 3], the plan and the thirds of size and of depth of use, in which effects may differ.
    """

    churned: Floats
    codes: Codes
    accounts: int
    controls: Floats
    depth_columns: int
    at_renewal: NDArray[np.bool_] | None
    groups: Codes

    @property
    def without_depth(self) -> Floats:
        """The controls without depth of use."""
        return self.controls[:, : self.controls.shape[1] - self.depth_columns]

    @cached_property
    def base(self) -> Fit:
        """The fit of churn on the controls without any feature; where other fits begin."""
        return fit_logistic(self.controls, self.churned, penalties(self.controls.shape[1]))

    @cached_property
    def rare(self) -> float:
        """The rarer outcome, 1 (churned) or 0: what there is of it limits what can be known."""
        return 1.0 if self.churned.mean() <= 0.5 else 0.0

    @property
    def churned_accounts(self) -> int:
        """Distinct accounts with a row of the rarer outcome."""
        return self.churned_among(np.ones(len(self.codes), dtype=bool))

    def churned_among(self, rows: NDArray[np.bool_]) -> int:
        """Distinct accounts with a row of the rarer outcome among the rows."""
        return int(np.unique(self.codes[rows & (self.churned == self.rare)]).size)

    def take(self, keep: NDArray[np.bool_]) -> Design:
        """The same design with some rows only; accounts are counted anew, scales stay."""
        codes, accounts = account_codes(self.codes[keep])
        renewal = None if self.at_renewal is None else self.at_renewal[keep]
        controls, groups = self.controls[keep], self.groups[keep]
        return Design(self.churned[keep], codes, accounts, controls, self.depth_columns, renewal, groups)


def make_design(observations: Observations, outcomes: Outcomes, span: tuple[Floats, Floats] | None = None) -> Design:
    """The design of rows whose outcome is known (the caller has left out the others).

    span: days from the snapshot between which each row's outcome lies, two of float [rows]; None: the outcome window.
    """
    context = observations.context
    codes, accounts = account_codes(context[ACCOUNT].to_numpy())
    columns = [np.ones(len(context)), *_account_controls(context), *_season(context[SNAPSHOT])]
    inside = _term_end_inside(observations, span)
    if inside is not None:
        annual = (context["term_months"].to_numpy(dtype=float) >= _ANNUAL_MONTHS).astype(float)
        columns += [inside, annual, inside * annual]
    depth = activity(observations)
    controls = np.column_stack([columns[0], standardised(np.column_stack([*columns[1:], depth]))])
    spread = controls.std(axis=0) > 0
    spread[0] = True
    return Design(
        outcomes.churned.astype(np.float64), codes, accounts, controls[:, spread],
        int(spread[-depth.shape[1] :].sum()), None if inside is None else inside == 1, _groups(context, depth[:, 0]),
    )  # fmt: skip


def _groups(context: pd.DataFrame, depth: Floats) -> Codes:
    seats = np.nan_to_num(context["seats"].to_numpy(dtype=np.float64), nan=-1.0)
    return np.column_stack([_merged(context["plan"].to_numpy()), thirds(seats), thirds(depth.round(9))])


def ranked_rows(observations: Observations, outcomes: Outcomes, settings: Settings) -> tuple[Observations, Outcomes]:
    """Rows with a known outcome of accounts old enough to be judged."""
    old = observations.context["tenure_days"].to_numpy() >= settings.signals.min_tenure_days
    keep = np.asarray(outcomes.known & old & ~np.isnan(outcomes.churned))
    if keep.all():
        return observations, outcomes
    return observations.take(keep), outcomes.take(keep)


def penalties(columns: int) -> Floats:
    """The ridge of each column: none on the intercept, which is the first."""
    penalty = np.full(columns, CONTROL_PENALTY)
    penalty[0] = 0.0
    return penalty


def account_codes(accounts: NDArray[np.generic]) -> tuple[Codes, int]:
    """Accounts numbered 0..n-1, and n."""
    names, codes = np.unique(accounts.astype(str) if accounts.dtype == object else accounts, return_inverse=True)
    return codes.astype(np.intp), len(names)


def account_sums(codes: Codes, values: Floats, accounts: int = 0) -> Floats:
    """The sum of the values of each account's rows, float [accounts]."""
    return np.asarray(np.bincount(codes, values, minlength=accounts), dtype=np.float64)


def standardised(columns: Floats) -> Floats:
    """Columns with mean 0 and spread 1; a constant one becomes 0."""
    centred = columns - columns.mean(axis=0)
    spread = centred.std(axis=0)
    scaled: Floats = centred / np.where(spread > 1e-12, spread, np.inf)
    return scaled


def thirds(values: Floats) -> Codes:
    """0, 1 or 2: below, around and above the middle; fewer groups where values repeat."""
    cuts = np.unique(np.quantile(values, [1 / 3, 2 / 3]))
    return np.searchsorted(cuts, values, side="left").astype(np.intp)


def dummies(labels: NDArray[np.generic]) -> list[Floats]:
    """One 0/1 column per group but the largest; groups under 1 % of the rows share one."""
    merged = _merged(labels)
    found, sizes = np.unique(merged, return_counts=True)
    return [(merged == group).astype(np.float64) for group in found[found != found[np.argmax(sizes)]]]


def _merged(labels: NDArray[np.generic]) -> Codes:
    """The number of each label's group; groups under 1 % of the rows share the last."""
    groups, place, count = np.unique(labels.astype(str), return_inverse=True, return_counts=True)
    small = count < _SMALLEST_GROUP * len(labels)
    return np.asarray(np.where(small, len(groups), np.arange(len(groups)))[place], dtype=np.intp)


def _account_controls(context: pd.DataFrame) -> list[Floats]:
    """Plan, size and age (with squares), exposure and segment; an unknown size gets the middle one and a flag.

    MRR is left out: at equal plan and seats it differs by add-ons, which are bought in order to use features.
    """
    seats = np.log1p(context["seats"].to_numpy(dtype=np.float64))
    unknown = np.isnan(seats)
    seats = np.where(unknown, np.nanmedian(seats) if not unknown.all() else 0.0, seats)
    tenure = np.log1p(context["tenure_days"].to_numpy(dtype=np.float64).clip(0))
    exposure = np.log1p(context["exposure_days"].to_numpy(dtype=np.float64).clip(0))
    sizes, ages = (standardised(column[:, None])[:, 0] for column in (seats, tenure))
    before = context["before_data"].to_numpy(dtype=np.float64)
    return [
        sizes, sizes**2, unknown.astype(np.float64), ages, ages**2, exposure, before,
        *dummies(context["plan"].to_numpy()), *dummies(context["segment"].to_numpy()),
    ]  # fmt: skip


def _season(snapshots: pd.Series) -> list[Floats]:
    """A column per snapshot but one; beyond twelve, per calendar month with a bent trend."""
    days = snapshots.to_numpy(dtype="datetime64[D]")
    if len(np.unique(days)) <= _MOST_MONTHS:
        return dummies(days)
    months = days.astype("datetime64[M]").astype(int) % _MOST_MONTHS
    trend = standardised(days.astype(np.float64)[:, None])[:, 0]
    return [*dummies(months), trend, trend**2]


def _term_end_inside(observations: Observations, span: tuple[Floats, Floats] | None) -> Floats | None:
    """Whether a term ends within the outcome window, or the span given, 1 or 0; None where no term end is known.

    A monthly term that ends before the window opens has its next end within it, or the one after.
    """
    to_end = observations.context["days_to_term_end"].to_numpy(dtype=np.float64)
    if np.isnan(to_end).all():
        return None
    gap, length = observations.windows.gap_days, observations.windows.outcome_days
    opens, closes = span or (np.full(len(to_end), float(gap)), np.full(len(to_end), float(gap + length)))
    months = np.nan_to_num(observations.context["term_months"].to_numpy(dtype=np.float64), nan=np.inf)
    short = (months > 0) & (months < _ANNUAL_MONTHS)
    term = np.where(short, months * 30.0, 1.0)
    ends = to_end + np.where(short, np.ceil(np.maximum(opens - to_end, 0.0) / term) * term, 0.0)
    # unknown: it may end at any time
    return np.where(np.isnan(to_end), 1.0, ((ends >= opens) & (ends < closes)).astype(np.float64))
