"""The corrected ranking: adjusted effect, adoption benchmark, stability and the naive view, one row per feature."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from milepost.adoption import Adoption, Standing, adoption_table, available
from milepost.errors import NotEnoughData
from milepost.importance.design import Design, account_codes, make_design, ranked_rows
from milepost.importance.effect import (
    Effect,
    direct_effects,
    e_value,
    effect_of,
    overlap,
    q_values,
    raw_differences,
    total_effects,
    unknown_effect,
)
from milepost.importance.evidence import NAIVE, FeatureEvidence, ModelImportance
from milepost.importance.logistic import one_thread
from milepost.importance.stability import Stability, stability
from milepost.importance.verdicts import Case, direction, hypothesis_verdict, judge
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, Verdict

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Progress = Callable[[str], None]

_ORDER = (
    Verdict.KEEP, Verdict.NICHE_WATCH, Verdict.UBIQUITOUS_INTENSITY, Verdict.INCONCLUSIVE, Verdict.PROXY,
    Verdict.CONFOUNDED, Verdict.NOT_SEPARABLE, Verdict.HARMFUL, Verdict.NO_EFFECT, Verdict.UBIQUITOUS, Verdict.NICHE,
    Verdict.TOO_NEW,
)  # fmt: skip


@dataclass(frozen=True)
class Ranking:
    """The ranking and what it rests on.

    evidence: corrected order. rows, accounts, churned_accounts: what was used. smallest_effect_points: the effect on
    retention that 80 of 100 studies of this size would find for a feature half of the accounts adopt.
    without_depth, at_renewal: feature -> total effect in points for kept features, not adjusted for depth of use, and
    among rows with a term end in the outcome window (empty where term ends are unknown).
    notes: what a reader has to know, one sentence each.
    """

    evidence: tuple[FeatureEvidence, ...]
    rows: int
    accounts: int
    churned_accounts: int
    smallest_effect_points: float
    without_depth: dict[str, float] = field(default_factory=dict)
    at_renewal: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[FeatureEvidence, ...]:
        """The kept features, strongest lower bound first."""
        return tuple(row for row in self.evidence if row.verdict == Verdict.KEEP)


@dataclass(frozen=True)
class _Study:
    """Everything estimated, by feature in the catalogue's order; q is within each feature's own family."""

    design: Design
    adoption: tuple[Adoption, ...]
    totals: tuple[Effect, ...]
    directs: tuple[Effect, ...]
    raws: tuple[Effect, ...]
    intensities: Mapping[int, Effect]
    q: Floats
    stable: Stability
    correlation: Floats


def rank_features(
    observations: Observations,
    outcomes: Outcomes,
    settings: Settings,
    importances: ModelImportance | None = None,
    progress: Progress = lambda text: None,
) -> Ranking:
    """Rank every feature of the catalogue by its evidence.

    importances: from `models.model_importance`; None leaves the naive view out (naive_rank 0).
    Rows count when their outcome is known and the account is old enough.
    Order: kept features by lower bound; then niche_watch, ubiquitous_intensity, inconclusive, proxy, confounded,
    not_separable, harmful, no_effect, ubiquitous, niche, too_new, each by lower bound.
    Raises NotEnoughData with the counts and the smallest effect such data could show.
    """
    used, found = ranked_rows(observations, outcomes, settings)
    require_enough(used, found, settings)
    with one_thread():
        design = make_design(used, found)
        progress(
            f"ranking: {len(design.codes):,} rows, {design.accounts:,} accounts, {design.churned_accounts:,} churned"
        )
        study = _study(used, design, settings)
    evidence = _ordered(_evidence(used, study, settings, importances.measures if importances else {}))
    kept = [row.feature for row in evidence if row.verdict == Verdict.KEEP]
    progress(f"ranking: {len(kept)} of {len(evidence)} features kept")
    with one_thread():
        without, renewal = _beside(used, design, kept)
    return Ranking(
        evidence, len(design.codes), design.accounts, design.churned_accounts, smallest_effect(design),
        without, renewal, _notes(used, design, renewal),
    )  # fmt: skip


def kept_features(observations: Observations, design: Design, settings: Settings) -> dict[str, float]:
    """Feature -> lower bound of the features that would be kept: the ranking without everything that is only shown."""
    adoption = adoption_table(observations, settings.adoption)
    inside = _standing(adoption, Standing.INSIDE)
    adopted, eligible = observations.adopted, available(observations)
    totals = total_effects(design, adopted, eligible, wanted=np.flatnonzero(inside).tolist())
    q = q_values(np.array([effect.p for effect in totals]))
    drawn = stability(totals, inside, settings.ranking.top_k, settings.ranking.bootstraps, settings.project.seed)
    good = (q <= settings.ranking.max_q) & (drawn.same_sign >= settings.ranking.min_same_sign)
    return {
        adoption[column].feature: totals[column].low for column in np.flatnonzero(good) if totals[column].low > 0
    }  # fmt: skip


def smallest_effect(design: Design) -> float:
    """The effect in points found in 80 of 100 studies when half of the accounts adopt (two-sided 5 %)."""
    chance = design.base.chance
    weight = chance * (1 - chance)
    repeats = overlap(chance - design.churned, weight, design.codes)
    return _detectable(float(weight.sum()), len(weight), repeats)


def _detectable(variance_sum: float, rows: int, repeats: float) -> float:
    """2.8 standard errors of the difference of two halves: 2.8 · sqrt(4 · overlap · mean p(1-p) / rows), in points."""
    return float(100 * 2.8 * np.sqrt(4 * repeats * variance_sum) / rows) if rows else float("nan")


def require_enough(observations: Observations, outcomes: Outcomes, settings: Settings) -> None:
    accounts = observations.context[ACCOUNT].to_numpy()
    codes, count = account_codes(accounts) if len(accounts) else (np.zeros(0, dtype=np.intp), 0)
    gone = outcomes.churned == 1
    churned, rows = len(np.unique(codes[gone])), len(accounts)
    least, least_rows = settings.training.min_churned, settings.training.min_rows
    if churned >= least and rows >= least_rows and not gone.all():
        return
    share = float(gone.mean()) if rows else 0.0
    repeats = float(gone.sum()) / max(churned, 1)
    points = _detectable(rows * share * (1 - share), rows, max(repeats, 1.0))
    effect = f"; smallest effect such data could show: {points:.1f} points" if np.isfinite(points) and points else ""
    raise NotEnoughData(
        f"{rows:,} rows of {count:,} accounts, {churned:,} of them churned{effect}",
        where="ranking",
        expected=f"at least {least_rows:,} rows, {least:,} churned accounts and some retained",
        fix="add earlier snapshots, or lengthen windows.outcome_days",
    )


def _study(observations: Observations, design: Design, settings: Settings) -> _Study:
    adoption = adoption_table(observations, settings.adoption)
    adopted, eligible = observations.adopted, available(observations)
    totals = total_effects(design, adopted, eligible)
    inside, niche = (_standing(adoption, standing) for standing in (Standing.INSIDE, Standing.NICHE))
    above = np.flatnonzero(_standing(adoption, Standing.UBIQUITOUS)).tolist()
    intensities = {column: _intensity(observations, design, column, settings.project.seed) for column in above}
    rules = settings.ranking
    return _Study(
        design, adoption, totals, direct_effects(design, adopted, eligible),
        raw_differences(design, adopted, eligible), intensities, _families(totals, inside, niche, intensities),
        stability(totals, inside, rules.top_k, rules.bootstraps, settings.project.seed), _correlation(adopted),
    )  # fmt: skip


def _families(totals: tuple[Effect, ...], inside: Flags, niche: Flags, intensities: Mapping[int, Effect]) -> Floats:
    """q within three families: inside the band, niche, and intensity of the ubiquitous; NaN for the rest."""
    p = np.array([effect.p for effect in totals])
    q = np.full(len(totals), np.nan)
    for members in (inside, niche):
        q[members] = q_values(p[members])
    above = list(intensities)
    q[above] = q_values(np.array([intensities[column].p for column in above]))
    return q


def _intensity(observations: Observations, design: Design, column: int, seed: int) -> Effect:
    """Much against little use per seat among users; each half of the accounts is cut at the other half's median."""
    users = observations.adopted[:, column] & available(observations)[:, column]
    seats = np.nan_to_num(observations.context["seats"].to_numpy(dtype=np.float64), nan=1.0)
    use = observations.counts[:, column] / np.maximum(seats, 1.0)
    half = (np.random.default_rng(seed).permutation(design.accounts) % 2)[design.codes]
    cuts = [np.median(use[users & (half == side)]) if (users & (half == side)).any() else np.nan for side in (0, 1)]
    much = use >= np.where(half == 0, cuts[1], cuts[0])
    return effect_of(design, much, users, design.alike(column)) if users.any() else unknown_effect(design.accounts)


