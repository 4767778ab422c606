"""`milepost experiment propose` on the demo: what it says, what it writes, and what it does not fall for."""

from __future__ import annotations

import json
from datetime import datetime

import pandas as pd
import pytest

from milepost.demo.simulate import simulate
from milepost.demo.world import World
from milepost.demo.write import write_demo
from milepost.errors import CatalogueError, PlanError
from milepost.experiments.plan import read
from milepost.pipeline.job import open_job
from milepost.pipeline.propose import propose_experiment
from milepost.pipeline.rank import rank_job

RELEVANT = ("driver", "mediator", "niche_driver")


def ranked(folder, **world):
    write_demo(simulate(World(**world)), folder)
    job = open_job(folder / "milepost.toml", datetime(2025, 1, 1))
    rank_job(job)
    return open_job(folder / "milepost.toml", datetime(2025, 1, 1))


def clear_roles(folder):
    truth = json.loads((folder / "truth" / "truth.json").read_text(encoding="utf-8"))
    return {name: feature["role"] for name, feature in truth["features"].items()}


def test_without_a_ranking_there_is_nothing_to_grade(tmp_path):
    write_demo(simulate(World(accounts=60, months=8, seed=3)), tmp_path)
    job = open_job(tmp_path / "milepost.toml", datetime(2025, 1, 1))
    with pytest.raises(PlanError, match="no ranking of these data is published; run 'milepost rank' first"):
        propose_experiment(job, "workflows", 0.25)
    with pytest.raises(CatalogueError, match="no feature 'workflow'; did you mean 'workflows'"):
        propose_experiment(job, "workflow", 0.25)


@pytest.mark.long
def test_what_follows_hidden_health_stays_an_association(tmp_path):
    job = ranked(tmp_path, accounts=3000, months=24, seed=7, kind="confounded")
    nulls = [name for name, role in clear_roles(tmp_path).items() if role not in RELEVANT]
    everything = {name: propose_experiment(job, name, 0.25).json for name in nulls}
    graded = {name: found for name, found in everything.items() if (found["association"]["low"] or 0) > 0}
    assert len(graded) >= 3  # adjusting for all that is measured finds effects of what does nothing
    for name, found in graded.items():
        print(f"\n{name} : {found['association']['effect']:+.3f}, E-value "
              f"{found['association']['e_value']:.1f}, negative control {found['standing']['together']:.2f}: "
              f"{found['grade']}")  # fmt: skip
    assert all(found["grade"] != "worth a test" for found in graded.values())
    assert any("the negative control fails" in " ".join(found["because"]) for found in graded.values())


@pytest.mark.long
def test_a_driver_is_worth_a_test_and_its_draft_can_be_sized(tmp_path):
    job = ranked(tmp_path, accounts=3000, months=24, seed=7)
    found = propose_experiment(job, "workflows", 0.25)
    assert found.json["grade"] == "worth a test"
    assert clear_roles(tmp_path)["workflows"] == "driver"
    plan = read((tmp_path / "experiments" / "try-workflows" / "plan.toml").read_text(encoding="utf-8"))
    units = pd.read_csv(tmp_path / plan.enrolment.units)
    assert units["account_id"].is_unique
    assert plan.enrolment.per_day == pytest.approx(len(units) / 7, abs=0.1)
    with pytest.raises(PlanError, match="there is a plan already"):
        propose_experiment(job, "workflows", 0.25)
