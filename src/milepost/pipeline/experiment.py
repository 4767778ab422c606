"""`milepost experiment new | power | lock | assign | check`: everything before the answer."""

from __future__ import annotations

import textwrap
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from milepost.data.publish import lock as folder_lock
from milepost.data.publish import write_atomic
from milepost.errors import PlanError
from milepost.experiments import power
from milepost.experiments.analyze import Look
from milepost.experiments.assign import extend
from milepost.experiments.check import Checked, two_arms
from milepost.experiments.estimates import NAN
from milepost.experiments.measures import measure
from milepost.experiments.plan import Metric, Plan, fingerprint, read
from milepost.experiments.words import amount, level
from milepost.pipeline import experiment_data as data
from milepost.pipeline.experiment_files import PLAN, Folder
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, shown, table
from milepost.pipeline.track import git_commit

WIDTH = 100
_HISTORY_DAYS = 180
_SIZED = ("primary", "secondary", "guardrail", "long_run")
TEMPLATE = """\
# A plan is decided before the first account enters: 'milepost experiment lock {name}' keeps its hash, and an edited
# plan is refused when the experiment is analysed. docs/experiments.md says what every key means.
name = "{name}"
question = "Does … do anything for new accounts?"
salt = "{name}-{year}"

[eligibility.where]  # attribute of accounts = [values that may enter]; leave it empty for every account

[enrolment]
start = {start}
end = {end}  # accounts created in [start, end) enter
share = 1.0
holdout = 0.0

[exposure]
days = 28

[[arm]]
name = "as_is"
control = true

[[arm]]
name = "changed"
change = "the change"  # begins a sentence: "the change raised activation ..."

[[metric]]
name = "paid_day_28"
label = "paid conversion by day 28"
role = "primary"  # primary, secondary, guardrail, long_run, delivery, exploratory
kind = "conversion"  # conversion, mean, count, ratio, time_to_event, quantile
measure = "paid"
window_days = 28
smallest_effect = 0.03  # the least that is worth acting on, in shares

[[metric]]
name = "paid_day_90"
label = "paid conversion by day 90"
role = "long_run"
kind = "conversion"
measure = "paid"
window_days = 90
smallest_effect = 0.03

[[hypothesis]]
name = "early"
metric = "paid_day_28"
direction = "higher"
because = "say why"

[[hypothesis]]
name = "late"
metric = "paid_day_90"
direction = "higher"

[analysis]
alpha = 0.05
power = 0.8
looks = 1  # 4: group-sequential, may stop early; asks for enrolment.planned_accounts

[decision]
by = ["paid_day_28"]
"""


def folder_of(job: Job, name: str) -> Folder:
    """The experiment of that name. Raises PlanError for a name that is no folder name."""
    if not name or Path(name).name != name or name.startswith("."):
        raise PlanError(f"'{name}' is no name of an experiment", where="NAME", expected="letters, digits, _ and -")
    return Folder(job.settings.experiments, name)


def new_experiment(job: Job, name: str, text: str = "") -> Result:
    """Write a plan to fill in. Raises PlanError when there is one."""
    folder = folder_of(job, name)
    start = job.now.date() + timedelta(days=7)
    text = text or TEMPLATE.format(name=name, year=start.year, start=start, end=start + timedelta(days=28))
    read(text, folder.where)
    path = folder.path / PLAN
    if path.exists():
        raise PlanError("there is a plan already", where=folder.where, fix="choose another name")
    write_atomic(path, lambda target: target.write_text(text, encoding="utf-8"))
    return Result(
        {"plan": str(path)},
        f"wrote {shown(path)}: fill it in, then run\n  milepost experiment power {name}\n"
        f"  milepost experiment lock {name}",
    )


