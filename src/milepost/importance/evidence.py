"""`FeatureEvidence`: all that is known about one product feature and retention, one row of the ranking."""

from __future__ import annotations

from dataclasses import dataclass

from milepost.terms import Verdict


@dataclass(frozen=True)
class FeatureEvidence:
    """One row of the ranking.

    rank: place in the corrected list (kept features first, by lower bound); naive_rank: place by forest impurity.
    importance: measure -> value; `forest_impurity`, `forest_permutation`, `boosting_permutation`, `boosting_shap`
    (signed: positive means use goes with staying). Permutation is the loss of held-out AUC.
    effect, low, high: total adjusted effect on retention in percentage points with its 95 % interval (by account),
    not adjusted for other features; direct_*: the same adjusted for all other features; q: false-discovery-adjusted.
    raw_difference: retained share of adopters minus others, points. NaN where it could not be estimated.
    direction: "helps", "harms" or "unclear".
    eligible, adopted: distinct accounts (ever within the ranked rows); adoption: mean rate over snapshots, 0..1;
    adoption_by_plan, adoption_by_size: group -> rate; plan_share: share of the adoption variance that plan explains.
    stability: share of account bootstraps with the same sign; top_k: share of bootstraps in the top K.
    hypothesis: "confirmed", "contradicted", "open" or "" when none was stated.
    because: one sentence of evidence for the verdict.
    """

    feature: str
    category: str
    rank: int
    naive_rank: int
    importance: dict[str, float]
    effect: float
    low: float
    high: float
    q: float
    direct_effect: float
    direct_low: float
    direct_high: float
    raw_difference: float
    direction: str
    eligible: int
    adopted: int
    adoption: float
    adoption_by_plan: dict[str, float]
    adoption_by_size: dict[str, float]
    plan_share: float
    discount: float
    stability: float
    top_k: float
    e_value: float
    verdict: Verdict
    hypothesis: str
    because: str


NAIVE = "forest_impurity"


@dataclass(frozen=True)
class ModelImportance:
    """What forest and boosting say of every feature, judged on accounts they had not seen: the naive view.

    measures: measure -> feature -> value: `forest_impurity` (share), `forest_permutation` and `boosting_permutation`
    (loss of held-out AUC when all signals of the feature are shuffled together), `boosting_shap` (mean absolute
    contribution in log-odds, negative where use goes with churn).
    auc: `forest`, `boosting` -> held-out AUC. agreement: rank correlation of the two permutation importances.
    """

    measures: dict[str, dict[str, float]]
    auc: dict[str, float]
    agreement: float
    held_out_rows: int
