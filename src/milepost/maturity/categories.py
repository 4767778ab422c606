"""Maturity categories: groups of kept features, each with the cut between basic and mature."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from milepost.terms import Goal


@dataclass(frozen=True)
class Category:
    """One maturity category.

    features: the kept features in it. cut: adopted features from which an account is mature, or None when there is
    no clear cut (`candidate` is then the best one found). agreement: share of account bootstraps that choose the same.
    mature_share: share of rows at or above the cut (or candidate). retained_mature, retained_basic: retained shares;
    effect, low, high: adjusted difference in percentage points. because: one sentence.
    """

    name: str
    features: tuple[str, ...]
    cut: int | None
    candidate: int | None
    agreement: float
    mature_share: float
    ppv: float
    sensitivity: float
    retained_mature: float
    retained_basic: float
    effect: float
    low: float
    high: float
    because: str


@dataclass(frozen=True)
class Contrast:
    """The cross-fitted adjusted contrast of accounts mature in enough categories, in points of the goal.

    goal: RETAINED, or EXPANDED (accounts that churned count as not expanded). accounts: those that were judged, by
    rules that others chose; 0 when the contrast is not known.
    """

    effect: float
    low: float
    high: float
    p: float
    because: str
    goal: Goal = Goal.RETAINED
    accounts: int = 0


@dataclass(frozen=True)
class Maturity:
    """The categories and the headline: the share of alive accounts mature in three or more at the last snapshot.

    share_three_or_more is None, with `reason`, when fewer than three categories hold a kept feature.
    share_entitled: the same among accounts whose plan gives access to kept features of three or more categories.
    over_time: frame `snapshot_date`, `accounts`, `share`; by_group: frame `group` ("plan"/"size"), `value`,
    `accounts`, `share`; share_by_category: category -> share of alive accounts mature at the last snapshot.
    contrast, expansion: how retention and expansion differ; None where they were not looked at.
    """

    categories: tuple[Category, ...]
    share_three_or_more: float | None
    share_entitled: float | None
    reason: str
    share_by_category: dict[str, float]
    over_time: pd.DataFrame
    by_group: pd.DataFrame
    contrast: Contrast | None
    expansion: Contrast | None = None
