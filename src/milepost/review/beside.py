"""What a review tells beside its verdicts: have inputs or scores moved, do score and revenue say the same.

None of it raises an alarm: accounts may look otherwise than they did while everything said about them still holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, ks_2samp

from milepost.review.drift import BINS, LARGE_SHIFT, Drift

Floats = NDArray[np.float64]
LEAST_ACCOUNTS = 50
_SURE = 0.01
_SHOWN = 3


class Told(StrEnum):
    """What is said of one of them."""

    AS_BEFORE = "as before"
    MOVED = "moved"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Beside:
    """One sentence: about `what` (inputs, scores, revenue), and `told`, in one word."""

    what: str
    told: Told
    text: str


def inputs(moved: Drift | None) -> Beside:
    """Signals that lie otherwise than in training: PSI beyond a large shift and beyond what chance gives so many."""
    if moved is None or not len(moved.signals):
        return Beside("inputs", Told.CANNOT_TELL, "Inputs: no model in use that says how they lay in training.")
    names = moved.drifted
    head = f"Inputs: {len(names):,} of {len(moved.signals):,} signals lie otherwise than in training"
    if not names:
        return Beside("inputs", Told.AS_BEFORE, f"{head}, by more than chance.")
    first = moved.signals[moved.signals["drifted"]].head(_SHOWN)
    most = ", ".join(f"{row.signal} (PSI {row.psi:.2f})" for row in first.itertuples())
    return Beside("inputs", Told.MOVED, f"{head}: {most}; train again where they matter.")


def scores(then: Floats, now: Floats) -> Beside:
    """Churn risks of all accounts at the last date learnt from and now: PSI over tenths, and Kolmogorov-Smirnov.

    Both have to say so: a small sample has a large PSI by chance, a large one a small p for trifles. Accounts that are
    in both make the test cautious.
    """
    if min(len(then), len(now)) < LEAST_ACCOUNTS:
        return Beside("scores", Told.CANNOT_TELL, f"Scores: fewer than {LEAST_ACCOUNTS} accounts then or now.")
    edges = np.unique(np.quantile(then, np.arange(1, BINS) / BINS))
    before, after = (_shares(part, edges) for part in (then, now))
    psi = float(np.sum((after - before) * np.log(after / before)))
    p = float(ks_2samp(then, now).pvalue)
    moved = psi > LARGE_SHIFT and p < _SURE
    medians = f"the middle risk was {np.median(then):.3f} then and is {np.median(now):.3f}"
    since = "they moved since" if moved else "as at"
    text = f"Scores: {since} the last date learnt from (PSI {psi:.2f}, p {p:.2g}); {medians}."
    return Beside("scores", Told.MOVED if moved else Told.AS_BEFORE, text)


def revenue(risk: Floats, before: Floats, after: Floats) -> Beside:
    """Risk at a date against what the accounts that stayed paid then and one outcome later, each [accounts].

    An account disagrees where it was in the third with the highest risk and pays more, or in the lowest and pays less.
    """
    known = np.isfinite(before) & np.isfinite(after) & (before > 0) & (after > 0)
    risk, change = risk[known], np.sign(after[known] - before[known])
    moved = int(np.count_nonzero(change))
    if moved < LEAST_ACCOUNTS:
        because = f"{moved:,} accounts that stayed pay another amount, {LEAST_ACCOUNTS} are needed"
        return Beside("revenue", Told.CANNOT_TELL, f"Score and revenue: cannot tell, {because}.")
    low, high = np.quantile(risk, [1 / 3, 2 / 3])
    most, least = risk > high, risk < low
    against = int(((most & (change > 0)) | (least & (change < 0))).sum())
    # as many as there would be if what accounts pay had nothing to do with their risk
    unrelated = float(most.mean() * (change > 0).mean() + least.mean() * (change < 0).mean())
    found = binomtest(against, len(risk)).proportion_ci(0.95, "wilson")
    many = found.low > unrelated
    text = (
        f"Score and revenue: {against / len(risk):.1%} ({found.low:.1%} to {found.high:.1%}) of {len(risk):,} accounts "
        f"that stayed pay more after a high risk or less after a low one; {unrelated:.1%} would if the two were "
        f"unrelated{': they disagree for many accounts' if many else ''}."
    )
    return Beside("revenue", Told.MOVED if many else Told.AS_BEFORE, text)


def _shares(values: Floats, edges: Floats) -> Floats:
    """Share of each bin; half an account stands in for an empty one."""
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    raised = np.maximum(counts / len(values), 0.5 / len(values))
    return np.asarray(raised / raised.sum())
