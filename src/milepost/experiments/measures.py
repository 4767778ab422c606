"""What every account did in the days after it enrolled, from the contract's tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.data.contract import Tables, to_frame
from milepost.errors import PlanError
from milepost.experiments.estimates import Floats
from milepost.experiments.plan import Metric
from milepost.terms import ACCOUNT

Flags = NDArray[np.bool_]

ENROLLED = "enrolled_at"
_DAY = pd.Timedelta(days=1)
_MONTH_DAYS = 30.4375
_FAR = pd.Timestamp("2200-01-01")
_PROMOTER, _PASSIVE = 9, 7
_TABLE = {
    **dict.fromkeys(("events", "active", "value", "days_to_event"), "events"),
    **dict.fromkeys(("paid", "running", "mrr", "revenue", "days_to_paid"), "subscriptions"),
    **dict.fromkeys(("conversations", "replied", "first_reply_minutes"), "conversations"),
    "survey": "surveys",
}


@dataclass(frozen=True)
class Values:
    """One metric over accounts, in the order of the units; float [accounts], NaN where it is missing.

    below: of a ratio, what it is divided by; happened: of a time to an event, whether the event ended it.
    """

    value: Floats
    below: Floats | None = None
    happened: Flags | None = None

    @property
    def missing(self) -> Flags:
        """bool [accounts]: no outcome is known."""
        return np.isnan(self.value)


def check_measurable(metric: Metric, tables: Tables, event_names: set[str]) -> None:
    """Raise PlanError when a metric asks for a table or an event that is not there."""
    for measure in filter(None, (metric.measure, metric.per)):
        table = _TABLE[measure]
        if getattr(tables, table) is None:
            raise PlanError(f"metric '{metric.name}' needs the table {table}", where="milepost.toml",
                            fix=f"add [tables.{table}], or leave the metric out")  # fmt: skip
    for name in metric.events:
        if name not in event_names:
            raise PlanError(f"metric '{metric.name}': no event '{name}' in events", where="plan.toml")


def measure(tables: Tables, units: pd.DataFrame, metric: Metric) -> Values:
    """The metric's values for units (account_id, enrolled_at), over its window from each account's enrolment."""
    if metric.kind == "time_to_event":
        return _time_to(tables, units, metric)
    if metric.kind == "ratio":
        above = _amount(tables, units, metric, metric.measure, total=True)
        below = _amount(tables, units, metric, metric.per, total=True)
        if metric.estimand == "mean_of_ratios":
            return Values(np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0))
        return Values(above, below)
    return Values(_amount(tables, units, metric, metric.measure))


def first_times(tables: Tables, units: pd.DataFrame, metric: Metric) -> pd.Series:
    """When each account first did what a conversion or a time to an event is about, at any time; NaT for never."""
    if _TABLE[metric.measure] == "events":
        return first_event(tables, units, metric.events)
    rows = _paid(_subscriptions(tables, units))
    return _aligned(rows.groupby(ACCOUNT)["started_at"].min(), units)


def first_event(tables: Tables, units: pd.DataFrame, names: tuple[str, ...]) -> pd.Series:
    """When each account had its first of these events, at any time; NaT for never."""
    events = tables.events
    found = events.filter(events.event_name.isin(names)).group_by(ACCOUNT).aggregate(first=events.occurred_at.min())
    return _aligned(to_frame(found).set_index(ACCOUNT)["first"], units)


def before(tables: Tables, units: pd.DataFrame, metric: Metric) -> Floats:
    """The metric in the same number of days before enrolment: what accounts were like already."""
    earlier = units.assign(**{ENROLLED: units[ENROLLED] - timedelta(days=metric.window_days)})
    values = measure(tables, earlier, metric)
    return np.nan_to_num(values.value)


def _amount(tables: Tables, units: pd.DataFrame, metric: Metric, name: str, total: bool = False) -> Floats:
    sources: dict[str, Callable[..., Floats]] = {
        "events": _events, "subscriptions": _money, "conversations": _talks, "surveys": _answers,
    }  # fmt: skip
    return sources[_TABLE[name]](tables, units, metric, name, total)


def _events(tables: Tables, units: pd.DataFrame, metric: Metric, name: str, total: bool) -> Floats:
    rows = _within(tables.events.filter(tables.events.event_name.isin(metric.events)), units, "occurred_at", metric)
    column = rows.value if name == "value" else rows.quantity
    found = to_frame(rows.group_by(ACCOUNT).aggregate(amount=column.sum())).set_index(ACCOUNT)["amount"]
    amount = _aligned(found, units).fillna(0.0).to_numpy(dtype=float)
    return (amount > 0).astype(float) if name == "active" else amount


def _talks(tables: Tables, units: pd.DataFrame, metric: Metric, name: str, total: bool) -> Floats:
    assert tables.conversations is not None  # asked for by check_measurable
    rows = _within(tables.conversations, units, "opened_at", metric)
    waited = rows.first_reply_at.epoch_seconds() - rows.opened_at.epoch_seconds()
    found = to_frame(rows.group_by(ACCOUNT).aggregate(
        conversations=rows.count(), replied=rows.first_reply_at.count(), minutes=waited.sum() / 60,
    )).set_index(ACCOUNT)  # fmt: skip
    if name == "first_reply_minutes":
        minutes = _aligned(found["minutes"], units).to_numpy(dtype=float)
        replied = _aligned(found["replied"], units).fillna(0.0).to_numpy(dtype=float)
        mean = np.divide(minutes, replied, out=np.full(len(units), np.nan), where=replied > 0)
        return np.asarray(np.nan_to_num(minutes) if total else mean)
    return _aligned(found[name], units).fillna(0.0).to_numpy(dtype=float)


def _answers(tables: Tables, units: pd.DataFrame, metric: Metric, name: str, total: bool) -> Floats:
    """Mean answer per account; loyalty (nps) as 100 for promoters, -100 for detractors, so that its mean is the NPS."""
    assert tables.surveys is not None  # asked for by check_measurable
    rows = _within(tables.surveys.filter(tables.surveys.kind == metric.survey), units, "answered_at", metric)
    score = rows.score
    if metric.survey == "nps":
        score = ibis.ifelse(score >= _PROMOTER, 100.0, ibis.ifelse(score >= _PASSIVE, 0.0, -100.0))
    found = to_frame(rows.group_by(ACCOUNT).aggregate(score=score.mean())).set_index(ACCOUNT)["score"]
    return _aligned(found, units).to_numpy(dtype=float)


def _money(tables: Tables, units: pd.DataFrame, metric: Metric, name: str, total: bool) -> Floats:
    rows = _subscriptions(tables, units)
    begin, end = rows[ENROLLED], rows[ENROLLED] + metric.window_days * _DAY
    if name == "paid":
        rows = _paid(rows[(rows["started_at"] >= begin) & (rows["started_at"] < end)])
        return units[ACCOUNT].isin(rows[ACCOUNT]).to_numpy().astype(float)
    if name in ("running", "mrr"):
        rows = rows[(rows["started_at"] < end) & (rows["ended_at"] >= end)]
        if name == "running":
            return units[ACCOUNT].isin(_paid(rows)[ACCOUNT]).to_numpy().astype(float)
        return _sums(rows, rows["mrr"], units)
    overlap = _days(rows["ended_at"].clip(upper=end) - rows["started_at"].clip(lower=begin))
    return _sums(rows, rows["mrr"] * overlap.clip(lower=0) / _MONTH_DAYS, units)


def _time_to(tables: Tables, units: pd.DataFrame, metric: Metric) -> Values:
    """Days until the event, or until the account is no longer watched: the end of the window, or of the data."""
    first = _first_since(tables, units, metric)
    enrolled = units[ENROLLED].reset_index(drop=True)
    watched = _days(pd.Timestamp(tables.complete_until) - enrolled).clip(upper=float(metric.window_days))
    days = _days(first.reset_index(drop=True) - enrolled).to_numpy(dtype=float)
    limit = watched.to_numpy(dtype=float)
    happened = (days >= 0) & (days < limit)
    return Values(np.where(happened, days, np.maximum(limit, 0.0)), happened=happened)


def _days(spans: pd.Series) -> pd.Series:
    return pd.Series(spans.dt.total_seconds() / 86_400)


def _first_since(tables: Tables, units: pd.DataFrame, metric: Metric) -> pd.Series:
    """When each account first did it within the window; NaT for never."""
    if _TABLE[metric.measure] == "events":
        rows = _within(tables.events.filter(tables.events.event_name.isin(metric.events)), units, "occurred_at", metric)
        found = to_frame(rows.group_by(ACCOUNT).aggregate(first=rows.occurred_at.min()))
        return _aligned(found.set_index(ACCOUNT)["first"], units)
    paid = _paid(_subscriptions(tables, units))
    return _aligned(paid[paid["started_at"] >= paid[ENROLLED]].groupby(ACCOUNT)["started_at"].min(), units)


def _subscriptions(tables: Tables, units: pd.DataFrame) -> pd.DataFrame:
    assert tables.subscriptions is not None  # asked for by check_measurable
    columns = [ACCOUNT, "started_at", "ended_at", "mrr", "paid"]
    joined = tables.subscriptions[columns].inner_join(_memory(units), ACCOUNT)
    rows = to_frame(joined[[*columns, ENROLLED]])
    return rows.assign(ended_at=rows["ended_at"].fillna(_FAR), mrr=rows["mrr"].fillna(0.0))


def _paid(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows that are paid for: as the table says, or by an MRR above zero where it does not."""
    return rows[rows["paid"].astype("boolean").fillna(rows["mrr"] > 0).to_numpy(dtype=bool)]


def _sums(rows: pd.DataFrame, amount: pd.Series, units: pd.DataFrame) -> Floats:
    return _aligned(amount.groupby(rows[ACCOUNT]).sum(), units).fillna(0.0).to_numpy(dtype=float)


def _within(table: ibis.Table, units: pd.DataFrame, time: str, metric: Metric) -> Any:
    """Rows in [enrolment, enrolment + window)."""
    joined = table.inner_join(_memory(units), ACCOUNT)
    end = joined[ENROLLED] + ibis.interval(days=metric.window_days)
    return joined.filter((joined[time] >= joined[ENROLLED]) & (joined[time] < end))


def _memory(units: pd.DataFrame) -> ibis.Table:
    return ibis.memtable(units[[ACCOUNT, ENROLLED]].astype({ENROLLED: "datetime64[us]"}))


def _aligned(values: pd.Series, units: pd.DataFrame) -> pd.Series:
    return values.reindex(units[ACCOUNT].to_numpy()).reset_index(drop=True)