def size_experiment(job: Job, name: str) -> Result:
    """Accounts, smallest detectable effect and days of every metric; the gate: an underpowered primary one."""
    folder = folder_of(job, name)
    plan = folder.plan
    data.check_plan(job, plan)
    sizes, per_day = sizings(job, plan)
    gate = underpowered(plan, sizes)
    because = plan.analysis.underpowered_because
    said = [f"{plan.name}: {per_day:.1f} eligible accounts a day, {plan.enrolment.days} days of enrolment, "
            f"{sizes[0].available:,.0f} accounts in the smaller arm"
            + (f", {plan.analysis.looks} looks" if plan.analysis.looks > 1 else "")]  # fmt: skip
    rows = [_size_row(plan.metric_named(size.metric), size) for size in sizes]
    header = ["metric", "role", "level", "effect", "needed per arm", "detectable", "days", "enough"]
    notes = [textwrap.fill(f"accepted because {because}", WIDTH)] if gate and because else []
    text = "\n".join([*(textwrap.fill(line, WIDTH) for line in said), "", table(header, rows), *notes])
    answer = {"per_day": per_day, "sizes": [vars(size) | {"enough": size.enough} for size in sizes]}
    return Result(answer, text, "" if because else gate)


def sizings(job: Job, plan: Plan) -> tuple[list[power.Sizing], float]:
    """The sizing of every metric that is judged, and eligible accounts a day.

    Raises PlanError where a level is neither in the plan nor to be measured on accounts of before.
    """
    history = data.of_before(job, plan, _HISTORY_DAYS)
    recent = data.of_before(job, plan, 90)
    per_day = plan.enrolment.per_day or len(recent) / 90
    weights = np.array(list(plan.weights.values()))
    smaller = float(weights.min() / weights.sum())
    ratio = float(max(weights) / min(weights))
    entering = per_day * plan.enrolment.share
    available = entering * plan.enrolment.days * smaller
    design = power.Design(plan.analysis.alpha, plan.analysis.power, plan.analysis.looks, ratio, entering, available,
                          smaller)  # fmt: skip
    judged = [metric for metric in plan.metric if metric.role in _SIZED]
    return [_sizing(job, metric, history, design) for metric in judged], per_day


def _sizing(job: Job, metric: Metric, history: pd.DataFrame, design: power.Design) -> power.Sizing:
    baseline, spread = _level(job, metric, history)
    effect = metric.smallest_effect or metric.margin
    up = effect if metric.better == "higher" else -effect
    # an effect that no share can reach is looked at from the other side
    if metric.is_share and not 0 <= baseline + up <= 1:
        up = -up
    return power.size((metric.name, metric.role), metric.is_share, (baseline, spread), up, metric.window_days, design)


def _level(job: Job, metric: Metric, history: pd.DataFrame) -> tuple[float, float]:
    """Level and spread of one account: the plan's, or measured on accounts of before whose window was over."""
    if metric.baseline is not None and (metric.is_share or metric.spread is not None):
        return metric.baseline, metric.spread or NAN
    ripe = history[data.is_ripe(history, metric.window_days, job.as_of)]
    values = measure(job.tables, ripe, metric) if len(ripe) else None
    known = np.zeros(0) if values is None else values.value[~values.missing]
    if len(known) < 30:
        raise PlanError(
            f"metric '{metric.name}': {len(known)} accounts of before to take its level from", where="plan.toml",
            fix="give it a baseline" + ("" if metric.is_share else " and a spread"),
        )  # fmt: skip
    assert values is not None  # some are known
    if values.happened is not None:
        return float(values.happened.mean()), NAN
    if values.below is not None:
        whole = values.value.sum() / max(values.below.sum(), 1e-12)
        residual = (values.value - whole * values.below) / max(values.below.mean(), 1e-12)
        return float(whole), float(residual.std(ddof=1))
    # a quantile's error is that of a mean times about 1.25 for a bell, less for a peak: sized as a mean
    return float(known.mean()), float(known.std(ddof=1))


def underpowered(plan: Plan, sizes: list[power.Sizing]) -> str:
    """Why the gate says no: a primary metric with too few accounts; "" when there are enough."""
    small = [size for size in sizes if size.role == "primary" and not size.enough]
    if not small:
        return ""
    size, metric = small[0], plan.metric_named(small[0].metric)
    return (
        f"'{metric.name}' is underpowered: {size.available:,.0f} accounts per arm, {size.needed:,.0f} needed to see "
        f"{amount(metric, size.effect)}; enrol longer, or say why in analysis.underpowered_because"
    )


def _size_row(metric: Metric, size: power.Sizing) -> list[str]:
    return [
        metric.name, metric.role, level(metric, size.baseline), amount(metric, size.effect),
        f"{size.needed:,.0f}" if size.needed < power.MOST else "no effect given",
        amount(metric, size.detectable) if np.isfinite(size.detectable) else "none",
        f"{size.days:,.0f}" if size.days < 36_600 else "never", "yes" if size.enough else "no",
    ]  # fmt: skip


