"""From evidence to one verdict and one sentence per feature; the rules stand here and nowhere else.

The order, first match: too_new, ubiquitous(_intensity), niche(_watch), harmful, keep, confounded | proxy (one verdict
not_separable while there are too few accounts to tell them apart), no_effect, inconclusive.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from milepost.adoption import Adoption, Standing
from milepost.importance.comovement import TOGETHER
from milepost.importance.effect import Effect
from milepost.importance.words import RETENTION, Words
from milepost.settings import RankingSettings
from milepost.terms import Verdict

SMALLEST_EFFECT = 1.0  # points of retention under which a difference is called none, at most
_OF_THE_CHURN = 0.2  # or this share of the churn there is, where that is less
_TO_KEEP = 0.1  # of it that an effect must clearly exceed to be kept
POWER_Z = 0.8416  # 80 % power
ADJUSTED, ASSOCIATION = "adjusted", "association"
_PERCENT = 100.0


@dataclass(frozen=True)
class Case:
    """All that a verdict looks at, for one feature.

    q: false-discovery-adjusted within the feature's own family (inside the band, niche, or above it by intensity).
    intensity: the effect of much use for a ubiquitous feature, None for others. nearest: the feature whose adoption
    goes with this one most, nearest_correlation how much. bundle, leads_to, grade: as in FeatureEvidence. family: how
    many features were tested together. smallest: points under which a difference is called none.
    """

    adoption: Adoption
    total: Effect
    direct: Effect
    alone: Effect
    raw: Effect
    q: float
    same_sign: float
    intensity: Effect | None
    nearest: str
    nearest_correlation: float
    bundle: tuple[str, ...]
    leads_to: tuple[str, ...]
    grade: str
    family: int
    churned_accounts: int
    accounts: int
    smallest: float = SMALLEST_EFFECT
    words: Words = RETENTION


@dataclass(frozen=True)
class Judgement:
    """The verdict and its sentence."""

    verdict: Verdict
    because: str


def judge(case: Case, rules: RankingSettings) -> Judgement:
    """The first verdict that holds, with its figures in a sentence."""
    verdict = decide(case, rules)
    return Judgement(verdict, SENTENCES[verdict](case))


def decide(case: Case, rules: RankingSettings) -> Verdict:
    """The first verdict that holds."""
    outside = _outside_band(case, rules)
    if outside is not None:
        return outside
    total = case.total
    if case.q <= rules.max_q and total.high < 0:
        return Verdict.HARMFUL
    if is_kept(case, rules):
        return Verdict.KEEP
    if np.isnan(total.effect):
        return Verdict.INCONCLUSIVE
    gone = _gone(case)
    if gone is not None:
        return gone if case.accounts >= rules.separable_accounts else Verdict.NOT_SEPARABLE
    return Verdict.NO_EFFECT if total.high < case.smallest else Verdict.INCONCLUSIVE


def is_kept(case: Case, rules: RankingSettings) -> bool:
    """Significant after the correction, above zero, of one sign over accounts, and perhaps large enough to matter."""
    clear = case.q <= rules.max_q and case.total.low > 0 and case.same_sign >= rules.min_same_sign
    return bool(clear and case.total.high >= case.smallest)


def smallest_effect_of_interest(missed_share: float) -> float:
    """Points under which a difference is called none: one, or a fifth of what there is to win where that is less.

    With many accounts everything is significant, small biases too; where one in fifty churns, one point is half of it.

    >>> smallest_effect_of_interest(0.2), round(smallest_effect_of_interest(0.02), 3)
    (1.0, 0.4)
    """
    return min(SMALLEST_EFFECT, _PERCENT * _OF_THE_CHURN * min(missed_share, 1 - missed_share))


def least_to_keep(missed_share: float) -> float:
    """Points that an effect must clearly exceed to be kept or called harmful: a tenth of the smallest of interest.

    >>> round(least_to_keep(0.2), 3), round(least_to_keep(0.02), 3)
    (0.1, 0.04)
    """
    return _TO_KEEP * smallest_effect_of_interest(missed_share)


def grade(total: Effect, others: Sequence[Effect], together: float, control_failed: bool) -> str:
    """What an effect that passes may be called: "adjusted", or "association".

    An association it is when the negative control fails; when use of all else rises with the feature within accounts
    (`together`, see comovement); or when a factor no table shows, as strong as those that are adjusted for, would take
    the bound nearer to none away (Cinelli and Hazlett 2020). others: the effect without adjusting for depth, and
    beside the controls only.
    """
    nearer = total.low if total.effect > 0 else -total.high
    sign = 1.0 if total.effect > 0 else -1.0
    moved = max((sign * (other.effect - total.effect) for other in others), default=0.0)
    return ASSOCIATION if control_failed or together >= TOGETHER or nearer <= moved else ADJUSTED


def hypothesis_verdict(hypothesis: str, verdict: Verdict) -> str:
    """What the data say about a product manager's expectation: confirmed, contradicted or open ("" without one).

    mature: expected to mark the accounts that stay. basic: expected of everybody. none: expected to say nothing.
    """
    if not hypothesis:
        return ""
    silent = {Verdict.NO_EFFECT, Verdict.CONFOUNDED}
    confirms, contradicts = {
        "mature": ({Verdict.KEEP}, silent | {Verdict.HARMFUL}),
        "basic": (silent | {Verdict.UBIQUITOUS}, {Verdict.KEEP, Verdict.NICHE, Verdict.HARMFUL}),
        "none": (silent, {Verdict.KEEP, Verdict.HARMFUL}),
    }[hypothesis]
    return "confirmed" if verdict in confirms else "contradicted" if verdict in contradicts else "open"


def direction(effect: Effect) -> str:
    """helps, harms or unclear, by the 95 % interval."""
    return "helps" if effect.low > 0 else "harms" if effect.high < 0 else "unclear"


def churned_needed(case: Case) -> int:
    """Churned accounts with which 80 of 100 studies would settle it, at the estimate or one point, if that is more."""
    target = max(abs(case.total.effect), SMALLEST_EFFECT)
    z = float(norm.isf(0.025 / max(case.family, 1))) + POWER_Z
    return int(np.ceil(case.churned_accounts * (z * case.total.error / target) ** 2))


def figures(effect: Effect) -> str:
    """An effect with its interval: "+2.1 points (+0.9 to +3.3)"."""
    return f"{effect.effect:+.1f} points ({effect.low:+.1f} to {effect.high:+.1f})"


def probability(value: float) -> str:
    """A p or q with three decimals, "under 0.001" below that."""
    return "under 0.001" if value < 0.001 else f"{value:.3f}"


def percent(share: float) -> str:
    """0.314 -> "31 %"; a share that is not quite 0 or 1 keeps a decimal."""
    if np.isnan(share):
        return "unknown"
    whole = share in (0.0, 1.0) or 0.02 <= share <= 0.98
    return f"{_PERCENT * share:.0f} %" if whole else f"{_PERCENT * share:.1f} %"


def plain(value: float) -> str:
    """Three digits that count.

    >>> plain(1 / 6), plain(12.5), plain(1250.0)
    ('0.167', '12.5', '1,250')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _outside_band(case: Case, rules: RankingSettings) -> Verdict | None:
    standing = case.adoption.standing
    if standing == Standing.TOO_NEW:
        return Verdict.TOO_NEW
    if standing == Standing.UBIQUITOUS:
        strong = case.intensity is not None and case.q <= rules.max_q and case.intensity.low > 0
        return Verdict.UBIQUITOUS_INTENSITY if strong else Verdict.UBIQUITOUS
    if standing == Standing.NICHE:
        return Verdict.NICHE_WATCH if is_kept(case, rules) else Verdict.NICHE
    return None


