"""One row of scores per account running at the date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.errors import MilepostError
from milepost.framework import Framework
from milepost.maturity.levels import levels_for
from milepost.scoring.next_step import COLUMNS
from milepost.scoring.reasons import explain, place_reasons, reason_columns
from milepost.settings import ScoringSettings
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT, RiskBand
from milepost.training.hazard import HORIZONS, Hazard
from milepost.training.model import ChurnModel

ROUTE = ["route", "route_because"]
SCORED_BY_MODEL, SCORED_BY_RULE = "model", "rule"
PROGRESS = ["setup_progress", "activation_progress", "utilization_progress", "maturity_progress"]
STATES = ["milestone", "setup_on", "activated_on", "utilized", *PROGRESS]
EXPLAINED_AT_ONCE = 20_000


@dataclass(frozen=True)
class ScoringInputs:
    """What scoring needs beside the observations.

    young_risk: churned share of accounts under `min_tenure_days` in training, their score by rule.
    typical: signal name -> median among retained accounts in training. states: frame account_id and STATES, by the
    framework, and next_steps: frame of `next_step.COLUMNS`, one row per row of the observations; None without a
    framework. hazard: how the risk spreads over months.
    """

    model: ChurnModel
    model_id: str
    young_risk: float
    typical: dict[str, float]
    framework: Framework | None
    settings: ScoringSettings
    min_tenure_days: int
    states: pd.DataFrame | None = None
    next_steps: pd.DataFrame | None = None
    hazard: Hazard | None = None


def score(observations: Observations, inputs: ScoringInputs) -> pd.DataFrame:
    """Score every row of `observations`, which holds one snapshot.

    Columns: account_id, snapshot_date, churn_risk, risk_band, risk_rank, risk_30_days, risk_90_days, risk_180_days
    (of leaving within so many days of the outcome window, null where not known and for accounts scored by the rule),
    expected_loss (risk × MRR), plan, seats, mrr,
    size_band, segment, tenure_days, level_<category>, mature_categories, milestone, setup_on, activated_on, utilized,
    setup_progress, activation_progress, utilization_progress, maturity_progress (0..1 of the way), next_milestone,
    next_step, next_step_because, next_step_alternatives, route, route_because (null here), reason_1…n (sentences) with
    reason_<n>_signal, _value, _typical and _contribution, scored_by, model_id, framework_version. Sorted by risk,
    highest first, then account.
    Raises MilepostError when a score breaks its promise: finite, within [0, 1], one per account.
    """
    context = observations.context
    risk, scored_by = _risk(observations, inputs)
    scores = context[[ACCOUNT, SNAPSHOT]].copy()
    scores["churn_risk"] = risk
    scores["risk_band"] = risk_bands(risk, inputs.settings)
    for days in HORIZONS:
        scores[f"risk_{days}_days"] = _within(days, risk, scored_by, inputs.hazard)
    scores["expected_loss"] = risk * context["mrr"].to_numpy(dtype=float)
    for name in ("plan", "seats", "mrr", "size_band", "segment", "tenure_days"):
        scores[name] = context[name].to_numpy()
    scores = scores.join(_levels(observations, inputs.framework))
    scores = scores.join(_states(context, inputs.states))
    scores = scores.join(_next_steps(context, inputs.next_steps))
    for name in ROUTE:  # filled by routing
        scores[name] = np.full(len(scores), None, dtype=object)
    scores = scores.join(_reasons(observations, risk, inputs))
    scores["scored_by"] = scored_by
    scores["model_id"] = inputs.model_id
    scores["framework_version"] = inputs.framework.version if inputs.framework else 0
    scores = scores.sort_values(["churn_risk", ACCOUNT], ascending=[False, True]).reset_index(drop=True)
    scores.insert(4, "risk_rank", np.arange(1, len(scores) + 1))
    check_scores(scores)
    return scores


def _risk(observations: Observations, inputs: ScoringInputs) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """The model's risk; accounts too young for it get the churned share of young accounts in training."""
    risk = inputs.model.predict(observations.matrix)
    young = observations.context["tenure_days"].to_numpy() < inputs.min_tenure_days
    risk = np.where(young, inputs.young_risk, risk)
    return risk, np.where(young, SCORED_BY_RULE, SCORED_BY_MODEL)


def _within(
    days: int, risk: NDArray[np.float64], scored_by: NDArray[np.str_], hazard: Hazard | None
) -> NDArray[np.float64]:
    if hazard is None:
        return np.full(len(risk), np.nan)
    return np.where(scored_by == SCORED_BY_MODEL, hazard.within(risk, days), np.nan)


def risk_bands(risk: NDArray[np.float64], settings: ScoringSettings) -> NDArray[np.str_]:
    """`low`, `elevated`, `high`: each band begins at its cut."""
    bands = np.array([RiskBand.LOW, RiskBand.ELEVATED, RiskBand.HIGH])
    named: NDArray[np.str_] = bands[np.digitize(risk, [settings.elevated_from, settings.high_from])]
    return named


def _levels(observations: Observations, framework: Framework | None) -> pd.DataFrame:
    if framework is None:
        return pd.DataFrame({"mature_categories": np.full(len(observations.context), np.nan)})
    return levels_for(observations, framework)


def _states(context: pd.DataFrame, states: pd.DataFrame | None) -> pd.DataFrame:
    """The furthest milestone held, what is known of the others and how far it is to each; null without a framework."""
    if states is None:
        return pd.DataFrame(index=context.index, columns=STATES, dtype=object).astype(dict.fromkeys(PROGRESS, float))
    return states.set_index(ACCOUNT).reindex(context[ACCOUNT])[STATES].set_axis(context.index)


def _next_steps(context: pd.DataFrame, steps: pd.DataFrame | None) -> pd.DataFrame:
    if steps is None:
        return pd.DataFrame(index=context.index, columns=COLUMNS, dtype=object)
    return steps.set_axis(context.index)


def _reasons(observations: Observations, risk: NDArray[np.float64], inputs: ScoringInputs) -> pd.DataFrame:
    """Reasons in words and in parts for the accounts above the action line; null for the others and for those scored
    by the rule. Some rows at a time: what each signal adds to each row is as large as the matrix, twice.
    """
    count, rows = inputs.settings.reasons, len(risk)
    explained = rows_to_explain(risk, inputs.settings)
    explained = explained[observations.context["tenure_days"].to_numpy()[explained] >= inputs.min_tenure_days]
    found = reason_columns(rows, count)
    if count:
        for start in range(0, len(explained), EXPLAINED_AT_ONCE):
            some = explained[start : start + EXPLAINED_AT_ONCE]
            reasons = explain(observations.matrix.take(some), inputs.model, inputs.typical, count)
            place_reasons(found, some, reasons)
    return pd.DataFrame(found, index=observations.context.index)


def rows_to_explain(risk: NDArray[np.float64], settings: ScoringSettings) -> NDArray[np.intp]:
    """Positions of the rows that get reasons: all when few, else those above the action line."""
    wanted = max(int(np.ceil(len(risk) * settings.action_share)), settings.always_explain)
    return np.sort(np.argsort(-risk, kind="stable")[:wanted])


def check_scores(scores: pd.DataFrame) -> None:
    """The promises of a scores table, checked before anybody can read it."""
    risk = scores["churn_risk"].to_numpy()
    if not (np.isfinite(risk).all() and (risk >= 0).all() and (risk <= 1).all()):
        raise MilepostError("a churn risk is not a number within [0, 1]", where="scores")
    if scores[ACCOUNT].duplicated().any():
        raise MilepostError("an account has more than one score", where="scores")
