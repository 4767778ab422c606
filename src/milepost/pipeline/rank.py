"""`milepost rank`: the ranking, published as a table for people and for machines."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from milepost.data.publish import publish, spreadsheet_safe
from milepost.importance.models import model_importance
from milepost.importance.ranking import Ranking, rank_features, require_enough
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, shown, table
from milepost.pipeline.store import save_ranking


def find_ranking(job: Job) -> Ranking:
    """Importance out of fold, then effect, adoption, stability and verdicts, on the rows with a known outcome."""
    learnable = job.learnable
    observations, outcomes = job.observations.take(learnable), job.outcomes.take(learnable)
    require_enough(observations, outcomes, job.settings)
    importance = model_importance(observations, outcomes, job.settings, job.progress)
    return rank_features(observations, outcomes, job.settings, importance, job.progress)


def ranking_frame(ranking: Ranking) -> pd.DataFrame:
    """One row per feature in corrected order; importances and adoption by group in columns of their own."""
    rows = []
    for evidence in ranking.evidence:
        row = asdict(evidence)
        importance = row.pop("importance")
        plans, sizes = row.pop("adoption_by_plan"), row.pop("adoption_by_size")
        groups = {f"adoption_plan_{name}": rate for name, rate in plans.items()}
        groups |= {f"adoption_size_{name}": rate for name, rate in sizes.items()}
        rows.append({**row, "verdict": str(evidence.verdict), **importance, **groups})
    return pd.DataFrame(rows)


def publish_ranking(job: Job, ranking: Ranking, alarms: tuple[str, ...] = ()) -> Path:
    """Write ranking.parquet, ranking.csv and ranking.json as one version."""
    frame = ranking_frame(ranking)
    if alarms:
        frame.insert(0, "alarm", "; ".join(alarms))

    def write(target: Path) -> None:
        frame.to_parquet(target / "ranking.parquet", index=False)
        spreadsheet_safe(frame).to_csv(target / "ranking.csv", index=False)
        save_ranking(target, ranking, job.fingerprint)

    publish(job.settings.output / "ranking", job.version, write)
    return job.settings.output / "ranking" / "ranking.csv"


def ranking_json(ranking: Ranking) -> list[dict[str, object]]:
    """The `ranking` part of the answer."""
    return [{**asdict(row), "verdict": str(row.verdict)} for row in ranking.evidence]


def ranking_text(ranking: Ranking) -> str:
    """All features in 100 columns: verdict, effect with interval, adoption, place in the naive list."""
    rows = [
        [row.rank, row.feature[:30], row.category[:18], str(row.verdict)[:20],
         f"{row.effect:+.1f} [{row.low:+.1f}, {row.high:+.1f}]", f"{row.adoption:.0%}", row.naive_rank]
        for row in ranking.evidence
    ]  # fmt: skip
    header = ["", "feature", "category", "verdict", "effect, points", "adopted", "naive"]
    return (
        f"{ranking.accounts:,} accounts, {ranking.churned_accounts:,} churned; "
        f"the smallest effect that could have been found is {ranking.smallest_effect_points:.1f} points\n"
        + table(header, rows)
    )


def rank_job(job: Job) -> Result:
    """Rank, publish, describe."""
    ranking = find_ranking(job)
    path = publish_ranking(job, ranking)
    return Result({"ranking": ranking_json(ranking), "path": str(path)}, f"{ranking_text(ranking)}\n\n{shown(path)}")
