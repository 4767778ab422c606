"""The demo product as a world of the ranking benchmark: read as a user's data, judged by intervention.

The truth is the total effect over the account-months that are ranked, not over all that were simulated: the first
months of the data and of an account are never ranked, and churn is more frequent there.
"""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from worlds.observe import Seen

from milepost.demo.adoption import Scene, adopt, draw, gated, habits
from milepost.demo.billing import grants, plan_path
from milepost.demo.features import FEATURES
from milepost.demo.population import populate
from milepost.demo.retention import contribution, effect_points, risk
from milepost.demo.simulate import LAUNCH_BEFORE_END, simulate
from milepost.demo.world import BURN_MONTHS, Flags, World, calendar
from milepost.demo.write import write_demo
from milepost.pipeline.job import open_job
from milepost.terms import ACCOUNT, Measure

MEASURES = (Measure.COUNT, Measure.RECENT_COUNT, Measure.ACTIVE_DAYS, Measure.USERS, Measure.EVER)


def demo_product(world: World) -> Seen:
    """Simulate, write, build the signals from the events, and find the truth of the ranked rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_demo(simulate(world), folder)
        job = open_job(folder / "milepost.toml", datetime(2026, 1, 1))
        job.settings = job.settings.model_copy(
            update={"signals": job.settings.signals.model_copy(update={"measures": MEASURES})}
        )
        learnable = job.learnable
        observations, outcomes = job.observations.take(learnable), job.outcomes.take(learnable)
    effect, adoption = _truth(world, observations.context)
    return Seen(observations, outcomes, job.settings, effect, adoption)


def _truth(world: World, rows: pd.DataFrame) -> tuple[dict[str, float], dict[str, float]]:
    """Total effect in points and adoption among those with access, by feature, over the rows."""
    dates = calendar(world)
    people = populate(world, dates)
    tiers, sold = plan_path(world, dates, people), grants(world, dates, people)
    launch = dates.last - LAUNCH_BEFORE_END if world.knobs.late_launch else None
    access = gated(tiers, people, {grant.entitlement: grant.months(dates) for grant in sold}, launch)
    scene = Scene(world, dates, people, tiers, access, draw(world, dates, people))
    habit = habits(adopt(scene))
    seen = _ranked(rows, dates.starts, access.shape[:2])
    points = effect_points(scene, risk(world, dates, people, tiers, contribution(world, habit)), habit, seen)
    names = [feature.name for feature in FEATURES]
    adoption = [float(habit[:, :, place][seen & access[:, :, place]].mean()) for place in range(len(names))]
    return dict(zip(names, np.nan_to_num(points).tolist(), strict=True)), dict(zip(names, adoption, strict=True))


def _ranked(rows: pd.DataFrame, starts: NDArray[np.int64], shape: tuple[int, int]) -> Flags:
    """bool [months × accounts]: the account-months that the rows look back from."""
    months = np.searchsorted(starts, rows["snapshot_date"].to_numpy(dtype="datetime64[us]").astype(np.int64))
    accounts = rows[ACCOUNT].str.extract(r"(\d+)")[0].astype(int).to_numpy()
    seen = np.zeros(shape, dtype=bool)
    seen[months, accounts - 1] = True  # "acc-00001" is the first
    seen[:BURN_MONTHS] = False
    return seen
