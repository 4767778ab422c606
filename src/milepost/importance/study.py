"""Everything that is estimated for a ranking, feature by feature; verdicts and sentences come after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from milepost.adoption import Adoption, Standing, adoption_table, available
from milepost.importance.comovement import moves_together
from milepost.importance.design import Design
from milepost.importance.effect import (
    Effect,
    effect_of,
    p_beyond,
    q_values,
    raw_differences,
    shifted,
    unknown_effect,
)
from milepost.importance.joint import Joint, beside_others, effects_beside, fit_joint
from milepost.importance.lean import Lean, common_lean, scatter_of_nothing
from milepost.importance.persistence import kept_up, persistence
from milepost.importance.relations import Relations, find_relations
from milepost.importance.stability import Stability, stability
from milepost.importance.verdicts import least_to_keep, smallest_effect_of_interest
from milepost.settings import RankingSettings, Settings
from milepost.signals.matrix import Observations

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Study:
    """Estimates by feature, in the catalogue's order.

    eligible: bool [rows × features], had access. totals: beside all features but those that follow (and twins that
    cannot be told apart), less the common lean where the negative control fails; directs: beside all others; alones:
    beside the controls only; raws: no adjustment. without_depth, at_renewal: total effects of the features that pass,
    not adjusted for depth, and over rows with a term end in the outcome window; together: for the same features, how
    much use of all else moves with them. intensities: much use against little, of ubiquitous features. q: within each
    feature's own family, of an effect beyond `least_to_keep`. persistence: float [features], how much of adoption lasts
    through the outcome window; all effects but the raw differences and the intensities are of adoption that is kept up.
    """

    design: Design
    eligible: Flags
    adoption: tuple[Adoption, ...]
    relations: Relations
    totals: tuple[Effect, ...]
    directs: tuple[Effect, ...]
    alones: tuple[Effect, ...]
    raws: tuple[Effect, ...]
    without_depth: Mapping[int, Effect]
    at_renewal: Mapping[int, Effect]
    together: Mapping[int, float]
    intensities: Mapping[int, Effect]
    q: Floats
    stable: Stability
    lean: Lean
    persistence: Floats


def study(observations: Observations, design: Design, settings: Settings) -> Study:
    """Estimate everything from one joint fit."""
    adoption = adoption_table(observations, settings.adoption)
    adopted, eligible = observations.adopted, available(observations)
    relations, joint = find_relations(observations), fit_joint(design, adopted, eligible)
    totals, left_out = _totals(design, joint, eligible, (relations, adoption, settings))
    totals_before = totals
    totals, lean = _less_lean(totals, adoption, settings)
    lasting = persistence(observations, eligible)
    totals = _kept_up(totals, lasting)
    inside, niche = (standing_is(adoption, standing) for standing in (Standing.INSIDE, Standing.NICHE))
    above = np.flatnonzero(standing_is(adoption, Standing.UBIQUITOUS)).tolist()
    intensities = {
        column: _intensity(observations, design, column, (eligible, settings.project.seed)) for column in above
    }
    q = _families(totals, inside, niche, intensities, least_to_keep(float(design.churned.mean())))
    rules = settings.ranking
    clear = np.flatnonzero(passing(totals, q, rules) & (inside | niche)).tolist()
    others = beside_others(joint, np.ones_like(relations.twins))
    return Study(
        design=design,
        eligible=eligible,
        adoption=adoption,
        relations=relations,
        totals=totals,
        directs=_kept_up(_directs(design, joint, eligible, (left_out, totals_before)), lasting),
        alones=_kept_up(effects_beside(design, joint, eligible, others), lasting),
        raws=raw_differences(design, adopted, eligible),
        without_depth=_without_depth(design, joint, eligible, left_out, (clear, lasting)),
        at_renewal=_at_renewal(design, joint, eligible, left_out, (clear, lasting)),
        together=moves_together(observations, clear),
        intensities=intensities,
        q=q,
        stable=stability(totals, inside, rules.top_k, rules.bootstraps, settings.project.seed),
        lean=lean,
        persistence=lasting,
    )


def kept_features(observations: Observations, design: Design, settings: Settings) -> dict[str, float]:
    """Feature -> lower bound of the features that would be kept: the ranking without everything that is only shown."""
    adoption = adoption_table(observations, settings.adoption)
    inside = standing_is(adoption, Standing.INSIDE)
    eligible = available(observations)
    joint = fit_joint(design, observations.adopted, eligible)
    totals, _ = _totals(design, joint, eligible, (find_relations(observations), adoption, settings))
    totals, _ = _less_lean(totals, adoption, settings)
    totals = _kept_up(totals, persistence(observations, eligible))
    churned = float(design.churned.mean())
    q = _families(totals, inside, np.zeros_like(inside), {}, least_to_keep(churned))
    drawn = stability(totals, inside, settings.ranking.top_k, settings.ranking.bootstraps, settings.project.seed)
    good = passing(totals, q, settings.ranking) & (drawn.same_sign >= settings.ranking.min_same_sign)
    least = smallest_effect_of_interest(churned)
    return {
        adoption[column].feature: totals[column].low
        for column in np.flatnonzero(good)
        if totals[column].low > 0 and totals[column].high >= least
    }


def passing(totals: tuple[Effect, ...], q: Floats, rules: RankingSettings) -> Flags:
    """bool [features]: significant after the correction, whichever way."""
    sided = np.array([effect.low > 0 or effect.high < 0 for effect in totals])
    return np.asarray((np.nan_to_num(q, nan=1.0) <= rules.max_q) & sided)


def standing_is(adoption: tuple[Adoption, ...], standing: Standing) -> Flags:
    """bool [features]: adoption stands there against the benchmark."""
    return np.array([row.standing == standing for row in adoption])


def _totals(
    design: Design, joint: Joint, eligible: Flags, given: tuple[Relations, tuple[Adoption, ...], Settings]
) -> tuple[tuple[Effect, ...], Flags]:
    """Total effects, and what each was not adjusted for [features × columns].

    Twins are adjusted for each other when one of them passes so; else none of the bundle is, and each shows what the
    bundle goes with.
    """
    relations, adoption, settings = given
    left_out = beside_others(joint, relations.followers)
    totals = effects_beside(design, joint, eligible, left_out)
    inside = standing_is(adoption, Standing.INSIDE)
    clear = passing(totals, q_values(np.where(inside, [effect.p for effect in totals], np.nan)), settings.ranking)
    twinned = relations.twins.any(axis=1)
    told = clear | (relations.twins & clear).any(axis=1)
    together = np.flatnonzero(twinned & ~told).tolist()
    if not together:
        return totals, left_out
    left_out[together] |= beside_others(joint, relations.twins)[together]
    found = effects_beside(design, joint, eligible, left_out, wanted=together)
    return tuple(found[place] if place in together else effect for place, effect in enumerate(totals)), left_out


def _directs(
    design: Design, joint: Joint, eligible: Flags, known: tuple[Flags, tuple[Effect, ...]]
) -> tuple[Effect, ...]:
    """Effects beside all other features; for most features those are the total effects, which are known already."""
    left_out, totals = known
    differ = np.flatnonzero(left_out.any(axis=1)).tolist()
    found = effects_beside(design, joint, eligible, np.zeros_like(left_out), differ)
    return tuple(found[place] if place in differ else effect for place, effect in enumerate(totals))


def _less_lean(
    totals: tuple[Effect, ...], adoption: tuple[Adoption, ...], settings: Settings
) -> tuple[tuple[Effect, ...], Lean]:
    """Total effects less what features share that are neither kept nor harmful, when they clearly share something.

    Their intervals grow by what effects of nothing scatter beyond chance.
    """
    inside = standing_is(adoption, Standing.INSIDE)
    p = np.where(inside, [effect.p for effect in totals], np.nan)
    pool = inside & ~passing(totals, q_values(p), settings.ranking)
    lean = common_lean(totals, pool, settings.ranking.bootstraps, settings.project.seed)
    if np.isnan(lean.points):
        return totals, lean
    points, error = (lean.shift, lean.error) if lean.failed else (0.0, 0.0)
    scatter = scatter_of_nothing([effect for effect, used in zip(totals, inside, strict=True) if used], points)
    lean = replace(lean, scatter=scatter)
    if not lean.failed and not scatter:
        return totals, lean
    return tuple(shifted(effect, points, float(np.hypot(error, scatter))) for effect in totals), lean


def _kept_up(effects: Sequence[Effect], lasting: Floats) -> tuple[Effect, ...]:
    return tuple(kept_up(effect, share) for effect, share in zip(effects, lasting, strict=True))


def _families(
    totals: tuple[Effect, ...], inside: Flags, niche: Flags, intensities: Mapping[int, Effect], least: float
) -> Floats:
    """q of an effect beyond `least` points within three families: inside the band, niche, and intensity of the
    ubiquitous; NaN for the rest."""
    p = np.array([p_beyond(effect, least) for effect in totals])
    q = np.full(len(totals), np.nan)
    for members in (inside, niche):
        q[members] = q_values(p[members])
    above = list(intensities)
    q[above] = q_values(np.array([p_beyond(intensities[column], least) for column in above]))
    return q


def _without_depth(
    design: Design, joint: Joint, eligible: Flags, left_out: Flags, asked: tuple[list[int], Floats]
) -> dict[int, Effect]:
    """Total effects not adjusted for depth of use."""
    wanted, lasting = asked
    without = left_out.copy()
    controls = design.controls.shape[1]
    without[:, controls - design.depth_columns : controls] = True
    found = _kept_up(effects_beside(design, joint, eligible, without, wanted), lasting)
    return {column: found[column] for column in wanted}


def _at_renewal(
    design: Design, joint: Joint, eligible: Flags, left_out: Flags, asked: tuple[list[int], Floats]
) -> dict[int, Effect]:
    """Total effects over the rows with a term end in the outcome window; empty where term ends are unknown."""
    if design.at_renewal is None:
        return {}
    wanted, lasting = asked
    found = _kept_up(effects_beside(design, joint, eligible & design.at_renewal[:, None], left_out, wanted), lasting)
    return {column: found[column] for column in wanted}


def _intensity(observations: Observations, design: Design, column: int, given: tuple[Flags, int]) -> Effect:
    """Much against little use per seat among users; each half of the accounts is cut at the other half's median."""
    eligible, seed = given
    users = observations.adopted[:, column] & eligible[:, column]
    seats = np.nan_to_num(observations.context["seats"].to_numpy(dtype=np.float64), nan=1.0)
    use = observations.counts[:, column] / np.maximum(seats, 1.0)
    half = (np.random.default_rng(seed).permutation(design.accounts) % 2)[design.codes]
    cuts = [np.median(use[users & (half == side)]) if (users & (half == side)).any() else np.nan for side in (0, 1)]
    much = use >= np.where(half == 0, cuts[1], cuts[0])
    return effect_of(design, much, users) if users.any() else unknown_effect(design.accounts)
