"""The corrected ranking: adjusted effect, adoption benchmark, stability and the naive view, one row per feature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from milepost.errors import NotEnoughData
from milepost.importance.design import Design, account_codes, make_design, ranked_rows
from milepost.importance.effect import e_value, e_value_of_bound, overlap
from milepost.importance.evidence import NAIVE, FeatureEvidence, ModelImportance
from milepost.importance.logistic import one_thread
from milepost.importance.study import Study, study
from milepost.importance.verdicts import (
    Case,
    direction,
    grade,
    hypothesis_verdict,
    judge,
    smallest_effect_of_interest,
)
from milepost.importance.words import Words, words_for
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, Goal, Verdict

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Progress = Callable[[str], None]

DETECTED = 2.8  # standard errors that 80 of 100 studies find, two-sided 5 %
# the value of Outcomes.churned that a goal's event word names: to churn misses retention, to expand is the goal itself
_NAMED = {Goal.RETAINED: 1.0, Goal.EXPANDED: 0.0, Goal.ACTIVE: 1.0, Goal.MATURE: 0.0}
# what a list says first; verdicts that leave a feature open stand together, by what it is worth at least
_OPEN = (Verdict.INCONCLUSIVE, Verdict.PROXY, Verdict.CONFOUNDED, Verdict.NOT_SEPARABLE, Verdict.NO_EFFECT)
_ORDER = (
    (Verdict.KEEP,), (Verdict.NICHE_WATCH,), (Verdict.UBIQUITOUS_INTENSITY,), _OPEN, (Verdict.HARMFUL,),
    (Verdict.UBIQUITOUS,), (Verdict.NICHE,), (Verdict.TOO_NEW,),
)  # fmt: skip


@dataclass(frozen=True)
class Ranking:
    """The ranking and what it rests on.

    evidence: corrected order. rows, accounts, churned_accounts: what was used. smallest_effect_points: the effect on
    retention that 80 of 100 studies of this size would find for a feature half of the accounts adopt.
    without_depth, at_renewal: feature -> total effect in points for kept features, not adjusted for depth of use, and
    among rows with a term end in the outcome window (empty where term ends are unknown).
    control_failed: the features that are not kept clearly lean to staying; shift: points that every total effect is
    less for it.
    goal, event: what is ranked by, and the outcome that churned_accounts counts (the rarer one).
    notes: what a reader has to know, one sentence each.
    """

    evidence: tuple[FeatureEvidence, ...]
    rows: int
    accounts: int
    churned_accounts: int
    smallest_effect_points: float
    without_depth: dict[str, float] = field(default_factory=dict)
    at_renewal: dict[str, float] = field(default_factory=dict)
    shift: float = 0.0
    control_failed: bool = False
    goal: Goal = Goal.RETAINED
    event: str = "churned"
    notes: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[FeatureEvidence, ...]:
        """The kept features, strongest lower bound first."""
        return tuple(row for row in self.evidence if row.verdict == Verdict.KEEP)


def rank_features(
    observations: Observations,
    outcomes: Outcomes,
    settings: Settings,
    importances: ModelImportance | None = None,
    progress: Progress = lambda text: None,
    goal: Goal = Goal.RETAINED,
) -> Ranking:
    """Rank every feature of the catalogue by its evidence.

    goal: what the outcomes' `churned` misses; it gives the words, the estimates follow the outcomes.

    importances: from `models.model_importance`; None leaves the naive view out (naive_rank 0).
    Rows count when their outcome is known and the account is old enough.
    Order: kept features; niche_watch; ubiquitous_intensity; what is open (inconclusive, proxy, confounded,
    not_separable, no_effect) together; harmful; ubiquitous; niche; too_new; each by lower bound.
    Raises NotEnoughData with the counts and the smallest effect such data could show.
    """
    used, known = ranked_rows(observations, outcomes, settings)
    require_enough(used, known, settings, goal)
    with one_thread():
        design = make_design(used, known)
        words = words_for(goal, design.rare != _NAMED[goal])
        progress(
            f"ranking: {len(design.codes):,} rows, {design.accounts:,} accounts, "
            f"{design.churned_accounts:,} {words.event}"
        )
        found = study(used, design, settings)
    evidence = _ordered(_evidence(used, found, settings, importances.measures if importances else {}, words))
    kept = {row.feature for row in evidence if row.verdict == Verdict.KEEP}
    progress(f"ranking: {len(kept)} of {len(evidence)} features kept")
    names = [feature.name for feature in used.features]
    without, renewal = (
        {names[column]: effect.effect for column, effect in effects.items() if names[column] in kept}
        for effects in (found.without_depth, found.at_renewal)
    )
    return Ranking(
        evidence, len(design.codes), design.accounts, design.churned_accounts, smallest_effect(design),
        without, renewal, found.lean.shift if found.lean.failed else 0.0, found.lean.failed, goal,
        words.event, _notes(used, found, words),
    )  # fmt: skip


def smallest_effect(design: Design) -> float:
    """The effect in points found in 80 of 100 studies when half of the accounts adopt (two-sided 5 %)."""
    chance = design.base.chance
    weight = chance * (1 - chance)
    repeats = overlap(chance - design.churned, weight, design.codes)
    return _detectable(float(weight.sum()), len(weight), repeats)


def _detectable(variance_sum: float, rows: int, repeats: float) -> float:
    """2.8 standard errors of the difference of two halves: 2.8 · sqrt(4 · overlap · mean p(1-p) / rows), in points."""
    return float(100 * DETECTED * np.sqrt(4 * repeats * variance_sum) / rows) if rows else float("nan")


def require_enough(
    observations: Observations, outcomes: Outcomes, settings: Settings, goal: Goal = Goal.RETAINED
) -> None:
    """Raise NotEnoughData when there are too few rows, or too few accounts with the rarer outcome."""
    accounts = observations.context[ACCOUNT].to_numpy()
    codes, count = account_codes(accounts) if len(accounts) else (np.zeros(0, dtype=np.intp), 0)
    common = goal == Goal.RETAINED or not len(accounts) or float(outcomes.churned.mean()) <= 0.5
    gone = outcomes.churned == (1 if common else 0)
    event = words_for(goal, (1.0 if common else 0.0) != _NAMED[goal]).event
    found, rows = len(np.unique(codes[gone])), len(accounts)
    least, least_rows = settings.training.min_churned, settings.training.min_rows
    if found >= least and rows >= least_rows and not gone.all():
        return
    share = float(gone.mean()) if rows else 0.0
    repeats = float(gone.sum()) / max(found, 1)
    points = _detectable(rows * share * (1 - share), rows, max(repeats, 1.0))
    effect = f"; smallest effect such data could show: {points:.1f} points" if np.isfinite(points) and points else ""
    raise NotEnoughData(
        f"{rows:,} rows of {count:,} accounts, {found:,} of them {event}{effect}",
        where="ranking",
        expected=f"at least {least_rows:,} rows, {least:,} {event} accounts and some that are not",
        fix="add earlier snapshots, or lengthen windows.outcome_days",
    )


def _evidence(
    observations: Observations,
    study: Study,
    settings: Settings,
    importances: Mapping[str, Mapping[str, float]],
    words: Words,
) -> list[FeatureEvidence]:
    names = [feature.name for feature in observations.features]
    naive = importances.get(NAIVE, {})
    order = sorted(naive, key=lambda name: -naive[name])
    places = {name: place for place, name in enumerate(order, start=1)}
    measures = [{measure: found.get(name, float("nan")) for measure, found in importances.items()} for name in names]
    return [
        _row(observations, study, (settings, words), column, measures[column], places.get(name, 0))
        for column, name in enumerate(names)
    ]  # fmt: skip


def _row(
    observations: Observations,
    study: Study,
    manner: tuple[Settings, Words],
    column: int,
    importance: dict[str, float],
    naive_rank: int,
) -> FeatureEvidence:
    feature, adoption = observations.features[column], study.adoption[column]
    total, direct = study.totals[column], study.directs[column]
    settings, words = manner
    case = _case(observations, study, column, words)
    judgement = judge(case, settings.ranking)
    churned = _churned(observations, study, column)
    return FeatureEvidence(
        feature=feature.name,
        category=feature.category,
        rank=0,
        naive_rank=naive_rank,
        importance=importance,
        effect=total.effect,
        low=total.low,
        high=total.high,
        q=float(study.q[column]),
        direct_effect=direct.effect,
        direct_low=direct.low,
        direct_high=direct.high,
        alone_effect=study.alones[column].effect,
        raw_difference=study.raws[column].effect,
        smallest_effect=DETECTED * total.error,
        persistence=float(study.persistence[column]),
        direction=direction(total),
        eligible=adoption.eligible,
        adopted=adoption.adopted,
        adopted_churned=churned[0],
        others_churned=churned[1],
        adoption=adoption.rate,
        adoption_by_plan=adoption.by_plan,
        adoption_by_size=adoption.by_size,
        plan_share=adoption.plan_share,
        discount=adoption.discount,
        stability=float(study.stable.same_sign[column]),
        top_k=float(study.stable.top_k[column]),
        e_value=e_value(total.risk_ratio),
        e_value_low=e_value_of_bound(total),
        grade=case.grade,
        leads_to=case.leads_to,
        bundle=case.bundle,
        verdict=judgement.verdict,
        hypothesis=hypothesis_verdict(feature.hypothesis, judgement.verdict),
        because=judgement.because,
    )


def _case(observations: Observations, study: Study, column: int, words: Words) -> Case:
    relations = study.relations
    beside = relations.correlation[column]
    nearest = int(np.argmax(beside))
    standing = study.adoption[column].standing
    names = np.array([feature.name for feature in observations.features], dtype=object)
    return Case(
        adoption=study.adoption[column],
        total=study.totals[column],
        direct=study.directs[column],
        alone=study.alones[column],
        raw=study.raws[column],
        q=float(study.q[column]),
        same_sign=float(study.stable.same_sign[column]),
        intensity=study.intensities.get(column),
        nearest=names[nearest] if beside[nearest] > 0 else "",
        nearest_correlation=float(beside[nearest]),
        bundle=tuple(names[relations.twins[column]]),
        leads_to=tuple(names[relations.followers[column]]),
        grade=_grade(study, column),
        family=sum(other.standing == standing for other in study.adoption),
        churned_accounts=study.design.churned_accounts,
        accounts=study.design.accounts,
        smallest=smallest_effect_of_interest(float(study.design.churned.mean())),
        words=words,
    )


def _grade(study: Study, column: int) -> str:
    """The grade of a feature whose effect passes, else ""."""
    if column not in study.without_depth:
        return ""
    others = (study.without_depth[column], study.alones[column])
    return grade(study.totals[column], others, study.together[column], study.lean.failed)


def _churned(observations: Observations, study: Study, column: int) -> tuple[int, int]:
    """Accounts that churned having adopted the feature, and having access without."""
    adopted, allowed = observations.adopted[:, column], study.eligible[:, column]
    return study.design.churned_among(adopted & allowed), study.design.churned_among(~adopted & allowed)


def _ordered(rows: list[FeatureEvidence]) -> tuple[FeatureEvidence, ...]:
    def place(row: FeatureEvidence) -> tuple[int, float, str]:
        group = next(place for place, verdicts in enumerate(_ORDER) if row.verdict in verdicts)
        return group, -row.low if np.isfinite(row.low) else np.inf, row.feature

    return tuple(
        FeatureEvidence(**{**row.__dict__, "rank": rank})
        for rank, row in enumerate(sorted(rows, key=place), start=1)
    )  # fmt: skip


def _notes(observations: Observations, found: Study, words: Words) -> tuple[str, ...]:
    design, lean, notes = found.design, found.lean, []
    if not observations.access_known:
        notes.append("No plan or access data: every account counts as eligible for every feature.")
    if design.at_renewal is None:
        notes.append("No term ends are known: effects are not adjusted for when a contract can end.")
    else:
        inside, elsewhere = (design.churned_among(rows) for rows in (design.at_renewal, ~design.at_renewal))
        notes.append(
            f"{100 * float(design.at_renewal.mean()):.0f} % of the rows have a term end in the outcome window: "
            f"{inside:,} accounts {words.event} from there, {elsewhere:,} from elsewhere."
        )
    if np.isnan(lean.points):
        notes.append(f"Too few features without an effect ({lean.features}) for a negative control.")
    elif lean.failed:
        notes.append(
            f"The negative control fails: {lean.features} features that mark nobody lean {lean.points:+.1f} points "
            f"(standard error {lean.error:.1f}) to staying, so something no table shows stands behind adoption and "
            f"retention. Effects are shown less {lean.shift:.1f} points, and as associations only."
        )
    if lean.scatter:
        notes.append(
            f"Effects of nothing differ by {lean.scatter:.1f} points more than chance allows, each by a bias of its "
            "own: every interval is wider for it."
        )
    return tuple(notes)
