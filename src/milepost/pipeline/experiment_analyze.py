"""`milepost experiment analyze | report`: one look at an experiment, published, on a page and as an MLflow run."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from math import isfinite
from pathlib import Path
from typing import Any

import pandas as pd

from milepost import __version__
from milepost.data.publish import publish, spreadsheet_safe
from milepost.errors import FrameworkError, PlanError, nearest
from milepost.experiments.analyze import EXPLORATORY, Analysis, Data, Line, Look, analyse
from milepost.experiments.plan import Plan
from milepost.experiments.proven import proven_by
from milepost.experiments.sequential import spend
from milepost.experiments.words import (
    decision_sentence,
    delivery_sentence,
    gain_sentence,
    hypothesis_sentence,
    return_sentence,
    sentence,
)
from milepost.framework import with_proven
from milepost.pipeline import experiment_data as data
from milepost.pipeline.experiment import WIDTH, checked_json, folder_of
from milepost.pipeline.experiment_files import Folder, Taken
from milepost.pipeline.framework_file import read_framework, write_framework
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, plain, shown
from milepost.pipeline.track import git_commit
from milepost.reporting.experiment_page import experiment_page
from milepost.tracking.log import RunRecord, log_run

_ACCOUNT_COLUMNS = ("account_id", "arm", "enrolled_at", "assigned_at", "plan")


@dataclass(frozen=True)
class Looked:
    """One look: the plan, what was analysed, and what it says."""

    folder: Folder
    plan: Plan
    data: Data
    analysis: Analysis


def look_at(job: Job, name: str, by: Sequence[str] = ()) -> Looked:
    """Analyse the locked plan as of the job's date; `by`: groupings that were not planned, exploratory for good."""
    folder = folder_of(job, name)
    plan = folder.locked()
    data.check_plan(job, plan)
    log = folder.arms
    units = data.units_of(job, plan, log)
    _check_groups(by, units)
    look = _look(job, folder, plan, units)
    kept = units
    if look.of > 1:
        kept = units[data.is_ripe(units, plan.longest_deciding, job.as_of)].reset_index(drop=True)
    if kept.empty:
        raise PlanError(
            "no account has its window behind it", where=folder.where, fix="wait, or choose a later --as-of"
        )
    job.progress(f"measuring {len(plan.metric)} metrics on {len(kept):,} accounts")
    values = data.outcomes(job, plan, kept, job.as_of, look)
    columns = data.covariates(job, plan, kept)
    found = data.checked(job, plan, log, kept, values)
    material = data.data_of(plan, kept, values, columns, by)
    return Looked(folder, plan, material, analyse(plan, material, found, job.as_of, look, job.settings.project.seed))


def _check_groups(by: Sequence[str], units: pd.DataFrame) -> None:
    known = [str(name) for name in units.columns if name not in _ACCOUNT_COLUMNS]
    for name in by:
        if name not in known:
            raise PlanError(f"accounts have no attribute '{name}'", where="--by", fix=nearest(name, known))


def _look(job: Job, folder: Folder, plan: Plan, units: pd.DataFrame) -> Look:
    """Which look this is: the only one, or the next of several once enough accounts are through."""
    rules = plan.analysis
    if rules.looks == 1:
        return Look(1, 1, 1.0, rules.alpha)
    end = plan.enrolment.end + timedelta(days=plan.longest_deciding)
    through = int(data.is_ripe(units, plan.longest_deciding, job.as_of).sum())
    share = 1.0 if job.as_of >= end else min(through / plan.enrolment.planned_accounts, 1.0)
    number = rules.looks if job.as_of >= end else int(share * rules.looks)
    taken = {one.number: one.as_of for one in folder.looks}
    # from the end on the data are frozen: to look at them again is the same look
    same = taken.get(number) in (None, job.as_of) or min(taken[number], job.as_of) >= end
    if number == 0 or not same or any(other > number for other in taken):
        return Look(0, rules.looks, share, rules.alpha)
    earlier = [one.share for one in folder.looks if one.number < number and one.share < share]
    design = spend((*earlier, share), rules.alpha)
    return Look(number, rules.looks, share, design.alpha_at(len(design.bounds)))


def analyze_experiment(job: Job, name: str, by: Sequence[str] = ()) -> Result:
    """Print and publish a look. The gate says no when the data are INVALID."""
    looked = look_at(job, name, by)
    path = _save(job, looked)
    answer = as_json(looked)
    text = "\n".join([analysis_text(looked), "", f"tables: {shown(path)}"])
    return Result(answer, text, _gate(looked))


