"""A model is used only for the dates and windows it was trained for; a framework made later is named."""

import sqlite3
from dataclasses import replace
from datetime import date, timedelta

import duckdb
import numpy as np
import pandas as pd
import pytest

from milepost.bundle import save_bundle
from milepost.data.publish import holding
from milepost.errors import BundleError, InputError, LockHeld
from milepost.framework import ActivationRule, Framework, to_toml
from milepost.maturity.categories import Category
from milepost.pipeline.catch_up import catch_up_job
from milepost.pipeline.score import score_accounts, score_job
from milepost.review.drift import reference_of
from milepost.training.boosting import fit_boosting
from milepost.training.calibrate import Calibrator
from milepost.training.model import ChurnModel

CATEGORY = Category("automation", ("macros",), 1, 1, 0.9, 0.4, 0.95, 0.6, 0.97, 0.9, 7.0, 3.0, 11.0, "because")


@pytest.fixture
def save(make_job):
    """Save a model of the product's own signals, with something else beside it where the test says so."""

    def saving(rounds=2, **changed):
        job = make_job()
        values = job.observations.matrix.values
        churned = (np.arange(len(values)) % 5 == 0).astype(np.float64)
        booster = fit_boosting(values, churned, seed=1, threads=1, rounds=rounds).text
        model = ChurnModel(
            "boosting", job.observations.matrix.signals, Calibrator("platt", 1.0, 0.0), 0.2, booster=booster
        )
        extra = {"young_risk": 0.1, "typical": {}, "as_of": str(job.as_of), "windows": job.windows_in_use} | changed
        save_bundle(job.settings.models, "run", model, {k: v for k, v in extra.items() if v is not None})

    return saving


def test_a_model_scores_its_own_date_and_later_ones(make_job, save):
    save(as_of="2024-06-01")
    assert score_job(make_job(date(2024, 6, 1))).as_json()["scores"]["rows"] == 11
    assert score_job(make_job()).as_json()["scores"]["note"] == ""


def test_a_model_that_saw_later_data_is_refused(make_job, save, product):
    save(as_of="2024-06-30")
    message = "trained with data up to 2024-06-30, later than --as-of 2024-05-01"
    with pytest.raises(BundleError, match=message) as caught:
        score_job(make_job(date(2024, 5, 1)))
    assert "milepost train --as-of 2024-05-01" in caught.value.fix
    assert not (product / "out" / "scores").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("observation_days = 30", "observation_days = 31", "observation_days 30, now 31"),
        ("outcome_days = 30", "outcome_days = 20", "outcome_days 30, now 20"),
        ("gap_days = 7", "gap_days = 8\nstep = 15", "gap_days 7, now 8; step month, now 15"),
        ("grace_days = 7", "grace_days = 0", "grace_days 7, now 0"),
        ("min_tenure_days = 20", "min_tenure_days = 10", "min_tenure_days 20, now 10"),
    ],
)
def test_a_model_for_other_windows_is_refused(make_job, save, product, old, new, message):
    save()
    path = product / "milepost.toml"
    path.write_text(path.read_text().replace(old, new), encoding="utf-8")
    with pytest.raises(BundleError, match=f"trained for {message}") as caught:
        score_job(make_job())
    assert "milepost train" in caught.value.fix
    assert not (product / "out" / "scores").exists()


def test_a_model_that_does_not_say_its_windows_is_refused(make_job, save):
    save(windows=None)
    with pytest.raises(BundleError, match="does not say which windows it was trained for") as caught:
        score_job(make_job())
    assert "milepost train" in caught.value.fix


def test_scores_say_how_far_each_account_is(make_job, save, product):
    """Accounts a00, a03, a06 and a09 use macros every third day from the first on: three by 7 January."""
    path = product / "milepost.toml"
    path.write_text('[data]\nvalue_events = ["macro", "export", "login"]\n' + path.read_text(), encoding="utf-8")
    save()
    rule = ActivationRule("macro", 3, 28)
    (product / "framework.toml").write_text(
        to_toml(Framework(1, date(2024, 6, 30), "", (CATEGORY,), activation=rule)), encoding="utf-8"
    )
    score_job(make_job())
    frame = pd.read_parquet(product / "out" / "scores" / "scores.parquet").set_index("account_id").sort_index()
    assert len(frame) == 11  # a00 has left
    assert (frame["milestone"] == "activation").all()
    assert frame["activated_on"].dt.day.between(7, 9).all()  # of any event; each account begins on day 1, 2 or 3
    assert frame.loc["a03", "activated_on"] == pd.Timestamp("2024-01-07")
    assert frame["setup_on"].isna().all()  # no definition of it
    assert frame["utilized"].isna().all()


