"""An experiment's files: what is damaged is found and named, and a failed write leaves the old one."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
import pytest

from milepost.demo.experiment_write import PLANS
from milepost.errors import EnvironmentFault, PlanError
from milepost.experiments.assign import LOG
from milepost.pipeline.demo_experiment import experiment_world
from milepost.pipeline.experiment_files import Folder, Taken

NOW = datetime(2024, 1, 5)


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path, "help-content")
    made.path.mkdir()
    (made.path / "plan.toml").write_text(PLANS["help-content"], encoding="utf-8")
    return made


def test_a_lock_holds_what_was_locked(folder):
    assert folder.lock is None
    folder.write_lock(NOW, "abc")
    assert folder.lock["locked_at"] == "2024-01-05T00:00:00Z"
    assert folder.lock["git_commit"] == "abc"
    assert folder.locked() == folder.plan
    with pytest.raises(PlanError, match="locked already; a new plan is a new experiment"):
        folder.write_lock(NOW, "abc")


def test_a_space_more_is_an_edit(folder):
    folder.write_lock(NOW, "")
    again = Folder(folder.root, folder.name)
    path = folder.path / "plan.toml"
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    with pytest.raises(PlanError, match="the plan was edited after it was locked at 2024-01-05"):
        again.locked()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"sha256": 1}'])
def test_a_damaged_lock_is_named(folder, text):
    (folder.path / "plan.lock.json").write_text(text, encoding="utf-8")
    with pytest.raises(PlanError, match=r"plan\.lock\.json is damaged"):
        folder.locked()


def test_a_damaged_log_is_named(folder):
    (folder.path / "assignments.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(PlanError, match=r"assignments\.parquet cannot be read"):
        _ = folder.arms
    pd.DataFrame({"account_id": ["a"]}).to_parquet(folder.path / "assignments.parquet")
    with pytest.raises(PlanError, match=r"assignments\.parquet has no column 'arm'"):
        _ = folder.arms


def test_a_log_reads_back_as_it_was_written(folder):
    _, _, log = experiment_world("help-content", 1, accounts=200)
    folder.write_arms(log)
    assert list(folder.arms.columns) == LOG
    assert folder.arms["arm"].tolist() == log["arm"].tolist()
    assert (folder.path / "assignments.csv").read_text(encoding="utf-8").startswith("account_id,arm,enrolled_at")


def test_a_failed_write_leaves_the_old_log(folder, monkeypatch):
    _, _, log = experiment_world("help-content", 1, accounts=200)
    folder.write_arms(log)

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(EnvironmentFault, match="no space left on the disk"):
        folder.write_arms(log.head(1))
    monkeypatch.undo()
    assert len(folder.arms) == len(log)
    assert not list(folder.path.glob(".*.tmp"))


def test_looks_read_back_as_they_were_taken(folder):
    assert folder.looks == []
    taken = [Taken(1, date(2024, 2, 14), 0.31), Taken(3, date(2024, 2, 28), 0.8)]
    folder.write_looks(taken)
    assert folder.looks == taken
