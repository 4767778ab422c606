"""Does the corrected list hold more features that truly keep accounts than the forest's own list does?

    python benchmarks/demo_recovery.py --seeds 7 8 9 --accounts 3000

For each seed of the demo product: the number of truly relevant features (adopted by 10 to 90 % of the eligible, total
effect above 1 point by intervention in the simulator) among the first 15 of each list, and what the corrected list
keeps.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from datetime import datetime
from pathlib import Path

from milepost.demo.simulate import simulate
from milepost.demo.world import World
from milepost.demo.write import write_demo
from milepost.importance.evidence import FeatureEvidence
from milepost.pipeline.job import open_job
from milepost.pipeline.rank import find_ranking

TOP = 15
LISTS = ("corrected", "forest_impurity", "forest_permutation", "boosting_permutation")


def study(seed: int, accounts: int) -> tuple[dict[str, int], dict[str, int]]:
    """Relevant features in the top of each list, and the roles of the kept features."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_demo(simulate(World(accounts=accounts, seed=seed)), folder)
        truth = json.loads((folder / "truth" / "truth.json").read_text(encoding="utf-8"))["features"]
        ranking = find_ranking(open_job(folder / "milepost.toml", datetime(2026, 1, 1)))
    found = {name: sum(relevant(truth, row) for row in top(ranking.evidence, name)) for name in LISTS}
    roles: dict[str, int] = {}
    for row in ranking.evidence:
        if row.verdict == "keep":
            role = truth[row.feature]["role"]
            roles[role] = roles.get(role, 0) + 1
    return found, roles


def relevant(truth: dict[str, dict[str, float]], row: FeatureEvidence) -> bool:
    feature = truth[row.feature]
    inside = 0.1 <= feature["measured_adoption"] <= 0.9
    return bool(inside and feature["total_effect_points"] > 1.0)


def top(evidence: tuple[FeatureEvidence, ...], name: str) -> list[FeatureEvidence]:
    if name == "corrected":
        return sorted(evidence, key=lambda row: row.rank)[:TOP]
    return sorted(evidence, key=lambda row: -row.importance[name])[:TOP]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--accounts", type=int, default=3000)
    asked = parser.parse_args()
    print("seed  " + "  ".join(f"{name:>20}" for name in LISTS) + "  kept, by true role")
    for seed in asked.seeds:
        found, roles = study(seed, asked.accounts)
        kept = ", ".join(f"{count} {role}" for role, count in sorted(roles.items()))
        print(f"{seed:4d}  " + "  ".join(f"{found[name]:>17d}/{TOP}" for name in LISTS) + f"  {kept}", flush=True)


if __name__ == "__main__":
    main()
