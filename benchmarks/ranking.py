"""Does the ranking put what truly keeps accounts on top, and does it stay silent where nothing does?

    python benchmarks/ranking.py --accounts 2000 --seeds 9001 9002
    python benchmarks/ranking.py --table

Worlds with known truth by intervention (relevant: adopted by 10 to 90 % of the eligible, total effect above 1 point),
ours beside its peers, each of them also with the adoption band given to it. Every run is appended to a file of
results, so that a benchmark can be interrupted and continued; `--table` prints what is there. Worlds in which health
that no table shows drives both adoption and retention are a block of their own.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_limits
from worlds.measure import Judged, judge_list, judge_ranking
from worlds.observe import Seen, observe
from worlds.structural import KINDS, UNMEASURED, World, live
from worlds.table import table

from milepost.adoption import adoption_table
from milepost.importance.design import ranked_rows
from milepost.importance.models import model_importance
from milepost.importance.peers import banded, peer_measures
from milepost.importance.ranking import rank_features

DEMO_KINDS = ("standard", "bundles", "non_linear", "growth", "late_launch", "no_effect", "confounded")
DEMO_UNMEASURED = ("confounded",)
DEMO_MONTHS = 20
T = TypeVar("T")
RESULTS = Path(__file__).parent / "results" / "ranking.jsonl"


@dataclass(frozen=True)
class Task:
    """One run: source is `structural` or `demo`; models: fit forest and boosting too; boruta: and Boruta; months: of
    the demo product's data.
    """

    source: str
    kind: str
    accounts: int
    seed: int
    models: bool
    boruta: bool
    months: int = DEMO_MONTHS

    @property
    def name(self) -> str:
        return f"{self.source}/{self.kind}/{self.accounts}/{self.seed}"

    @property
    def unmeasured(self) -> bool:
        return self.kind in (DEMO_UNMEASURED if self.source == "demo" else UNMEASURED)


def make_world(task: Task) -> Seen:
    """The world as milepost sees it."""
    if task.source == "structural":
        return observe(live(World(kind=task.kind, accounts=task.accounts, seed=task.seed)))
    from worlds.demo_product import demo_product

    from milepost.demo.world import World as DemoWorld

    return demo_product(DemoWorld(accounts=task.accounts, months=task.months, seed=task.seed, kind=task.kind))


def run(task: Task) -> dict[str, object]:
    """Rank the world by ours and by the peers, and judge each list by the truth."""
    with threadpool_limits(limits=1):
        seen = make_world(task)
        ranking, seconds = timed(lambda: rank_features(seen.observations, seen.outcomes, seen.settings))
        judged = {"ours": judge_ranking(ranking, seen, seconds)}
        if task.models:
            judged |= peers(seen, task.boruta)
    saved = {name: asdict(figures) for name, figures in judged.items()}
    return {**asdict(task), "name": task.name, "unmeasured": task.unmeasured, "lists": saved}


def peers(seen: Seen, boruta: bool) -> dict[str, Judged]:
    """Every peer plain and with the adoption band."""
    importance, model_seconds = timed(lambda: model_importance(seen.observations, seen.outcomes, seen.settings))
    given = seen.observations, seen.outcomes, seen.settings, importance
    found, seconds = timed(lambda: peer_measures(*given))
    costs = {"forest": model_seconds, "boosting": model_seconds}
    if boruta:
        found, costs["boruta"] = timed(lambda: peer_measures(*given, with_boruta=True))
    used, _ = ranked_rows(seen.observations, seen.outcomes, seen.settings)
    adoption = adoption_table(used, seen.settings.adoption)
    judged = {}
    for name, values in found.measures.items():
        cost = costs.get(name.split("_")[0], seconds)
        judged[name] = judge_list(values, seen, cost)
        judged[f"{name} + band"] = judge_list(banded(values, adoption), seen, cost)
    return judged


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result and the CPU seconds it took."""
    begun = time.process_time()
    return work(), time.process_time() - begun


def tasks(asked: argparse.Namespace) -> Iterator[Task]:
    """All runs asked for, those of few accounts first."""
    kinds = {"structural": tuple(KINDS), "demo": DEMO_KINDS}
    for accounts, seed, source in product(sorted(asked.accounts), asked.seeds, asked.sources):
        for kind in kinds[source]:
            if not asked.kinds or kind in asked.kinds:
                boruta = asked.boruta and accounts <= 2_000
                yield Task(source, kind, accounts, seed, not asked.ours_only, boruta, asked.months)


def done(results: Path) -> list[dict[str, object]]:
    """The runs in the file of results."""
    if not results.exists():
        return []
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, nargs="+", default=[2_000, 10_000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[9001, 9002, 9003, 9004, 9005])
    parser.add_argument("--sources", nargs="+", choices=["structural", "demo"], default=["structural", "demo"])
    parser.add_argument("--kinds", nargs="*", default=[])
    parser.add_argument("--ours-only", action="store_true", help="no peers: seconds instead of minutes a run")
    parser.add_argument("--boruta", action="store_true", help="Boruta too, up to 2,000 accounts")
    parser.add_argument(
        "--months", type=int, default=DEMO_MONTHS, help="of the demo's data; 50,000 accounts: 11 fit 23 GB"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--table", action="store_true", help="print the table of the results and run nothing")
    return parser.parse_args()


def main() -> None:
    """Run what is not in the file of results yet, then print the table."""
    asked = arguments()
    if not asked.table:
        asked.results.parent.mkdir(parents=True, exist_ok=True)
        known = {line["name"] for line in done(asked.results)}
        wanted = [task for task in tasks(asked) if task.name not in known]
        with ProcessPoolExecutor(asked.processes) as pool, asked.results.open("a", encoding="utf-8") as file:
            for place, line in enumerate(pool.map(run, wanted), start=1):
                file.write(json.dumps(line, default=float) + "\n")
                file.flush()
                ours = line["lists"]["ours"]  # type: ignore[index]
                shown = {key: None if value is None else round(value, 2) for key, value in ours.items()}
                print(f"{place} of {len(wanted)}: {line['name']} {shown}", flush=True)
    print(table(done(asked.results)))


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
