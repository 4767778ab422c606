"""What an experiment needs from the tables: accounts that may enter, outcomes, what was known before, checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from milepost.data.contract import to_frame
from milepost.errors import PlanError, nearest
from milepost.experiments import check
from milepost.experiments.analyze import Data, Look, is_mature
from milepost.experiments.assign import HOLDOUT, eligible, matches
from milepost.experiments.estimates import NAN, Floats
from milepost.experiments.measures import Values, before, check_measurable, first_event, first_times, measure
from milepost.experiments.plan import Metric, Plan
from milepost.importance.design import dummies
from milepost.pipeline.job import Job
from milepost.terms import ACCOUNT
from milepost.windows import midnight

BEFORE = "before"
_TIMED = ("paid", "active", "days_to_event", "days_to_paid")


def all_accounts(job: Job, plan: Plan) -> pd.DataFrame:
    """Every account with its attributes and enrolled_at: when it was created, or the time in the plan's own table."""
    accounts = to_frame(job.tables.accounts).drop_duplicates(ACCOUNT).rename(columns={"created_at": "enrolled_at"})
    if not plan.enrolment.units:
        return accounts
    units = _read_units(job.settings.path(plan.enrolment.units))
    return accounts.drop(columns="enrolled_at").merge(units, on=ACCOUNT, how="inner")


def may_enter(job: Job, plan: Plan) -> pd.DataFrame:
    """Accounts that the plan lets in, as far as the data go."""
    return eligible(all_accounts(job, plan), plan)


def of_before(job: Job, plan: Plan, days: int) -> pd.DataFrame:
    """Accounts like those that may enter, created in the `days` before the experiment: what sizes are taken from."""
    accounts = to_frame(job.tables.accounts).drop_duplicates(ACCOUNT).rename(columns={"created_at": "enrolled_at"})
    start = midnight(plan.enrolment.start)
    inside = (accounts["enrolled_at"] >= start - timedelta(days=days)) & (accounts["enrolled_at"] < start)
    return accounts[inside & matches(accounts, plan)].reset_index(drop=True)


def _read_units(path: Path) -> pd.DataFrame:
    """The plan's own table of units: account_id, enrolled_at."""
    try:
        found = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=str)
    except FileNotFoundError:
        raise PlanError("no such file", where=path.name, fix="correct enrolment.units") from None
    if missing := [name for name in (ACCOUNT, "enrolled_at") if name not in found]:
        raise PlanError(f"column '{missing[0]}' is missing", where=path.name,
                        fix=nearest(missing[0], map(str, found.columns)))  # fmt: skip
    times = pd.to_datetime(found["enrolled_at"], errors="coerce", utc=True).dt.tz_localize(None)
    if times.isna().any():
        raise PlanError(f"{int(times.isna().sum())} unreadable enrolled_at", where=path.name,
                        expected="times such as 2024-01-31 10:00")  # fmt: skip
    return pd.DataFrame({ACCOUNT: found[ACCOUNT].astype(str), "enrolled_at": times.astype("datetime64[us]")})


def check_plan(job: Job, plan: Plan) -> None:
    """Raise PlanError for a metric, an event or an attribute that the tables do not have."""
    names = set(job.event_names)
    for metric in plan.metric:
        check_measurable(metric, job.tables, names)
    if plan.exposure.event and plan.exposure.event not in names:
        raise PlanError(f"exposure: no event '{plan.exposure.event}' in events", where="plan.toml",
                        fix=nearest(plan.exposure.event, sorted(names)))  # fmt: skip
    columns = set(job.tables.accounts.columns)
    for name in (*plan.analysis.segments, *plan.eligibility.where, *(set(plan.analysis.covariates) - {BEFORE})):
        if name not in columns:
            raise PlanError(f"accounts have no attribute '{name}'", where="plan.toml", fix=nearest(name, columns))


def units_of(job: Job, plan: Plan, log: pd.DataFrame) -> pd.DataFrame:
    """Accounts of the log that are in an arm and among the accounts, once each, with their attributes.

    Raises PlanError when the log names an arm that the plan does not have, or nobody is assigned.
    """
    strange = sorted(set(log["arm"]) - set(plan.weights) - {HOLDOUT})
    if strange:
        raise PlanError(f"assignments name an arm '{strange[0]}'", where="assignments.parquet",
                        fix=nearest(str(strange[0]), plan.weights))  # fmt: skip
    inside = log[log["arm"].isin(list(plan.weights))].drop_duplicates(ACCOUNT)
    accounts = to_frame(job.tables.accounts).drop_duplicates(ACCOUNT).drop(columns="created_at")
    units = inside.merge(accounts, on=ACCOUNT, how="inner", suffixes=("", "_of_account"))
    if units.empty:
        raise PlanError("no account is assigned", where="assignments.parquet",
                        fix="run 'milepost experiment assign', or check the account ids")  # fmt: skip
    return units.reset_index(drop=True)