def _gate(looked: Looked) -> str:
    """Why the gate says no, in a line; all of it stands in the answer."""
    faults = [fault.what for fault in looked.analysis.checked.invalid]
    return f"INVALID: {faults[0]}" + (f"; {len(faults) - 1} more" if len(faults) > 1 else "") if faults else ""


def _save(job: Job, looked: Looked) -> Path:
    """Publish the look's tables, and remember a look of several."""
    folder, look = looked.folder, looked.analysis.look
    if look.of > 1 and look.number:
        others = [one for one in folder.looks if one.number != look.number]
        folder.write_looks([*others, Taken(look.number, job.as_of, look.share)])
    target = job.settings.output / "experiments" / folder.name

    def write(place: Path) -> None:
        lines = pd.DataFrame(lines_json(looked))
        lines.to_parquet(place / "metrics.parquet", index=False)
        (place / "metrics.csv").write_text(spreadsheet_safe(lines).to_csv(index=False), encoding="utf-8")
        (place / "analysis.json").write_text(json.dumps(plain(as_json(looked)), indent=1), encoding="utf-8")

    publish(target, f"{job.as_of}-{job.now:%Y%m%dT%H%M%S%f}", write)
    return target / "metrics.csv"


def lines_json(looked: Looked) -> list[dict[str, Any]]:
    """One row per metric, arm and group."""
    return [_row(line) for line in (*looked.analysis.lines, *looked.analysis.groups)]


def _row(line: Line) -> dict[str, Any]:
    found = asdict(line.estimate)
    control, treated = found.pop("accounts")
    return {
        "metric": line.metric, "arm": line.arm, "segment": line.segment, "value": line.value, "tag": line.tag,
        "control_accounts": control, "arm_accounts": treated, "control": found.pop("control"),
        "level": found.pop("treated"), **found, "control_known": line.known[0], "arm_known": line.known[1],
    }  # fmt: skip


def as_json(looked: Looked) -> dict[str, Any]:
    """A look for machines."""
    found, plan = looked.analysis, looked.plan
    return {
        "experiment": plan.name, "as_of": str(found.as_of), "look": asdict(found.look),
        "decision": {arm: str(name) for arm, name in found.decision.items()},
        "because": {arm: decision_sentence(plan, arm, found) for arm in found.decision},
        "hypotheses": [
            {"name": one.hypothesis.name, "metric": one.hypothesis.metric, "arm": one.arm, "p": one.p,
             "p_family": one.p_family, "verdict": str(one.verdict or "not told yet"),
             "because": hypothesis_sentence(plan, one, found)}
            for one in found.tested
        ],
        "metrics": lines_json(looked),
        "segments": [asdict(one) for one in found.differs],
        "returns": [asdict(one) for one in found.returns],
        "gains": [{"metric": metric, "arm": arm, **asdict(one)} for (metric, arm), one in found.gains.items()],
        "checks": checked_json(found.checked),
    }  # fmt: skip


def analysis_text(looked: Looked) -> str:
    """A look for people, at most 100 columns wide. Nothing is shown of data that are INVALID."""
    plan, found = looked.plan, looked.analysis
    head = f"{plan.name}, as of {found.as_of}" + (f", look {found.look.number} of {found.look.of}"
                                                 if found.look.of > 1 else "")  # fmt: skip
    arms = ", ".join(f"{name} {count:,}" for name, count in found.checked.accounts.items())
    lines = [f"{head}: {arms} accounts", *(decision_sentence(plan, arm, found) for arm in found.decision)]
    lines += [f"- {fault.what}; {fault.what_to_do}" for fault in found.checked.invalid]
    if not found.checked.invalid:
        for title, part in _parts(plan, found):
            lines += ["", title, *(f"- {line}" for line in part)] if part else []
    lines += [f"warning: {fault.what}; {fault.what_to_do}" for fault in found.checked.faults if not fault.invalid]
    return "\n".join(textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in lines)


def _parts(plan: Plan, found: Analysis) -> list[tuple[str, list[str]]]:
    """Titles with their sentences."""
    alpha = found.look.alpha
    named = {one.hypothesis.metric for one in found.tested}
    delivery = [line for line in found.lines if line.tag == "delivery"]
    others = [line for line in found.lines if line.metric not in named and line.tag not in ("delivery", EXPLORATORY)]
    explored = [line for line in found.lines if line.tag == EXPLORATORY and line.metric not in named]
    watched = [f"{sentence(plan, line, alpha)} Watched for harm only." for line in found.watched]
    groups = [line for line in found.groups if line.tag != EXPLORATORY]
    return [
        ("delivery", [delivery_sentence(plan, line, alpha) for line in delivery]),
        ("hypotheses", [hypothesis_sentence(plan, one, found) for one in found.tested]),
        ("guardrails and others", [sentence(plan, line, alpha) + answered(plan, line) for line in others] + watched),
        ("cost and return", [return_sentence(plan, one) for one in found.returns]),
        ("planned segments", [_group(plan, line, alpha) for line in groups] + _differs(found)),
        ("who gains", [gain_sentence(plan, *key, one) for key, one in found.gains.items()]),
        ("exploratory: to think about, never a finding",
         [sentence(plan, line, alpha) + answered(plan, line) for line in explored]
         + [_group(plan, line, alpha) for line in found.groups if line.tag == EXPLORATORY]),
    ]  # fmt: skip


