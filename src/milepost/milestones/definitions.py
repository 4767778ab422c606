"""What was found about each milestone: plain data, computed elsewhere, shown elsewhere, kept in the framework file.

`Found` parts carry their evidence in figures and one sentence (`because`). A definition that could not be found is
None; its `candidate` is the best one all the same, and `because` says what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NAN = float("nan")


@dataclass(frozen=True)
class Evidence:
    """Figures beside a definition, NaN where unknown.

    effect, low, high: points of the wanted outcome by which those who reach it differ, on later rows, adjusted. p:
    of the search, corrected for `tried` cells. agreement: share of account draws that choose the same cell (near:
    or one beside it). share: of rows or accounts that reach it. reached, others: the wanted outcome's share among
    them, unadjusted. accounts: how many were looked at (earlier and later together).
    """

    effect: float = NAN
    low: float = NAN
    high: float = NAN
    p: float = NAN
    tried: int = 0
    agreement: float = NAN
    near: float = NAN
    share: float = NAN
    reached: float = NAN
    others: float = NAN
    accounts: int = 0


@dataclass(frozen=True)
class Utilization:
    """The value metric per unit in a month from which accounts stay.

    metric: in words; per: "seat" or "account". threshold: a month counts as utilized from here, None: not found;
    candidate: the best one searched. curve: frame low, high, rows, retained, retained_low, retained_high (retention by
    tenth of the metric, with its 95 % interval by account).
    reach: frame size_band, accounts, relative, absolute: share of running accounts that reach the threshold, and
    that reach the absolute one (the metric not divided by seats). absolute: its threshold or candidate, None
    without one. without_seats: rows whose seats are 0 or unknown, and that are therefore not judged.
    """

    metric: str
    per: str
    threshold: float | None
    candidate: float | None
    evidence: Evidence
    curve: pd.DataFrame
    reach: pd.DataFrame
    absolute: float | None
    without_seats: int
    because: str


@dataclass(frozen=True)
class Survival:
    """A Kaplan–Meier curve: days since the landmark, share still active with its 95 % interval, accounts at risk."""

    days: Floats
    share: Floats
    low: Floats
    high: Floats
    at_risk: Floats
    accounts: int
    events: int


@dataclass(frozen=True)
class Activation:
    """So many value events within the first days of tenure.

    event: in words. count, days: the definition, None: not found; candidate: (count, days) of the best cell.
    counts, days_searched: the grid; z, share, later: [counts × days], the score statistic, the share of accounts
    that reach the cell, and the share of those that are utilized later. evidence: on utilization later;
    on_retention: on running on at the end of that time; on_dormancy: on not having gone dormant by then. active,
    others: dormancy of activated accounts and of others from the landmark on. phi_cell, phi: what a product-
    analytics tool would choose, and its value. left: reason -> accounts that were not judged (before the data,
    ended before the landmark, window not complete, no seats).
    """

    event: str
    count: int | None
    days: int | None
    candidate: tuple[int, int] | None
    counts: tuple[int, ...]
    days_searched: tuple[int, ...]
    z: Floats
    share: Floats
    later: Floats
    evidence: Evidence
    on_retention: Evidence
    on_dormancy: Evidence
    active: Survival | None
    others: Survival | None
    phi_cell: tuple[int, int] | None
    phi: float
    left: dict[str, int]
    because: str


@dataclass(frozen=True)
class Setup:
    """The steps to go live that go with activation.

    steps: those that count; needed: how many of them make an account set up, None: not found; within: days of
    tenure. table: frame step, place (of the catalogue), standing ("required", "routine", "niche", "tested"), share
    (of accounts that did it in time), median_day, effect, low, high, q (on activation, of those tested), counts
    (bool), because. by_number: frame done, accounts, activated (share). order: steps in the order accounts take
    them. stops: frame step, accounts: the last step of accounts that did not finish ("none" for those that took
    none). left: reason -> accounts not judged.
    """

    steps: tuple[str, ...]
    needed: int | None
    candidate: int | None
    within: int
    evidence: Evidence
    table: pd.DataFrame
    by_number: pd.DataFrame
    order: tuple[str, ...]
    stops: pd.DataFrame
    left: dict[str, int]
    because: str


@dataclass(frozen=True)
class AreaMetric:
    """A product area's own measure of success, per unit and month, and where retention turns with it."""

    area: str
    metric: str
    per: str
    threshold: float | None
    candidate: float | None
    evidence: Evidence
    because: str


@dataclass(frozen=True)
class Staying:
    """From the snapshot `begin` (a date) on: how long accounts stayed, a curve per furthest milestone held then.

    watched: days until today. table: frame milestone, accounts, churned, days, share (still there after so many days)
    with low and high, median_days with median_low and median_high (NaN where half have not left).
    """

    begin: str
    watched: int
    curves: dict[str, Survival]
    table: pd.DataFrame


@dataclass(frozen=True)
class Journey:
    """The four milestones one after another.

    cohorts: frame cohort (month of signing up), accounts, setup, activation, utilization, maturity (shares of the
    accounts that have reached it by now; NaN without a definition). funnel: frame milestone, accounts (judged),
    reached, share. times: frame start, milestone, accounts, reached, median_days, low, high (Kaplan–Meier, NaN
    where half have not reached it). groups: frame group ("plan", "size", "month"), value, milestone, accounts,
    share. leads: frame milestone, next, effect, low, high, p, accounts, because: does reaching it by its landmark
    go with reaching the next one later, adjusted. states: frame account_id, snapshot_date, setup_on, activated_on
    (dates, NaT: not yet), utilized, mature (True, False, None: unknown), milestone (the furthest one, "none" before
    the first). staying: how long accounts stay by milestone, None where no snapshot lies far enough back.
    """

    cohorts: pd.DataFrame
    funnel: pd.DataFrame
    times: pd.DataFrame
    groups: pd.DataFrame
    leads: pd.DataFrame
    states: pd.DataFrame
    because: str
    staying: Staying | None = None


@dataclass(frozen=True)
class Milestones:
    """All that was found, worked backwards; None where a part lacks its data, with the reason in `missing`."""

    utilization: Utilization | None
    activation: Activation | None
    setup: Setup | None
    areas: tuple[AreaMetric, ...]
    journey: Journey | None
    missing: dict[str, str]
