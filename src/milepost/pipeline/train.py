"""`milepost train`: fit, compare, save the champion; on the project's own signals or on a matrix somebody brings."""

from __future__ import annotations

import hashlib
import textwrap
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from milepost.bundle import CHALLENGER, promote, save_bundle
from milepost.pipeline.alarms import alarm_line, remember
from milepost.pipeline.evaluation_text import churn_json, comparison
from milepost.pipeline.job import Job
from milepost.pipeline.promotion import Decision, decide, folder_of, keep_foretold
from milepost.pipeline.result import Result
from milepost.pipeline.store import save_evaluation
from milepost.pipeline.train_words import beside
from milepost.review.drift import reference_of
from milepost.training.hazard import to_saved
from milepost.training.train import Training, train_models

if TYPE_CHECKING:
    from optuna.storages import BaseStorage


@dataclass(frozen=True)
class Trained:
    """A finished training: figures, the saved bundle, and whether its model scores from now on (None: none saved)."""

    training: Training
    model_id: str
    bundle: str
    decision: Decision | None = None


def fit(job: Job) -> Trained:
    """Train on the rows with a known outcome, save the champion as a bundle and the figures beside it; it takes over
    from the model in use unless it is worse.

    With a leak alarm nothing is saved as a model: whatever it learnt would not hold.
    """
    learnable = job.learnable
    matrix, outcomes = job.observations.matrix.take(learnable), job.outcomes.take(learnable)
    context = job.observations.context[learnable].reset_index(drop=True)
    training = train_models(
        matrix,
        outcomes,
        job.settings,
        job.windows,
        job.progress,
        job.alarms.texts,
        context,
        tuning_journal(job),
        None if job.times is None else job.times.take(learnable),
    )
    remember(job)
    if training.alarms:
        return Trained(training, "", "")
    extra = {
        "run_id": job.run_id,
        "fingerprint": job.fingerprint,
        "as_of": str(job.as_of),
        "windows": job.windows_in_use,
        "note": training.note,
        "metrics": asdict(training.evaluation.best),
        "young_risk": young_risk(job),
        "typical": typical(job),
        "reference": reference_of(matrix),
        "hazard": training.hazard and to_saved(training.hazard),
    }
    saved = save_bundle(job.settings.models, job.version, training.model, extra, CHALLENGER)
    save_evaluation(job.settings.output / "training", job.version, training.evaluation, job.fingerprint, saved.model_id)
    keep_foretold(folder_of(job), saved.model_id, training.evaluation, matrix.rows)
    decision = decide(job, saved.model_id)
    if decision.promoted:
        promote(job.settings.models)
    return Trained(training, saved.model_id, str(saved.path), decision)


def tuning_journal(job: Job) -> BaseStorage | None:
    """Where a search for parameters is kept, so that one that is stopped goes on; by the data and the settings."""
    if not job.settings.training.trials:
        return None
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    how = job.settings.training.model_dump_json(exclude={"trials", "time_limit_seconds", "promote"})
    folder = job.settings.output / "tuning"
    folder.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(f"{job.fingerprint}{how}{job.settings.project.seed}".encode()).hexdigest()[:12]
    return JournalStorage(JournalFileBackend(str(folder / f"{key}.journal")))


def young_risk(job: Job) -> float:
    """Churned share of rows too young for the model; of all rows when fewer than 30 are known."""
    young = job.outcomes.known & ~job.learnable
    rows = young if young.sum() >= 30 else job.outcomes.known
    return float(np.mean(job.outcomes.churned[rows]))


def typical(job: Job) -> dict[str, float]:
    """Signal name -> median among rows of retained accounts."""
    retained = job.learnable & (job.outcomes.churned == 0)
    values = job.observations.matrix.values[retained]
    unknown = np.isnan(values).all(axis=0)
    medians = np.full(values.shape[1], np.nan)
    medians[~unknown] = np.nanmedian(values[:, ~unknown], axis=0)
    names = [signal.name for signal in job.observations.matrix.signals]
    return {name: float(median) for name, median in zip(names, medians, strict=True) if not np.isnan(median)}


def decided(decision: Decision) -> str:
    """Which model scores from now on, and why."""
    if decision.promoted:
        return textwrap.fill(f"model {decision.challenger} is in use: {decision.because}", 100)
    return textwrap.fill(
        f"model {decision.champion} stays in use; {decision.challenger} waits: {decision.because}", 100
    )


def train_job(job: Job) -> Result:
    """Train, save, log to MLflow, and describe."""
    from milepost.pipeline.track import track

    trained = fit(job)
    training = trained.training
    gate = alarm_line(training.alarms)
    if not gate:
        track(job, trained)
    answer = {"churn": churn_json(training.evaluation), "model_id": trained.model_id, "bundle": trained.bundle,
              "promotion": trained.decision and trained.decision.as_json(),
              "alarms": list(training.alarms)}  # fmt: skip
    saved = f"saved: {trained.bundle or 'nothing, see the alarm'}"
    parts = (comparison(training.evaluation), beside(training.evaluation), f"{training.note}\n{saved}")
    text = "\n\n".join(parts) + (f"\n{decided(trained.decision)}" if trained.decision else "")
    return Result(answer, text, gate)
