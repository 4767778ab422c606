"""Are planted milestones found again, and is nothing found where nothing is planted?

    python benchmarks/milestones.py --planted 20 --null 100

Worlds of `worlds/journeys.py`: setup takes two of three steps, activation N value events in D days, utilization a
threshold per seat, maturity a number of features of a category. A definition counts as found when it holds on later
accounts or dates and is the planted one or beside it in the grid of the search.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import stats
from threadpoolctl import threadpool_limits
from worlds.journeys import MATTER, Seen, World, live

from milepost.importance.design import make_design, ranked_rows
from milepost.maturity.cuts import find_cut
from milepost.milestones.activation import Goal, find_activation
from milepost.milestones.setup import find_setup
from milepost.milestones.utilization import candidates, find_utilization, monthly, rules_of, with_reach

LEVELS = (
    "activation",
    "activation, by the utilization found",
    "utilization",
    "setup steps",
    "steps needed",
    "mature cut",
)


@dataclass(frozen=True)
class Answer:
    """What was found in one world: exact, near (exact or beside it) and held (a definition at all), by milestone.

    spread: of the reach by size band in points, relative and absolute.
    """

    exact: tuple[bool, ...]
    near: tuple[bool, ...]
    held: tuple[bool, ...]
    spread: tuple[float, float]


def run(world: World) -> Answer:
    """Find every milestone of one world."""
    with threadpool_limits(limits=1):
        seen = live(world)
        used = find_utilization(seen.lives, seen.observations, seen.outcomes, seen.settings)
        planted, by_found = (
            (seen.world.per_seat, "seat"),
            None if used.candidate is None else (used.candidate, used.per),
        )
        found = [
            _activation(seen, planted), _activation(seen, by_found), _utilization(seen, used.threshold),
            *_setup(seen), _cut(seen),
        ]  # fmt: skip
        exact, near, held = (tuple(part) for part in zip(*found, strict=True))
        return Answer(exact, near, held, _spread(seen))


def _activation(seen: Seen, goal: Goal | None) -> tuple[bool, bool, bool]:
    rules, world = seen.settings.milestones, seen.world
    found = find_activation(seen.lives, goal, rules, rules_of(seen.settings), 56)
    if found.count is None or found.days is None:
        return False, False, False
    rows, columns = list(rules.counts), list(rules.days)
    far = (
        abs(rows.index(found.count) - rows.index(world.count)),
        abs(columns.index(found.days) - columns.index(world.days)),
    )
    return max(far) == 0, max(far) <= 1, True


def _utilization(seen: Seen, threshold: float | None) -> tuple[bool, bool, bool]:
    if threshold is None:
        return False, False, False
    used, _ = ranked_rows(seen.observations, seen.outcomes, seen.settings)
    day = used.context["snapshot_date"].to_numpy(dtype="datetime64[D]").astype(np.int64)
    grid = candidates(monthly(seen.lives, seen.lives.codes(used.context["account_id"]), day, "seat")).tolist()
    planted = int(np.argmin(np.abs(np.array(grid) - seen.world.per_seat)))
    far = abs(grid.index(threshold) - planted)
    return far == 0, far <= 1, True


def _setup(seen: Seen) -> list[tuple[bool, bool, bool]]:
    settings = seen.settings
    found = find_setup(seen.lives, seen.world.count, settings.milestones, settings.adoption, rules_of(settings))
    right = set(found.steps) == set(MATTER)
    exact = right and found.needed == seen.world.needed
    near = found.needed is not None and abs(found.needed - seen.world.needed) <= 1
    return [(right, right, bool(found.steps)), (exact, near, found.needed is not None)]


def _cut(seen: Seen) -> tuple[bool, bool, bool]:
    used, outcomes = ranked_rows(seen.observations, seen.outcomes, seen.settings)
    score = used.adopted.sum(axis=1).astype(np.intp)
    rules = seen.settings.maturity
    choice = find_cut(make_design(used, outcomes), score, 50, rules.bootstraps, 7)
    held = choice.candidate is not None and choice.agreement >= rules.min_cut_agreement
    far = abs((choice.candidate or 99) - seen.world.cut)
    return held and far == 0, held and far <= 1, held


def _spread(seen: Seen) -> tuple[float, float]:
    days = seen.observations.context["snapshot_date"]
    current = seen.observations.take((days == days.max()).to_numpy())
    found = find_utilization(seen.lives, seen.observations, seen.outcomes, seen.settings)
    reach = with_reach(found, seen.lives, current).reach
    large = reach[reach["accounts"] >= 100]
    if len(large) < 2:
        return float("nan"), float("nan")
    relative, absolute = (float(100 * (large[name].max() - large[name].min())) for name in ("relative", "absolute"))
    return relative, absolute


def shown(title: str, answers: list[Answer], planted: bool) -> str:
    """A table of one kind of world."""
    lines = [f"{title}, {len(answers)} worlds"]
    for place, name in enumerate(LEVELS):
        if planted:
            exact, near = (
                sum(part[place] for part in parts) for parts in ([a.exact for a in answers], [a.near for a in answers])
            )
            lines.append(f"| {name} | {exact} | {near} |")
        elif name != "mature cut":  # a cut is chosen among features that are kept already
            held = sum(answer.held[place] for answer in answers)
            bound = stats.binomtest(held, len(answers)).proportion_ci(0.90, method="exact").high
            lines.append(f"| {name} | {held} | {100 * bound:.1f} % |")
    if planted:
        relative, absolute = (np.nanmean([answer.spread[place] for answer in answers]) for place in (0, 1))
        worst = max(answer.spread[0] for answer in answers)
        lines.append(f"reach by size band, bands of 100 accounts and more: {relative:.1f} points apart on average "
                     f"(at most {worst:.1f}) per seat, {absolute:.1f} without seats")  # fmt: skip
    return "\n".join(lines)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--planted", type=int, default=20)
    parser.add_argument("--null", type=int, default=100)
    parser.add_argument("--accounts", type=int, default=5_000)
    parser.add_argument("--first-seed", type=int, default=500)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    with ProcessPoolExecutor(asked.processes) as pool:
        for title, effects, many in (("planted: exact, exact or beside it", True, asked.planted),
                                     ("nothing planted: held, upper bound of 95 %", False, asked.null)):  # fmt: skip
            seeds = range(asked.first_seed, asked.first_seed + many)
            worlds = [World(accounts=asked.accounts, seed=seed, effects=effects) for seed in seeds]
            print(shown(title, list(pool.map(run, worlds)), effects), flush=True)


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
