"""`milepost experiment propose FEATURE`: the evidence there is, graded, and a draft of the test that settles it."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from datetime import timedelta

import numpy as np
import pandas as pd

from milepost.adoption import available
from milepost.data.publish import write_atomic
from milepost.errors import CatalogueError, PlanError, nearest
from milepost.experiments.aipw import associate
from milepost.experiments.power import accounts_for_shares
from milepost.experiments.propose import NOTHING, Draft, Proposal, Standing, draft, name_of, propose
from milepost.importance.comovement import moves_together
from milepost.importance.design import make_design
from milepost.importance.ranking import Ranking, require_enough
from milepost.pipeline.experiment import WIDTH, folder_of, new_experiment
from milepost.pipeline.goals import rows_for
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, shown
from milepost.pipeline.store import load_ranking
from milepost.signals.matrix import Observations
from milepost.terms import ACCOUNT, Goal


def propose_experiment(job: Job, feature: str, uptake: float) -> Result:
    """Grade the evidence on a feature and write a draft plan where there is something to test.

    Raises CatalogueError for an unknown feature, PlanError when no ranking of these data is published.
    """
    names = [one.name for one in job.features]
    if feature not in names:
        raise CatalogueError(
            f"no feature '{feature}'", where=job.settings.project.features, fix=nearest(feature, names)
        )
    ranking = load_ranking(job.settings.output / "ranking", job.fingerprint)
    if ranking is None:
        raise PlanError("no ranking of these data is published", where="ranking", fix="run 'milepost rank' first")
    observations, outcomes = rows_for(job, Goal.RETAINED)
    require_enough(observations, outcomes, job.settings, Goal.RETAINED)
    column = names.index(feature)
    job.progress(f"weighing the evidence on {feature}")
    design = make_design(observations, outcomes)
    rows = available(observations)[:, column]
    used = observations.adopted[:, column]
    found = associate(design.churned[rows], used[rows], design.controls[rows],
                      np.unique(design.codes[rows], return_inverse=True)[1], job.settings.project.seed)  # fmt: skip
    together = moves_together(observations, [column])[column]
    made = propose(feature, found, _standing(ranking, feature, together), uptake)
    waiting = _not_using(job.current, column)
    plan = _draft(job, made, waiting, float(design.churned[rows].mean())) if made.grade != NOTHING else None
    answer = {"grade": made.grade, "because": list(made.because), "association": asdict(made.association),
              "standing": asdict(made.standing), "effect": made.effect, "plan": plan}  # fmt: skip
    return Result(answer, _text(job, made, len(waiting), 1 - float(design.churned[rows].mean())))


def _standing(ranking: Ranking, feature: str, together: float) -> Standing:
    row = next(one for one in ranking.evidence if one.feature == feature)
    return Standing(str(row.verdict), row.q, row.grade, together)


def _not_using(current: Observations, column: int) -> list[str]:
    """Accounts running now that have the feature and do not use it."""
    open_ = available(current)[:, column] & ~current.adopted[:, column]
    return [str(name) for name in current.context.loc[open_, ACCOUNT]]


def _draft(job: Job, made: Proposal, waiting: list[str], churned: float) -> str:
    """Write the draft and the table of its units; returns the plan's path."""
    name = name_of(made.feature)
    folder = folder_of(job, name)
    start = job.as_of + timedelta(days=7)
    units = folder.path / "units.csv"
    events = next(one.event_names for one in job.features if one.name == made.feature)
    days = job.settings.windows.gap_days + job.settings.windows.outcome_days
    where = units.relative_to(job.settings.folder.resolve()).as_posix()
    wanted = Draft(start, days, 1 - churned, len(waiting), events, where)
    new_experiment(job, name, draft(made, wanted))
    table = pd.DataFrame({ACCOUNT: waiting, "enrolled_at": str(start)})  # read by assign: ids stay as they are
    write_atomic(units, lambda path: path.write_text(table.to_csv(index=False), encoding="utf-8"))
    return str(folder.path / "plan.toml")


def _text(job: Job, made: Proposal, waiting: int, retained: float) -> str:
    """The evidence for people."""
    lines = [f"{made.feature}: {made.grade}", *_evidence(made), *(f"but {reason}" for reason in made.because)]
    if made.grade != NOTHING:
        draft_path = shown(folder_of(job, name_of(made.feature)).path / "plan.toml")
        lines += [_test(made, waiting, retained), f"draft: {draft_path}"]
    return "\n".join(textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in lines)


def _evidence(made: Proposal) -> list[str]:
    found, standing = made.association, made.standing
    if not found.known:
        return []
    others, users = found.accounts
    return [
        f"retention differs by {100 * found.effect:+.1f} points (95 % interval {100 * found.low:+.1f} to "
        f"{100 * found.high:+.1f}) between accounts that use it ({users:,}) and those that do not ({others:,}), at "
        "equal plan, size, tenure, season and depth of use: an association",
        f"overlap: {100 * found.overlap:.0f} % of rows have a counterpart; balance: the largest difference is "
        f"{found.worst:.2f} standard deviations, {found.worst_before:.2f} before weighting",
        "something unmeasured would have to go with use and with churn by a risk ratio of "
        f"{found.e_value:.1f} each to explain it, {found.e_value_low:.1f} to reach the bound; robustness value "
        f"{found.robustness:.3f}",
        f"negative control (use of everything else, within accounts): correlation {standing.together:.2f}; "
        f"ranking: {standing.verdict}, q {standing.q:.2g}",
    ]  # fmt: skip


def _test(made: Proposal, waiting: int, retained: float) -> str:
    """What a test has to see, and how many accounts there are for it."""
    needed = accounts_for_shares(retained, min(retained + made.effect, 1.0))
    return (
        f"a test would look for {100 * made.effect:.2f} points ({100 * made.association.low:.1f} at the lower bound, "
        f"shrunk to {100 * made.shrinkage:.0f} %, {100 * made.uptake:.0f} % taking it up): {needed:,.0f} accounts per "
        f"arm; {waiting:,} have it and do not use it"
    )
