"""From a ranking to a test: the evidence on one feature, graded, and a plan sized at what may be left of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from milepost.experiments.aipw import Association
from milepost.framework import quoted
from milepost.importance.comovement import TOGETHER

WORTH, ASSOCIATION, NOTHING = "worth a test", "association", "nothing shown"
LEAST_OVERLAP, MOST_IMBALANCE = 0.8, 0.1
_WEEK = 7


@dataclass(frozen=True)
class Standing:
    """What the ranking says of the feature: its verdict, q within the family of features, its grade ("" for none).

    together: correlation within accounts of taking it up with the use of everything else, the negative control: an
    outcome that the feature does not move, and that what stands behind both would (NaN: nobody takes it up).
    """

    verdict: str
    q: float
    grade: str
    together: float


@dataclass(frozen=True)
class Proposal:
    """The grade with its reasons, the effect a test should be sized for, and by how much it was shrunk.

    effect: share of accounts retained, expected between the arms; NaN where nothing is to be tested. uptake: the share
    of the accounts in the arm that take the feature up because of it.
    """

    feature: str
    association: Association
    standing: Standing
    grade: str
    because: tuple[str, ...]
    shrinkage: float
    uptake: float
    effect: float


def propose(feature: str, association: Association, standing: Standing, uptake: float) -> Proposal:
    """Grade the evidence and size a test at the shrunken lower bound, times the uptake that a nudge brings.

    The bound is shrunk by 1 - 1/z² (James and Stein): what looked best among many looked better than it is.
    """
    doubts = _doubts(association, standing)
    shown = association.known and association.low > 0
    grade = NOTHING if not shown else ASSOCIATION if doubts else WORTH
    shrinkage = _shrinkage(association)
    effect = association.low * shrinkage * uptake if shown else float("nan")
    reasons = doubts if shown else (_why_nothing(association), *doubts)
    return Proposal(feature, association, standing, grade, reasons, shrinkage, uptake, effect)


def _shrinkage(association: Association) -> float:
    half = (association.high - association.low) / 2
    if not association.known or half <= 0:
        return 0.0
    z = association.effect / (half / 1.96)
    return float(np.clip(1 - 1 / z**2, 0.0, 1.0)) if z else 0.0


def _doubts(association: Association, standing: Standing) -> tuple[str, ...]:
    """Why it is no more than an association; empty where nothing speaks against it but what no table shows."""
    doubts = []
    if np.isfinite(standing.together) and standing.together >= TOGETHER:
        doubts.append(
            f"the negative control fails: use of everything else rises with it within accounts (correlation "
            f"{standing.together:.2f}, {TOGETHER:g} allowed)"
        )
    elif standing.grade == ASSOCIATION:
        doubts.append("the ranking grades it an association: a factor like those adjusted for could explain it")
    if not np.isfinite(standing.q) or standing.q > 0.05:
        doubts.append(f"among all features tested it is not clear (q {standing.q:.2g})")
    if association.known and association.overlap < LEAST_OVERLAP:
        doubts.append(f"only {100 * association.overlap:.0f} % of the rows have a counterpart on the other side")
    if association.known and association.worst > MOST_IMBALANCE:
        doubts.append(f"users and others differ after weighting by up to {association.worst:.2f} standard deviations")
    return tuple(doubts)


def _why_nothing(association: Association) -> str:
    if not association.known:
        others, users = association.accounts
        return f"not enough data: {users:,} accounts use it and {others:,} do not, at least 50 with a counterpart asked"
    low, high = 100 * association.low, 100 * association.high
    return f"at equal controls retention differs by {100 * association.effect:+.1f} points ({low:+.1f} to {high:+.1f})"


@dataclass(frozen=True)
class Draft:
    """What a draft plan needs beside the proposal: the days of the outcome, the level, and the accounts there are."""

    start: date
    window_days: int
    baseline: float
    accounts: int
    event_names: Sequence[str]
    units: str


def draft(proposal: Proposal, wanted: Draft) -> str:
    """plan.toml for an encouragement of the accounts that have the feature and do not use it."""
    events = ", ".join(quoted(name) for name in wanted.event_names)
    name = name_of(proposal.feature)
    return f'''\
# A draft: {proposal.grade}. Sized at the lower bound of the association, shrunk to
# {100 * proposal.shrinkage:.0f} %, with {100 * proposal.uptake:.0f} % of the accounts taking the feature up because
# of the nudge. Change what you know better.
name = "{name}"
question = {quoted(f"Does bringing accounts to '{proposal.feature}' keep them?")}
salt = "{name}-{wanted.start}"
features = [{quoted(proposal.feature)}]

[enrolment]
start = {wanted.start}
end = {wanted.start + timedelta(days=_WEEK)}
units = {quoted(wanted.units)}
per_day = {wanted.accounts / _WEEK:.1f}

[exposure]
days = {wanted.window_days}

[[arm]]
name = "as_is"
control = true

[[arm]]
name = "nudged"
change = {quoted(f"bringing accounts to {proposal.feature}")}

[[metric]]
name = "retained"
label = "retention after {wanted.window_days} days"
role = "primary"
kind = "conversion"
measure = "running"
window_days = {wanted.window_days}
baseline = {wanted.baseline:.4f}
smallest_effect = {max(proposal.effect, 1e-4):.5f}

[[metric]]
name = "uptake"
label = {quoted(f"use of {proposal.feature}")}
role = "delivery"
kind = "conversion"
measure = "active"
events = [{events}]
expected = "higher"
window_days = 28

[[hypothesis]]
name = "keeps"
metric = "retained"
direction = "higher"
because = "users are retained more often by {100 * proposal.association.effect:.1f} points at equal controls"
'''


def name_of(feature: str) -> str:
    """A folder name for the draft of a feature.

    >>> name_of("CRM sync (beta)")
    'try-CRM-sync-beta'
    """
    kept = "".join(char if (char.isascii() and char.isalnum()) or char == "_" else " " for char in feature)
    return "try-" + "-".join(kept.split())[:50]
