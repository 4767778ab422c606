"""How often does the ranking keep a feature in a world where no feature does anything?

    python benchmarks/null_demo.py --seeds 200 --accounts 2000 --months 14 [--first 0]

Each seed simulates the demo product's `no_effect` world (churn follows plan, size, tenure, season and term; use
follows plan, size and tenure), builds the observations from its raw events and ranks without model importances, which
no verdict depends on. Prints one line per seed and, at the end, the share of runs that keep anything with its exact
95 % upper bound (Clopper and Pearson 1934, one-sided and two-sided).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import datetime
from pathlib import Path

from scipy.stats import beta

from milepost.demo.simulate import simulate
from milepost.demo.world import World
from milepost.demo.write import write_demo
from milepost.importance.ranking import rank_features
from milepost.pipeline.job import open_job


def kept_in(seed: int, accounts: int, months: int) -> tuple[list[str], int, int]:
    """Kept features, accounts and churned accounts of one no-effect world."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_demo(simulate(World(accounts=accounts, months=months, seed=seed, kind="no_effect")), folder)
        job = open_job(folder / "milepost.toml", datetime(2026, 1, 1))
        rows = job.learnable
        ranking = rank_features(job.observations.take(rows), job.outcomes.take(rows), job.settings)
    kept = [row.feature for row in ranking.evidence if row.verdict == "keep"]
    return kept, ranking.accounts, ranking.churned_accounts


def upper_bound(hits: int, runs: int, level: float) -> float:
    """Exact upper bound of a share (Clopper and Pearson)."""
    return 1.0 if hits == runs else float(beta.ppf(level, hits + 1, runs - hits))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--accounts", type=int, default=2000)
    parser.add_argument("--months", type=int, default=14)
    asked = parser.parse_args()
    hits = 0
    for seed in range(asked.first, asked.first + asked.seeds):
        start = time.perf_counter()
        kept, accounts, churned = kept_in(seed, asked.accounts, asked.months)
        hits += bool(kept)
        print(
            f"seed {seed:4d}  {accounts:5d} accounts  {churned:4d} churned  {time.perf_counter() - start:5.1f} s  "
            f"kept: {', '.join(kept) or '-'}",
            flush=True,
        )
    runs = asked.seeds
    print(f"runs that keep anything: {hits} of {runs} = {hits / runs:.1%}")
    one, two = upper_bound(hits, runs, 0.95), upper_bound(hits, runs, 0.975)
    print(f"exact 95 % upper bound: {one:.1%} one-sided, {two:.1%} two-sided")


if __name__ == "__main__":
    main()
