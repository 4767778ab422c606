"""What the adoption gap of a kept feature goes with in retained MRR: an association with its interval, no forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milepost.adoption import available
from milepost.importance.evidence import FeatureEvidence
from milepost.signals.matrix import Observations
from milepost.terms import Verdict

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GapWorth:
    """The gap of one kept feature among the accounts running at the scored date.

    accounts: those with access that have not adopted it; unknown: those of them whose MRR or churn risk is not known,
    and which count for nothing. mrr: what the others pay a month; expected_loss: risk × MRR over them. effect: points
    of retention. worth, low, high: the part of the expected loss that the effect, and the bounds of its interval by
    account, stand for over one outcome window.
    """

    feature: str
    accounts: int
    unknown: int
    mrr: float
    expected_loss: float
    effect: float
    worth: float
    low: float
    high: float


def gap_worth(evidence: tuple[FeatureEvidence, ...], running: Observations, risk: Floats) -> tuple[GapWorth, ...]:
    """One entry per kept feature, in the order of the ranking; none where no account has both MRR and risk.

    running: the rows of the scored date, one per account; risk: their churn risk 0..1, float [rows], NaN unknown.
    The effect is a mean over accounts; like a constant odds ratio, which it comes from, it falls on accounts in
    proportion to risk × (1 - risk), so that large accounts that hardly ever leave are not said to be worth much. No
    account counts with more than its own expected loss. Features are taken one by one: the figures do not add up.
    """
    columns = {feature.name: column for column, feature in enumerate(running.features)}
    kept = [row for row in evidence if row.verdict == Verdict.KEEP and row.feature in columns]
    mrr = running.context["mrr"].to_numpy(dtype=np.float64)
    known = np.isfinite(mrr) & np.isfinite(risk)
    if not kept or not known.any():
        return ()
    allowed = available(running)
    return tuple(
        _worth(row, (allowed[:, columns[row.feature]], running.adopted[:, columns[row.feature]]), known, (mrr, risk))
        for row in kept
    )


def _worth(
    row: FeatureEvidence,
    use: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    known: NDArray[np.bool_],
    amounts: tuple[Floats, Floats],
) -> GapWorth:
    allowed, adopted = use
    mrr, risk = amounts
    gap = allowed & ~adopted
    counted = gap & known
    spread = risk * (1 - risk)
    middle = float(spread[allowed & known].mean()) if (allowed & known).any() else 0.0
    share = spread[counted] / middle if middle else np.zeros(int(counted.sum()))
    paid, lost = mrr[counted], risk[counted]
    worth, low, high = (
        float(np.minimum(points / 100 * share, lost) @ paid) for points in (row.effect, row.low, row.high)
    )
    return GapWorth(
        row.feature, int(gap.sum()), int((gap & ~known).sum()), float(paid.sum()), float(lost @ paid),
        row.effect, worth, low, high,
    )  # fmt: skip
