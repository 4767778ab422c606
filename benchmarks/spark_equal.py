"""Whether Spark and DuckDB give the same matrix, byte for byte, and what each takes.

python benchmarks/spark_equal.py --events 1000000
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

from milepost.data.sources import open_tables
from milepost.settings import load
from milepost.signals.build import build
from milepost.signals.catalogue import read_catalogue
from signals import HISTORY_DAYS, write_product


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--events", type=int, default=1_000_000)
    asked.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "milepost-bench")
    given = asked.parse_args()
    folder = given.folder / f"events-{given.events}-{HISTORY_DAYS}-7"
    write_product(folder, given.events, HISTORY_DAYS, 7)
    settings, features = load(folder / "milepost.toml"), read_catalogue(folder / "features.csv")
    months = tuple(date(2024 + month // 12, month % 12 + 1, 1) for month in range(3, 15))
    made = {}
    for engine in ("duckdb", "spark"):
        own = settings.model_copy(update={"project": settings.project.model_copy(update={"engine": engine})})
        started = time.perf_counter()
        tables = open_tables(own)
        opened = time.perf_counter()
        made[engine] = build(tables, features, own, months)
        print(
            f"{engine:8} opening {opened - started:6.1f} s   signals {time.perf_counter() - opened:6.1f} s", flush=True
        )
    one, other = (made[engine].observations for engine in ("duckdb", "spark"))
    same = one.matrix.values.tobytes() == other.matrix.values.tobytes() and one.context.equals(other.context)
    same = same and np.array_equal(made["duckdb"].known.ever, made["spark"].known.ever)
    rows, columns = one.matrix.values.shape
    print(f"{rows:,} rows × {columns} signals: {'equal' if same else 'DIFFERENT'}")
    raise SystemExit(0 if same else 1)


if __name__ == "__main__":
    main()
