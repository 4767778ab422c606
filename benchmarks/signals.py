"""What the signals cost, beside a bare scan of the same columns and beside Polars, pandas and featuretools.

Every contestant runs alone in a process of its own, in turn, and measures its own work without its imports: CPU
seconds of all threads, wall seconds, peak memory. Printed are medians over the repeats, and CPU as a multiple of the
bare scan of the same run. Events follow Zipf's law in accounts, event names and users; 2 % are loaded up to ten days
late; 60 features, 8 measures each.

    python benchmarks/signals.py --events 1000000 --cases scan one polars pandas --repeats 3
    python benchmarks/signals.py --write
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

HERE = Path(__file__).parent
BEGIN = pd.Timestamp("2024-01-01")
HISTORY_DAYS, WINDOW_DAYS = 450, 84
FEATURES = 60
NAMES = 70  # of events, ten of which belong to no feature
DOCS = HERE.parent / "docs" / "benchmarks.md"
START, END = "<!-- printed by benchmarks/signals.py -->\n", "<!-- end -->\n"
WHAT = {
    "scan": "bare scan of the same columns",
    "one": "milepost, 1 snapshot",
    "limit": "milepost, 1 snapshot, memory_limit 2GB",
    "twelve": "milepost, 12 snapshots",
    "next": "milepost, the next snapshot after 12, a file came",
    "rewritten": "milepost, the same, all events in one new file",
    "check": "milepost check, from opening the tables on",
    "polars": "Polars, same algorithm, 1 snapshot",
    "pandas": "pandas, 1 snapshot",
    "featuretools": "featuretools, 1 snapshot",
}
PEERS = ("polars", "pandas", "featuretools")


@dataclass(frozen=True)
class Cost:
    """Medians over the repeats: CPU and wall seconds, gigabytes at the peak."""

    cpu: float
    wall: float
    peak: float


def write_product(folder: Path, events: int, days: int, seed: int) -> None:
    """Events, accounts, subscriptions, catalogue and settings of a product with a thousandth as many accounts."""
    if (folder / "milepost.toml").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    accounts = max(events // 1000, 50)
    connection = duckdb.connect()
    connection.execute("SET threads = 2; SET memory_limit = '4GB'")

    def uniform(number: int) -> str:
        return f"hash(i * 7 + {number} + {seed}::BIGINT * 1000003) / 18446744073709551616.0"

    def zipf(number: int, most: int) -> str:
        return f"floor(exp({uniform(number)} * ln({most} + 1)))::INT"

    connection.execute(f"""COPY (
        SELECT 'acc-' || lpad(account::VARCHAR, 8, '0') AS account_id, occurred_at, 'event_' || name AS event_name,
            'user-' || account || '-' || person AS user_id,
            CASE WHEN name % 10 = 0 THEN round(amount * 100, 2) END AS value,
            occurred_at + to_seconds(CASE WHEN late < 0.02 THEN late / 0.02 * 864000 ELSE late * 600 END) AS loaded_at
        FROM (SELECT ({zipf(1, accounts)} * 2654435761 % {accounts})::INT AS account, {zipf(2, NAMES)} AS name,
            {zipf(3, 40)} AS person, {uniform(4)} AS late, {uniform(5)} AS amount,
            TIMESTAMP '{BEGIN}' + to_microseconds((i * ({days} * 86400e6 / {events}))::BIGINT) AS occurred_at
            FROM range({events}) AS t(i))
        ) TO '{folder / "events.parquet"}' (FORMAT parquet, COMPRESSION zstd)""")
    ids = [f"acc-{number:08}" for number in range(accounts)]
    long_ago = BEGIN - pd.Timedelta(days=365)
    pd.DataFrame({"account_id": ids, "created_at": long_ago}).to_parquet(folder / "accounts.parquet", index=False)
    spans = pd.DataFrame({"account_id": ids, "started_at": long_ago, "plan": "pro", "seats": 5.0, "mrr": 100.0})
    spans.to_parquet(folder / "subscriptions.parquet", index=False)
    rows = "".join(f"f{number},event_{number},c\n" for number in range(1, FEATURES + 1))
    (folder / "features.csv").write_text("feature,event_names,category\n" + rows, encoding="utf-8")
    measures = ("count", "recent_count", "active_days", "users", "user_share", "recency", "trend", "ever")
    tables = "".join(f'[tables.{name}]\npath = "{name}.parquet"\n' for name in ("accounts", "events", "subscriptions"))
    settings = f"[signals]\nmeasures = {json.dumps(measures)}\n{tables}"
    (folder / "milepost.toml").write_text(settings, encoding="utf-8")


def run(case: str, folder: Path, python: str) -> dict[str, float]:
    """One contestant in a process of its own."""
    script = "signals_peers.py" if case in PEERS else "signals_own.py"
    done = subprocess.run(
        [python, str(HERE / script), case, str(folder)], capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "2", "POLARS_MAX_THREADS": "2"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{case}: {done.stderr.strip().splitlines()[-1:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def measure(cases: Sequence[str], folder: Path, repeats: int, pythons: dict[str, str]) -> dict[str, Cost]:
    """Every case in turn, as often as asked: what else the machine does falls on all alike."""
    runs: dict[str, list[dict[str, float]]] = {case: [] for case in cases}
    for repeat in range(repeats):
        for case in cases:
            found = run(case, folder, pythons.get(case, sys.executable))
            print(
                f"  {case:14}{repeat + 1}: {found['cpu']:8.2f} CPU s  {found['peak']:5.2f} GB",
                file=sys.stderr,
                flush=True,
            )
            runs[case].append(found)
    return {
        case: Cost(*(statistics.median(one[name] for one in found) for name in ("cpu", "wall", "peak")))
        for case, found in runs.items()
    }


def table(title: str, costs: dict[str, Cost]) -> str:
    """One table in Markdown, CPU also as a multiple of the bare scan and of ours."""
    lines = [f"### {title}", "", "| | CPU s | of a scan | of ours | wall s | peak GB |", "|---|---|---|---|---|---|"]
    scan, ours = costs.get("scan"), costs.get("one")
    for case, cost in costs.items():
        of_scan = f"{cost.cpu / scan.cpu:.1f}" if scan else "–"
        of_ours = f"{cost.cpu / ours.cpu:.1f}" if ours and case != "scan" else "–"
        lines.append(f"| {WHAT[case]} | {cost.cpu:.2f} | {of_scan} | {of_ours} | {cost.wall:.1f} | {cost.peak:.2f} |")
    return "\n".join(lines) + "\n"


def machine() -> str:
    """What this ran on."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.processor())  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = f"Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GB, {versions}, threads = 2."


