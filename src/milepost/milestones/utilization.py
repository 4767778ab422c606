"""Utilization: how much of the value metric a month brings per unit bought, and from where accounts stay.

Divided by seats a small healthy account can reach it as a large one can. Seats are those at the start of the month:
an account that gives seats back before it leaves would look better used otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.importance.design import Design, make_design, ranked_rows
from milepost.importance.verdicts import figures, percent, plain
from milepost.maturity.curves import share_interval
from milepost.milestones.daily import Codes, DailyCounts, Floats, Ints
from milepost.milestones.definitions import AreaMetric, Evidence, Utilization
from milepost.milestones.lives import Lives
from milepost.milestones.search import SearchRules, Threshold, find_threshold, given_threshold
from milepost.outcomes import Outcomes
from milepost.settings import MilestoneSettings, Settings
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT

Flags = NDArray[np.bool_]

MONTH = 30  # days
PER_SEAT, PER_ACCOUNT = "seat", "account"
_NICE = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
_TENTHS = 10


@dataclass(frozen=True)
class _Rows:
    """The rows that are learnt from: account codes and day of the snapshot, the design without depth, which are later.

    between: rows whose outcomes reach into the later period; they are in neither.
    """

    codes: Codes
    day: Ints
    design: Design
    later: Flags
    between: Flags


def monthly(lives: Lives, account: Codes, day: Ints, per: str, counts: DailyCounts | None = None) -> Floats:
    """The value metric in the 30 days before each day, per seat known when they began (or per account): [rows].

    NaN where seats are 0 or unknown, and where the account began less than 30 days before. counts: another metric.
    Raises ValueError when there is no metric.
    """
    counts = lives.metric if counts is None else counts
    if counts is None:
        raise ValueError("these tables hold no value metric")
    used = counts.between(account, day - MONTH, day)
    whole = lives.created[account] <= day - MONTH
    if per == PER_ACCOUNT:
        return np.where(whole, used, np.nan)
    seats = lives.history.on(account, day - MONTH)
    return np.where(whole & (seats > 0), used / np.where(seats > 0, seats, 1.0), np.nan)


def days_of(dates: pd.Series) -> Ints:
    """Whole days since 1970 of midnights."""
    return dates.to_numpy(dtype="datetime64[D]").astype(np.int64)


def find_utilization(lives: Lives, observations: Observations, outcomes: Outcomes, settings: Settings) -> Utilization:
    """The threshold of the value metric per seat at which retention turns, beside the one without seats.

    Found on earlier snapshots, confirmed on later ones. Without any seats the metric is taken per account.
    """
    used, found = ranked_rows(observations, outcomes, settings)
    rows = _rows(lives, used, found, settings.milestones)
    per_seat = monthly(lives, rows.codes, rows.day, PER_SEAT)
    per = PER_SEAT if np.isfinite(per_seat).any() else PER_ACCOUNT
    plain = monthly(lives, rows.codes, rows.day, PER_ACCOUNT)
    values = per_seat if per == PER_SEAT else plain
    threshold, cells = _search(values, rows, settings)
    value = _value(threshold, cells)
    absolute = _value(*_search(plain, rows, settings)) if per == PER_SEAT else None
    return Utilization(
        metric=lives.metric_name,
        per=per,
        threshold=value if threshold.holds else None,
        candidate=value,
        evidence=evidence_of(threshold, values, value, rows.design.churned),
        curve=_curve(values, rows.design.churned, rows.design.codes),
        reach=pd.DataFrame(),
        absolute=absolute,
        without_seats=int((np.isnan(per_seat) & ~np.isnan(plain)).sum()) if per == PER_SEAT else 0,
        because=_because(threshold, value, (lives.metric_name, per), int(np.isfinite(values).sum())),
    )


def with_reach(found: Utilization, lives: Lives, current: Observations) -> Utilization:
    """The same with the shares of running accounts that reach the threshold, by size band, at the scored date."""
    codes, day = lives.codes(current.context[ACCOUNT]), days_of(current.context[SNAPSHOT])
    band = current.context["size_band"].to_numpy(dtype=str)
    frame = pd.DataFrame({"size_band": band})
    for name, per, cut in (("relative", found.per, found.candidate), ("absolute", PER_ACCOUNT, found.absolute)):
        values = monthly(lives, codes, day, per)
        frame[name] = np.where(np.isnan(values), np.nan, values >= (np.inf if cut is None else cut))
        frame.loc[:, name] = frame[name] if cut is not None else np.nan
    grouped = frame.groupby("size_band")
    reach = grouped[["relative", "absolute"]].mean().assign(accounts=grouped.size()).reset_index()
    order = {name: place for place, name in enumerate(pd.unique(_by_seats(current)))}
    reach = reach.sort_values("size_band", key=lambda names: names.map(order)).reset_index(drop=True)
    return replace(found, reach=reach[["size_band", "accounts", "relative", "absolute"]])


def find_areas(
    lives: Lives, features: Sequence[Feature], observations: Observations, outcomes: Outcomes, settings: Settings
) -> tuple[AreaMetric, ...]:
    """The same search for every product area with a metric of its own."""
    if not lives.areas:
        return ()
    used, known = ranked_rows(observations, outcomes, settings)
    rows = _rows(lives, used, known, settings.milestones)
    metrics = {feature.area: feature for feature in features if feature.area_metric}
    found = []
    for area, counts in lives.areas.items():
        name, per = " or ".join(metrics[area].area_metric), metrics[area].area_metric_per
        values = monthly(lives, rows.codes, rows.day, per, counts)
        threshold, cells = _search(values, rows, settings)
        value = _value(threshold, cells)
        found.append(
            AreaMetric(
                area, name, per, value if threshold.holds else None, value,
                evidence_of(threshold, values, value, rows.design.churned),
                _because(threshold, value, (name, per), int(np.isfinite(values).sum())),
            )
        )  # fmt: skip
    return tuple(found)


def evidence_for(
    lives: Lives, observations: Observations, outcomes: Outcomes, settings: Settings, given: tuple[float, str]
) -> Evidence:
    """The evidence of a threshold (and its unit) that a person set: its effect on the later rows."""
    value, per = given
    used, found = ranked_rows(observations, outcomes, settings)
    rows = _rows(lives, used, found, settings.milestones)
    values = monthly(lives, rows.codes, rows.day, per)
    keep = np.isfinite(values) & ~rows.between
    threshold = given_threshold(rows.design.take(keep), values[keep] >= value, rows.later[keep], rules_of(settings))
    return evidence_of(threshold, values, value, rows.design.churned)


def rules_of(settings: Settings) -> SearchRules:
    """The rules of every search for a milestone."""
    rules = settings.milestones
    return SearchRules(settings.adoption.min_accounts, rules.max_p, rules.draws, settings.project.seed)


def candidates(values: Floats) -> Floats:
    """Round figures between the 5th and the 95th of a hundred values above 0, rising; some tens at most."""
    known = values[np.isfinite(values) & (values > 0)]
    if not len(known):
        return np.zeros(0)
    low, high = np.quantile(known, [0.05, 0.95])
    low = max(float(low), float(high) / 1000)
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(max(float(high), low))) + 1)
    nice = np.unique(np.round(np.outer(powers, _NICE).ravel(), 9))
    inside: Floats = nice[(nice >= low) & (nice <= high)]
    return inside


def evidence_of(threshold: Threshold, values: Floats, value: float | None, churned: Floats) -> Evidence:
    """A threshold's figures, with the plain shares among rows that reach it and others."""
    found, effect = threshold.search, threshold.effect
    known = np.isfinite(values)
    if value is None or found.cell is None:
        return Evidence(tried=found.tried, accounts=int(known.sum()))
    above, stayed = known & (values >= value), churned == 0
    shares = [float(stayed[side].mean()) if side.any() else float("nan") for side in (above, known & ~above)]
    return Evidence(
        effect.effect, effect.low, effect.high, found.p, found.tried, found.agreement, found.near,
        float(above.sum() / max(known.sum(), 1)), shares[0], shares[1], int(known.sum()),
    )  # fmt: skip