def answered(plan: Plan, line: Line) -> str:
    """How many have an outcome, where not all do."""
    control, treated = line.known
    if min(control, treated) >= 1:
        return ""
    return f" Known for {100 * control:.0f} % in '{plan.control.name}', {100 * treated:.0f} % in '{line.arm}'."


def _group(plan: Plan, line: Line, alpha: float) -> str:
    return f"{line.segment} {line.value}: {sentence(plan, line, alpha)}"


def _differs(found: Analysis) -> list[str]:
    return [
        f"{one.metric} by {one.segment}: {'differs between groups' if one.p < found.look.alpha else 'no evidence of '}"
        f"{'' if one.p < found.look.alpha else 'differences between groups'} (Q {one.q:.1f}, p {one.p:.2g})."
        for one in found.differs
    ]


def report_experiment(job: Job, name: str, by: Sequence[str] = (), prove: bool = False) -> Result:
    """A page and an MLflow run of this look; prove: write what it proves into the framework file.

    The gate says no when the data are INVALID.
    """
    looked = look_at(job, name, by)
    said = _prove(job, looked) if prove else ""
    metrics = _save(job, looked)
    page = experiment_page(looked.plan, looked.analysis, _parts(looked.plan, looked.analysis))
    target = job.settings.output / "experiments" / name / "report"
    publish(target, f"{job.as_of}-{job.now:%Y%m%dT%H%M%S%f}",
            lambda place: (place / "report.html").write_text(page, encoding="utf-8"))  # fmt: skip
    run = log_run(job.settings.mlruns, _record(job, looked, page, metrics))
    answer = {"report": str(target / "report.html"), "run": run, **as_json(looked)}
    text = f"{analysis_text(looked)}\n\nreport: {shown(target / 'report.html')}\nMLflow run: {run}{said}"
    return Result(answer, text, _gate(looked))


def _prove(job: Job, looked: Looked) -> str:
    """Add the findings to the framework file; what to say about it."""
    found = proven_by(looked.plan, looked.analysis)
    before = read_framework(job)
    if before is None:
        raise FrameworkError("no such file", where=job.settings.framework.name, fix="run 'milepost derive' first")
    known = [feature.name for feature in job.features]
    for one in found:
        if one.feature not in known:
            raise PlanError(f"no feature '{one.feature}' in the catalogue", where=looked.folder.where,
                            fix=nearest(one.feature, known))  # fmt: skip
    write_framework(job, replace(before, proven=with_proven(before.proven, found)), before)
    said = "".join(f"\n  {one.feature}: {one.words}" for one in found)
    return f"\nwritten to {job.settings.framework.name}; the next scores say it:{said}"


def _record(job: Job, looked: Looked, page: str, metrics: Path) -> RunRecord:
    """A look as a run: decisions and verdicts as tags, differences as figures, the plan and the page as files."""
    plan, found = looked.plan, looked.analysis
    whole = [line for line in found.lines if line.estimate.known]
    figures = {f"{line.metric}.{line.arm}.{part}": getattr(line.estimate, part)
               for line in whole for part in ("difference", "low", "high", "p")}  # fmt: skip
    verdicts = {f"verdict.{one.hypothesis.name}": str(one.verdict or "not told yet") for one in found.tested}
    decisions = {f"decision.{arm}": str(name) for arm, name in found.decision.items()}
    return RunRecord(
        project=job.settings.project.name,
        run_name=f"{plan.name} {found.as_of} look {found.look.number}",
        description="\n\n".join(decision_sentence(plan, arm, found) for arm in found.decision),
        params={"experiment": plan.name, "as_of": str(found.as_of), "look": found.look.number, "looks": found.look.of,
                "alpha": found.look.alpha, "accounts": sum(found.checked.accounts.values())},
        metrics={name: value for name, value in figures.items() if isfinite(value)},
        tags={"kind": "experiment", **decisions, **verdicts, "git_commit": git_commit(job.settings.folder),
              "plan_sha256": (looked.folder.lock or {}).get("sha256", ""), "milepost": __version__},
        artifacts={"plan.toml": looked.folder.text, "report.html": page, "metrics.csv": metrics},
    )  # fmt: skip
