"""What stands beside the champion's figures: reliability, the other models on the same draws, groups of accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.training import evaluate
from milepost.training.bootstrap import (
    interval,
    over_draws,
    row_losses,
    weighted_aucs,
    weighted_mean,
    weighted_recalls,
    weighted_slopes,
)
from milepost.training.months import between_months
from milepost.training.results import Acting, Reliability, SegmentFigures, Versus

FloatArray = NDArray[np.float64]

Z = 1.959964
ACTED_ON = np.array([0.05, 0.10, 0.20])
LEAST_CHURNED_ACCOUNTS = 10
MOST_VALUES = 12
TENURE_CUTS, TENURE_NAMES = (90, 365, 730), ("under 90 days", "90 days to 1 year", "1 to 2 years", "2 years or more")


@dataclass(frozen=True)
class Learnt:
    """What the risks were calibrated on: risk and churned, float64 [rows], of the training rows, out of fold; their
    accounts and snapshots.
    """

    risk: FloatArray
    churned: FloatArray
    accounts: pd.Series[str]
    days: NDArray[np.datetime64]


def reliability(
    risk: FloatArray, churned: FloatArray, accounts: pd.Series[str], seed: int, learnt: Learnt | None = None
) -> Reliability:
    """Slope, observed over expected and Brier skill of calibrated risks, float64 [rows].

    learnt: without it nothing is said of other months.
    """
    slope, observed, skill = _figures(risk, churned, np.ones((1, len(risk))))[0].tolist()
    drawn = over_draws(lambda weights: _figures(risk, churned, weights), accounts, seed)
    low_high = [interval(drawn[:, place]) for place in range(3)]
    found = Reliability(slope, low_high[0], observed, low_high[1], skill, low_high[2])
    return found if learnt is None else _elsewhere(found, drawn, learnt, seed)


def _figures(risk: FloatArray, churned: FloatArray, weights: FloatArray) -> FloatArray:
    base = weighted_mean(churned, weights)
    observed = base / weighted_mean(risk, weights)
    spread = base * (1 - base)
    brier = weighted_mean((risk - churned) ** 2, weights)
    skill = 1 - np.divide(brier, spread, out=np.full(len(base), np.nan), where=spread > 0)
    return np.column_stack([weighted_slopes(risk, churned, weights), observed, skill])


def _elsewhere(found: Reliability, drawn: FloatArray, learnt: Learnt, seed: int) -> Reliability:
    """With the errors of the calibration itself: the luck of its rows, and that months differ by themselves.

    All test months may be off together: neighbours share a season and the outcomes that overlap.
    """
    before = over_draws(lambda weights: _figures(learnt.risk, learnt.churned, weights), learnt.accounts, seed)
    months = between_months(learnt.days, learnt.risk, learnt.churned)
    slope_error = float(np.hypot(_spread(drawn[:, 0]), _spread(before[:, 0])))
    lucks = [_spread(np.log(np.maximum(part[:, 1], 1e-12))) for part in (drawn, before)]
    factor = float(np.exp(Z * np.sqrt(lucks[0] ** 2 + lucks[1] ** 2 + months**2)))
    return replace(
        found,
        months=months,
        slope_elsewhere=(found.slope - Z * slope_error, found.slope + Z * slope_error),
        observed_over_expected_elsewhere=(
            found.observed_over_expected / factor,
            found.observed_over_expected * factor,
        ),
    )


def _spread(drawn: FloatArray) -> float:
    """Standard deviation of the draws that have a value; NaN where none has."""
    known = drawn[~np.isnan(drawn)]
    return float(known.std()) if len(known) else float("nan")


def versus(
    champion: FloatArray, others: Mapping[str, FloatArray], churned: FloatArray, accounts: pd.Series[str], seed: int
) -> tuple[Versus, ...]:
    """The champion's risks beside those of every other model, both under the same draws of accounts."""
    risks = [champion, *others.values()]
    losses = np.stack([row_losses(risk, churned) for risk in risks])

    def figures(weights: FloatArray) -> FloatArray:
        aucs = np.column_stack([weighted_aucs(risk, churned, weights) for risk in risks])
        means = np.column_stack([weighted_mean(loss, weights) for loss in losses])
        return np.stack([means[:, :1] - means[:, 1:], aucs[:, :1] - aucs[:, 1:]], axis=2)

    point, drawn = figures(np.ones((1, len(champion))))[0], over_draws(figures, accounts, seed)
    return tuple(
        Versus(
            name, float(point[place, 0]), interval(drawn[:, place, 0]),
            float(point[place, 1]), interval(drawn[:, place, 1]), _ahead(drawn[:, place, 1]),
        )
        for place, name in enumerate(others)
    )  # fmt: skip


def _ahead(differences: FloatArray) -> float:
    known = differences[~np.isnan(differences)]
    return float(np.mean((known > 0) + 0.5 * (known == 0))) if len(known) else float("nan")


def acting(risk: FloatArray, churned: FloatArray, accounts: pd.Series[str], seed: int) -> tuple[Acting, ...]:
    """Lift and recall when the riskiest 5, 10 and 20 % of the rows are acted on."""

    def recalls(weights: FloatArray) -> FloatArray:
        return weighted_recalls(risk, churned, weights, ACTED_ON)

    point, drawn = recalls(np.ones((1, len(risk))))[0], over_draws(recalls, accounts, seed)
    found = []
    for place, share in enumerate(ACTED_ON.tolist()):
        low, high = interval(drawn[:, place])
        recall = float(point[place])
        found.append(Acting(share, recall / share, (low / share, high / share), recall, (low, high)))
    return tuple(found)


# -- groups of accounts


def segments(
    risk: FloatArray, churned: FloatArray, context: pd.DataFrame, accounts: pd.Series[str], seed: int
) -> tuple[SegmentFigures, ...]:
    """The risks within each plan, size band, segment and length of tenure; `context` has one row per test row.

    The most frequent twelve values of a grouping; an AUC is given from ten churned accounts on.
    """
    return tuple(
        _segment(name, value, inside, risk, churned, accounts, seed) for name, value, inside in _groups(context)
    )


def _groups(context: pd.DataFrame) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    for column, name in (("plan", "plan"), ("size_band", "size"), ("segment", "segment")):
        if column not in context:
            continue
        values = context[column].fillna("").astype(str)
        common = values.value_counts().index[:MOST_VALUES]
        if len(common) > 1:
            for value in sorted(common):
                yield name, value, (values == value).to_numpy()
    if "tenure_days" in context:
        parts = np.digitize(context["tenure_days"].to_numpy(), TENURE_CUTS)
        for part in np.unique(parts).tolist():
            yield "tenure", TENURE_NAMES[part], parts == part


def _segment(
    name: str, value: str, inside: NDArray[np.bool_], risk: FloatArray, churned: FloatArray,
    accounts: pd.Series[str], seed: int,
) -> SegmentFigures:  # fmt: skip
    risk, churned, accounts = risk[inside], churned[inside], accounts[inside]
    told = accounts[churned == 1].nunique() >= LEAST_CHURNED_ACCOUNTS and not churned.all()
    low, high = evaluate.auc_interval(risk, churned, accounts, seed) if told else (float("nan"), float("nan"))
    auc = evaluate.roc_auc(risk, churned) if told else None
    foretold, share = float(risk.mean()), float(churned.mean())
    return SegmentFigures(name, value, len(risk), int(churned.sum()), auc, low, high, foretold, share)
