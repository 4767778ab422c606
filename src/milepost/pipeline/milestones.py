"""Setup, activation and utilization of a job, found backwards from retention, and the journey by what is in use."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.data.publish import publish, spreadsheet_safe
from milepost.framework import ActivationRule, AreaRule, Framework, Rule, UtilizationRule
from milepost.maturity.levels import levels_for
from milepost.milestones import activation, setup, utilization
from milepost.milestones.activation import Goal, activated_on, find_activation
from milepost.milestones.definitions import Activation, AreaMetric, Evidence, Journey, Milestones, Setup, Utilization
from milepost.milestones.journey import Held, find_journey, states
from milepost.milestones.leads import from_activation, from_setup, from_utilization, table
from milepost.milestones.setup import find_setup, set_up_on
from milepost.milestones.staying import staying
from milepost.milestones.utilization import days_of, find_areas, find_utilization, monthly, rules_of, with_reach
from milepost.pipeline.job import Job
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, SNAPSHOT

Floats = NDArray[np.float64]

NO_METRIC = (
    "needs a value metric: a conversations table with resolved_at, or events under [milestones.value_metric], or "
    "value_events under [data]"
)
NO_VALUE = "needs value events: name them in value_events under [data]"
NO_STEPS = "needs setup steps: number them in setup_step of the catalogue"


def find_milestones(job: Job) -> Milestones:
    """What the data say, worked backwards; a part that lacks its data is named in `missing`."""
    job.progress("milestones: utilization, activation and setup, from retention backwards")
    missing: dict[str, str] = {}
    used = _utilization(job, missing)
    active = _activation(job, used, missing)
    steps = _setup(job, active, missing)
    return Milestones(used, active, steps, _areas(job), None, missing)


def _utilization(job: Job, missing: dict[str, str]) -> Utilization | None:
    if job.lives.metric is None:
        missing["utilization"] = NO_METRIC
        return None
    found = find_utilization(
        job.lives, job.observations.take(job.learnable), job.outcomes.take(job.learnable), job.settings
    )
    return with_reach(found, job.lives, job.current)


def _activation(job: Job, used: Utilization | None, missing: dict[str, str]) -> Activation | None:
    if job.lives.value is None:
        missing["activation"] = NO_VALUE
        return None
    goal = None if used is None or used.candidate is None else (used.candidate, used.per)
    rules = job.settings.milestones
    return find_activation(job.lives, goal, rules, rules_of(job.settings), job.settings.windows.outcome_days)


def _setup(job: Job, active: Activation | None, missing: dict[str, str]) -> Setup | None:
    if not job.lives.steps or active is None:
        missing["setup"] = NO_STEPS if not job.lives.steps else NO_VALUE
        return None
    settings = job.settings
    return find_setup(job.lives, _count_of(active), settings.milestones, settings.adoption, rules_of(settings))


def _count_of(active: Activation) -> int | None:
    return active.count if active.count is not None else active.candidate[0] if active.candidate else None


def _areas(job: Job) -> tuple[AreaMetric, ...]:
    rows, outcomes = job.observations.take(job.learnable), job.outcomes.take(job.learnable)
    return find_areas(job.lives, job.features, rows, outcomes, job.settings)


def evidence_in_use(job: Job, framework: Framework, rule: Rule) -> Evidence:
    """The evidence of a definition that a person set, measured on the later accounts or dates; unknown without one."""
    settings, rules = job.settings, rules_of(job.settings)
    learnt = job.observations.take(job.learnable), job.outcomes.take(job.learnable)
    if isinstance(rule, UtilizationRule | AreaRule):
        counts = job.lives.areas.get(rule.area) if isinstance(rule, AreaRule) else job.lives.metric
        if rule.threshold is None or counts is None:
            return Evidence()
        lives = replace(job.lives, metric=counts)
        return utilization.evidence_for(lives, *learnt, settings, (rule.threshold, rule.per))
    if job.lives.value is None:
        return Evidence()
    if isinstance(rule, ActivationRule):
        # more days than the landmark leaves would count what comes after it
        if rule.count is None or rule.days is None or rule.days > settings.milestones.landmark_days:
            return Evidence()
        given = rule.count, rule.days, settings.windows.outcome_days
        return activation.evidence_for(job.lives, goal_of(framework), settings.milestones, rules, given)
    late = rule.within_days >= settings.milestones.landmark_days
    if rule.needed is None or late or not set(rule.steps) <= set(job.lives.steps):
        return Evidence()
    count = framework.activation.count if framework.activation else None
    within = settings.milestones.model_copy(update={"setup_days": rule.within_days})
    return setup.evidence_for(job.lives, (rule.steps, rule.needed), count, within, rules)


def goal_of(framework: Framework) -> Goal | None:
    """The threshold of utilization in use, with its unit."""
    rule = framework.utilization
    return None if rule is None or rule.threshold is None else (rule.threshold, rule.per)


def find_journey_of(job: Job, framework: Framework) -> Journey:
    """Who has reached which milestone by the definitions in use, and whether each one leads to the next."""
    job.progress("milestones: the journey of every account")
    held = held_by(job, framework, job.observations)
    journey = find_journey(job.lives, job.observations, held, table(_leads(job, framework, held)))
    return replace(journey, staying=staying(job.lives, journey.states))


def held_by(job: Job, framework: Framework, rows: Observations) -> Held:
    """What each account holds at each row, by the framework."""
    lives, steps, active = job.lives, framework.setup, framework.activation
    known = steps is not None and steps.needed is not None and set(steps.steps) <= set(lives.steps)
    return Held(
        set_up_on(lives, steps.steps, steps.needed, steps.within_days) if known and steps and steps.needed else None,
        activated_on(lives, active.count, active.days) if active and active.count and active.days else None,
        _utilized(job, framework, rows),
        _mature(job, framework, rows),
        steps.within_days if steps else 0,
        active.days or 0 if active else 0,
    )


def _utilized(job: Job, framework: Framework, rows: Observations) -> Floats | None:
    goal = goal_of(framework)
    if goal is None or job.lives.metric is None:
        return None
    codes, days = job.lives.codes(rows.context[ACCOUNT]), days_of(rows.context[SNAPSHOT])
    values = monthly(job.lives, codes, days, goal[1])
    return np.where(np.isnan(values), np.nan, values >= goal[0])


def _mature(job: Job, framework: Framework, rows: Observations) -> Floats | None:
    needed = job.settings.maturity.mature_categories
    if sum(category.cut is not None for category in framework.categories) < needed:
        return None
    mature: Floats = (levels_for(rows, framework)["mature_categories"].to_numpy() >= needed).astype(np.float64)
    return mature


def _leads(job: Job, framework: Framework, held: Held) -> list[dict[str, object]]:
    rows, steps, active, goal = [], framework.setup, framework.activation, goal_of(framework)
    count, last = active.count if active else None, job.settings.milestones.landmark_days
    if held.set_up_on is not None and steps is not None and steps.needed and count and steps.within_days < last:
        given = steps.steps, steps.needed, steps.within_days
        rows.append(from_setup(job.lives, given, count, job.settings))
    if active is not None and count and active.days and active.days <= last and goal is not None:
        rows.append(from_activation(job.lives, count, active.days, goal, job.settings))
    if held.utilized is not None and held.mature is not None:
        learnt = job.observations, job.outcomes
        rows.append(from_utilization(job.lives, learnt, (held.utilized, held.mature), job.settings))
    return rows


def states_at(job: Job, rows: Observations, held: Held) -> pd.DataFrame:
    """The state of each row by what is held at it, in the rows' order."""
    return states(job.lives, rows, held)


