"""What is saved when hours go by expected saving, by risk alone, by MRR alone, or by lot?

    python benchmarks/routing_saved.py --seeds 1 2 3 [--accounts 3000] [--months 24] [--hours 30 90] [--kind standard]

Each seed simulates the demo product and trains its churn model with what was known at the start of the last simulated
month; accounts are scored at that date and routed by the flag `revenue_at_risk` of one owner, an hour a contact. The
simulator knows what a contact does: it adds `contact_log_odds` (truth/contact_effect.parquet; -0.3 in the mean, lower
for accounts at risk, above 0 for some, whom a contact drives away) to the log-odds of churn at every term end of the
outcome window. Saved is, over the contacted accounts, MRR times the chance of staying through the outcome window with
the contact, less without it: the exact expectation, no draw. The routing sees nothing of this; it assumes that a
contact saves a tenth of risk × MRR. In the world `no_effect` a contact does nothing, and no order saves anything.

Prints a line per seed and number of hours, then means with 95 % intervals over the seeds (Student's t), and the same of
the difference from risk alone, seed by seed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from milepost.demo.adoption import Scene, adopt, draw, gated, habits
from milepost.demo.billing import grants, plan_path
from milepost.demo.columns import account_ids
from milepost.demo.population import populate
from milepost.demo.retention import contribution, risk, window_ends, window_retained
from milepost.demo.simulate import simulate
from milepost.demo.world import World, calendar
from milepost.demo.write import write_demo
from milepost.pipeline.job import open_job
from milepost.pipeline.score import score_accounts
from milepost.pipeline.train import fit
from milepost.routing.decide import route_accounts
from milepost.routing.defaults import DEFAULT_FLAGS
from milepost.routing.memory import no_memory
from milepost.routing.rules import read_rules
from milepost.settings import RoutingSettings

Floats = NDArray[np.float64]
ORDERS = ("expected saving", "risk alone", "MRR alone", "by lot", "the truth itself")


def kept_by_contact(world: World, contact: pd.Series) -> pd.Series:
    """By account: how much likelier a contact at the start of the last month makes it to stay through the window."""
    dates = calendar(world)
    people = populate(world, dates)
    tiers, sold = plan_path(world, dates, people), grants(world, dates, people)
    access = gated(tiers, people, {grant.entitlement: grant.months(dates) for grant in sold}, None)
    scene = Scene(world, dates, people, tiers, access, draw(world, dates, people))
    contributed = contribution(world, habits(adopt(scene)))
    model, inside = risk(world, dates, people, tiers, contributed), window_ends(dates, people)
    effect = contact.reindex(account_ids(np.arange(people.count))).to_numpy()
    without, having = (window_retained(model.chance(contributed + more), inside)[-1] for more in (0.0, effect))
    return pd.Series(having - without, index=account_ids(np.arange(people.count)))


def scored(world: World) -> tuple[pd.DataFrame, pd.Series]:
    """Scores at the start of the last month by a model that knows nothing later, and the truth of contacts."""
    demo = simulate(world)
    dates = calendar(world)
    with tempfile.TemporaryDirectory() as name:
        write_demo(demo, Path(name))
        job = open_job(Path(name) / "milepost.toml", datetime(2026, 1, 1), dates.day(dates.last - 1))
        if fit(job).training.alarms:
            raise SystemExit("a leak alarm: no scores")
        frame = score_accounts(job, None).frame
    return frame, kept_by_contact(world, demo.contact_effect.set_index("account_id")["contact_log_odds"])


def saved_by(frame: pd.DataFrame, truth: pd.Series, hours: int) -> dict[str, float]:
    """Order -> MRR saved, every order with as many contacts as the routing makes."""
    flag = next(flag for flag in DEFAULT_FLAGS if flag.name == "revenue_at_risk")
    others = tuple(one.name for one in DEFAULT_FLAGS if one is not flag)
    settings = RoutingSettings.model_validate({"owners": [{"name": flag.owner, "hours": hours}], "without": others})
    rules = read_rules(settings, set(frame.columns), set(frame.columns))
    day = pd.Timestamp(frame["snapshot_date"].iloc[0]).date()
    contacted = route_accounts(frame, rules, no_memory(), day).contacted
    saved = frame["mrr"].to_numpy() * truth.reindex(frame["account_id"]).to_numpy()
    count = int(contacted.sum())

    def best(by: Floats) -> float:
        return float(saved[np.argsort(-by, kind="stable")[:count]].sum())

    found = (float(saved[contacted].sum()), best(frame["churn_risk"].to_numpy()), best(frame["mrr"].to_numpy()),
             float(saved.mean() * count), best(saved))  # fmt: skip
    return dict(zip(ORDERS, found, strict=True)) | {"contacts": float(count)}


def interval(values: list[float]) -> str:
    mean, spread = float(np.mean(values)), stats.sem(values) if len(values) > 1 else float("nan")
    half = float(stats.t.ppf(0.975, max(1, len(values) - 1)) * spread)
    return f"{mean:9.1f} ({mean - half:8.1f} to {mean + half:8.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(1, 11)))
    parser.add_argument("--accounts", type=int, default=3000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--hours", type=int, nargs="+", default=[30, 90])
    parser.add_argument("--kind", default="standard")
    asked = parser.parse_args()
    found: dict[int, dict[str, list[float]]] = {hours: defaultdict(list) for hours in asked.hours}
    for seed in asked.seeds:
        start = time.process_time()
        frame, truth = scored(World(accounts=asked.accounts, months=asked.months, seed=seed, kind=asked.kind))
        for hours in asked.hours:
            one = saved_by(frame, truth, hours)
            for order, value in one.items():
                found[hours][order].append(value)
            shown = ", ".join(f"{order} {one[order]:.1f}" for order in ORDERS)
            print(f"seed {seed:3d}  {len(frame):5d} accounts  {hours:3d} hours  {one['contacts']:.0f} contacts  "
                  f"{shown}  ({time.process_time() - start:.0f} s)", flush=True)  # fmt: skip
    for hours, orders in found.items():
        print(f"\n{hours} hours, {len(asked.seeds)} seeds: saved MRR, mean and 95 % interval over seeds")
        for order in ORDERS:
            beside = [one - other for one, other in zip(orders[order], orders["risk alone"], strict=True)]
            print(f"{order:18s} {interval(orders[order])}   beside risk alone {interval(beside)}")


if __name__ == "__main__":
    main()
