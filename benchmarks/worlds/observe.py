"""What milepost would see of a simulated product: observations and outcomes, with the truth beside them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from worlds.structural import HABIT, Lived, snapshot_months

from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.signals.spec import Signal
from milepost.windows import Windows, snapshot_dates

PLANS = np.array(["basic", "plus", "top"])
CATEGORIES = ("alpha", "beta", "gamma", "delta", "epsilon")
MONTH_DAYS = 30
SETTINGS = {"tables": {"accounts": {"path": "accounts.csv"}, "events": {"path": "events.csv"}}}


@dataclass(frozen=True)
class Seen:
    """One world as milepost sees it, and its truth.

    effect: feature -> total effect by intervention in points of retention; adoption: feature -> share of the
    eligible; relevant: adopted by 10 to 90 % and an effect above one point.
    """

    observations: Observations
    outcomes: Outcomes
    settings: Settings
    effect: dict[str, float]
    adoption: dict[str, float]

    @property
    def relevant(self) -> frozenset[str]:
        """Features that a right list puts on top."""
        return frozenset(
            name for name, points in self.effect.items() if points > 1.0 and 0.1 <= self.adoption[name] <= 0.9
        )


def observe(lived: Lived) -> Seen:
    """Rows of running accounts at every snapshot; the outcome follows from the day an account ends."""
    windows = Windows()
    features = tuple(
        Feature(f"feature_{place:03d}", (f"event_{place:03d}",), CATEGORIES[area])
        for place, area in enumerate(lived.product.area)
    )
    days = snapshot_dates(pd.Timestamp("2022-01-01"), pd.Timestamp("2040-01-01"), windows)[: lived.world.snapshots]
    frames, counts, recent, until = [], [], [], []
    for place, month in enumerate(snapshot_months(lived.world)):
        now = month * MONTH_DAYS
        seen = np.flatnonzero((lived.people.start < month) & (lived.end >= now))
        frames.append(_context(lived, seen, days[place], month))
        counts.append(lived.counts[place, seen])
        recent.append(lived.recent[place, seen])
        until.append(lived.end[seen] - now)
    context = pd.concat(frames, ignore_index=True)
    tier = pd.Categorical(context["plan"], categories=PLANS).codes
    observations = _observations(context, np.concatenate(counts), np.concatenate(recent), features, windows)
    eligible = tier[:, None] >= lived.product.least_tier
    observations = Observations(
        observations.matrix, features, observations.counts, eligible, True, context, windows
    )  # fmt: skip
    names = [feature.name for feature in features]
    return Seen(
        observations, _outcomes(np.concatenate(until), windows), Settings.model_validate(SETTINGS),
        dict(zip(names, lived.effect.tolist(), strict=True)), dict(zip(names, lived.adoption.tolist(), strict=True)),
    )  # fmt: skip


def _context(lived: Lived, seen: NDArray[np.intp], day: date, month: int) -> pd.DataFrame:
    people = lived.people
    tenure = (month - people.start[seen]) * float(MONTH_DAYS)
    seats = np.round(np.exp(2 + 0.8 * people.size[seen])) + 1
    return pd.DataFrame({
        "account_id": np.char.add("a", np.char.zfill(seen.astype(str), 6)).astype(object),
        "snapshot_date": pd.Timestamp(day),
        "plan": PLANS[people.tier[seen]],
        "plan_at_start": PLANS[people.tier[seen]],
        "seats": seats,
        "mrr": seats * 20,
        "size_band": np.where(seats <= 5, "1-5", np.where(seats <= 20, "6-20", "over 20")),
        "segment": "",
        "tenure_days": tenure,
        "exposure_days": np.minimum(tenure, 84.0),
        "before_data": people.start[seen] < HABIT,
        "days_to_term_end": np.nan,
        "term_months": np.nan,
        "days_since_last_use": 1.0,
        "active_users": 1.0,
    })  # fmt: skip


def _observations(
    context: pd.DataFrame,
    counts: NDArray[np.float32],
    recent: NDArray[np.float32],
    features: tuple[Feature, ...],
    windows: Windows,
) -> Observations:
    """Three signals a feature, and two of the account: enough for forests to have something to rank."""
    signals = tuple(
        Signal(f"{feature.name}.{measure}", feature.name, measure, 84, "day", "per day", measure)
        for measure in ("count", "recent_count", "ever")
        for feature in features
    ) + tuple(Signal(f"account.{name}", None, name, 84, "", "", name) for name in ("seats", "tenure_days"))
    values = np.column_stack([counts / 84, recent / 28, counts > 0, context[["seats", "tenure_days"]]])
    matrix = Matrix(
        values.astype(np.float32), context[["account_id", "snapshot_date"]].copy(), signals, "simulated"
    )  # fmt: skip
    return Observations(matrix, features, counts, np.ones(counts.shape, dtype=bool), False, context, windows)


def _outcomes(until: NDArray[np.float64], windows: Windows) -> Outcomes:
    """until: days from the snapshot to the end of the account."""
    churned = (until >= windows.gap_days) & (until < windows.gap_days + windows.outcome_days)
    left_out = np.where(until < windows.gap_days, "ended_in_gap", "")
    flags = np.where(left_out == "", churned, np.nan).astype(np.float32)
    return Outcomes(flags, np.zeros_like(flags), np.zeros_like(flags), left_out)
