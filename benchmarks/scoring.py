"""Seconds and memory to score a million accounts from a ready matrix, with and without reasons.

python benchmarks/scoring.py [--accounts N] [--signals N] [--seed N]
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd

from milepost.scoring.score import ScoringInputs, score
from milepost.settings import ScoringSettings
from milepost.signals.matrix import Matrix, Observations
from milepost.signals.spec import Signal
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.training.boosting import fit_boosting
from milepost.training.calibrate import Calibrator
from milepost.training.model import ChurnModel
from milepost.windows import Windows

TRAINED_ON = 50_000


def observations(accounts: int, signals: int, seed: int) -> Observations:
    """Accounts with counts as products see them: many zeros, a long tail; eight signals are of one feature."""
    draw = np.random.default_rng(seed)
    values = np.empty((accounts, signals), dtype=np.float32)
    for start in range(0, accounts, 100_000):
        part = values[start : start + 100_000]
        part[:] = draw.poisson(draw.gamma(0.4, 4, size=(len(part), 1)) * draw.uniform(0.1, 1.5, signals)) / 28
    context = pd.DataFrame({
        ACCOUNT: np.char.add("acc-", np.arange(accounts).astype(str)), SNAPSHOT: pd.Timestamp("2025-01-01"),
        "plan": "pro", "seats": 5.0, "mrr": draw.gamma(2, 100, accounts), "size_band": "1-5 seats", "segment": "",
        "tenure_days": 400,
    })  # fmt: skip
    named = tuple(
        Signal(f"f{place // 8}.m{place % 8}", f"f{place // 8}", "count", 28, "day", "uses a day", f"signal {place}")
        for place in range(signals)
    )
    matrix = Matrix(values, context[[ACCOUNT, SNAPSHOT]], named, "")
    none = np.empty((accounts, 0), dtype=np.float32)
    return Observations(matrix, (), none, none.astype(bool), False, context, Windows())


def model_of(rows: Observations, seed: int) -> ChurnModel:
    """LightGBM with the default parameters, taught on the first rows."""
    values = rows.matrix.values[:TRAINED_ON]
    pull = values[:, ::7].sum(axis=1)
    risk = 1 / (1 + np.exp(2.2 + (pull - pull.mean()) / pull.std()))
    churned = (np.random.default_rng(seed).uniform(size=len(values)) < risk).astype(np.float64)
    text = fit_boosting(values, churned, seed=seed, threads=2, rounds=300).text
    return ChurnModel("boosting", rows.matrix.signals, Calibrator("platt", 1.0, 0.0), 0.1, booster=text)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--accounts", type=int, default=1_000_000)
    asked.add_argument("--signals", type=int, default=200)
    asked.add_argument("--seed", type=int, default=7)
    given = asked.parse_args()
    rows = observations(given.accounts, given.signals, given.seed)
    model = model_of(rows, given.seed)
    inputs = ScoringInputs(model, "bench", 0.05, {}, None, ScoringSettings(reasons=0), 28)
    print(f"{given.accounts:,} accounts × {given.signals} signals, {model.booster.count('Tree=')} trees")
    for name, settings in (
        ("without reasons", ScoringSettings(reasons=0)),
        ("reasons for the top 10 %", ScoringSettings()),
    ):
        wall, cpu = time.perf_counter(), time.process_time()
        score(rows, replace(inputs, settings=settings))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        print(f"{name:26} {wall:6.1f} s   CPU {cpu:6.1f} s   peak {peak:.1f} GB", flush=True)


if __name__ == "__main__":
    sys.exit(main())
