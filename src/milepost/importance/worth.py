"""What the adoption gap of a kept feature goes with in retained MRR: an association with its interval, no forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit

from milepost.adoption import available
from milepost.importance.evidence import FeatureEvidence
from milepost.signals.matrix import Observations
from milepost.terms import Verdict

Floats = NDArray[np.float64]
FURTHEST = 30.0  # log odds: beyond this nobody leaves, or everybody does


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
    The effect is a mean over accounts and comes from a logistic model, in which the same odds ratio means few points
    for an account that hardly ever leaves. So the odds ratio is taken that gives this mean over the accounts with
    access, and each account without the feature counts with its own points: never more than its expected loss.
    Features are taken one by one: the figures do not add up.
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
    gap, there = allowed & ~adopted, allowed & known
    counted = gap & known
    paid, lost = mrr[counted], risk[counted]
    worth, low, high = (
        float((lost - shifted(lost, _log_odds_ratio(points / 100, risk[there], adopted[there]))) @ paid)
        for points in (row.effect, row.low, row.high)
    )
    return GapWorth(
        row.feature, int(gap.sum()), int((gap & ~known).sum()), float(paid.sum()), float(lost @ paid),
        row.effect, worth, low, high,
    )  # fmt: skip


def _log_odds_ratio(effect: float, risk: Floats, adopted: NDArray[np.bool_]) -> float:
    """The log odds ratio of churn, of adopting, at which risks without and with it differ by `effect` in the mean.

    risk: as it is, with it for those that have adopted and without it for the others.
    """

    def missed(shift: float) -> float:
        without = np.where(adopted, shifted(risk, -shift), risk)
        having = np.where(adopted, risk, shifted(risk, shift))
        return float((without - having).mean()) - effect

    if not len(risk):
        return 0.0
    if missed(-FURTHEST) <= 0 or missed(FURTHEST) >= 0:  # more than these risks leave room for
        return -FURTHEST if effect > 0 else FURTHEST
    return float(brentq(missed, -FURTHEST, FURTHEST, xtol=1e-9))


def shifted(risk: Floats, shift: float) -> Floats:
    """The risk at odds times exp(shift), float like `risk`."""
    moved: Floats = expit(logit(risk) + shift)
    return moved
