"""Has the adoption of a kept feature left the benchmark: then it no longer tells accounts apart."""

from __future__ import annotations

from collections.abc import Sequence

from scipy import stats

from milepost.adoption import available
from milepost.review.foresight import Claim
from milepost.settings import AdoptionSettings
from milepost.signals.matrix import Observations

LEAST_ACCOUNTS = 50
MARGIN = 0.20  # of the edge: a feature at the edge moves across it by itself


def band_claims(kept: Sequence[str], current: Observations, band: AdoptionSettings) -> list[Claim]:
    """Adoption among the accounts with access at the last snapshot, tested against edges a fifth wider.

    Features with too few accounts are left out: the ranking says nothing of them either.
    """
    names, eligible = [feature.name for feature in current.features], available(current)
    low, high = band.low * (1 - MARGIN), 1 - (1 - band.high) * (1 - MARGIN)
    found = []
    for name in kept:
        place = names.index(name)
        rows = eligible[:, place]
        count, used = int(rows.sum()), int(current.adopted[rows, place].sum())
        if count < LEAST_ACCOUNTS:
            continue
        # one side of the two can be left at a time
        p = min(float(stats.binom.cdf(used, count, low)), float(stats.binom.sf(used - 1, count, high)))
        because = (
            f"{used / count:.0%} of {count:,} accounts with access use it; the benchmark is {band.low:.0%} to "
            f"{band.high:.0%}"
        )
        found.append(Claim("adoption", name, min(2 * p, 1.0), False, True, because, "rank again: milepost rank"))
    return found
