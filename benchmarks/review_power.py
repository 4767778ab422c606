"""How often a review names what changed, and how often it cries where nothing did.

Worlds of the demo without their events: whether a feature is in use in a month is taken as it is, so that 10,000
accounts take seconds. Features are kept, and cuts found, on the cohorts that had matured by the date of the change, as
a framework does; then the review is made once two cohorts that began after the change have matured. `true` is what the
driver that dies did for retention, in percentage points among the accounts alive when it died, by intervention.
A logistic model of use stands in for the model in use, counts drawn for every month of use for its signals.

    python benchmarks/review_power.py --seeds 20 --accounts 10000
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from milepost.demo.adoption import Scene, adopt, draw, gated, habits
from milepost.demo.billing import SEAT_PRICE, grants, plan_path, seat_path
from milepost.demo.changes import DRIVER, SILENT, chance_of, change_month
from milepost.demo.features import CATEGORIES, FEATURES, POSITION, PROXY
from milepost.demo.features import DRIVER as DRIVES
from milepost.demo.population import populate
from milepost.demo.retention import (
    STEPPED_FROM,
    churn_months,
    contribution,
    is_term_end,
    risk,
    window_ends,
    window_retained,
)
from milepost.demo.world import BURN_MONTHS, DAY_US, World, calendar
from milepost.importance.design import Design, standardised
from milepost.importance.effect import null_fit, score_test
from milepost.importance.logistic import fit_logistic
from milepost.maturity.cuts import find_cut
from milepost.outcomes import Times
from milepost.review.change import Rows
from milepost.review.foresight import Claim, Foretold, auc, calibration, ranking_power
from milepost.review.moved import drawn, inputs_claim, moved, scores_claim
from milepost.review.parts import State, compare, data_parts, judge
from milepost.review.revenue import Paid, revenue
from milepost.review.shifts import plans, uses
from milepost.review.spells import spells
from milepost.signals.catalogue import Feature
from milepost.signals.matrix import Matrix, Observations
from milepost.windows import Windows

WORLDS = ("standard", "season_only", "no_effect", "driver_dies", "threshold_moves", "tracking_breaks", "plans_renamed",
          "counted_twice")  # fmt: skip
COUNTED_TWICE = 0.25  # of the signals, from the change on, in the world of that name
MODEL = {f"risk {name}" for name in ("calibration", "ranking power", "revenue")}  # right where churn itself changes
MATURES = 3  # months until a cohort's outcome is certain: 84 days
KEPT_Z = 3.0
CATALOGUE = tuple(Feature(one.name, tuple(one.events.split("|")), one.category) for one in FEATURES)


@dataclass(frozen=True)
class Seen:
    """Rows with a known outcome and all states of features: those that had matured by the change, which the framework
    is made from, and the spells of the review; what is seen of use and plans up to it; what the driver did, in points.
    claims: of the model and the inputs, without the signals of some features.
    """

    made: Rows
    made_used: np.ndarray
    rows: Rows
    used: np.ndarray
    points: float
    observations: Observations
    since: np.datetime64
    claims: Callable[[list[str]], list[Claim]]


def see(kind: str, accounts: int, seed: int) -> Seen:
    """Simulate one world up to the review."""
    world = World(accounts=accounts, seed=seed, kind="standard" if kind == "counted_twice" else kind)
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
    matured = (month >= BURN_MONTHS + 3) & (month <= change - MATURES) & ~(soon & ~churned & (step <= 1))
    rows, at = month[matured], account[matured]
    made = Rows(churned[matured].astype(float), np.unique(at, return_inverse=True)[1],
                _controls(people, tiers, inside[:, rows, at].any(axis=0), rows, at, habit), rows,
                np.zeros(len(rows), bool))  # fmt: skip
    made_used = habit[rows, at].astype(float)
    points = _points(scene, model, habit, np.arange(dates.last)[:, None] == change, left)
    if kind == "tracking_breaks":
        habit[change:, :, POSITION[SILENT]] = False
    asked = (month >= BURN_MONTHS + 3) & (month <= last + MATURES)
    rows, at = month[asked], account[asked]
    told, given = _spells(dates, people, left, rows, at, change)
    rows, at = rows[told.row], at[told.row]
    controls = _controls(people, tiers, given, rows, at, habit)
    length = standardised(np.log(told.ends - told.begins)[:, None])
    reviewed = Rows(told.left, np.unique(at, return_inverse=True)[1], np.column_stack([controls, length]), rows,
                    told.now)  # fmt: skip
    seen = (month >= BURN_MONTHS + 3) & (month <= last + MATURES)
    names = np.array(["starter", "growth", "premium"])[tiers[month[seen], account[seen]]]
    if kind == "plans_renamed":
        names = np.where((names == "growth") & (month[seen] >= change), "team", names)
    context = pd.DataFrame({"snapshot_date": pd.to_datetime([dates.day(m) for m in range(dates.last)])[month[seen]],
                            "account_id": account[seen], "plan": names})  # fmt: skip
    counts = habit[month[seen], account[seen]].astype(np.float32)
    matrix = Matrix(np.empty((len(context), 0), np.float32), context[["account_id", "snapshot_date"]], (), "")
    observations = Observations(matrix, CATALOGUE, counts, counts >= 0, True, context, Windows())
    mrr = SEAT_PRICE[tiers] * seat_path(world, dates, people, habit)
    known = _Known(dates, people, tiers, habit, mrr, left, churned, soon & ~churned & (step <= 1), inside)
    claims = _claims(known, (month, account), (change, last), kind == "counted_twice", seed)
    return Seen(made, made_used, reviewed, habit[rows, at].astype(float), points, observations,
                np.datetime64(dates.day(change)) - 1, claims)  # fmt: skip


@dataclass(frozen=True)
class _Known:
    """One world: arrays [months × accounts], and those of [rows] for every month in which an account is there."""

    dates: object
    people: object
    tiers: np.ndarray
    habit: np.ndarray
    mrr: np.ndarray
    left: np.ndarray
    churned: np.ndarray
    in_gap: np.ndarray
    inside: np.ndarray


def _claims(known: _Known, rows, months: tuple[int, int], twice: bool, seed: int):
    """A model taught on what had matured by the change, judged as `milepost review` judges the model in use."""
    (month, account), (change, last) = rows, months
    begin = BURN_MONTHS + 3
    usable = (month >= begin) & ~known.in_gap
    ends = known.inside[:, month, account].any(axis=0)
    x = np.column_stack([_controls(known.people, known.tiers, ends, month, account, known.habit)[:, :-12],
                         known.habit[month, account]])  # fmt: skip
    days = np.array([np.datetime64(known.dates.day(m)) for m in range(known.dates.last)])
    y = known.churned.astype(float)

    def foretell(until: int) -> np.ndarray:
        """Risks of all rows by what had matured up to a month."""
        learnt = usable & (month <= until)
        fit = fit_logistic(x[learnt], y[learnt], np.full(x.shape[1], 1.0))
        return 1 / (1 + np.exp(-np.clip(x @ fit.beta, -30, 30)))

    def of(keep, risk) -> tuple[Foretold, Paid]:
        later = np.minimum(month[keep] + MATURES, known.dates.last - 1)
        before, after = known.mrr[month[keep], account[keep]], known.mrr[later, account[keep]]
        gone = known.left[account[keep]] <= later
        told = account[keep], days[month[keep]], risk[keep]
        return Foretold(*told, y[keep]), Paid(*told, np.where(gone, -1.0, after / before - 1))

    cut = begin + int(0.6 * (change - MATURES - begin))
    tested, paid = of(usable & (month > cut + MATURES) & (month <= change - MATURES), foretell(cut))
    risk = foretell(change - MATURES)
    learnt, _ = of(usable & (month <= change - MATURES), risk)
    now, paid_now = of(usable & (month >= change) & (month <= last), risk)
    names = [one.name for one in FEATURES] + ["seats", "tenure", "plan", "recency"]
    asked, since = days[begin : last + MATURES + 1], days[change] - 1

    def at(day: np.datetime64) -> np.ndarray:
        there = np.flatnonzero(month == int(np.flatnonzero(days == day)[0]))
        return there[drawn(len(there), seed)]

    def signals(day: np.datetime64) -> np.ndarray:
        places = at(day)
        draw = np.random.default_rng([seed, int(month[places[0]])])
        who, when = account[places], month[places]
        size = np.exp(0.4 * known.people.size[who])[:, None]
        counts = draw.poisson(4.0 * size, (len(places), len(FEATURES))) * known.habit[when, who]
        if twice and day >= days[change]:
            counts[:, : int(COUNTED_TWICE * len(FEATURES))] *= 2
        weekend = np.array([0, 0, 0, 0, 0, 1, 2])[int((day.astype(int) + 3) % 7)]
        recency = draw.geometric(0.5, len(places)) - 1 + weekend
        tenure = when - known.people.paid_month[who]
        return np.column_stack([counts, known.mrr[when, who] / SEAT_PRICE[known.tiers[when, who]], tenure,
                                known.tiers[when, who], recency]).astype(float)  # fmt: skip

    def claims(stopped: list[str]) -> list[Claim]:
        told = [place for place, name in enumerate(names) if name not in stopped]
        inputs = moved([names[place] for place in told], asked, lambda day: signals(day)[:, told], since)
        scores = moved(["churn_risk"], asked, lambda day: risk[at(day)][:, None], since)
        return [calibration(learnt, now), ranking_power(auc(tested, seed), now, seed), revenue(paid, paid_now, seed),
                inputs_claim(inputs, since), scores_claim(scores, since, (0.0, 0.0))]  # fmt: skip

    return claims


def _spells(dates, people, left, month, account, change: int):
    """The spells of the rows, known up to when the second cohort matures, and whether a term ends in each."""
    windows, starts = Windows(), dates.starts
    gone = np.where(left < dates.last, starts[np.minimum(left, dates.last)] + people.offset_us, 2**62)[account]
    opens = starts[month] + windows.gap_days * DAY_US
    known = starts[change + 1] + (windows.gap_days + windows.outcome_days) * DAY_US
    watched = np.maximum(known - opens, 0) / DAY_US
    after = np.where(gone <= known, (gone - opens) / DAY_US, np.inf)
    days = starts.astype("datetime64[us]").astype("datetime64[D]")
    told = spells(days[month], Times(after, watched), windows, dates.day(change))
    rows, at = month[told.row], account[told.row]
    first, end = (opens[told.row] + (days * DAY_US).astype(np.int64) for days in (told.begins, told.ends))
    ending, moments = is_term_end(people, dates.last + 4), people.renewals(dates)
    inside = [ending[rows + step, at] & (moments[rows + step, at] >= first) & (moments[rows + step, at] < end)
              for step in range(4)]  # fmt: skip
    return told, np.any(inside, axis=0)


def _points(scene, model, habit, when, left) -> float:
    """What the driver does for those who have access and are there when it dies, in points of 56-day retention."""
    place, inside = POSITION[DRIVER], window_ends(scene.calendar, scene.people)
    there = when & (when.argmax(axis=0) <= left) & scene.access[:, :, place] & scene.people.converted
    there &= np.arange(len(when))[:, None] > scene.people.paid_month
    with_it, without = (
        window_retained(model.chance(contribution(scene.world, _forced(habit, place, used))), inside)
        for used in (True, False)
    )
    return 100 * float((with_it - without)[there].mean())


def _forced(habit, place: int, used: bool):
    forced = habit.copy()
    forced[:, :, place] = used
    return forced


def _alive(people, left, last: int):
    month = np.arange(last)[:, None]
    return (month > people.paid_month) & (month <= left) & people.converted


def _controls(people, tiers, term_ends, month, account, habit):
    size, tenure = people.size[account], np.log1p(month - people.paid_month[account])
    annual, ends = people.annual[account].astype(float), term_ends.astype(float)
    tier = tiers[month, account]
    used = habit[month, account].mean(axis=1)
    season = [(month % 12 == one).astype(float) for one in range(1, 12)]
    columns = [size, size**2, tenure, tenure**2, annual, ends, annual * ends, tier == 1, tier == 2, used,
               month.astype(float), *season]  # fmt: skip
    return np.column_stack([np.ones(len(month)), standardised(np.column_stack(columns).astype(float))])


def review(seen: Seen) -> tuple[set[str], int]:
    """Names of the parts that alarm, and how many parts there were."""
    rows, used = seen.rows, seen.used
    kept = _kept(seen.made, seen.made_used)
    states = [State("feature", FEATURES[place].name, "features", used[:, place]) for place in kept]
    states += _categories(seen, kept)
    found = compare(rows, states)
    silent = uses(seen.observations, seen.since)
    claims = seen.claims([one.feature for one in silent if one.broken])
    parts = (*judge(found, silent, rows, {}, claims), *data_parts(silent, plans(seen.observations.context, seen.since)))
    return {f"{part.kind} {part.name}" for part in parts if part.alarm}, len(parts)


def _kept(rows: Rows, used) -> list[int]:
    """What goes clearly with staying by the cohorts before the change, a lucky estimate too; without the proxies, which
    a ranking tells from what they follow."""
    design, shares = _design(rows), used.mean(axis=0)
    controls, null = null_fit(design, np.ones(len(design.codes), dtype=bool))
    band = [place for place in range(len(FEATURES)) if 0.1 <= shares[place] <= 0.9 and FEATURES[place].role != PROXY]
    return [
        place for place in band if score_test(used[:, place], design.churned, controls, null, design.codes).z >= KEPT_Z
    ]


def _design(rows: Rows) -> Design:
    empty = np.zeros((len(rows.codes), 3), dtype=np.intp)
    return Design(rows.churned, rows.codes, int(rows.codes.max()) + 1, rows.controls, 0, None, empty)


def _categories(seen: Seen, kept: list[int]) -> list[State]:
    design, found = _design(seen.made), []
    for category in CATEGORIES:
        places = [place for place in kept if FEATURES[place].category == category]
        cut = find_cut(design, seen.made_used[:, places].sum(axis=1).astype(np.intp), 50).candidate
        if cut is not None:
            mature = (seen.used[:, places].sum(axis=1) >= cut).astype(float)
            found.append(State("category", category, "categories", mature))
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
        "counted_twice": {"drift inputs"},
    }.get(kind, set())  # fmt: skip


def beside(kind: str) -> set[str]:
    """What is right too where it is named, and does not count as naming: the model feels what changed."""
    changed = MODEL if kind in ("driver_dies", "threshold_moves", "tracking_breaks") else set()
    return changed | ({"drift scores"} if kind == "tracking_breaks" else set())


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
        points: list[float] = []
        start = time.monotonic()
        for seed in range(given.first, given.first + given.seeds):
            seen = see(kind, given.accounts, seed)
            alarms, count = review(seen)
            right = right_parts(kind)
            alarms -= beside(kind)
            named, wrong, parts = named + bool(alarms & right), wrong + bool(alarms - right), parts + count
            points.append(seen.points)
            if alarms - right:
                print(f"  {kind} {seed}: {', '.join(sorted(alarms - right))}", flush=True)
            if right and not alarms & right:
                there = POSITION[DRIVER] in _kept(seen.made, seen.made_used)
                print(f"  {kind} {seed}: not named; true {seen.points:.1f} points; "
                      f"{DRIVER} {'is' if there else 'is not'} in the framework", flush=True)  # fmt: skip
        share = f"{named}/{given.seeds}" if right_parts(kind) else "-"
        print(f"{kind:16} {share:>7} {wrong:>4}/{given.seeds} {parts / given.seeds:6.1f} "
              f"{(time.monotonic() - start) / given.seeds:8.1f}", flush=True)  # fmt: skip
        if kind == "driver_dies":
            print(f"  true: {min(points):.1f} to {max(points):.1f} points, in the middle {np.median(points):.1f}")


if __name__ == "__main__":
    main()
