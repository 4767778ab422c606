"""Who gets a person, by plan, region and whatever else accounts are grouped by: shares with their intervals.

A difference between groups is no finding of unfairness by itself: plans differ in MRR and regions in risk. The column
`expected_loss_share` stands beside it for that. What to look for is a group that is flagged as often as the others and
served less.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from milepost.routing.decide import Routing

COLUMNS = [
    "by", "group", "accounts", "flagged", "served", "flagged_share", "served_share", "low", "high",
    "served_of_flagged", "of_flagged_low", "of_flagged_high", "expected_loss_share",
]  # fmt: skip


def fairness(routing: Routing, groups: pd.DataFrame, expected_loss: pd.Series, least: int) -> pd.DataFrame:
    """COLUMNS, one row per grouping and group; 95 % intervals (Wilson) over accounts.

    groups: one column per grouping, a row per account; expected_loss: MRR. A group of fewer than `least` accounts has
    its counts and no shares; so have too few flagged accounts.
    """
    # an account in contact may have no flag any more; it had one
    facts = pd.DataFrame({
        "flagged": routing.raised.up.any(axis=1) | routing.served, "served": routing.served,
        "loss": expected_loss.fillna(0.0).to_numpy(dtype=float),
    })  # fmt: skip
    parts = [_by(str(name), groups[name], facts, least) for name in groups]
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def _by(name: str, group: pd.Series, facts: pd.DataFrame, least: int) -> pd.DataFrame:
    named = group.reset_index(drop=True).replace("", None).fillna("unknown").astype(str)
    found = facts.groupby(named.rename("group"), sort=True).agg(
        accounts=("served", "size"), flagged=("flagged", "sum"), served=("served", "sum"), loss=("loss", "sum")
    )
    found = found.reset_index()
    enough, flagged_enough = found["accounts"] >= least, found["flagged"] >= least
    low, high = _interval(found["served"], found["accounts"])
    of_low, of_high = _interval(found["served"], found["flagged"])
    total = found["loss"].sum()
    shares = {
        "flagged_share": found["flagged"] / found["accounts"], "served_share": found["served"] / found["accounts"],
        "low": low, "high": high, "expected_loss_share": found["loss"] / total if total else np.nan,
    }  # fmt: skip
    of_flagged = {
        "served_of_flagged": found["served"] / found["flagged"].clip(lower=1), "of_flagged_low": of_low,
        "of_flagged_high": of_high,
    }  # fmt: skip
    found = found.assign(by=name, **shares, **of_flagged)
    found[list(shares)] = found[list(shares)].where(enough)
    found[list(of_flagged)] = found[list(of_flagged)].where(flagged_enough)
    return found


def _interval(hits: pd.Series, of: pd.Series) -> tuple[pd.Series, pd.Series]:
    low, high = proportion_confint(hits, of.clip(lower=1), method="wilson")
    return low, high
