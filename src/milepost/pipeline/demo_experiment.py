"""`milepost demo --experiment`: a finished experiment on disk, with its plan locked and its accounts assigned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from milepost.demo.experiment_worlds import ACCOUNTS, EXPERIMENTS, START, UNTIL, ExperimentWorld, people
from milepost.demo.experiment_worlds import simulate_experiment as simulate
from milepost.demo.experiment_write import PLANS, write_experiment
from milepost.errors import InputError, nearest
from milepost.experiments.assign import LOG, eligible, extend
from milepost.experiments.plan import Plan, fingerprint, read
from milepost.pipeline.experiment_files import PLAN, Folder
from milepost.windows import midnight


def make_experiment(folder: Path, kind: str, seed: int, progress: Callable[[str], None]) -> str:
    """Simulate and write; returns what to do next."""
    if kind not in EXPERIMENTS:
        raise InputError(f"no experiment '{kind}'", where="--experiment", fix=nearest(kind, EXPERIMENTS))
    progress(f"simulating {kind}")
    world, plan, log = experiment_world(kind, seed)
    write_experiment(world, folder)
    files = Folder(folder / "experiments", kind)
    files.path.mkdir(parents=True, exist_ok=True)
    (files.path / PLAN).write_text(PLANS[kind], encoding="utf-8")
    if files.lock is None:
        files.write_lock(midnight(START) - timedelta(days=3), "")
    files.write_arms(log)
    return (
        f"wrote {folder}: an experiment of a product that does not exist, {len(log):,} accounts in "
        f"{len(plan.arm)} arms; now run\n  milepost experiment check {kind} -c {folder}/milepost.toml\n"
        f"  milepost experiment analyze {kind} -c {folder}/milepost.toml --as-of {_first_look(plan)}\n"
        f"  milepost experiment analyze {kind} -c {folder}/milepost.toml"
    )


def experiment_world(kind: str, seed: int, accounts: int | None = None) -> tuple[ExperimentWorld, Plan, pd.DataFrame]:
    """The tables, the plan and the log of who got which arm, by the plan's own hash of the account."""
    plan = read(PLANS[kind])
    who = people(kind, seed, accounts or ACCOUNTS[kind])
    table = who.accounts.rename(columns={"created_at": "enrolled_at"})
    inside = eligible(table, plan)
    log = extend(pd.DataFrame(columns=LOG), inside, plan, midnight(UNTIL), fingerprint(PLANS[kind]))
    log = log.assign(assigned_at=log["enrolled_at"])
    treated = table["account_id"].isin(log.loc[log["arm"] == plan.treated[0].name, "account_id"])
    return simulate(who, np.asarray(treated, dtype=bool)), plan, log


def _first_look(plan: Plan) -> date:
    shortest = min(metric.window_days for metric in plan.metric)
    return plan.enrolment.end + timedelta(days=shortest)
