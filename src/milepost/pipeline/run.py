"""`milepost run`: the whole chain in order; a part that lacks data is named and the rest goes on."""

from __future__ import annotations

from dataclasses import dataclass, field

from milepost.errors import EnvironmentFault, NotEnoughData
from milepost.importance.ranking import Ranking
from milepost.pipeline.alarms import alarm_line
from milepost.pipeline.check import check_tables, findings
from milepost.pipeline.derive import Derived, derive, maturity_json
from milepost.pipeline.evaluation_text import churn_json
from milepost.pipeline.job import Job
from milepost.pipeline.metrics_page import counted_part
from milepost.pipeline.milestones import milestones_json
from milepost.pipeline.rank import find_ranking, publish_ranking, ranking_json
from milepost.pipeline.report import Parts, publish_report, summarise
from milepost.pipeline.result import Result, shown
from milepost.pipeline.score import Scored, score_accounts, scores_json
from milepost.pipeline.signals import matrix_json
from milepost.pipeline.track import track
from milepost.pipeline.train import Trained, decided, fit
from milepost.reporting.metric_data import MetricsPart
from milepost.reporting.summary import Results
from milepost.reporting.terminal import terminal_summary


@dataclass
class Story:
    """What a run has come to so far; `missing` names the parts that could not be made, with the reason."""

    trained: Trained | None = None
    ranking: Ranking | None = None
    derived: Derived | None = None
    scored: Scored | None = None
    metrics: MetricsPart | None = None
    missing: list[str] = field(default_factory=list)
    alarms: tuple[str, ...] = ()

    def parts(self) -> Parts:
        """The story as parts of a page."""
        results = Results(
            self.ranking.evidence if self.ranking else None,
            self.derived.maturity if self.derived else None,
            self.trained.training.evaluation if self.trained else None,
            self.scored.frame if self.scored else None,
            missing=tuple(self.missing),
            alarms=self.alarms,
            notes=self.ranking.notes if self.ranking else (),
            milestones=self.derived.milestones if self.derived else None,
            metrics=self.metrics,
        )
        version = self.derived.framework.version if self.derived else 0
        return Parts(results, self.trained.model_id if self.trained else "", version)


def run_job(job: Job) -> Result:
    """check → signals → train → rank → derive → score → metrics → report, then MLflow.

    Too little data leaves a part out and says so; a leak alarm publishes the ranking under the alarm and no scores.
    A fault of MLflow is raised last, when everything else is written.
    """
    check_tables(job)
    story = Story(alarms=job.alarms.texts)
    _train(job, story)
    _rank_and_derive(job, story)
    _score(job, story)
    story.metrics = counted_part(job)
    summary = summarise(job, story.parts())
    path, figures = publish_report(job, summary)
    if story.trained and not story.alarms:
        track(job, story.trained, story.ranking, figures, story.derived)
    text = f"{terminal_summary(summary)}\n{findings(job)}\n{_paths(job, story)}report: {shown(path)}"
    return Result(answer(job, story) | {"report": str(path)}, text, _gate(story))


def _train(job: Job, story: Story) -> None:
    try:
        story.trained = fit(job)
    except NotEnoughData as error:
        story.missing.append(f"model: {error.what}")


def _rank_and_derive(job: Job, story: Story) -> None:
    try:
        story.ranking = find_ranking(job)
    except NotEnoughData as error:
        story.missing += [f"ranking: {error.what}", "maturity: needs the ranking", "milestones: need the ranking"]
        return
    publish_ranking(job, story.ranking, story.alarms)
    story.derived = derive(job, story.ranking)


def _score(job: Job, story: Story) -> None:
    if story.trained is None:
        story.missing.append("scores: it takes the churn model")
    elif story.alarms:
        story.missing.append("scores: none are published under a leak alarm")
    else:
        story.scored = score_accounts(job, story.derived.framework if story.derived else None)


def answer(job: Job, story: Story) -> dict[str, object]:
    """The one object of `--json`; a part that is missing is null and named under `missing`."""
    return {
        "matrix": matrix_json(job),
        "churn": churn_json(story.trained.training.evaluation) if story.trained else None,
        "ranking": ranking_json(story.ranking) if story.ranking else None,
        "maturity": maturity_json(story.derived.maturity) if story.derived else None,
        "milestones": milestones_json(story.derived.milestones) if story.derived else None,
        "scores": scores_json(story.scored) if story.scored else None,
        "promotion": _promotion(story),
        "run_id": job.run_id,
        "missing": list(story.missing),
        "alarms": list(story.alarms),
    }


def _promotion(story: Story) -> dict[str, object] | None:
    decision = story.trained.decision if story.trained else None
    return None if decision is None else decision.as_json()


def _paths(job: Job, story: Story) -> str:
    lines = []
    if story.trained and (decision := story.trained.decision) and decision.champion not in ("", decision.challenger):
        lines.append(decided(decision))
    if story.scored:
        lines.append(f"scores: {shown(story.scored.path)}")
    if story.derived:
        lines.append(
            f"framework: {shown(job.settings.framework)}" + (f" ({story.derived.note})" if story.derived.note else "")
        )
    return "".join(f"{line}\n" for line in lines)


def _gate(story: Story) -> str:
    if story.alarms:
        return alarm_line(story.alarms)
    parts = ", ".join(text.partition(":")[0] for text in story.missing)
    return f"not all parts could be made ({parts}); the answer says why" if parts else ""


__all__ = ["EnvironmentFault", "run_job"]