@dataclass(frozen=True)
class Round:
    """One data set and who runs on it."""

    events: int
    days: int
    cases: tuple[str, ...]
    repeats: int


def rounds(most: int) -> list[Round]:
    """What `--write` measures, up to so many events."""
    peers = ("scan", "one", "polars", "pandas")
    own = ("scan", "one", "limit", "twelve", "next", "rewritten", "check")
    planned = [
        Round(1_000_000, HISTORY_DAYS, (*peers, "featuretools"), 3),
        Round(10_000_000, HISTORY_DAYS, (*peers, "twelve", "next", "rewritten"), 3),
        Round(10_000_000, WINDOW_DAYS, peers, 3),
        Round(100_000_000, HISTORY_DAYS, own, 1),
    ]
    return [one for one in planned if one.events <= most]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--events", type=int, help="One data set of so many events; left out: all that --write has.")
    asked.add_argument("--days", type=int, default=HISTORY_DAYS, help="Of history; with 84 all are in the window.")
    asked.add_argument("--cases", nargs="+", choices=list(WHAT), default=["scan", "one", "polars", "pandas"])
    asked.add_argument("--repeats", type=int, default=3)
    asked.add_argument("--most", type=int, default=100_000_000, help="No data set larger than this.")
    asked.add_argument("--seed", type=int, default=7)
    asked.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "milepost-bench")
    asked.add_argument("--featuretools", default="", help="A Python that has featuretools and pandas 2.")
    asked.add_argument("--write", action="store_true", help="Put the tables into docs/benchmarks.md.")
    given = asked.parse_args()
    one = Round(given.events or 0, given.days, tuple(given.cases), given.repeats)
    parts = []
    for part in [one] if given.events else rounds(given.most):
        folder = given.folder / f"events-{part.events}-{part.days}-{given.seed}"
        print(f"{part.events:,} events over {part.days} days", file=sys.stderr, flush=True)
        write_product(folder, part.events, part.days, given.seed)
        cases = [case for case in part.cases if case != "featuretools" or given.featuretools]
        costs = measure(cases, folder, part.repeats, {"featuretools": given.featuretools})
        title = f"{part.events:,} events of {part.events // 1000:,} accounts over {part.days} days"
        runs = f"medians of {part.repeats} runs in turn" if part.repeats > 1 else "one run"
        parts.append(table(f"{title} ({runs})", costs))
        print(parts[-1], flush=True)
    print(machine())
    if given.write:
        text = DOCS.read_text(encoding="utf-8")
        told = machine() + "\n\n" + "\n".join(parts)
        DOCS.write_text(text.split(START)[0] + START + told + END + text.split(END)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
