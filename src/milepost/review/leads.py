"""Does each milestone still lead to the next: the odds of reaching it, before a date and since, as of staying."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milepost.importance.design import Design
from milepost.review.change import LEAST_CHURNED, LEAST_SIDE, Rows, changes
from milepost.review.foresight import Claim
from milepost.review.parts import times

Days = NDArray[np.int64]


@dataclass(frozen=True)
class Lead:
    """A milestone and the next one, over accounts or rows [n]: design, whose outcome is that the next was missed;
    reached, bool; begins, ends: the days (since 1970) between which the next one counts, what goes before is exposure.
    """

    milestone: str
    following: str
    design: Design
    reached: NDArray[np.bool_]
    begins: Days
    ends: Days

    def rows(self, since: int) -> tuple[Rows, NDArray[np.bool_]]:
        """Who could reach the next one before the day `since`, or from it on, and who had reached the first.

        Times that lie across the day are on neither side.
        """
        then, now = self.ends <= since, self.begins >= since
        kept = then | now
        design, late = self.design.take(kept), now[kept]
        # one level for all that came since: what their months have is in the controls
        days = np.where(late, 1, 0).astype(np.intp)
        return Rows(design.churned, design.codes, design.controls, days, late), self.reached[kept]


def lead_claim(lead: Lead, since: int) -> Claim:
    """Whether a milestone leads to the next as it did; broken where it no longer clearly does."""
    rows, reached = lead.rows(since)
    (change,) = changes(rows, reached[:, None].astype(np.float64))
    name = f"{lead.milestone} to {lead.following}"
    todo = f"look at who reaches {lead.milestone} now; 'milepost derive' looks for both anew"
    if not change.enough:
        with_it, without = change.accounts
        missed = min(rows.churned_accounts)
        because = (
            f"not enough data: since then {with_it} accounts with {lead.milestone} and {without} without, {LEAST_SIDE} "
            f"of each needed; {missed} missed {lead.following} on the smaller side, {LEAST_CHURNED} needed"
        )
        return Claim("leads", name, float("nan"), False, False, because, todo)
    because = (
        f"odds of {lead.following} with {lead.milestone} {times(change.now, change.now_low, change.now_high)}, before "
        f"{times(change.then, change.then_low, change.then_high)}"
    )
    if not change.was_clear:
        because += ": it was not clear before"
    return Claim("leads", name, change.p, not change.is_clear, change.is_clear, because, todo)