def outcomes(job: Job, plan: Plan, units: pd.DataFrame, as_of: date, look: Look) -> dict[str, Values]:
    """Values of every matured metric and of guardrails; NaN where an account's own window is not over."""
    found = {}
    for metric in plan.metric:
        if is_mature(plan, metric, as_of, look) or metric.role == "guardrail":
            values = measure(job.tables, units, metric)
            ripe = is_ripe(units, metric.window_days, as_of)
            found[metric.name] = Values(np.where(ripe, values.value, NAN), values.below, values.happened)
    return found


def is_ripe(units: pd.DataFrame, days: int, as_of: date) -> np.ndarray:
    """bool [units]: whether so many days since enrolment are over."""
    ends = units["enrolled_at"] + timedelta(days=days)
    return np.asarray((ends <= midnight(as_of)).to_numpy())


def covariates(job: Job, plan: Plan, units: pd.DataFrame) -> Floats:
    """The plan's covariates as columns of numbers, all from before enrolment: float [accounts × columns]."""
    return _before(job, plan, units, plan.analysis.covariates).to_numpy(dtype=float)


def _before(job: Job, plan: Plan, units: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Attributes, and for "before" the deciding metrics before enrolment, as named columns of numbers."""
    named: dict[str, Floats] = {}
    for name in dict.fromkeys(names):
        if name == BEFORE:
            named |= {f"{metric.name} before": before(job.tables, units, metric) for metric in plan.deciding}
        elif pd.api.types.is_numeric_dtype(units[name]):
            named[name] = units[name].fillna(units[name].median()).to_numpy(dtype=float)
        else:
            columns = dummies(units[name].astype(str).to_numpy())
            named |= {f"{name} {place + 1}": column for place, column in enumerate(columns)}
    return pd.DataFrame(named, index=units.index)


def data_of(
    plan: Plan, units: pd.DataFrame, values: dict[str, Values], columns: Floats, others: Sequence[str] = ()
) -> Data:
    """All that is analysed; `others`: groupings asked for that the plan does not name."""
    names = dict.fromkeys((*plan.analysis.segments, *others))
    segments = [column for name in plan.analysis.segments for column in dummies(units[name].astype(str).to_numpy())]
    attributes = np.column_stack([columns, *segments]) if segments else columns
    return Data(units, values, columns, {name: units[name].astype(str) for name in names}, attributes)


def checked(job: Job, plan: Plan, log: pd.DataFrame, units: pd.DataFrame, values: dict[str, Values]) -> check.Checked:
    """Every check of an experiment's data; balance of covariates, segments and deciding metrics of before."""
    named = _before(job, plan, units, (*plan.analysis.covariates, *plan.analysis.segments, BEFORE))
    segments = {name: units[name].astype(str) for name in plan.analysis.segments}
    ratios = check.sample_ratios(units, plan.weights, segments)
    balance = check.balance(units["arm"], plan.control.name, named)
    faults = [*check.two_arms(log), *check.ratio_faults(ratios), *_too_early(job, plan, units)]
    faults += check.balance_faults(balance)
    for name, found in values.items():
        ripe = is_ripe(units, plan.metric_named(name).window_days, job.as_of)
        faults += check.missing_faults(units["arm"][ripe], name, pd.Series(found.missing[ripe]))
    missing = {name: _missing(plan, units, found) for name, found in values.items()}
    counts = units["arm"].value_counts()
    accounts = {name: int(counts.get(name, 0)) for name in plan.weights}
    return check.Checked(accounts, tuple(ratios), balance, missing, tuple(faults))


def _too_early(job: Job, plan: Plan, units: pd.DataFrame) -> list[check.Fault]:
    """Exposure, or outcomes of new accounts, that lie before the assignment.

    Accounts of the plan's own table had a life before: what they did in it is no outcome of the experiment.
    """
    faults: list[check.Fault] = []
    if plan.exposure.event:
        faults += check.early_exposure(units, first_event(job.tables, units, (plan.exposure.event,)))
    for metric in plan.metric:
        if not plan.enrolment.units and _happens_once(metric):
            faults += check.early_outcomes(units, metric.name, first_times(job.tables, units, metric))
    return faults


def _happens_once(metric: Metric) -> bool:
    return metric.measure in _TIMED and metric.role in ("primary", "secondary", "long_run")


def _missing(plan: Plan, units: pd.DataFrame, values: Values) -> dict[str, float]:
    arm = units["arm"].to_numpy()
    return {name: float(values.missing[arm == name].mean()) if (arm == name).any() else NAN for name in plan.weights}
