"""One MLflow run per training: figures, ranking, framework, pictures and the model."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from milepost import __version__
from milepost.data.publish import write_atomic
from milepost.errors import EnvironmentFault, InputError, nearest
from milepost.framework import to_toml
from milepost.importance.ranking import Ranking
from milepost.pipeline.derive import Derived
from milepost.pipeline.evaluation_text import churn_json, comparison
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, plain
from milepost.pipeline.train_words import beside
from milepost.settings import Settings
from milepost.tracking.aliases import CHALLENGER, CHAMPION
from milepost.tracking.log import ModelRecord, RunRecord, TrialRecord, log_run

if TYPE_CHECKING:
    from milepost.pipeline.train import Trained


def track(
    job: Job,
    trained: Trained,
    ranking: Ranking | None = None,
    figures: Mapping[str, str] | None = None,
    derived: Derived | None = None,
) -> str:
    """Log what there is; returns MLflow's run id. Raises EnvironmentFault when the database cannot be written."""
    job.progress(f"logging the run to MLflow in {job.settings.mlruns}")
    training = trained.training
    record = RunRecord(
        project=job.settings.project.name,
        # a list shows about twenty characters
        run_name=f"{job.now:%H:%M} {training.evaluation.champion} {training.evaluation.best.roc_auc:.3f}, {job.as_of}",
        description=_description(job, trained, ranking, derived),
        params=_params(job, trained),
        metrics=_metrics(trained, ranking, derived),
        tags={"data_fingerprint": job.fingerprint, "git_commit": git_commit(Path.cwd()), "milepost": __version__},
        artifacts={
            "evaluation.txt": f"{comparison(training.evaluation)}\n\n{beside(training.evaluation)}\n",
            "evaluation.json": json.dumps(plain(churn_json(training.evaluation)), indent=1),
            **({"framework.toml": to_toml(derived.framework)} if derived else {}),
        },
        figures=figures or {},
        ranking=[asdict(row) | {"verdict": str(row.verdict)} for row in ranking.evidence] if ranking else (),
        trials=[TrialRecord(t.number, t.params, t.fold_scores, t.score) for t in training.trials],
        model=ModelRecord(
            Path(trained.bundle),
            tuple(signal.name for signal in training.model.signals),
            trained.model_id,
            training.note,
            CHAMPION if trained.decision is None or trained.decision.promoted else CHALLENGER,
        ),
    )
    return log_or_keep(job, record)


def log_or_keep(job: Job, record: RunRecord) -> str:
    """Log the run; the record is on the disk before, and stays there when MLflow is locked or away.

    Raises EnvironmentFault with the command that logs it later.
    """
    pending = _pending(job.settings)
    saved = pending / f"{job.version}.json"
    write_atomic(saved, lambda path: path.write_text(json.dumps(plain(asdict(record))), encoding="utf-8"))
    try:
        run_id = log_run(job.settings.mlruns, record)
    except EnvironmentFault as error:
        fix = f"the model is saved; run 'milepost track {job.version}' later"
        raise type(error)(error.what, where=error.where, fix=fix) from None
    saved.unlink()
    return run_id


def _pending(settings: Settings) -> Path:
    return settings.output / "tracking"


def track_job(job: Job, run: str) -> Result:
    """`milepost track RUN`: log a training that could not be logged when it was made; without RUN, list those."""
    folder = _pending(job.settings)
    waiting = sorted(path.stem for path in folder.glob("*.json"))
    if not run:
        return Result({"waiting": waiting}, "\n".join(waiting) or "every training is logged")
    if run not in waiting:
        hint = nearest(run, waiting) if waiting else "nothing waits to be logged"
        raise InputError(f"no training '{run[:80]}' waits to be logged", where="tracking", fix=hint)
    path = folder / f"{run}.json"
    try:
        record = _record(json.loads(path.read_text(encoding="utf-8")))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError("this record cannot be read", where=str(path), fix="train again") from None
    run_id = log_run(job.settings.mlruns, record)
    path.unlink()
    return Result({"run": run, "mlflow_run": run_id}, f"logged as {record.run_name}, run {run_id}")


def _record(saved: dict[str, Any]) -> RunRecord:
    model = saved.pop("model")
    trials = tuple(TrialRecord(**trial) for trial in saved.pop("trials"))
    if model is not None:
        model = ModelRecord(**{**model, "bundle": Path(model["bundle"]), "signals": tuple(model["signals"])})
    return RunRecord(**saved, trials=trials, model=model)


def git_commit(folder: Path) -> str:
    """The commit checked out here, or "" outside a checkout."""
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""


def _params(job: Job, trained: Trained) -> dict[str, object]:
    settings, matrix = job.settings, job.observations.matrix
    return {
        "as_of": str(job.as_of),
        **settings.windows.model_dump(),
        "champion": trained.training.evaluation.champion,
        "accounts_in_split": settings.training.accounts,
        "seed": settings.project.seed,
        "rows": len(matrix.rows),
        "signals": len(matrix.signals),
        "features": len(job.features),
    }


def _metrics(trained: Trained, ranking: Ranking | None, derived: Derived | None) -> dict[str, float]:
    evaluation = trained.training.evaluation
    best = asdict(evaluation.best)
    metrics = {f"churn_{name}": float(value) for name, value in best.items()}
    if (found := evaluation.reliability) is not None:
        metrics |= {"churn_slope": found.slope, "churn_observed_over_expected": found.observed_over_expected,
                    "churn_brier_skill": found.brier_skill}  # fmt: skip
    metrics |= {f"churn_recall_at_{row.share:.0%}".rstrip("%") + "_percent": row.recall for row in evaluation.acting}
    if evaluation.canary is not None:
        metrics["canary_roc_auc"] = evaluation.canary.roc_auc
    for kind, figures in (("shared", evaluation.shared), ("disjoint", evaluation.disjoint)):
        metrics |= {f"{kind}_{name}_roc_auc": model.roc_auc for name, model in figures.items()}
    if ranking is not None:
        metrics["features_kept"] = float(sum(row.verdict == "keep" for row in ranking.evidence))
    if derived is not None and derived.maturity.share_three_or_more is not None:
        metrics["share_three_or_more"] = derived.maturity.share_three_or_more
    return metrics


def _description(job: Job, trained: Trained, ranking: Ranking | None, derived: Derived | None) -> str:
    best = trained.training.evaluation.best
    lines = [
        f"Accounts of **{job.settings.project.name}** as of {job.as_of}.",
        f"Churn model: {trained.training.evaluation.champion}, AUC {best.roc_auc:.3f} "
        f"({best.low:.3f} to {best.high:.3f}) on {best.test_rows:,} later rows, base rate {best.base_rate:.1%}. "
        f"{trained.training.note}",
    ]
    if ranking is not None:
        kept = [row.feature for row in ranking.evidence if row.verdict == "keep"]
        lines.append(f"Kept features ({len(kept)}): {', '.join(kept[:12]) or 'none'}.")
    if derived is not None:
        share = derived.maturity.share_three_or_more
        text = derived.maturity.reason if share is None else f"{share:.1%}"
        lines.append(f"Mature in three or more categories: {text}.")
    return "\n\n".join(lines)