def _correlation(adopted: Flags) -> Floats:
    """Correlation of adoption between features, float [features × features], 0 on the diagonal."""
    values = adopted.astype(np.float64)
    values -= values.mean(axis=0)
    length = np.sqrt((values**2).sum(axis=0))
    values /= np.where(length > 0, length, np.inf)
    correlation: Floats = values.T @ values
    np.fill_diagonal(correlation, 0.0)
    return correlation


def _evidence(
    observations: Observations, study: _Study, settings: Settings, importances: Mapping[str, Mapping[str, float]]
) -> list[FeatureEvidence]:
    names = [feature.name for feature in observations.features]
    naive = importances.get(NAIVE, {})
    order = sorted(naive, key=lambda name: -naive[name])
    places = {name: place for place, name in enumerate(order, start=1)}
    measures = [{measure: found.get(name, float("nan")) for measure, found in importances.items()} for name in names]
    return [
        _row(observations, study, settings, column, measures[column], places.get(name, 0))
        for column, name in enumerate(names)
    ]  # fmt: skip


def _row(
    observations: Observations,
    study: _Study,
    settings: Settings,
    column: int,
    importance: dict[str, float],
    naive_rank: int,
) -> FeatureEvidence:
    feature, adoption = observations.features[column], study.adoption[column]
    total, direct = study.totals[column], study.directs[column]
    judgement = judge(_case(observations, study, column), settings.ranking)
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
        raw_difference=study.raws[column].effect,
        direction=direction(total),
        eligible=adoption.eligible,
        adopted=adoption.adopted,
        adoption=adoption.rate,
        adoption_by_plan=adoption.by_plan,
        adoption_by_size=adoption.by_size,
        plan_share=adoption.plan_share,
        discount=adoption.discount,
        stability=float(study.stable.same_sign[column]),
        top_k=float(study.stable.top_k[column]),
        e_value=e_value(total.risk_ratio),
        verdict=judgement.verdict,
        hypothesis=hypothesis_verdict(feature.hypothesis, judgement.verdict),
        because=judgement.because,
    )


