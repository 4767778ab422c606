"""Every part of the framework that makes a claim about staying, as a state of rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from milepost.framework import Framework
from milepost.milestones.utilization import days_of, monthly
from milepost.pipeline.job import Job
from milepost.pipeline.milestones import held_by, states_at
from milepost.review.parts import State, category_states, feature_states
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT

_ONCE = {"setup": "setup_on", "activation": "activated_on"}
_HELD = {"utilization": "utilized"}


def states_of(job: Job, rows: Observations, framework: Framework) -> list[State]:
    """Milestones, areas, categories and features of the framework, as states of the rows."""
    held = states_at(job, rows, held_by(job, framework, rows))
    in_use = {
        "setup": framework.setup is not None and framework.setup.needed is not None,
        "activation": framework.activation is not None and framework.activation.count is not None,
        "utilization": framework.utilization is not None and framework.utilization.threshold is not None,
    }
    found = [
        State(name, name, name, np.asarray(held[column].notna(), dtype=np.float64))
        for name, column in _ONCE.items() if in_use[name]
    ]  # fmt: skip
    found += [
        State(name, name, name, np.asarray(pd.to_numeric(held[column], errors="coerce"), dtype=np.float64))
        for name, column in _HELD.items() if in_use[name]
    ]  # fmt: skip
    areas = area_states(job, rows, framework)
    return [*found, *areas, *category_states(rows, framework), *feature_states(rows, framework)]


def area_states(job: Job, rows: Observations, framework: Framework) -> Iterator[State]:
    """Every area with a threshold: at or above it in the month before the snapshot; unknown without its events."""
    for rule in framework.areas:
        if rule.threshold is None:
            continue
        values = np.full(len(rows.context), np.nan)
        if (counts := job.lives.areas.get(rule.area)) is not None:
            codes, days = job.lives.codes(rows.context[ACCOUNT]), days_of(rows.context[SNAPSHOT])
            values = monthly(job.lives, codes, days, rule.per, counts)
        reached = np.where(np.isnan(values), np.nan, values >= rule.threshold)
        yield State("area", rule.area, f"area {rule.area}", reached)
