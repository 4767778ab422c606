"""Replaying past dates: nothing that was not certain by a date is learnt from; the figures are those of the table."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from milepost.errors import NotEnoughData
from milepost.pipeline import backtest
from milepost.pipeline.backtest import backtest_job, replay


@pytest.fixture
def job(make_job):
    """Twelve accounts with outcomes drawn by hand: enough to learn from, as few as there are."""
    job = make_job()
    rng = np.random.default_rng(3)
    rows = len(job.observations.matrix.rows)
    churned = (rng.random(rows) < 0.4).astype(np.float32)
    job.outcomes = replace(job.outcomes, churned=np.where(job.outcomes.known, churned, np.float32(np.nan)))
    training = job.settings.training.model_copy(update={"min_churned": 2})
    job.settings = job.settings.model_copy(update={"training": training})
    return job


def test_only_what_was_certain_by_a_date_is_learnt_from(job, monkeypatch):
    seen = []
    told = backtest._foretold

    def spy(how, learnt, values, when):
        seen.append((len(learnt.churned), len(values)))
        assert (when[0].days + np.timedelta64(job.windows.purge_days, "D") <= when[1].min()).all()
        return told(how, learnt, values, when)

    monkeypatch.setattr(backtest, "_foretold", spy)
    found = replay(job, None, None)
    rows = job.observations.matrix.rows[job.learnable]
    certain = pd.Timedelta(days=job.windows.purge_days)
    assert len(found.dates) >= 1
    for (learnt, told_of), day in zip(seen, found.dates["snapshot_date"], strict=True):
        assert learnt == int((rows["snapshot_date"] + certain <= day).sum())
        assert told_of == int((rows["snapshot_date"] == day).sum())
    assert found.dates["learnt_from"].tolist() == [learnt for learnt, _ in seen]
    assert all("had churned for certain by" in why for why in found.left_out.values())


def test_later_outcomes_change_nothing_that_was_said(job):
    before = replay(job, None, None)
    first = before.dates["snapshot_date"].iloc[0]
    late = (job.observations.matrix.rows["snapshot_date"] > first).to_numpy()
    flipped = np.where(late, 1 - job.outcomes.churned, job.outcomes.churned).astype(np.float32)
    job.outcomes = replace(job.outcomes, churned=flipped)
    after = replay(job, None, None)
    said = [one.accounts.loc[one.accounts["snapshot_date"] == first, "churn_risk"] for one in (before, after)]
    pd.testing.assert_series_equal(*said)


def test_figures_are_those_of_the_accounts(job, product):
    answer = backtest_job(job).as_json()
    accounts = pd.read_parquet(product / "out/backtest/accounts.parquet")
    dates = pd.read_csv(product / "out/backtest/dates.csv")
    sums = accounts.groupby("snapshot_date")[["churn_risk", "churned"]].sum()
    np.testing.assert_allclose(dates["foretold"], sums["churn_risk"])
    assert dates["churned"].tolist() == sums["churned"].tolist()
    assert answer["whole"]["rows"] == len(accounts)
    assert answer["whole"]["observed_over_foretold"] == pytest.approx(sums["churned"].sum() / sums["churn_risk"].sum())


def test_dates_may_be_chosen(job):
    every = replay(job, None, None).dates["snapshot_date"]
    chosen = replay(job, every.iloc[0].date(), every.iloc[0].date()).dates["snapshot_date"]
    assert chosen.tolist() == [every.iloc[0]]


def test_where_nothing_can_be_replayed_it_is_one_line(job, make_job, product):
    with pytest.raises(NotEnoughData, match="no date can be replayed: no snapshot lies there"):
        backtest_job(job, date(2030, 1, 1))
    with pytest.raises(NotEnoughData, match=r"no date can be replayed: \d+ accounts had churned for certain by 2024"):
        backtest_job(make_job())
    assert not (product / "out/backtest").exists()
