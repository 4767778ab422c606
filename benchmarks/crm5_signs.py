"""Are the signs right on a product that somebody else simulated?

    MILEPOST_TEST_DATA=… python benchmarks/crm5_signs.py

The simulator behind examples/crm5 (fightchurn 1.2.0) tells what each event adds to an account's utility. Features whose
contribution varies by at least 50 (the median of the others is 17, the largest 6,567) are judged: does a list give the
sign of the mean contribution? A list without signs says that everything on it helps.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd

from milepost.importance.peers import peer_measures
from milepost.pipeline.compare import importances
from milepost.pipeline.job import open_job
from milepost.pipeline.rank import find_ranking

LEAST = 50.0
HERE = Path(__file__).parents[1]


def truth(folder: Path) -> dict[str, float]:
    """Feature -> mean contribution, of those with a real one."""
    table = pd.read_csv(folder / "crm5" / "truth" / "driver_strength.csv", index_col=0)
    real = table[table["std_utility_contribution"] >= LEAST].drop(index=["mrr", "users"], errors="ignore")
    return {str(name): float(mean) for name, mean in real["mean"].items()}


def right(values: Mapping[str, float], real: Mapping[str, float]) -> str:
    hits = [name for name, mean in real.items() if name in values and values[name] * mean > 0]
    wrong = ", ".join(name for name in real if name not in hits)
    return f"{len(hits)} of {len(real)}  wrong: {wrong or 'none'}"


def main() -> None:
    real = truth(Path(os.environ["MILEPOST_TEST_DATA"]))
    job = open_job(HERE / "examples" / "crm5" / "milepost.toml", datetime(2026, 1, 1))
    ranking = find_ranking(job)
    rows = job.learnable
    seen, outcomes = job.observations.take(rows), job.outcomes.take(rows)
    measures = peer_measures(seen, outcomes, job.settings, importances(ranking)).measures
    lists = {
        "ours": {row.feature: row.effect for row in ranking.evidence},
        "ours, beside all others": {row.feature: row.direct_effect for row in ranking.evidence},
        "raw difference": {row.feature: row.raw_difference for row in ranking.evidence},
        "phi": measures["phi"],
        "log odds ratio": measures["odds_ratio"],
        "lift - 1": {name: value - 1 for name, value in measures["lift"].items()},
        "signed SHAP": {row.feature: row.importance["boosting_shap"] for row in ranking.evidence},
        "forest impurity": {row.feature: 1.0 for row in ranking.evidence},
    }
    print("judged: " + ", ".join(f"{name} {mean:+.0f}" for name, mean in real.items()))
    for name, values in lists.items():
        print(f"{name:24s} {right(values, real)}")
    print("kept: " + ", ".join(row.feature for row in ranking.kept))


if __name__ == "__main__":
    main()
