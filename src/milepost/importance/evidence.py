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
    beside the controls and all features but those it leads to; direct_*: the same beside all other features;
    alone_effect: beside the controls only; raw_difference: retained share of adopters minus others.
    NaN where it could not be estimated. q: false-discovery-adjusted, of an effect beyond a tenth of the smallest one of
    interest. direction: "helps", "harms" or "unclear".
    smallest_effect: points that 80 of 100 studies of this size would find for this feature. persistence: adoption in
    the outcome window among adopters less that among others; effects are of adoption kept up through that window.
    eligible, adopted: distinct accounts (ever within the ranked rows); adopted_churned, others_churned: accounts that
    churned having adopted it, and having access without; adoption: mean rate over snapshots, 0..1;
    adoption_by_plan, adoption_by_size: group -> rate; plan_share: share of the adoption variance that plan explains.
    stability: share of account bootstraps with the same sign; top_k: share of bootstraps in the top K.
    e_value: of the effect; e_value_low: of the bound of its interval nearer to none, 1 when the interval holds it.
    grade: what an effect that passes may be called: "adjusted", or "association" when the negative control fails or a
    factor as strong as depth of use would take it away; "" for the others.
    leads_to: features that follow it; bundle: features with nearly the same adopters, not told apart from it.
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
    alone_effect: float
    raw_difference: float
    smallest_effect: float
    persistence: float
    direction: str
    eligible: int
    adopted: int
    adopted_churned: int
    others_churned: int
    adoption: float
    adoption_by_plan: dict[str, float]
    adoption_by_size: dict[str, float]
    plan_share: float
    discount: float
    stability: float
    top_k: float
    e_value: float
    e_value_low: float
    grade: str
    leads_to: tuple[str, ...]
    bundle: tuple[str, ...]
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