def test_without_a_framework_the_states_are_empty(make_job, save, product):
    save()
    score_job(make_job())
    frame = pd.read_parquet(product / "out" / "scores" / "scores.parquet")
    assert frame[["milestone", "setup_on", "activated_on", "utilized", "mature_categories"]].isna().all(axis=None)
    assert (frame["framework_version"] == 0).all()


def test_a_framework_made_later_is_used_and_named(make_job, save, product):
    save(as_of="2024-05-01")
    framework = Framework(3, date(2024, 6, 30), "", (CATEGORY,))
    (product / "framework.toml").write_text(to_toml(framework), encoding="utf-8")
    result = score_job(make_job(date(2024, 5, 1)))
    note = "framework.toml was made from data up to 2024-06-30, later than the scored date 2024-05-01"
    assert note in result.as_json()["scores"]["note"]
    assert note in result.as_text()
    (product / "framework.toml").write_text(to_toml(replace(framework, created=date(2024, 5, 1))), encoding="utf-8")
    again = score_job(make_job(date(2024, 5, 1)))
    assert again.as_json()["scores"]["note"] == ""
    assert "later than" not in again.as_text()


def test_the_same_date_and_model_give_the_same_bytes(make_job, save, product):
    save(as_of="2024-06-01")
    score_job(make_job())
    published = product / "out" / "scores"
    first = (published / "scores.parquet").read_bytes()
    runs = (product / "out" / "scoring" / "scoring_runs.csv").read_bytes()
    job = make_job()
    score_job(replace(job, now=job.now + timedelta(days=1)))
    assert (published / "scores.parquet").read_bytes() == first
    assert (product / "out" / "scoring" / "scoring_runs.csv").read_bytes() == runs
    frame = pd.read_parquet(published / "scores.parquet")
    assert set(frame["scored_at"]) == {pd.Timestamp(job.now)}


def test_another_model_on_a_scored_date_needs_to_be_asked_for(make_job, save, product):
    save(as_of="2024-06-01")
    score_job(make_job())
    before = (product / "out" / "scores" / "scores.parquet").read_bytes()
    first = pd.read_parquet(product / "out" / "scores" / "scores.parquet")["model_id"].iloc[0]
    save(as_of="2024-06-01", rounds=3)
    with pytest.raises(InputError, match=f"was scored by model {first} already") as caught:
        score_job(make_job())
    assert "--replace" in caught.value.fix
    assert (product / "out" / "scores" / "scores.parquet").read_bytes() == before
    score_job(make_job(), anew=True)
    runs = pd.read_parquet(product / "out" / "scoring" / "scoring_runs.parquet")
    assert len(runs) == 1
    assert runs["model_id"].iloc[0] != first


def test_changes_are_against_the_date_before(make_job, save, product):
    save(as_of="2024-05-01")
    assert score_job(make_job(date(2024, 6, 1))).as_json()["scores"]["changed"] == 11
    assert set(pd.read_csv(product / "out" / "scores" / "changes.csv")["change"]) == {"new"}
    result = score_job(make_job())
    changed = pd.read_csv(product / "out" / "scores" / "changes.csv")
    assert result.as_json()["scores"]["changed"] == len(changed) < 11
    runs = pd.read_parquet(product / "out" / "scoring" / "scoring_runs.parquet")
    assert runs["snapshot_date"].tolist() == [pd.Timestamp("2024-06-01"), pd.Timestamp(make_job().as_of)]
    assert runs["accounts"].tolist() == [11, 11]


def test_only_one_run_scores_at_a_time(make_job, save, product):
    save()
    with holding(product / "out" / "scoring"), pytest.raises(LockHeld, match="is writing here"):
        score_job(make_job())
    assert not (product / "out" / "scores").exists()
    score_job(make_job())


