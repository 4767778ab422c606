"""What explaining costs: the model in use beside shap.TreeExplainer, and beside LightGBM as it comes.

python benchmarks/explaining.py demo/milepost.toml [--repeats N]

Trains on the first 60 % of the snapshots and looks at the later ones. Prints CPU seconds (medians), the largest
difference of any contribution, and the AUC of both models on the later rows.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import shap
from sklearn.metrics import roc_auc_score

from milepost.pipeline.job import open_job
from milepost.terms import SNAPSHOT
from milepost.training.boosting import fit_boosting
from milepost.training.calibrate import Calibrator
from milepost.training.model import ChurnModel

AS_IT_COMES = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 7}
TOP = 0.1


def seconds(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Median CPU seconds of a call, and its answer."""
    took = []
    for _ in range(repeats):
        start = time.process_time()
        answer = call()
        took.append(time.process_time() - start)
    return float(np.median(took)), answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    job = open_job(asked.settings, datetime(2026, 1, 1))
    rows, churned = job.observations.take(job.learnable), job.outcomes.take(job.learnable).churned.astype(np.float64)
    dates = np.unique(rows.context[SNAPSHOT])
    early = (rows.context[SNAPSHOT] < dates[int(0.6 * len(dates))]).to_numpy()
    values = rows.matrix.values
    ours = fit_boosting(values[early], churned[early], seed=7, threads=1)
    model = ChurnModel("boosting", rows.matrix.signals, Calibrator("platt"), 0.0, booster=ours.text)
    data = lightgbm.Dataset(values[early], churned[early])
    plain = lightgbm.train(AS_IT_COMES, data, 100)
    late = rows.take(~early)
    risk = model.predict(late.matrix)
    first = late.take(np.argsort(-risk, kind="stable")[: int(TOP * len(risk))])
    booster = lightgbm.Booster(model_str=ours.text)

    mine, added = seconds(lambda: model.contributions(late.matrix), asked.repeats)
    theirs, same = seconds(lambda: shap.TreeExplainer(booster).shap_values(late.matrix.values), asked.repeats)
    usual, _ = seconds(lambda: shap.TreeExplainer(plain).shap_values(late.matrix.values), asked.repeats)
    selected, _ = seconds(lambda: model.contributions(first.matrix), asked.repeats)
    same = np.asarray(same[-1] if isinstance(same, list) else same)
    print(f"{len(late.matrix.rows):,} rows × {values.shape[1]} signals; seconds of CPU, median of {asked.repeats}")
    print(f"the model in use, milepost            {mine:8.2f}")
    print(f"the model in use, shap.TreeExplainer  {theirs:8.2f}   {theirs / mine:.2f} ×, "
          f"largest difference {np.abs(added - same).max():.1e}")  # fmt: skip
    print(f"LightGBM as it comes, TreeExplainer   {usual:8.2f}   {usual / mine:.1f} × the same rows, by tree shape")
    print(f"the model in use, riskiest tenth      {selected:8.2f}   {usual / selected:.0f} ×, by shape and selection")
    for name, log_odds in (("the model in use", risk), ("LightGBM as it comes", plain.predict(values[~early]))):
        print(f"AUC on the later rows, {name:22s} {roc_auc_score(churned[~early], log_odds):.4f}")


if __name__ == "__main__":
    main()
