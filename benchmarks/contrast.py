"""Does the contrast of accounts mature in three or more categories reject nothing where there is nothing?

    python benchmarks/contrast.py --null 200 --effect 15

Worlds of `worlds/structural.py`. Where no feature has an effect none is kept, so that rules are forced: the features
with the highest lower bounds, kept or not, which is harder than what happens. Where features have effects the rules are
those the product chooses. The truth is the same contrast from the generator's own chances of staying, at equal true
activity in place of measured depth of use.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from threadpoolctl import threadpool_limits
from worlds.observe import observe
from worlds.structural import Lived, World, live, snapshot_months

from milepost.adoption import Standing, adoption_table, available
from milepost.importance.design import make_design, ranked_rows, standardised
from milepost.importance.effect import effect_of
from milepost.importance.joint import beside_others, effects_beside, fit_joint
from milepost.importance.relations import find_relations
from milepost.maturity.contrast import Assigned, Rules, adjusted, assign, contrast_of, cut_rules
from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Observations

KINDS = ("plain", "mediated", "activity", "premium")
FORCED = 9  # features


@dataclass(frozen=True)
class Answer:
    """One world: the contrast in points with its p and interval, and the true one; NaN where it could not be told."""

    world: World
    effect: float
    low: float
    high: float
    p: float
    true: float


def run(world: World) -> Answer:
    """The contrast on retention of one world."""
    np.seterr(all="ignore")
    with threadpool_limits(limits=1):
        lived = live(world)
        seen = observe(lived)
        used, outcomes = ranked_rows(seen.observations, seen.outcomes, seen.settings)
        assigned = assign(used, outcomes, seen.settings, None if lived.world.knobs.effects else forced)
        found = contrast_of(assigned, used, outcomes)
        true = _truth(lived, assigned, used, outcomes) if np.isfinite(found.effect) else float("nan")
    return Answer(world, found.effect, found.low, found.high, found.p, true)


def forced(observations: Observations, outcomes: Outcomes, settings: Settings) -> Rules:
    """Cuts of the features inside the band with the highest lower bounds."""
    design, allowed = make_design(observations, outcomes), available(observations)
    joint = fit_joint(design, observations.adopted, allowed)
    totals = effects_beside(design, joint, allowed, beside_others(joint, find_relations(observations).followers))
    standings = [row.standing for row in adoption_table(observations, settings.adoption)]
    lows = [
        effect.low if standing == Standing.INSIDE and np.isfinite(effect.low) else -np.inf
        for effect, standing in zip(totals, standings, strict=True)
    ]
    top = [observations.features[column].name for column in np.argsort(lows)[::-1][:FORCED]]
    return cut_rules(observations, design, top, settings)


def _truth(lived: Lived, assigned: Assigned, observations: Observations, outcomes: Outcomes) -> float:
    """The contrast of the true chances, at equal true activity instead of depth as it is foretold."""
    rows = assigned.tested & outcomes.known
    context = observations.context[rows]
    account = context["account_id"].str[1:].astype(int).to_numpy()
    dates = np.unique(context["snapshot_date"])
    every = np.unique(observations.context["snapshot_date"])
    place = np.searchsorted(every, context["snapshot_date"].to_numpy())
    assert len(every) == len(snapshot_months(lived.world)) >= len(dates)
    design = adjusted(assigned, observations, outcomes)
    activity = lived.people.activity[account][:, None]
    controls = np.column_stack([design.without_depth, standardised(np.column_stack([activity, activity**2]))])
    known = replace(design, churned=1 - lived.stay[place, account], controls=controls, depth_columns=2)
    return effect_of(known, assigned.mature[rows], np.ones(int(rows.sum()), dtype=bool)).effect


def shown(answers: Iterable[Answer], title: str, null: bool) -> str:
    """One line of the table."""
    told = [answer for answer in answers if np.isfinite(answer.effect)]
    if not told:
        return f"| {title} | 0 | | | | |"
    rejected = sum(answer.p < 0.05 for answer in told)
    covered = sum(answer.low <= answer.true <= answer.high for answer in told)
    ends = stats.binomtest(rejected if null else covered, len(told)).proportion_ci(method="exact")
    what = f"{rejected} rejected" if null else f"{covered} hold the truth"
    error: NDArray[np.float64] = np.array([answer.effect - answer.true for answer in told])
    true = np.mean([answer.true for answer in told])
    return (
        f"| {title} | {len(told)} | {what} ({100 * ends.low:.1f} to {100 * ends.high:.1f} %) | "
        f"{true:+.2f} | {error.mean():+.2f} | {error.std():.2f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--null", type=int, default=200)
    parser.add_argument("--effect", type=int, default=15, help="worlds of each kind with effects")
    parser.add_argument("--accounts", type=int, default=2_000)
    parser.add_argument("--first-seed", type=int, default=3000)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    kinds = [("no effect", asked.null), *((kind, asked.effect) for kind in KINDS)]
    print("| world | runs told | found (exact 95 % interval) | true contrast | error, mean | error, spread |")
    print("| --- | --- | --- | --- | --- | --- |")
    with ProcessPoolExecutor(asked.processes) as pool:
        for kind, many in kinds:
            seeds = range(asked.first_seed, asked.first_seed + many)
            worlds = [World(kind=kind, accounts=asked.accounts, seed=seed) for seed in seeds]
            print(shown(pool.map(run, worlds), kind, kind == "no effect"), flush=True)


if __name__ == "__main__":
    main()