def test_scores_go_to_the_tables_of_the_settings(make_job, save, product, monkeypatch):
    monkeypatch.setenv("SCORES_URL", f"sqlite:///{product / 'scores.sqlite'}")
    path = product / "milepost.toml"
    sinks = (
        '[[scoring.sinks]]\nkind = "duckdb"\npath = "out/scores.duckdb"\n'
        '[[scoring.sinks]]\nkind = "database"\nurl_env = "SCORES_URL"\ntable = "risk"\n'
    )
    path.write_text(path.read_text() + sinks, encoding="utf-8")
    save()
    frame = score_accounts(make_job(), None).frame
    score_accounts(make_job(), None)
    with duckdb.connect(str(product / "out" / "scores.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT account_id) FROM milepost_scores").fetchone() == (
            11,
            11,
        )
        assert connection.execute("SELECT accounts FROM milepost_scores_runs").fetchall() == [(11,)]
    with sqlite3.connect(product / "scores.sqlite") as connection:
        rows = connection.execute("SELECT account_id, churn_risk FROM risk ORDER BY risk_rank").fetchall()
    assert rows == list(zip(frame["account_id"], frame["churn_risk"], strict=True))


def test_drift_against_training_is_said_and_kept(make_job, save, product):
    matrix = make_job().observations.matrix
    moved = replace(matrix, values=matrix.values + 1000)
    save(reference=reference_of(moved) | {"accounts": 5000})
    result = score_job(make_job())
    found = result.as_json()["scores"]["drift"]
    assert found["signals"] == len(matrix.signals)
    assert 0 < found["drifted"] <= found["signals"]
    assert "signals lie otherwise than in training" in result.as_text()
    run = pd.read_parquet(product / "out" / "scoring" / "scoring_runs.parquet").iloc[0]
    assert run["signals_drifted"] == found["drifted"]
    assert run["largest_psi"] == found["largest"][0]["psi"]


def test_reasons_come_in_parts_too(make_job, save, product):
    save()
    score_job(make_job())
    frame = pd.read_parquet(product / "out" / "scores" / "scores.parquet")
    said = frame[frame["reason_1"].notna()]
    assert len(said)
    names = {signal.name for signal in make_job().observations.matrix.signals}
    assert set(said["reason_1_signal"]) <= names
    raises = said["reason_1"].str.startswith("Raises")
    assert (raises == (said["reason_1_contribution"] > 0)).all()


def test_missed_dates_are_scored_in_order_and_the_newest_stays(make_job, save, product):
    """Trained on June 1, scored on June 1 and 15: June 8 and 22 were missed; a date before the training is left out."""
    save(as_of="2024-06-01")
    for day in (date(2024, 6, 1), date(2024, 6, 15)):
        score_job(make_job(day))
    said = []
    answer = catch_up_job(make_job(date(2024, 6, 25), said), 7).as_json()
    assert (answer["caught_up"], answer["before_training"]) == (["2024-06-08", "2024-06-22"], 0)
    assert [line for line in said if line.startswith("catching up")] == [
        "catching up: 2024-06-08, 1 of 3", "catching up: 2024-06-22, 2 of 3"
    ]  # fmt: skip
    runs = pd.read_csv(product / "out/scoring/scoring_runs.csv")
    assert runs["snapshot_date"].tolist() == ["2024-06-01", "2024-06-08", "2024-06-15", "2024-06-22", "2024-06-25"]
    current = product / "out/scores/scores.parquet"
    assert pd.read_parquet(current)["snapshot_date"].unique() == [pd.Timestamp("2024-06-25")]
    # again: nothing is missing, nothing changes
    kept = {path: path.read_bytes() for path in (product / "out/scoring/dates").glob("*.parquet")}
    assert catch_up_job(make_job(date(2024, 6, 25)), 7).as_json()["caught_up"] == []
    assert {path: path.read_bytes() for path in (product / "out/scoring/dates").glob("*.parquet")} == kept


def test_a_date_filled_later_is_what_it_would_have_been(make_job, save, product):
    save(as_of="2024-06-01")
    path = product / "out/scoring/dates/2024-06-08.parquet"
    score_job(make_job(date(2024, 6, 8)))
    first = path.read_bytes()
    path.unlink()
    score_job(make_job(date(2024, 6, 1)))
    catch_up_job(make_job(date(2024, 6, 15)), 7)
    assert path.read_bytes() == first


def test_dates_before_the_training_are_left_out_of_catching_up(make_job, save, product):
    save(as_of="2024-05-20")
    score_job(make_job(date(2024, 5, 20)))
    save(as_of="2024-06-01")
    result = catch_up_job(make_job(date(2024, 6, 10)), 7)
    assert result.as_json()["before_training"] == 1  # May 27
    assert result.as_json()["caught_up"] == ["2024-06-03"]
    assert result.as_text().startswith("caught up: 1 dates; 1 before the model's training")
