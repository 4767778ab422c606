"""`milepost rank`: the ranking, published as a table for people and for machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import pandas as pd

from milepost.data.publish import publish, spreadsheet_safe
from milepost.importance.evidence import FeatureEvidence
from milepost.importance.models import model_importance
from milepost.importance.ranking import Ranking, rank_features, require_enough
from milepost.importance.verdicts import ASSOCIATION
from milepost.pipeline.alarms import headed, remember
from milepost.pipeline.goals import rows_for
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, shown, table
from milepost.pipeline.store import save_ranking
from milepost.terms import Goal, Verdict

_ON_TOP = {Verdict.KEEP, Verdict.NICHE_WATCH, Verdict.UBIQUITOUS_INTENSITY}


@dataclass(frozen=True)
class Beside:
    """What stands beside the ranking: frames published with it, parts of the JSON, text below the table."""

    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    json: Mapping[str, object] = field(default_factory=dict)
    text: str = ""


def find_ranking(job: Job, goal: Goal = Goal.RETAINED) -> Ranking:
    """Importance out of fold, then effect, adoption, stability and verdicts, on the rows with a known outcome."""
    observations, outcomes = rows_for(job, goal)
    require_enough(observations, outcomes, job.settings, goal)
    importance = model_importance(observations, outcomes, job.settings, job.progress)
    ranking = rank_features(observations, outcomes, job.settings, importance, job.progress, goal)
    return replace(ranking, notes=(*ranking.notes, *job.alarms.notes))


def folder_name(goal: Goal) -> str:
    """Where a ranking is published: `ranking`, or `ranking_<goal>`."""
    return "ranking" if goal == Goal.RETAINED else f"ranking_{goal}"


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


def publish_ranking(
    job: Job, ranking: Ranking, alarms: tuple[str, ...] = (), extra_frames: Mapping[str, pd.DataFrame] | None = None
) -> Path:
    """Write ranking.parquet, ranking.csv and ranking.json as one version, and each extra frame by its name."""
    frames = {"ranking": ranking_frame(ranking), **(extra_frames or {})}
    heading = {"alarm": "; ".join(alarms)} if alarms else {}

    def write(target: Path) -> None:
        for name, given in frames.items():
            frame = given.assign(**heading)[[*heading, *given.columns]]
            frame.to_parquet(target / f"{name}.parquet", index=False)
            spreadsheet_safe(frame).to_csv(target / f"{name}.csv", index=False)
        save_ranking(target, ranking, job.fingerprint)

    folder = job.settings.output / folder_name(ranking.goal)
    remember(job)
    publish(folder, job.version, write)
    if "peers" not in frames:  # those of an earlier ranking would stand beside this one
        for name in ("peers.csv", "peers.parquet"):
            (folder / name).unlink(missing_ok=True)
    return folder / "ranking.csv"


def ranking_json(ranking: Ranking) -> list[dict[str, object]]:
    """The `ranking` part of the answer."""
    return [{**asdict(row), "verdict": str(row.verdict)} for row in ranking.evidence]


def ranking_text(ranking: Ranking) -> str:
    """All features in 100 columns: verdict with grade, effect with interval, adoption, place in the naive list."""
    rows = [
        [
            row.rank,
            row.feature[:22],
            f"{row.verdict}{' ~' if row.grade == ASSOCIATION else ''}",
            f"{row.effect:+.1f} [{row.low:+.1f}, {row.high:+.1f}]",
            f"{row.adoption:.0%}",
            f"{_short(row.adopted_churned)}/{_short(row.others_churned)}",
            row.naive_rank,
        ]
        for row in ranking.evidence
    ]
    header = ["", "feature", "verdict", "effect, points", "adopted", ranking.event, "naive"]
    return (
        f"{ranking.accounts:,} accounts, {ranking.churned_accounts:,} {ranking.event}; "
        f"the smallest effect that could have been found is {ranking.smallest_effect_points:.1f} points\n"
        f"{table(header, rows)}\n"
        f"{ranking.event}: accounts among adopters / among others with access. naive: place in the forest's own list.\n"
        "~: an association only, something unmeasured could stand behind it.\n"
        f"{moved_text(ranking)}"
    )


def moved_text(ranking: Ranking, top: int = 15) -> str:
    """What left the first places of the forest's own list, and what came in, with the verdict that says why."""
    if not any(row.naive_rank for row in ranking.evidence):
        return ""
    down = [row for row in ranking.evidence if 0 < row.naive_rank <= top and row.verdict not in _ON_TOP]
    up = [row for row in ranking.evidence if row.verdict == Verdict.KEEP and row.naive_rank > top]
    lines = [f"In the forest's first {top}, and not kept:"] if down else []
    lines += [f"  {row.naive_rank:2d}. {row.feature[:28]}: {row.verdict}" for row in sorted(down, key=_naive)]
    lines += [f"Kept, and not in the forest's first {top}:"] if up else []
    lines += [f"  {row.feature[:28]} (its place {row.naive_rank}): {row.effect:+.1f} points" for row in up]
    return "\n" + "\n".join(lines) + "\n" if lines else ""


def _short(count: int) -> str:
    """1,234; from ten thousand on 12k, so that the table fits 100 columns."""
    return f"{count:,}" if count < 10_000 else f"{count / 1000:.0f}k"


def _naive(row: FeatureEvidence) -> int:
    return row.naive_rank


def rank_job(
    job: Job, look_beside: Callable[[Job, Ranking], Beside] | None = None, goal: Goal = Goal.RETAINED
) -> Result:
    """Look for leaks, rank, publish, describe; with a leak alarm the ranking is written under it."""
    alarms = job.alarms.texts
    ranking = find_ranking(job, goal)
    beside = look_beside(job, ranking) if look_beside else Beside()
    path = publish_ranking(job, ranking, alarms, beside.frames)
    answer = {"ranking": ranking_json(ranking), **beside.json, "path": str(path), "notes": list(ranking.notes)}
    notes = "".join(f"\n{note}" for note in ranking.notes)
    return headed(Result(answer, f"{ranking_text(ranking)}\n{beside.text}{notes}\n{shown(path)}"), alarms)