def _gone(case: Case) -> Verdict | None:
    """Which adjustment took a clear association away, if one did: the other features, or the controls before them."""
    if case.total.low > 0:
        return None
    if case.alone.low > 0:
        return Verdict.PROXY
    return Verdict.CONFOUNDED if case.raw.low > 0 else None


def _too_new(case: Case) -> str:
    return (
        "Launched inside the observation window of the last snapshot: nobody had it for a whole window yet, so it is "
        "not tested and nothing is held against it."
    )


def _ubiquitous(case: Case) -> str:
    used = f"{percent(case.adoption.rate)} of those with access use it, so that adoption cannot tell accounts apart"
    if case.intensity is None or np.isnan(case.intensity.effect):
        return f"{used}."
    return f"{used}; much use against little: {figures(case.intensity)}, q {probability(case.q)}."


def _niche(case: Case) -> str:
    base = (
        f"{percent(case.adoption.rate)} of those with access use it ({case.adoption.adopted:,} accounts ever), "
        "under the adoption benchmark"
    )
    return base + (f"; effect among them {figures(case.total)}." if not np.isnan(case.total.effect) else ".")


def _keep(case: Case) -> str:
    return (
        f"{case.words.goal} differs by {figures(case.total)} at equal plan, size, tenure, depth and other features, "
        f"q {probability(case.q)}, same sign in {percent(case.same_sign)} of account draws{_kept_beside(case)}."
    )


