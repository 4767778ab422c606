"""Who gets which arm: a salted hash of the account, so that the same account always gets the same answer.

Two independent hashes: one decides whether an account enters (or is held out), the other its arm. Nothing about the
account matters, and accounts that sign up later are assigned by the same rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from milepost.errors import PlanError
from milepost.experiments.estimates import Floats
from milepost.experiments.plan import Plan
from milepost.windows import midnight

LOG = ["account_id", "arm", "enrolled_at", "assigned_at", "plan"]
HOLDOUT = "holdout"
_BITS = 53  # of a hash that a float holds exactly


def places(accounts: Sequence[str], salt: str) -> Floats:
    """A number in [0, 1) per account, from sha256 of the salt and its id.

    >>> places(["a1", "a2"], "help-2024").round(4).tolist() == places(["a1", "a2"], "help-2024").round(4).tolist()
    True
    """
    prefix = hashlib.sha256(f"{salt}\x1f".encode())

    def number(account: str) -> int:
        digest = prefix.copy()
        digest.update(account.encode("utf-8", "surrogatepass"))
        return int.from_bytes(digest.digest()[:8]) >> (64 - _BITS)

    return np.fromiter(map(number, accounts), dtype=np.float64, count=len(accounts)) / 2.0**_BITS


def arms_of(accounts: Sequence[str], plan: Plan) -> np.ndarray:
    """The arm of every account: object [accounts]; "holdout" for those held out, "" for those that do not enter."""
    names, weights = list(plan.weights), np.array(list(plan.weights.values()))
    edges = np.cumsum(weights / weights.sum())
    arm = np.array(names, dtype=object)[np.searchsorted(edges[:-1], places(accounts, f"{plan.salt}/arm"), side="right")]
    enters = places(accounts, f"{plan.salt}/enrol")
    inside = enters < plan.enrolment.share
    held = enters >= 1 - plan.enrolment.holdout
    return np.where(inside, arm, np.where(held, HOLDOUT, ""))


def eligible(accounts: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Accounts that may enter, with enrolled_at; accounts: account_id, enrolled_at and their attributes.

    Raises PlanError for an attribute that accounts do not have.
    """
    inside = (accounts["enrolled_at"] >= midnight(plan.enrolment.start)) & (
        accounts["enrolled_at"] < midnight(plan.enrolment.end)
    )
    return accounts[inside & matches(accounts, plan)].sort_values("account_id").reset_index(drop=True)


def matches(accounts: pd.DataFrame, plan: Plan) -> pd.Series:
    """Which accounts have the attributes the plan asks for, whenever they enrol. Raises PlanError for unknown ones."""
    found = pd.Series(True, index=accounts.index)
    for attribute, values in plan.eligibility.where.items():
        if attribute not in accounts:
            raise PlanError(f"accounts have no attribute '{attribute}'", where="eligibility.where",
                            fix="list it under tables.accounts.immutable")  # fmt: skip
        found &= accounts[attribute].isin(values)
    return found


def extend(log: pd.DataFrame, accounts: pd.DataFrame, plan: Plan, now: datetime, plan_hash: str) -> pd.DataFrame:
    """The log with the accounts that are not in it yet; what stands in it is never changed.

    accounts: account_id, enrolled_at, those that are eligible; log: columns LOG. `now`: when they were assigned.
    """
    known = set(log["account_id"])
    new = accounts[~accounts["account_id"].isin(known)].drop_duplicates("account_id")
    arm = arms_of(new["account_id"].astype(str).tolist(), plan)
    added = pd.DataFrame({
        "account_id": new["account_id"].to_numpy(), "arm": arm, "enrolled_at": new["enrolled_at"].to_numpy(),
        "assigned_at": pd.Timestamp(now), "plan": plan_hash[:12],
    })  # fmt: skip
    added = added[added["arm"] != ""]
    return added.reset_index(drop=True) if log.empty else pd.concat([log, added], ignore_index=True)