def publish_milestones(job: Job, found: Milestones, steps: pd.DataFrame) -> Path:
    """Write the states over time, the funnel, times, groups and the evidence of next steps as one version; returns the
    states' path.
    """
    folder, journey = job.settings.output / "milestones", found.journey
    assert journey is not None

    def write(target: Path) -> None:
        journey.states.to_parquet(target / "states.parquet", index=False)
        steps.to_parquet(target / "next_steps.parquet", index=False)
        parts = {"states": journey.states, "funnel": journey.funnel, "cohorts": journey.cohorts,
                 "times": journey.times, "groups": journey.groups, "leads": journey.leads,
                 "next_steps": steps}  # fmt: skip
        if journey.staying is not None:
            parts["staying"] = journey.staying.table
        if found.setup is not None:
            parts["setup_steps"] = found.setup.table
        for name, frame in parts.items():
            spreadsheet_safe(frame).to_csv(target / f"{name}.csv", index=False)

    publish(folder, job.version, write)
    return folder / "states.parquet"


def milestones_json(found: Milestones) -> dict[str, object]:
    """The `milestones` part of the answer."""
    used, active, steps, journey = found.utilization, found.activation, found.setup, found.journey
    return {
        "utilization": None if used is None else {
            "metric": used.metric, "per": used.per, "threshold": used.threshold, "candidate": used.candidate,
            "because": used.because,
        },
        "activation": None if active is None else {
            "event": active.event, "count": active.count, "days": active.days, "candidate": active.candidate,
            "because": active.because,
        },
        "setup": None if steps is None else {
            "steps": list(steps.steps), "needed": steps.needed, "within_days": steps.within, "because": steps.because,
        },
        "areas": [{"area": area.area, "threshold": area.threshold, "because": area.because} for area in found.areas],
        "funnel": None if journey is None else journey.funnel.to_dict("records"),
        "missing": found.missing,
    }  # fmt: skip


def milestones_text(found: Milestones) -> str:
    """A line per milestone, and how far accounts have come."""
    parts = {"setup": found.setup, "activation": found.activation, "utilization": found.utilization}
    lines = [f"{name}: {part.because if part else found.missing.get(name, '')}" for name, part in parts.items()]
    lines += [f"area {area.area}: {area.because}" for area in found.areas]
    if found.journey is not None:
        lines.append(found.journey.because)
        lines += [str(text) for text in found.journey.leads["because"]]
    return "\n".join(textwrap.fill(line, 100, subsequent_indent="  ") for line in lines)