def _rows(lives: Lives, used: Observations, outcomes: Outcomes, rules: MilestoneSettings) -> _Rows:
    design = make_design(used, outcomes)
    plain = replace(design, controls=design.without_depth, depth_columns=0)
    day = days_of(used.context[SNAPSHOT])
    days = np.unique(day)
    cut = days[min(int(len(days) * rules.earlier_share), len(days) - 1)]
    windows = used.windows
    reaches = day + windows.gap_days + windows.outcome_days > cut
    later = day >= cut
    return _Rows(lives.codes(used.context[ACCOUNT]), day, plain, later, reaches & ~later)


def _search(values: Floats, rows: _Rows, settings: Settings) -> tuple[Threshold, Floats]:
    cells = candidates(values)
    keep = np.isfinite(values) & ~rows.between & (rows.codes >= 0)
    reached = values[keep][:, None] >= cells if len(cells) else np.zeros((int(keep.sum()), 1), dtype=bool)
    places = np.arange(reached.shape[1])
    beside = np.abs(places[:, None] - places) <= 1
    return find_threshold(rows.design.take(keep), reached, rows.later[keep], rules_of(settings), beside), cells


def _value(threshold: Threshold, cells: Floats) -> float | None:
    return None if threshold.search.cell is None or not len(cells) else float(cells[threshold.search.cell])