def _case(observations: Observations, study: _Study, column: int) -> Case:
    beside = study.correlation[column]
    nearest = int(np.argmax(beside))
    standing = study.adoption[column].standing
    return Case(
        adoption=study.adoption[column],
        total=study.totals[column],
        direct=study.directs[column],
        raw=study.raws[column],
        q=float(study.q[column]),
        same_sign=float(study.stable.same_sign[column]),
        intensity=study.intensities.get(column),
        nearest=observations.features[nearest].name if beside[nearest] > 0 else "",
        nearest_correlation=float(beside[nearest]),
        family=sum(other.standing == standing for other in study.adoption),
        churned_accounts=study.design.churned_accounts,
        accounts=study.design.accounts,
    )


def _ordered(rows: list[FeatureEvidence]) -> tuple[FeatureEvidence, ...]:
    def place(row: FeatureEvidence) -> tuple[int, float, str]:
        return _ORDER.index(row.verdict), -row.low if np.isfinite(row.low) else np.inf, row.feature

    return tuple(
        FeatureEvidence(**{**row.__dict__, "rank": rank})
        for rank, row in enumerate(sorted(rows, key=place), start=1)
    )  # fmt: skip


def _beside(
    observations: Observations, design: Design, kept: Iterable[str]
) -> tuple[dict[str, float], dict[str, float]]:
    """For kept features: the effect without adjusting for depth, and among rows at renewal."""
    position = {feature.name: column for column, feature in enumerate(observations.features)}
    adopted, eligible = observations.adopted, available(observations)
    without, renewal = {}, {}
    for name in kept:
        column = position[name]
        rows = eligible[:, column]
        without[name] = effect_of(design, adopted[:, column], rows, design.alike(column), depth=False).effect
        if design.at_renewal is not None:
            renewal[name] = effect_of(design, adopted[:, column], rows & design.at_renewal, design.alike(column)).effect
    return without, renewal


def _standing(adoption: tuple[Adoption, ...], standing: Standing) -> Flags:
    return np.array([row.standing == standing for row in adoption])


def _notes(observations: Observations, design: Design, renewal: Mapping[str, float]) -> tuple[str, ...]:
    notes = []
    if not observations.access_known:
        notes.append("No plan or access data: every account counts as eligible for every feature.")
    if design.at_renewal is None:
        notes.append("No term ends are known: effects are not adjusted for when a contract can end.")
    elif renewal:
        share = float(design.at_renewal.mean())
        notes.append(f"{100 * share:.0f} % of the rows have a term end in the outcome window; others cannot churn.")
    return tuple(notes)
