"""How often a review names what changed, and how often it cries where nothing did.

Worlds of the demo without their events: whether a feature is in use in a month is taken as it is, so that 10,000
accounts take seconds. Features are kept, and cuts found, on the cohorts that had matured by the date of the change, as
a framework does; then the review is made once two cohorts that began after the change have matured.

    python benchmarks/review_power.py --seeds 20 --accounts 10000
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from milepost.demo.adoption import Scene, adopt, draw, gated, habits
from milepost.demo.billing import grants, plan_path
from milepost.demo.changes import DRIVER, SILENT, chance_of, change_month
from milepost.demo.features import CATEGORIES, FEATURES, POSITION, PROXY
from milepost.demo.features import DRIVER as DRIVES
from milepost.demo.population import populate
from milepost.demo.retention import STEPPED_FROM, churn_months, contribution, risk, window_ends
from milepost.demo.world import BURN_MONTHS, World, calendar
from milepost.importance.design import Design, standardised
from milepost.importance.effect import null_fit, score_test
from milepost.maturity.cuts import find_cut
from milepost.review.change import Rows
from milepost.review.parts import State, compare, data_parts, judge
from milepost.review.shifts import plans, uses
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.windows import Windows

WORLDS = ("standard", "season_only", "no_effect", "driver_dies", "threshold_moves", "tracking_breaks", "plans_renamed")
MATURES = 3  # months until a cohort's outcome is certain: 84 days
KEPT_Z = 3.0
CATALOGUE = tuple(Feature(one.name, tuple(one.events.split("|")), one.category) for one in FEATURES)


@dataclass(frozen=True)
class Seen:
    """Rows with a known outcome, all states of features, months; and what is seen of use and plans up to the review."""

    rows: Rows
    used: np.ndarray
    months: np.ndarray
    observations: Observations
    since: np.datetime64


def see(kind: str, accounts: int, seed: int) -> Seen:
    """Simulate one world up to the review."""
    world = World(accounts=accounts, seed=seed, kind=kind)
    dates = calendar(world)
    people = populate(world, dates)
    tiers = plan_path(world, dates, people)
    sold = {grant.entitlement: grant.months(dates) for grant in grants(world, dates, people)}
    scene = Scene(world, dates, people, tiers, gated(tiers, people, sold, None), draw(world, dates, people))
    habit = habits(adopt(scene))
    contributed = contribution(world, habit)
    model = risk(world, dates, people, tiers, contributed)
    left = churn_months(world, dates, people, chance_of(world, dates, model, habit, contributed))
    change = change_month(dates)
    last = change + 1
    month, account = np.nonzero(_alive(people, left, dates.last))
    inside = window_ends(dates, people)
    step = left[account] - month
    soon = (step >= 0) & (step < 4)
    churned = soon & inside[np.minimum(np.maximum(step, 0), 3), month, account]
    across = (month > change - MATURES) & (month < change)  # matured after it, with an outcome that began before
    known = (month >= BURN_MONTHS + 3) & (month <= last) & ~across & ~(soon & ~churned & (step <= 1))
    rows, at = month[known], account[known]
    controls = _controls(people, tiers, inside, rows, at, habit)
    if kind == "tracking_breaks":
        habit[change:, :, POSITION[SILENT]] = False
    given = Rows(churned[known].astype(float), np.unique(at, return_inverse=True)[1], controls, rows,
                 rows >= change)  # fmt: skip
    seen = (month >= BURN_MONTHS + 3) & (month <= last + MATURES)
    names = np.array(["starter", "growth", "premium"])[tiers[month[seen], account[seen]]]
    if kind == "plans_renamed":
        names = np.where((names == "growth") & (month[seen] >= change), "team", names)
    context = pd.DataFrame({"snapshot_date": pd.to_datetime([dates.day(m) for m in range(dates.last)])[month[seen]],
                            "account_id": account[seen], "plan": names})  # fmt: skip
    counts = habit[month[seen], account[seen]].astype(np.float32)
    matrix = Matrix(np.empty((len(context), 0), np.float32), context[["account_id", "snapshot_date"]], (), "")
    observations = Observations(matrix, CATALOGUE, counts, counts >= 0, True, context, Windows())
    return Seen(given, habit[rows, at].astype(float), rows, observations, np.datetime64(dates.day(change)) - 1)


def _alive(people, left, last: int):
    month = np.arange(last)[:, None]
    return (month > people.paid_month) & (month <= left) & people.converted


def _controls(people, tiers, inside, month, account, habit):
    size, tenure = people.size[account], np.log1p(month - people.paid_month[account])
    annual, ends = people.annual[account].astype(float), inside[:, month, account].any(axis=0).astype(float)
    tier = tiers[month, account]
    used = habit[month, account].mean(axis=1)
    season = [(month % 12 == one).astype(float) for one in range(1, 12)]
    columns = [size, size**2, tenure, tenure**2, annual, ends, annual * ends, tier == 1, tier == 2, used,
               month.astype(float), *season]  # fmt: skip
    return np.column_stack([np.ones(len(month)), standardised(np.column_stack(columns).astype(float))])


def review(seen: Seen) -> tuple[set[str], int]:
    """Names of the parts that alarm, and how many parts there were."""
    rows, used = seen.rows, seen.used
    kept = _kept(rows, used)
    states = [State("feature", FEATURES[place].name, "features", used[:, place]) for place in kept]
    states += _categories(rows, used, kept)
    found = compare(rows, states)
    silent = uses(seen.observations, seen.since)
    parts = (*judge(found, silent, rows, {}), *data_parts(silent, plans(seen.observations.context, seen.since)))
    return {f"{part.kind} {part.name}" for part in parts if part.alarm}, len(parts)


def _kept(rows: Rows, used) -> list[int]:
    """What goes clearly with staying by the cohorts before the change, a lucky estimate too; without the proxies, which
    a ranking tells from what they follow."""
    before = ~rows.now
    design, shares = _design(rows), used[before].mean(axis=0)
    controls, null = null_fit(design, np.ones(len(design.codes), dtype=bool))
    band = [place for place in range(len(FEATURES)) if 0.1 <= shares[place] <= 0.9 and FEATURES[place].role != PROXY]
    return [
        place
        for place in band
        if score_test(used[before][:, place], design.churned, controls, null, design.codes).z >= KEPT_Z
    ]


def _design(rows: Rows) -> Design:
    before = ~rows.now
    codes = np.unique(rows.codes[before], return_inverse=True)[1]
    empty = np.zeros((int(before.sum()), 3), dtype=np.intp)
    return Design(rows.churned[before], codes, int(codes.max()) + 1, rows.controls[before], 0, None, empty)


def _categories(rows: Rows, used, kept: list[int]) -> list[State]:
    before = ~rows.now
    design, found = _design(rows), []
    for category in CATEGORIES:
        score = used[:, [place for place in kept if FEATURES[place].category == category]].sum(axis=1).astype(np.intp)
        cut = find_cut(design, score[before], 50).candidate
        if cut is not None:
            found.append(State("category", category, "categories", (score >= cut).astype(float)))
    return found


def right_parts(kind: str) -> set[str]:
    """What may be named without being wrong."""
    category = FEATURES[POSITION[DRIVER]].category
    if kind == "threshold_moves":
        drivers = {f"feature {one.name}" for one in FEATURES if one.role == DRIVES}
        return drivers | {f"category {name}" for name in CATEGORIES}
    return {
        "driver_dies": {f"feature {DRIVER}", f"category {category}"}, "tracking_breaks": {f"events {SILENT}",
        f"category {FEATURES[POSITION[SILENT]].category}"}, "plans_renamed": {"plans names"},
    }.get(kind, set())  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--worlds", default=",".join(WORLDS))
    given = parser.parse_args()
    print(f"{given.accounts:,} accounts, seeds {given.first} to {given.first + given.seeds - 1}; "
          f"drivers from {STEPPED_FROM} up where it is stepped")  # fmt: skip
    print(f"{'world':16} {'named':>7} {'wrong':>7} {'parts':>6} {'seconds':>8}")
    for kind in given.worlds.split(","):
        named = wrong = parts = 0
        start = time.monotonic()
        for seed in range(given.first, given.first + given.seeds):
            alarms, count = review(see(kind, given.accounts, seed))
            right = right_parts(kind)
            named, wrong, parts = named + bool(alarms & right), wrong + bool(alarms - right), parts + count
            if alarms - right:
                print(f"  {kind} {seed}: {', '.join(sorted(alarms - right))}", flush=True)
        share = f"{named}/{given.seeds}" if right_parts(kind) else "-"
        print(f"{kind:16} {share:>7} {wrong:>4}/{given.seeds} {parts / given.seeds:6.1f} "
              f"{(time.monotonic() - start) / given.seeds:8.1f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
