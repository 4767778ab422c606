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
from milepost.scoring.reasons import explain
from milepost.settings import ScoringSettings
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT, RiskBand
from milepost.training.model import ChurnModel

ROUTE = ["route", "route_because"]
SCORED_BY_MODEL, SCORED_BY_RULE = "model", "rule"


@dataclass(frozen=True)
class ScoringInputs:
    """What scoring needs beside the observations.

    young_risk: churned share of accounts under `min_tenure_days` in training, their score by rule.
    typical: signal name -> median among retained accounts in training. states: frame account_id, milestone, setup_on,
    activated_on and utilized, by the framework, and next_steps: frame of `next_step.COLUMNS`, one row per row of the
    observations; None without a framework.
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


def score(observations: Observations, inputs: ScoringInputs) -> pd.DataFrame:
    """Score every row of `observations`, which holds one snapshot.

    Columns: account_id, snapshot_date, churn_risk, risk_band, risk_rank, expected_loss (risk × MRR), plan, seats, mrr,
    size_band, segment, tenure_days, level_<category>, mature_categories, milestone, setup_on, activated_on, utilized,
    next_milestone, next_step, next_step_because, next_step_alternatives, route, route_because (null here), reason_1…n
    (sentences), scored_by, model_id, framework_version. Sorted by risk, highest first, then account.
    Raises MilepostError when a score breaks its promise: finite, within [0, 1], one per account.
    """
    context = observations.context
    risk, scored_by = _risk(observations, inputs)
    scores = context[[ACCOUNT, SNAPSHOT]].copy()
    scores["churn_risk"] = risk
    scores["risk_band"] = risk_bands(risk, inputs.settings)
    scores["expected_loss"] = risk * context["mrr"].to_numpy(dtype=float)
    for name in ("plan", "seats", "mrr", "size_band", "segment", "tenure_days"):
        scores[name] = context[name].to_numpy()
    scores = scores.join(_levels(observations, inputs.framework))
    scores = scores.join(_states(context, inputs.states))
    scores = scores.join(_next_steps(context, inputs.next_steps))
    for name in ROUTE:  # filled by routing
        scores[name] = np.full(len(scores), None, dtype=object)
    for place, words in enumerate(_reasons(observations, risk, inputs), start=1):
        scores[f"reason_{place}"] = words
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
    """The furthest milestone held and what is known of the others; null without a framework."""
    columns = ["milestone", "setup_on", "activated_on", "utilized"]
    if states is None:
        return pd.DataFrame(index=context.index, columns=columns, dtype=object)
    return states.set_index(ACCOUNT).reindex(context[ACCOUNT])[columns].set_axis(context.index)


def _next_steps(context: pd.DataFrame, steps: pd.DataFrame | None) -> pd.DataFrame:
    if steps is None:
        return pd.DataFrame(index=context.index, columns=COLUMNS, dtype=object)
    return steps.set_axis(context.index)


def _reasons(observations: Observations, risk: NDArray[np.float64], inputs: ScoringInputs) -> list[NDArray[np.object_]]:
    """Sentences for the accounts above the action line, None for the others and for those scored by the rule."""
    count = inputs.settings.reasons
    columns = [np.full(len(risk), None, dtype=object) for _ in range(count)]
    explained = rows_to_explain(risk, inputs.settings)
    explained = explained[observations.context["tenure_days"].to_numpy()[explained] >= inputs.min_tenure_days]
    if not count or not len(explained):
        return columns
    found = explain(observations.matrix.take(explained), inputs.model, inputs.typical, count)
    for row, reasons in zip(explained, found, strict=True):
        for place, reason in enumerate(reasons):
            columns[place][row] = reason.sentence
    return columns


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
