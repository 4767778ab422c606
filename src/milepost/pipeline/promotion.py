"""Which model scores: a new one takes over when it is not worse than the one in use on the same test rows.

Each training keeps what its models foretold of the test rows, out of time and account by account. Two models are
compared on the rows that both foretold.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from milepost.bundle import CHALLENGER, load_bundle, model_in_use, promote, refuse_misfit, roll_back
from milepost.data.publish import write_atomic
from milepost.errors import BundleError, EnvironmentFault
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result
from milepost.pipeline.train_words import span
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.training.assess import versus
from milepost.training.results import Evaluation

FORETOLD, CHURNED = "churn_risk", "churned"
MARGIN = 0.01  # of the log loss of the model in use
LEAST_CHURNED = 20


@dataclass(frozen=True)
class Decision:
    """What became of a new model. log_loss: the new model's less that of the one in use, on `rows` common test rows
    with `churned` churned accounts; None where they were not compared.
    """

    challenger: str
    champion: str
    promoted: bool
    because: str
    rows: int = 0
    churned: int = 0
    log_loss: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def in_use(self) -> str:
        """The model that scores from now on."""
        return self.challenger if self.promoted else self.champion

    def as_json(self) -> dict[str, object]:
        """The `promotion` part of the answer."""
        return {**asdict(self), "in_use": self.in_use}


def keep_foretold(folder: Path, model_id: str, evaluation: Evaluation, rows: pd.DataFrame) -> None:
    """Write what the champion of a training foretold of its test rows; rows: account_id, snapshot_date of all rows."""
    test = rows.iloc[evaluation.split.test][[ACCOUNT, SNAPSHOT]].reset_index(drop=True)
    frame = test.assign(**{FORETOLD: evaluation.predictions, CHURNED: evaluation.outcome})
    write_atomic(folder / f"{model_id}.parquet", lambda path: frame.to_parquet(path, index=False))


def decide(job: Job, challenger: str) -> Decision:
    """Whether a new model takes over: at once where none is in use or the one in use cannot score this date."""
    champion, why = _usable(job)
    if champion == challenger:
        return Decision(challenger, champion, True, "it is the model in use already")
    if why:
        return Decision(challenger, champion, True, why)
    if job.settings.training.promote == "ask":
        return Decision(challenger, champion, False, "training.promote is 'ask': it waits for 'milepost promote'")
    return compare(folder_of(job), (challenger, champion), job.settings.project.seed)


def folder_of(job: Job) -> Path:
    """Where what models foretold is kept."""
    return job.settings.output / "training" / "foretold"


def _usable(job: Job) -> tuple[str, str]:
    """The model in use, and why a new one takes its place without a comparison, "" when there must be one."""
    models = job.settings.models
    try:
        if not (champion := model_in_use(models)):
            return "", "no model was in use"
        _, about = load_bundle(models)
        refuse_misfit(about, job.windows_in_use, "")
    except BundleError as error:
        return "", f"the model in use cannot be used: {error.what}"
    if str(about.get("as_of", "")) > str(job.as_of):
        return champion, f"the model in use learnt from data up to {about['as_of']}, later than {job.as_of}"
    return champion, ""


def compare(folder: Path, models: tuple[str, str], seed: int) -> Decision:
    """The challenger against the champion on the test rows of both.

    It takes over when its log loss is not above the champion's, or surely (97.5 %) by less than 1 % of it.
    """
    challenger, champion = models
    found = [foretold_of(folder, name) for name in models]
    if found[0] is None or found[1] is None:
        return Decision(challenger, champion, True, "what the model in use foretold of its test rows is not there")
    both = found[0].merge(found[1], on=[ACCOUNT, SNAPSHOT], suffixes=("", "_before"))
    churned = both[CHURNED].to_numpy(dtype=float)
    accounts = int(both.loc[churned == 1, ACCOUNT].nunique())
    if accounts < LEAST_CHURNED:
        because = f"only {accounts} churned accounts in {len(both):,} common test rows, too few to compare"
        return Decision(challenger, champion, True, because, len(both), accounts)
    risks = (both[name].to_numpy(dtype=float) for name in (FORETOLD, f"{FORETOLD}_before"))
    new, before = risks
    (beside,) = versus(new, {"before": before}, churned, both[ACCOUNT], seed)
    low, high = beside.log_loss_interval
    limit = MARGIN * _log_loss(before, churned)
    promoted = beside.log_loss <= 0 or high <= limit
    said = f"its log loss on {len(both):,} common test rows ({accounts} churned accounts) is {beside.log_loss:+.4f} "
    said += f"({span((low, high), 4, '+')}) against the model in use"
    because = said if promoted else f"{said}, and may be worse by more than {limit:.4f}"
    return Decision(challenger, champion, promoted, because, len(both), accounts, beside.log_loss, low, high)


def foretold_of(folder: Path, model_id: str) -> pd.DataFrame | None:
    """What the models of a training foretold of its test rows, out of time; None where it is not there: account_id,
    snapshot_date, churn_risk, churned.
    """
    try:
        return pd.read_parquet(folder / f"{model_id}.parquet")
    except (OSError, ValueError):
        return None


def _log_loss(risk: np.ndarray[Any, np.dtype[np.float64]], churned: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    kept = np.clip(risk, 1e-12, 1 - 1e-12)
    return float(-np.mean(churned * np.log(kept) + (1 - churned) * np.log(1 - kept)))


def promote_job(job: Job, back: bool) -> Result:
    """`milepost promote`: the model that waits takes over unless it is worse; `back`: the one before it returns."""
    models = job.settings.models
    before = model_in_use(models)
    if back:
        roll_back(models)
        now = model_in_use(models)
        return _told(job, Decision(now, before, True, "it was in use before"), f"rolled back: {now} is in use again")
    challenger = str(load_bundle(models, CHALLENGER)[1]["model_id"])
    decision = compare(folder_of(job), (challenger, before), job.settings.project.seed)
    if not decision.promoted:
        text = f"{challenger} is not promoted: {decision.because}"
        return Result({"promotion": decision.as_json()}, text, "the model that waits is worse than the one in use")
    promote(models)
    return _told(job, decision, f"{challenger} is in use: {decision.because}")


def _told(job: Job, decision: Decision, text: str) -> Result:
    """Name the champion in MLflow too, where its run is logged."""
    from milepost.tracking.aliases import name_champion

    try:
        known = name_champion(job.settings.mlruns, job.settings.project.name, decision.in_use)
    except EnvironmentFault as error:
        raise EnvironmentFault(f"{decision.in_use} is in use, but MLflow does not say so: {error.what}",
                               where=error.where, fix=error.fix) from None  # fmt: skip
    note = "" if known else "\nMLflow holds no version of it: log it with 'milepost track'"
    return Result({"promotion": decision.as_json()}, text + note)
