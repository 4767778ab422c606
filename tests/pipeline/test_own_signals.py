"""Own signals through the whole chain: the matrix, the next night, the model that was trained with them."""

import shutil
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from milepost.bundle import save_bundle
from milepost.errors import SettingsError
from milepost.importance.models import feature_groups
from milepost.pipeline.goals import without_features
from milepost.pipeline.score import score_job
from milepost.training.boosting import fit_boosting
from milepost.training.calibrate import Calibrator
from milepost.training.model import ChurnModel

OWN = """\
[[signals]]
name = "macros_ten_days"
feature = "macros"
measure = "count"
window_days = 10
per = ""

[[signals]]
name = "login_days"
event = "login"
measure = "active_days"
window_days = 12
per = ""

[[signals]]
name = "login_ever"
event = "login"
measure = "ever"
"""
NAMES = ["macros_ten_days", "login_days", "login_ever"]


@pytest.fixture
def own(product):
    (product / "signals.toml").write_text(OWN, encoding="utf-8")
    return product


def test_own_signals_stand_after_those_of_milepost(make_job, own):
    matrix = make_job().observations.matrix
    assert [signal.name for signal in matrix.signals][-3:] == NAMES
    june = matrix.rows.index[(matrix.rows["snapshot_date"] == "2024-06-30") & (matrix.rows["account_id"] == "a03")][0]
    # a03 uses macros on day 0, 3, … 180 of the year; of these 171, 174, 177 and 180 lie in the last ten: 171 to 180
    assert matrix.column("macros_ten_days")[june] == 4
    login = matrix.rows.index[(matrix.rows["snapshot_date"] == "2024-06-30") & (matrix.rows["account_id"] == "a02")][0]
    # a02 signs in on day 1, 4, … 178 and on the last; 169, 172, 175 and 178 lie in 169 to 180
    assert matrix.column("login_days")[login] == 4
    assert matrix.column("login_ever")[[june, login]].tolist() == [0, 1]


def test_a_signal_of_a_feature_counts_to_it_and_one_of_an_event_to_none(make_job, own):
    observations = make_job().observations
    groups = feature_groups(observations.matrix)
    place = [signal.name for signal in observations.matrix.signals].index
    assert place("macros_ten_days") in groups["macros"]
    assert place("login_days") not in np.concatenate(list(groups.values()))
    assert observations.counts.shape[1] == observations.eligible.shape[1] == 2


def test_an_event_of_a_feature_that_is_taken_out_goes_with_it(make_job, own):
    text = OWN.replace('event = "login"', 'event = "macro"')
    (own / "signals.toml").write_text(text, encoding="utf-8")
    left = without_features(make_job().observations, frozenset({"macros"}))
    assert not {signal.name for signal in left.matrix.signals} & set(NAMES)


def test_the_next_night_goes_on_from_the_last_and_says_the_same(make_job, own):
    _ = make_job(date(2024, 6, 10)).observations
    said = []
    observations = make_job(date(2024, 6, 11), said).observations
    assert "signals: 5 of 6 snapshots carried over" in said
    shutil.rmtree(own / "out")
    anew = make_job(date(2024, 6, 11)).observations
    assert observations.matrix.signals == anew.matrix.signals
    assert observations.matrix.values.tobytes() == anew.matrix.values.tobytes()


@pytest.mark.parametrize(("old", "new"), [("10", "11"), ("macros_ten", "macro_ten"), ('"login"', '"export"')])
def test_another_definition_is_another_matrix(make_job, own, old, new):
    before = make_job()
    _ = before.observations
    (own / "signals.toml").write_text(OWN.replace(old, new), encoding="utf-8")
    said = []
    after = make_job(date(2024, 6, 30), said)
    assert after.fingerprint != before.fingerprint
    _ = after.observations
    assert not any("carried over" in line or "nothing changed" in line for line in said)


def test_an_event_that_never_occurs_is_named_before_anything_is_built(make_job, own):
    (own / "signals.toml").write_text(OWN.replace('"login"', '"logn"'), encoding="utf-8")
    message = "signals.toml signal 2 'login_days': no event 'logn' in events; did you mean 'login'"
    with pytest.raises(SettingsError, match=message):
        _ = make_job().observations
    assert not (own / "out" / "signals").exists()


def test_a_slip_is_found_before_the_tables_are_opened(make_job, own):
    (own / "signals.toml").write_text(OWN.replace("count", "cuont"), encoding="utf-8")
    (own / "events.csv").unlink()
    with pytest.raises(SettingsError, match="unknown measure 'cuont'"):
        _ = make_job().tables


def trained(job):
    """A bundle with the signals of the job."""
    matrix = job.observations.matrix
    churned = (np.arange(len(matrix.values)) % 5 == 0).astype(np.float64)
    booster = fit_boosting(matrix.values, churned, seed=1, threads=1, rounds=3).text
    model = ChurnModel("boosting", matrix.signals, Calibrator("platt", 1.0, 0.0), 0.2, booster=booster)
    extra = {"young_risk": 0.1, "typical": {}, "as_of": str(job.as_of), "windows": job.windows_in_use}
    save_bundle(job.settings.models, "run", model, extra)


def risks(job):
    return pd.read_parquet(score_job(job).as_json()["scores"]["path"])["churn_risk"].tolist()


def test_a_model_scores_with_the_definitions_it_was_trained_with(make_job, own):
    trained(make_job())
    first = risks(make_job())
    shutil.rmtree(own / "out")
    (own / "signals.toml").unlink()
    assert not make_job().own
    assert risks(make_job()) == first
    assert len(set(first)) > 1


def test_a_model_that_asks_for_an_event_that_is_gone_says_so(make_job, own):
    job = make_job()
    trained(job)
    saved = job.observations.matrix.signals
    gone = tuple(replace(signal, event="sign_in") if signal.event else signal for signal in saved)
    shutil.rmtree(own / "out")
    with pytest.raises(SettingsError, match="the model's signal 2 'login_days': no event 'sign_in' in events"):
        make_job().check_names(tuple(signal for signal in gone if signal.own))
