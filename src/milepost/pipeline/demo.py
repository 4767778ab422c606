"""`milepost demo`: a simulated product on disk, ready to run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from milepost.demo.simulate import simulate
from milepost.demo.world import KINDS, World
from milepost.demo.write import write_demo
from milepost.errors import InputError, nearest


def make_demo(folder: Path, accounts: int, months: int, seed: int, kind: str, progress: Callable[[str], None]) -> str:
    """Simulate and write; returns what to do next."""
    if kind not in KINDS:
        raise InputError(f"no world '{kind}'", where="--world", fix=nearest(kind, KINDS))
    progress(f"simulating {accounts:,} accounts over {months} months")
    demo = simulate(World(accounts=accounts, months=months, seed=seed, kind=kind))
    progress(f"writing {len(demo.events):,} events to {folder}")
    write_demo(demo, folder)
    return f"wrote {folder}: a product that does not exist; now run\n  milepost run -c {folder}/milepost.toml"