def _kept_beside(case: Case) -> str:
    """What a reader has to know before acting on a kept feature."""
    found = ""
    if case.bundle:
        found += f"; one bundle with {_named(case.bundle)}: which of them it is cannot be told"
    if case.leads_to:
        found += f"; it leads to {_named(case.leads_to)}, {case.direct.effect:+.1f} without what it does through them"
    if case.grade == ASSOCIATION:
        found += "; an association only: something unmeasured could stand behind it"
    return found


def _named(features: tuple[str, ...], most: int = 3) -> str:
    more = f" and {len(features) - most} more" if len(features) > most else ""
    return ", ".join(f"'{name}'" for name in features[:most]) + more


def _harmful(case: Case) -> str:
    return (
        f"Adopters {case.words.less}: {figures(case.total)} at equal plan, size, tenure, depth and other features, "
        f"q {probability(case.q)}; an "
        "association that may follow trouble rather than lead to it."
    )


def _confounded(case: Case) -> str:
    return (
        f"Adopters {case.words.more} ({figures(case.raw)} raw), but at equal plan, size, tenure and depth "
        f"the difference is {figures(case.alone)}."
    )


def _proxy(case: Case) -> str:
    near = f", nearest '{case.nearest}' (correlation {case.nearest_correlation:.2f})" if case.nearest else ""
    return (
        f"{figures(case.alone)} at equal plan, size, tenure and depth, {figures(case.total)} beside the other features"
        f"{near}."
    )


def _not_separable(case: Case) -> str:
    return _proxy(case) if case.alone.low > 0 else _confounded(case)


def _no_effect(case: Case) -> str:
    return f"The difference is {figures(case.total)}: it helps by less than {case.smallest:.1f} points if at all."


def _inconclusive(case: Case) -> str:
    if np.isnan(case.total.effect):
        return f"Too few {case.words.event} accounts on one side of adoption to estimate a difference."
    return (
        f"{figures(case.total)}, q {case.q:.2f}: about {churned_needed(case):,} {case.words.event} accounts would "
        f"settle it, there are {case.churned_accounts:,}."
    )


SENTENCES: dict[Verdict, Callable[[Case], str]] = {
    Verdict.TOO_NEW: _too_new,
    Verdict.UBIQUITOUS: _ubiquitous,
    Verdict.UBIQUITOUS_INTENSITY: _ubiquitous,
    Verdict.NICHE: _niche,
    Verdict.NICHE_WATCH: _niche,
    Verdict.HARMFUL: _harmful,
    Verdict.KEEP: _keep,
    Verdict.CONFOUNDED: _confounded,
    Verdict.PROXY: _proxy,
    Verdict.NOT_SEPARABLE: _not_separable,
    Verdict.NO_EFFECT: _no_effect,
    Verdict.INCONCLUSIVE: _inconclusive,
}
