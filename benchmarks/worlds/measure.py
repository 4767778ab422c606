"""How right a list of features is, against the truth of its world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from worlds.observe import Seen

from milepost.importance.evidence import FeatureEvidence
from milepost.importance.ranking import Ranking
from milepost.terms import Verdict

TOP, FIRST = 15, 10
_OUTSIDE = {Verdict.UBIQUITOUS, Verdict.UBIQUITOUS_INTENSITY, Verdict.NICHE, Verdict.NICHE_WATCH, Verdict.TOO_NEW}


@dataclass(frozen=True)
class Judged:
    """Figures of one list in one world; None where the world or the list has nothing to judge.

    ndcg: nDCG at 15, gain the true total effect of relevant features; precision: relevant among the first 10; sign:
    share of the features inside the band with a true effect whose sign is right; seconds: CPU.
    Only for ours: kept, false (kept with a true effect of 0 or less), found (share of relevant that are kept),
    niche_found, niche_alarmed (share of real and of empty niche features on the watch list), ubiquitous (kept),
    coverage of the intervals of all features inside the band and of those with an effect; lowered: the negative
    control fails or every falsely kept feature is graded an association (None: nothing to lower); lowered_kept,
    lowered_false: share of kept, and of falsely kept, features that are; control_failed: the negative control fails.
    """

    ndcg: float | None
    precision: float | None
    sign: float | None
    seconds: float
    kept: int | None = None
    false: int | None = None
    found: float | None = None
    niche_found: float | None = None
    niche_alarmed: float | None = None
    ubiquitous: int | None = None
    coverage: float | None = None
    coverage_effects: float | None = None
    lowered: float | None = None
    lowered_kept: float | None = None
    lowered_false: float | None = None
    control_failed: float | None = None


def judge_list(values: Mapping[str, float], seen: Seen, seconds: float) -> Judged:
    """A measure of a peer: features by value, unknown ones last; its sign is that of the value."""
    order = sorted(values, key=lambda name: -_number(values[name]))
    signed = any(value < 0 for value in values.values())
    sign = _sign({name: value for name, value in values.items() if np.isfinite(value)}, seen) if signed else None
    return Judged(_ndcg(order, seen), _precision(order, seen), sign, seconds)


def judge_ranking(ranking: Ranking, seen: Seen, seconds: float) -> Judged:
    """Our ranking, with its verdicts and intervals."""
    order = [row.feature for row in ranking.evidence]
    inside = [row for row in ranking.evidence if row.verdict not in _OUTSIDE and np.isfinite(row.effect)]
    kept = [row for row in ranking.evidence if row.verdict == Verdict.KEEP]
    wrong = [row for row in kept if seen.effect[row.feature] <= 0]
    failed = ranking.control_failed
    niche = [name for name, share in seen.adoption.items() if share < 0.1]
    watched = {row.feature for row in ranking.evidence if row.verdict == Verdict.NICHE_WATCH}
    real = [name for name in niche if seen.effect[name] > 1.0]
    empty = [name for name in niche if seen.effect[name] <= 0]
    return Judged(
        ndcg=_ndcg(order, seen),
        precision=_precision(order, seen),
        sign=_sign({row.feature: row.effect for row in inside}, seen),
        seconds=seconds,
        kept=len(kept),
        false=len(wrong),
        found=_share([name in {row.feature for row in kept} for name in seen.relevant]),
        niche_found=_share([name in watched for name in real]),
        niche_alarmed=_share([name in watched for name in empty]),
        ubiquitous=sum(seen.adoption[row.feature] > 0.9 for row in kept),
        coverage=_coverage(inside, seen),
        coverage_effects=_coverage([row for row in inside if seen.effect[row.feature] != 0], seen),
        lowered=float(failed or all(row.grade == "association" for row in wrong)) if failed or wrong else None,
        lowered_kept=_share([row.grade == "association" for row in kept]),
        lowered_false=_share([row.grade == "association" for row in wrong]),
        control_failed=float(failed),
    )


def _ndcg(order: list[str], seen: Seen) -> float | None:
    gain = {name: seen.effect[name] if name in seen.relevant else 0.0 for name in order}
    discount = 1 / np.log2(np.arange(2, TOP + 2))
    best = sorted(gain.values(), reverse=True)[:TOP]
    ideal = float(np.dot(best, discount[: len(best)]))
    got = float(np.dot([gain[name] for name in order[:TOP]], discount[: len(order[:TOP])]))
    return got / ideal if ideal > 0 else None


def _precision(order: list[str], seen: Seen) -> float | None:
    """Relevant among the first ten, or among as many as are relevant where that is fewer."""
    first = min(FIRST, len(seen.relevant))
    return float(np.mean([name in seen.relevant for name in order[:first]])) if first else None


def _sign(values: Mapping[str, float], seen: Seen) -> float | None:
    judged = [
        np.sign(value) == np.sign(seen.effect[name])
        for name, value in values.items()
        if abs(seen.effect[name]) > 0.1 and 0.1 <= seen.adoption[name] <= 0.9
    ]
    return _share(judged)


def _coverage(rows: list[FeatureEvidence], seen: Seen) -> float | None:
    return _share([row.low <= seen.effect[row.feature] <= row.high for row in rows])


def _share(flags: list[bool]) -> float | None:
    return float(np.mean(flags)) if flags else None


def _number(value: float) -> float:
    return value if np.isfinite(value) else -np.inf
