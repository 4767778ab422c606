"""How long does it take to route a million accounts?

    python benchmarks/routing_million.py [--accounts 1000000] [--dates 2]

Accounts are drawn at random with every column the flags look at; the second date has the first as its past, so that
flags that stay up, contacts and hours used before are looked up too. Timed: the decisions, their table with reasons and
evidence, the shares by group, and writing the date's folder and routes.parquet with routes.csv. Prints seconds of wall
clock and the largest memory.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from milepost.pipeline.route_store import CONTACTS, DECISIONS, FLAGS, keep, publish_routes, read_memory
from milepost.routing.decide import route_accounts
from milepost.routing.fairness import fairness
from milepost.routing.rules import read_rules
from milepost.routing.table import contacts_made, decisions
from milepost.settings import RoutingSettings

OWNERS = [
    {"name": "success", "hours": 2000, "people": 60, "where": "plan == 'premium'"},
    {"name": "success", "hours": 1000, "people": 30}, {"name": "support", "hours": 1500, "people": 40},
    {"name": "sales", "hours": 500, "people": 15},
]  # fmt: skip


def accounts_drawn(count: int, seed: int) -> pd.DataFrame:
    """Accounts with every column the flags look at."""
    rng = np.random.default_rng(seed)
    risk, mrr = rng.beta(0.6, 14, count), np.exp(rng.normal(5.5, 1.4, count)).round(2)
    words = {"plan": ["starter", "growth", "premium"], "region": ["europe", "north_america", "asia_pacific"],
             "next_milestone": ["setup", "activation", "utilization", "maturity"]}  # fmt: skip
    drawn = {name: rng.choice(np.array(choices, dtype=object), count) for name, choices in words.items()}
    rare = {"open_unanswered": 0.05, "bad_ratings_84": 0.3, "upset_topics_28": 0.2, "same_topic_28": 1.5,
            "help_views_28": 2.0, "conversations_28": 4.0}  # fmt: skip
    counts = {name: rng.poisson(mean, count).astype(float) for name, mean in rare.items()}
    return pd.DataFrame({
        "account_id": [f"acc-{place:07}" for place in range(count)], "churn_risk": risk, "mrr": mrr, **drawn, **counts,
        "expected_loss": risk * mrr, "risk_band": np.array(["low", "elevated", "high"], dtype=object)[
            np.digitize(risk, [0.05, 0.15])],
        "tenure_days": rng.integers(1, 1500, count).astype(float), "mature_categories": rng.integers(0, 6, count),
        "unanswered_hours": rng.exponential(20, count), "queue_overloaded": 0.0, "covered_hours": 8.0,
        "account.csat": np.where(rng.random(count) < 0.2, rng.integers(1, 6, count), np.nan),
        "account.nps": np.where(rng.random(count) < 0.3, rng.integers(0, 11, count), np.nan),
        "account.seats_active": rng.random(count), "next_step": np.full(count, "Start with 'macros'", dtype=object),
    })  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--dates", type=int, default=2)
    asked = parser.parse_args()
    settings = RoutingSettings.model_validate({"owners": OWNERS})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for place in range(asked.dates):
            day = date(2025, 1, 1) + timedelta(days=place)
            frame = accounts_drawn(asked.accounts, seed=place)
            rules = read_rules(settings, set(frame.columns), set(frame.columns))
            marks = [time.perf_counter()]
            memory = read_memory(folder / "routing", day, rules)
            routing = route_accounts(frame, rules, memory, day)
            marks.append(time.perf_counter())
            table = decisions(routing, frame)
            marks.append(time.perf_counter())
            fair = fairness(routing, frame[["plan", "region"]], frame["expected_loss"], 50)
            parts = {DECISIONS: table, FLAGS: routing.raised.frame(routing.accounts, rules),
                     CONTACTS: contacts_made(routing)}  # fmt: skip
            keep(folder / "routing", day, "run", parts)
            publish_routes(folder / "routes", f"run{place}", table, {"fairness": fair})
            marks.append(time.perf_counter())
            decided, shown, written = np.diff(marks)
            exact = all(pool.chosen.exact for pool in routing.pools)
            print(f"{day}  {len(frame):,} accounts, {int(routing.raised.up.sum()):,} flags up, "
                  f"{int(routing.contacted.sum()):,} contacts, {'exact' if exact else 'by saving per hour'}: "
                  f"decided {decided:.1f} s, in words {shown:.1f} s, written {written:.1f} s, "
                  f"together {marks[-1] - marks[0]:.1f} s")  # fmt: skip
    print(f"largest memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GB")


if __name__ == "__main__":
    main()