def lock_experiment(job: Job, name: str) -> Result:
    """Keep the plan's hash, the time and the commit. Refused: an underpowered primary metric nobody accounts for."""
    folder = folder_of(job, name)
    plan = folder.plan
    data.check_plan(job, plan)
    gate = underpowered(plan, sizings(job, plan)[0])
    if gate and not plan.analysis.underpowered_because:
        raise PlanError(gate, where=folder.where)
    with folder_lock(folder.path):
        folder.write_lock(job.now, git_commit(job.settings.folder))
    found = folder.lock or {}
    commit = found.get("git_commit") or "none: this folder is not under version control"
    return Result(dict(found), f"locked {folder.where}: sha256 {found['sha256'][:12]}…, commit {commit[:50]}")


def assign_accounts(job: Job, name: str) -> Result:
    """Assign the accounts that may enter and are not in the log yet. Raises PlanError when one has two arms."""
    folder = folder_of(job, name)
    plan = folder.locked()
    data.check_plan(job, plan)
    with folder_lock(folder.path):
        log = folder.arms
        if faults := two_arms(log):
            raise PlanError(faults[0].what, where="assignments.parquet", fix=faults[0].what_to_do)
        whole = extend(log, data.may_enter(job, plan), plan, job.now, fingerprint(folder.text))
        if len(whole) > len(log):
            folder.write_arms(whole)
    counts = whole["arm"].value_counts()
    said = ", ".join(f"{arm} {count:,}" for arm, count in counts.sort_index().items())
    added = len(whole) - len(log)
    answer: dict[str, Any] = {"new": added, "accounts": {str(arm): int(n) for arm, n in counts.items()}}
    return Result(answer, f"{added:,} accounts assigned, {len(whole):,} in all: {said or 'none'}\n"
                          f"log: {shown(folder.path / 'assignments.csv')}")  # fmt: skip


def check_experiment(job: Job, name: str) -> Result:
    """Whether the data can be believed; the gate says no to a fault that makes every result INVALID."""
    folder = folder_of(job, name)
    plan = folder.locked()
    data.check_plan(job, plan)
    log = folder.arms
    units = data.units_of(job, plan, log)
    whole = Look(1, 1, 1.0, plan.analysis.alpha)
    found = data.checked(job, plan, log, units, data.outcomes(job, plan, units, job.as_of, whole))
    return Result(checked_json(found), checked_text(plan, found), "; ".join(f.what for f in found.invalid))


def checked_json(found: Checked) -> dict[str, Any]:
    """The checks for machines."""
    return {
        "accounts": dict(found.accounts), "sample_ratio": vars(found.ratios[0]),
        "balance": [vars(one) for one in found.balance], "missing": {k: dict(v) for k, v in found.missing.items()},
        "faults": [vars(fault) for fault in found.faults],
    }  # fmt: skip


def checked_text(plan: Plan, found: Checked) -> str:
    """The checks for people."""
    whole = found.ratios[0]
    arms = ", ".join(f"{name} {count:,}" for name, count in found.accounts.items())
    p = "" if np.isnan(whole.p) else f" (chi-square {whole.statistic:.2f}, p {whole.p:.2g})"
    lines = [f"{plan.name}: {arms}; sample ratio as planned{p}" if not _ratio_fault(found) else f"{plan.name}: {arms}"]
    groups = len(found.ratios) - 1
    lines.append(f"looked at: sample ratio in {groups} days and segments, two arms, exposure and outcomes before "
                 f"assignment, balance of {len(found.balance)} measures, missing outcomes")  # fmt: skip
    lines += [f"missing {name}: " + ", ".join(f"{arm} {100 * share:.1f} %" for arm, share in shares.items())
              for name, shares in found.missing.items() if any(share > 0 for share in shares.values())]  # fmt: skip
    kinds = [f"{'INVALID' if fault.invalid else 'warning'}: {fault.what}; {fault.what_to_do}" for fault in found.faults]
    return "\n".join(textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in [*lines, *kinds])


def _ratio_fault(found: Checked) -> bool:
    return any(fault.check == "sample ratio" for fault in found.faults)
