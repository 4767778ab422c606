"""How often is anything kept where no feature has an effect, and how many drivers are found where some have one?

    python benchmarks/null_world.py --runs 100 --accounts 2000

Prints a table per world: the share of runs that keep (or watch, or call harmful) any feature with its exact 95 % upper
bound, how the p-values inside the band are spread (they should be no smaller than uniform), and, in worlds with
effects, drivers found, false keeps, and how many of the forest's own top list are drivers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import beta
from worlds.simulate import Simulated, World, simulate

from milepost.importance.models import model_importance
from milepost.importance.ranking import Ranking, rank_features
from milepost.terms import Verdict

NULLS = {
    "null": World(),
    "null, 3x rarer churn": World(monthly_churn=0.01),
    "null, strong confounding": World(depth_on_churn=0.7, size_on_churn=0.7, plan_on_churn=0.7),
    "null, hidden health": World(hidden_on_churn=0.5),
}
EFFECTS = {
    "8 drivers": World(drivers=8),
    "8 drivers, 4 proxies": World(drivers=8, proxies=4),
    "8 drivers, 3x rarer churn": World(drivers=8, monthly_churn=0.01),
}
TAILS = (0.05, 0.01, 0.001)


@dataclass(frozen=True)
class Run:
    """What one run said."""

    kept: frozenset[str]
    watched: int
    harmful: int
    p_tails: tuple[float, ...]
    drivers: frozenset[str]
    proxies: frozenset[str]
    forest_hits: float
    seconds: float


def runs(world: World, count: int, first: int, forest: bool) -> Iterator[Run]:
    """One run per seed."""
    for seed in range(first, first + count):
        simulated = simulate(replace(world, seed=seed))
        begun = time.perf_counter()
        ranking = rank_features(simulated.observations, simulated.outcomes, simulated.settings)
        yield _run(simulated, ranking, time.perf_counter() - begun, forest)


def _run(simulated: Simulated, ranking: Ranking, seconds: float, forest: bool) -> Run:
    verdicts = [row.verdict for row in ranking.evidence]
    inside = [row for row in ranking.evidence if row.verdict not in _OUTSIDE]
    # p from effect and interval: t and normal agree closely enough for a table
    z = np.array([abs(row.effect) / ((row.high - row.low) / 3.92) for row in inside])
    tails = tuple(float((z > cut).mean()) for cut in (1.960, 2.576, 3.291))
    return Run(
        frozenset(row.feature for row in ranking.kept), verdicts.count(Verdict.NICHE_WATCH),
        verdicts.count(Verdict.HARMFUL), tails, simulated.drivers, simulated.proxies,
        _forest_hits(simulated) if forest else float("nan"), seconds,
    )  # fmt: skip


def _forest_hits(simulated: Simulated) -> float:
    """Share of the forest's top features, as many as there are drivers, that are drivers."""
    found = model_importance(simulated.observations, simulated.outcomes, simulated.settings).measures
    impurity = found["forest_impurity"]
    top = sorted(impurity, key=lambda name: -impurity[name])[: len(simulated.drivers)]
    return len(simulated.drivers.intersection(top)) / len(simulated.drivers)


_OUTSIDE = {Verdict.UBIQUITOUS, Verdict.UBIQUITOUS_INTENSITY, Verdict.NICHE, Verdict.NICHE_WATCH, Verdict.TOO_NEW}


def upper_bound(hits: int, count: int) -> float:
    """Exact (Clopper–Pearson) 95 % upper bound of a share, two-sided."""
    return 1.0 if hits == count else float(beta.ppf(0.975, hits + 1, count - hits))


def null_line(name: str, found: list[Run]) -> str:
    """One line of the table of worlds without effects."""
    count = len(found)
    keeping = sum(bool(run.kept) for run in found)
    tails = np.mean([run.p_tails for run in found], axis=0)
    return (
        f"{name:28s} {keeping:4d} of {count:4d}  upper {100 * upper_bound(keeping, count):5.1f} %  "
        f"watch {sum(run.watched > 0 for run in found):3d}  harmful {sum(run.harmful > 0 for run in found):3d}  "
        + "  ".join(f"p<{cut}: {share:.4f}" for cut, share in zip(TAILS, tails, strict=True))
        + f"  {np.mean([run.seconds for run in found]):.1f} s"
    )


def effect_line(name: str, found: list[Run]) -> str:
    """One line of the table of worlds with effects."""
    hits = np.mean([len(run.kept & run.drivers) / len(run.drivers) for run in found])
    kept = sum(len(run.kept) for run in found)
    proxies = sum(len(run.kept & run.proxies) for run in found)
    false = sum(len(run.kept - run.drivers - run.proxies) for run in found)
    forest = np.mean([run.forest_hits for run in found])
    return (
        f"{name:28s} drivers found {hits:.2f}  kept {kept / len(found):5.1f} a run, of them proxies "
        f"{proxies / max(kept, 1):.3f}, without effect {false / max(kept, 1):.3f}  forest top list drivers {forest:.2f}"
    )


def main() -> None:
    """Run every world and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--accounts", type=int, default=2_000)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--only", choices=["null", "effects"])
    parser.add_argument("--no-forest", action="store_true")
    asked = parser.parse_args()
    for name, world in NULLS.items() if asked.only != "effects" else ():
        found = list(runs(replace(world, accounts=asked.accounts), asked.runs, asked.first_seed, False))
        print(null_line(name, found), flush=True)
    for name, world in EFFECTS.items() if asked.only != "null" else ():
        forest = not asked.no_forest
        found = list(runs(replace(world, accounts=asked.accounts), asked.runs, asked.first_seed, forest))
        print(effect_line(name, found), flush=True)


if __name__ == "__main__":
    main()
