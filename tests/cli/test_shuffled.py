"""The whole way from the tables to the figures of a training, on outcomes that were dealt out anew: a null world."""

from datetime import datetime

import numpy as np
import pytest

from milepost.outcomes import Outcomes
from milepost.pipeline.job import open_job, silent
from milepost.terms import SNAPSHOT
from milepost.training.train import train_models

SHUFFLES = 50


@pytest.mark.long
@pytest.mark.promise("shuffled outcomes, from the tables on: mean AUC 0.50 ± 0.02 (shuffles)", cases=SHUFFLES)
def test_shuffled_outcomes_give_no_model_a_figure(finished):
    job = open_job(finished[0] / "milepost.toml", datetime(2025, 1, 2))
    kept = job.learnable & ~np.isnan(job.outcomes.churned)
    rows, true = job.observations.take(kept), job.outcomes.take(kept).churned
    days = np.unique(rows.context[SNAPSHOT].to_numpy(), return_inverse=True)[1]
    unknown, none = np.full(len(true), np.nan, dtype=np.float32), np.full(len(true), "")
    found: dict[str, list[float]] = {}
    for seed in range(SHUFFLES):
        draw = np.random.default_rng(seed).random(len(true))
        churned = np.empty_like(true)
        churned[np.argsort(days, kind="stable")] = true[np.lexsort((draw, days))]
        dealt = Outcomes(churned, unknown, unknown, none)
        trained = train_models(rows.matrix, dealt, job.settings, job.windows, silent, (), rows.context)
        assert not trained.alarms
        for name, metrics in [*trained.evaluation.disjoint.items(), *trained.evaluation.shared.items()]:
            found.setdefault(name, []).append(metrics.roc_auc)
    means = {name: float(np.mean(aucs)) for name, aucs in found.items()}
    print(
        {name: f"{mean:.3f} (single {min(found[name]):.2f} to {max(found[name]):.2f})" for name, mean in means.items()}
    )
    assert len(means) >= 3
    assert all(abs(mean - 0.5) <= 0.02 for mean in means.values()), means