def _curve(values: Floats, churned: Floats, accounts: Codes) -> pd.DataFrame:
    """Retention by tenth of the metric, with its interval by account."""
    known = np.isfinite(values)
    if known.sum() < _TENTHS:
        names = ("low", "high", "rows", "retained", "retained_low", "retained_high")
        return pd.DataFrame({name: [] for name in names})
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, _TENTHS + 1)))
    place = np.clip(np.searchsorted(edges, values[known], side="right") - 1, 0, max(len(edges) - 2, 0))
    frame = pd.DataFrame({"place": place, "retained": churned[known] == 0})
    grouped = frame.groupby("place")["retained"]
    there = grouped.size().index.to_numpy()
    highest = edges[np.minimum(there + 1, len(edges) - 1)]
    stayed, codes = frame["retained"].to_numpy(dtype=np.float64), accounts[known]
    bounds = np.array([share_interval(stayed[place == tenth], codes[place == tenth]) for tenth in there])
    return pd.DataFrame({
        "low": edges[there], "high": highest, "rows": grouped.size().to_numpy(), "retained": grouped.mean().to_numpy(),
        "retained_low": bounds[:, 0], "retained_high": bounds[:, 1],
    })  # fmt: skip


def _because(threshold: Threshold, value: float | None, named: tuple[str, str], rows: int) -> str:
    metric, per = named
    search = threshold.search
    if value is None:
        return f"{metric} per {per}: {threshold.because or 'no value to search'} ({rows:,} rows of accounts)."
    found = (
        f"{plain(value)} {metric} a month per {per} part the accounts best: {percent(search.near)} of account draws "
        f"choose it or the value beside it"
    )
    if not threshold.holds:
        return f"No threshold: {threshold.because}; candidate {plain(value)} {metric} a month per {per}."
    return (
        f"{found}; on later snapshots retention differs by {figures(threshold.effect)} at equal plan, size and tenure."
    )


def _by_seats(current: Observations) -> NDArray[np.str_]:
    """Size bands in the order of their seats."""
    context = current.context[["seats", "size_band"]]
    return context.sort_values("seats", na_position="last", kind="stable")["size_band"].to_numpy(dtype=str)
