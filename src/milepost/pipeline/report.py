"""`milepost report`: the page, from whatever results there are; what is missing is said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost import __version__
from milepost.adoption import adoption_table
from milepost.data.publish import current, publish
from milepost.errors import InputError, NotEnoughData
from milepost.importance.worth import gap_worth
from milepost.maturity.curves import retained_overall, retention_curves
from milepost.pipeline.alarms import headed
from milepost.pipeline.derive import derive
from milepost.pipeline.framework_file import read_framework
from milepost.pipeline.job import Job
from milepost.pipeline.metrics_page import published_part
from milepost.pipeline.result import Result, shown
from milepost.pipeline.store import load_evaluation, load_ranking
from milepost.reporting.category_figures import draw_categories
from milepost.reporting.figure_data import figure_data
from milepost.reporting.figures import draw_all
from milepost.reporting.metric_figures import draw_metrics
from milepost.reporting.milestone_data import milestone_figures
from milepost.reporting.milestone_figures import draw_milestones
from milepost.reporting.page import render
from milepost.reporting.summary import Choices, DataPart, Plainly, Results, Summary, Versions, build_summary
from milepost.terms import ACCOUNT


@dataclass(frozen=True)
class Parts:
    """The results a page is made of, with the model and the framework they came from."""

    results: Results
    model_id: str = ""
    framework_version: int = 0


def summarise(job: Job, parts: Parts) -> Summary:
    """Arrange the parts for the page."""
    tables, matrix = job.tables, job.observations.matrix
    data = DataPart(
        tables.row_counts, tables.findings, tables.fingerprint, len(matrix.rows), len(matrix.signals),
        int(matrix.rows["snapshot_date"].nunique()),
    )  # fmt: skip
    missing = parts.results.missing
    if not job.observations.access_known:
        missing = (
            *missing,
            "entitlement: no plan or access data in the catalogue, so every account counts as eligible",
        )
    if parts.results.metrics is None:
        why = "need subscriptions" if job.tables.subscriptions is None else "not counted for this date yet"
        missing = (*missing, f"metrics: {why}")
    # adoption needs no outcomes: it stands in where there is no ranking
    adoption = () if parts.results.evidence is not None else adoption_table(job.observations, job.settings.adoption)
    maturity, whole = parts.results.maturity, parts.results.evidence is not None and parts.results.scores is not None
    results = replace(
        parts.results, missing=missing, adoption=adoption,
        curves=retention_curves(job.observations, job.outcomes, job.learnable, maturity.categories) if maturity else (),
        plainly=None if whole else _plainly(job),
        worth=gap_worth(parts.results.evidence or (), job.current, _risk(job, parts.results.scores)),
    )  # fmt: skip
    versions = Versions(__version__, parts.framework_version, parts.model_id, job.run_id)
    name = job.settings.project.name
    return build_summary(name, job.as_of, data, results, versions, Choices.of(job.settings))


def _plainly(job: Job) -> Plainly:
    context = job.current.context
    names = [ACCOUNT, "plan", "seats", "mrr", "tenure_days", "days_since_last_use", "days_to_term_end"]
    running = context[names].assign(features_used=job.current.adopted.sum(axis=1))
    return Plainly(retained_overall(job.observations, job.outcomes, job.learnable), running, len(job.features))


def _risk(job: Job, scores: pd.DataFrame | None) -> NDArray[np.float64]:
    """The churn risk of each row of the scored date; NaN without a score."""
    accounts = job.current.context[ACCOUNT]
    if scores is None:
        return np.full(len(accounts), np.nan)
    return scores.set_index(ACCOUNT)["churn_risk"].reindex(accounts).to_numpy(dtype=np.float64)


def publish_report(job: Job, summary: Summary) -> tuple[Path, dict[str, str]]:
    """Draw and write the page; returns its path and the figures, which MLflow gets too."""
    job.progress("report: drawing and writing the page")
    results = summary.results
    figures = draw_all(figure_data(summary)) | draw_milestones(milestone_figures(results.milestones))
    figures |= draw_categories(results.curves) | draw_metrics(results.metrics)
    page = render(summary, figures)
    return write_page(job.settings.output / "report", job.version, page), figures


def write_page(folder: Path, version: str, page: str) -> Path:
    """Publish a page as `report.html`; returns the path people open, which is a whole page at every moment."""
    publish(folder, version, lambda target: (target / "report.html").write_text(page, encoding="utf-8"))
    return folder / "report.html"


def report_job(job: Job) -> Result:
    """The page from the published results that belong to these data."""
    parts = _published(job)
    summary = summarise(job, parts)
    path, _ = publish_report(job, summary)
    lines = [f"missing: {text}" for text in summary.results.missing]
    gate = f"the page is written without {len(parts.results.missing)} of its parts" if parts.results.missing else ""
    result = Result(
        {"report": str(path), "missing": list(summary.results.missing)}, "\n".join([*lines, shown(path)]), gate
    )
    return headed(result, summary.results.alarms)


def _published(job: Job) -> Parts:
    """What earlier commands left for the same data; the rest is named with the command that makes it."""
    output, missing = job.settings.output, []
    ranking = load_ranking(output / "ranking", job.fingerprint)
    evaluation, model_id = load_evaluation(output / "training", job.fingerprint)
    derived, framework = None, read_framework(job)
    if ranking is None:
        missing.append("ranking: not made for these data yet; run 'milepost rank'")
        missing += ["maturity: needs the ranking", "milestones: need the ranking"]
    else:
        try:
            derived = derive(job, ranking)
        except NotEnoughData as error:
            missing.append(f"maturity: {error.what}")
    if evaluation is None:
        missing.append("model: not trained on these data yet; run 'milepost train'")
    scores = _scores(job)
    if scores is None:
        missing.append("scores: not made for this date yet; run 'milepost score'")
    results = Results(
        ranking.evidence if ranking else None, derived.maturity if derived else None, evaluation, scores,
        missing=tuple(missing), alarms=job.alarms.texts, notes=ranking.notes if ranking else (),
        milestones=derived.milestones if derived else None, metrics=published_part(job),
    )  # fmt: skip
    return Parts(results, model_id, framework.version if framework else 0)


def _scores(job: Job) -> pd.DataFrame | None:
    try:
        scores = pd.read_parquet(current(job.settings.output / "scores") / "scores.parquet")
    except (InputError, OSError):
        return None
    return scores if len(scores) and scores["run_id"].iloc[0] == job.run_id else None
