"""Signals of the account itself: age, seats, money, breadth of use, conversations, surveys."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.signals.population import Population
from milepost.signals.wide import ratio
from milepost.terms import ACCOUNT
from milepost.windows import Windows

Column = NDArray[np.float32]
MONTH_DAYS = 30.0


def account_columns(
    frame: pd.DataFrame, context: pd.DataFrame, counts: NDArray[np.float32], windows: Windows
) -> dict[str, Column]:
    """Signal name -> column, float32 [rows]; a ratio over seats is NaN where seats are 0 or unknown.

    `frame` are rows of a population, `counts` are the uses of each feature, [rows × features].
    """
    seats, mrr, exposure = _float(frame["seats"]), _float(frame["mrr"]), _float(context["exposure_days"])
    to_term_end = _float(context["days_to_term_end"])
    opens, closes = windows.gap_days, windows.gap_days + windows.outcome_days
    ends_inside = (to_term_end >= opens) & (to_term_end < closes)
    return _named(
        tenure_days=_float(context["tenure_days"]),
        exposure_days=exposure,
        days_since_last_use=_float(context["days_since_last_use"]),
        active_days=_float(context["active_days"]) / exposure,
        events_per_day=counts.sum(axis=1) / exposure,
        breadth=(counts > 0).sum(axis=1).astype(np.float32),
        active_users=_float(context["active_users"]),
        seats=seats,
        mrr=mrr,
        seats_growth=_growth(seats, _float(frame["seats_at_start"])),
        mrr_growth=_growth(mrr, _float(frame["mrr_at_start"])),
        items=_float(frame["items"]),
        term_months=_float(frame["term_months"]),
        days_to_term_end=to_term_end,
        term_end_in_outcome_window=np.where(np.isnan(to_term_end), np.nan, ends_inside).astype(np.float32),
        seats_active=ratio(_float(context["active_users"]), seats, zero=np.nan),
    )


def conversation_columns(
    long: pd.DataFrame, population: Population, context: pd.DataFrame, self_served: pd.DataFrame | None = None
) -> dict[str, Column]:
    """Support figures per row; no conversation means 0 opened and unknown minutes.

    `self_served` are the days that `days_self_served` found, None where help content is not known.
    """
    exposure, seats = _float(context["exposure_days"]), _float(context["seats"])
    opened, resolved, rated = (_placed(long, name, population, 0.0) for name in ("opened", "resolved", "rated"))
    again = _placed(long, "reopened", population, 0.0)
    alone = np.zeros_like(opened) if self_served is None else _placed(self_served, "alone", population, 0.0)
    return _named(
        conversations_opened=opened / exposure,
        conversations_resolved=resolved / exposure,
        conversations_resolved_per_seat=ratio(resolved / exposure * np.float32(MONTH_DAYS), seats, zero=np.nan),
        first_reply_minutes=_placed(long, "first_reply_minutes", population, np.nan),
        resolution_minutes=_placed(long, "resolution_minutes", population, np.nan),
        rating=_placed(long, "rating", population, np.nan),
        rated_share=ratio(rated, resolved, zero=np.nan),
        reopened_share=ratio(again, _placed(long, "reopened_known", population, 0.0), zero=np.nan),
        **({} if self_served is None else {"self_served_share": ratio(alone, alone + opened, zero=np.nan)}),
    )


def survey_columns(long: pd.DataFrame, population: Population) -> dict[str, Column]:
    """The last score of each kind of survey, NaN where none was answered in the window."""
    return _named(
        **{kind: _placed(long[long["kind"] == kind], "score", population, np.nan) for kind in ("nps", "csat")}
    )


def _placed(long: pd.DataFrame, name: str, population: Population, missing: float) -> Column:
    rows = population.position(long["at"], long[ACCOUNT])
    values = long[name].to_numpy(dtype=np.float32)
    column = np.full(len(population.frame), missing, dtype=np.float32)
    there = (rows >= 0) & ~np.isnan(values)
    column[rows[there]] = values[there]
    return column


def _growth(now: Column, before: Column) -> Column:
    return ratio(now - before, before, zero=np.nan)


def _float(values: pd.Series) -> Column:
    return values.to_numpy(dtype=np.float32)


def _named(**columns: Column) -> dict[str, Column]:
    return {f"account.{name}": column for name, column in columns.items()}
