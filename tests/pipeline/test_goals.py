"""Ranking by other goals than retention: which rows count, and who missed the goal."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from milepost.errors import InputError, NotEnoughData
from milepost.pipeline.goals import rows_for, without_features
from milepost.pipeline.job import Job
from milepost.pipeline.rank import find_ranking, folder_name
from milepost.terms import Goal


def test_retention_takes_the_learnable_rows(make_job: Callable[..., Job]) -> None:
    job = make_job()
    observations, outcomes = rows_for(job, Goal.RETAINED)
    assert len(observations.counts) == job.learnable.sum()
    assert outcomes.churned.sum() == np.nansum(job.outcomes.churned[job.learnable])


def test_expansion_misses_who_did_not_grow(product: Path, make_job: Callable[..., Job]) -> None:
    # a01 buys seats on 2024-04-20: among all rows with a known outcome only its own do not miss the goal
    spans = pd.read_csv(product / "subscriptions.csv")
    spans.loc[spans["account_id"] == "a01", "ended_at"] = "2024-04-20"
    more = pd.DataFrame([("a01", "2024-04-20", None, 9, 90)], columns=spans.columns)
    pd.concat([spans, more]).to_csv(product / "subscriptions.csv", index=False)
    observations, outcomes = rows_for(make_job(), Goal.EXPANDED)
    grown = observations.context[outcomes.churned == 0]
    assert set(grown["account_id"]) == {"a01"}
    # seen on April 1 the purchase lies in the outcome window [April 8, May 8)
    assert pd.Timestamp("2024-04-01") in set(grown["snapshot_date"])
    with pytest.raises(NotEnoughData, match="of them expanded"):
        find_ranking(make_job(), Goal.EXPANDED)


def test_staying_active_misses_who_went_dormant(make_job: Callable[..., Job]) -> None:
    job = make_job()
    _, outcomes = rows_for(job, Goal.ACTIVE)
    known = job.learnable & job.outcomes.known
    assert outcomes.churned.tolist() == job.outcomes.dormant[known].tolist()


def test_an_unknown_outcome_leaves_the_row_out(make_job: Callable[..., Job]) -> None:
    job = make_job()
    missed = np.where(np.arange(len(job.outcomes.churned)) % 2 == 0, np.float32(np.nan), np.float32(1))
    found = job.outcomes.missing(missed.astype(np.float32))
    assert (found.left_out[::2][job.outcomes.known[::2]] == "unknown").all()
    assert np.isnan(found.churned[found.left_out != ""]).all()


def test_maturity_needs_a_framework(make_job: Callable[..., Job]) -> None:
    with pytest.raises(InputError, match="no framework says what maturity is"):
        rows_for(make_job(), Goal.MATURE)


def test_features_are_taken_out_with_their_signals(make_job: Callable[..., Job]) -> None:
    observations = make_job().observations
    found = without_features(observations, frozenset({"macros"}))
    assert [feature.name for feature in found.features] == ["export"]
    assert not [signal for signal in found.matrix.signals if signal.feature == "macros"]
    assert found.matrix.values.shape == (len(observations.counts), len(found.matrix.signals))
    assert found.counts[:, 0].tolist() == observations.counts[:, 1].tolist()


def test_maturing_looks_at_the_first_row_after_the_outcome_window(
    make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    # macros alone make mature; only a03 does without them, until May
    job = make_job()
    rows = job.observations.matrix.rows
    counts = job.observations.counts.copy()
    counts[:, 0] = 1
    early = (rows["account_id"] == "a03") & (rows["snapshot_date"] < "2024-05-01")
    counts[early.to_numpy(), 0] = 0
    job.__dict__["observations"] = dataclasses.replace(job.observations, counts=counts)
    monkeypatch.setattr(
        "milepost.pipeline.goals.levels_for",
        lambda observations, framework: pd.DataFrame({"mature_categories": 3 * (observations.counts[:, 0] > 0)}),
    )
    monkeypatch.setattr("milepost.pipeline.goals.read_framework", lambda job: _Framework())
    observations, outcomes = rows_for(job, Goal.MATURE)
    assert set(observations.context["account_id"]) == {"a03"}
    seen = dict(zip(observations.context["snapshot_date"].dt.date, outcomes.churned.tolist(), strict=True))
    # gap and outcome take 37 days: from April 1 the next row is that of June 1, from March 1 that of May 1
    assert seen[date(2024, 4, 1)] == 0.0
    assert seen[date(2024, 3, 1)] == 0.0
    assert seen[date(2024, 2, 1)] == 1.0  # April 1: not yet
    assert [feature.name for feature in observations.features] == ["export"]


class _Framework:
    categories = (type("Named", (), {"features": ("macros",)})(),)


@pytest.mark.parametrize(("goal", "folder"), [(Goal.RETAINED, "ranking"), (Goal.EXPANDED, "ranking_expanded")])
def test_each_goal_has_its_folder(goal: Goal, folder: str) -> None:
    assert folder_name(goal) == folder
