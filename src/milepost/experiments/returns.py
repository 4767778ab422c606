"""What an arm costs and brings: value less costs per account, with an interval."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np
import pandas as pd

from milepost.experiments.estimates import Estimate, Floats, mean
from milepost.experiments.measures import Values
from milepost.experiments.plan import Plan


@dataclass(frozen=True)
class Return:
    """Per account, arm less control: `value`, `cost` and `net` = value - cost, each with an interval."""

    arm: str
    metric: str
    value: Estimate
    cost: Estimate
    net: Estimate


def returns_of(
    plan: Plan, units: pd.DataFrame, values: Mapping[str, Values], matured: Set[str], alpha: float
) -> tuple[Return, ...]:
    """One per arm beside the control; empty without costs in the plan or before what they buy has matured."""
    costs = plan.costs
    if not costs.value or {costs.value, *filter(None, (costs.unit,))} - set(matured):
        return ()
    arm = units["arm"].to_numpy()
    worth = np.nan_to_num(values[costs.value].value)
    paid = _cost(plan, arm, values)
    control = arm == plan.control.name
    found = []
    for other in plan.treated:
        treated = arm == other.name
        parts = [mean(amount[control], amount[treated], alpha) for amount in (worth, paid, worth - paid)]
        found.append(Return(other.name, costs.value, *parts))
    return tuple(found)


def _cost(plan: Plan, arm: np.ndarray, values: Mapping[str, Values]) -> Floats:
    """Cost of each account: a fixed one by arm, and one for every unit it took."""
    fixed = pd.Series(arm).map(lambda name: plan.costs.per_account.get(name, 0.0)).to_numpy(dtype=float)
    if not plan.costs.unit:
        return np.asarray(fixed)
    each = pd.Series(arm).map(lambda name: plan.costs.per_unit.get(name, 0.0)).to_numpy(dtype=float)
    return np.asarray(fixed + each * np.nan_to_num(values[plan.costs.unit].value))
