"""Which milestones of a framework claim to lead to which, with the rows that can tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np

from milepost.framework import Framework
from milepost.importance.design import make_design
from milepost.milestones import activation, setup
from milepost.milestones.design import account_design
from milepost.milestones.leads import mature_later
from milepost.milestones.takeup import AFTER
from milepost.milestones.utilization import days_of
from milepost.pipeline.job import Job
from milepost.pipeline.milestones import goal_of, held_by
from milepost.review.foresight import Claim
from milepost.review.leads import Lead, lead_claim
from milepost.terms import SNAPSHOT


def lead_claims(job: Job, since: date, framework: Framework) -> list[Claim]:
    """One claim per milestone of the framework that has a next one in it."""
    day = int(np.datetime64(since, "D").astype(np.int64))
    return [lead_claim(lead, day) for lead in leads(job, framework)]


def leads(job: Job, framework: Framework) -> Iterator[Lead]:
    """The steps of the journey by the definitions in use, each seen from its landmark as `derive` sees it."""
    steps, active, goal = framework.setup, framework.activation, goal_of(framework)
    last, count = job.settings.milestones.landmark_days, active.count if active else None
    if job.lives.value is not None and active is not None and count:
        if steps is not None and steps.needed and steps.within_days < last and set(steps.steps) <= set(job.lives.steps):
            yield _from_setup(job, (steps.steps, steps.needed, steps.within_days), count)
        if active.days and active.days <= last and goal is not None and job.lives.metric is not None:
            yield _from_activation(job, (count, active.days), goal)
    if (found := _from_utilization(job, framework)) is not None:
        yield found


def _from_setup(job: Job, given: tuple[tuple[str, ...], int, int], count: int) -> Lead:
    (steps, needed, within), lives = given, job.lives
    rows = setup.judge(lives, count, job.settings.milestones.model_copy(update={"setup_days": within}))
    names = list(lives.steps)
    done = rows.done[:, [names.index(step) for step in steps]].sum(axis=1) >= needed
    begin = lives.created[rows.codes]
    ends = begin + job.settings.milestones.landmark_days
    return Lead("setup", "activation", account_design(lives, rows.codes, ~rows.activated), done, begin + within, ends)


def _from_activation(job: Job, given: tuple[int, int], goal: activation.Goal) -> Lead:
    (count, days), lives, rules = given, job.lives, job.settings.milestones
    assert lives.value is not None
    rows = activation.judge(lives, goal, rules, job.settings.windows.outcome_days)
    begin = lives.created[rows.codes]
    active = np.asarray(lives.value.between(rows.codes, begin, begin + days) >= count)
    design = account_design(lives, rows.codes, ~rows.utilized, activation.rates(lives, rows))
    return Lead("activation", "utilization", design, active, rows.landmark, rows.landmark + rules.later_days)


def _from_utilization(job: Job, framework: Framework) -> Lead | None:
    held = held_by(job, framework, job.observations)
    if held.utilized is None or held.mature is None:
        return None
    later = mature_later(job.lives, job.observations, held.mature)
    keep = ~np.isnan(held.utilized) & (held.mature == 0) & ~np.isnan(later)
    if keep.sum() < 2:
        return None
    rows = job.observations.take(keep)
    design = make_design(rows, job.outcomes.take(keep))
    design = replace(design, controls=design.without_depth, depth_columns=0, churned=1 - later[keep])
    day = days_of(rows.context[SNAPSHOT])
    return Lead("utilization", "maturity", design, held.utilized[keep] == 1, day, day + AFTER)
