"""Routing on disk: the scores are filled, every date is kept, a rerun changes nothing, a question writes nothing."""

from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest

from milepost.bundle import save_bundle
from milepost.data.publish import lock
from milepost.errors import ContractError, InputError, LockHeld, SettingsError
from milepost.pipeline.account import account_card
from milepost.pipeline.route import changed, route_job
from milepost.pipeline.route_replay import replay_job
from milepost.pipeline.route_store import read_decisions, routed_dates
from milepost.pipeline.score import score_job
from milepost.scoring.score import ROUTE
from milepost.settings import RoutingSettings
from milepost.training.boosting import fit_boosting
from milepost.training.calibrate import Calibrator
from milepost.training.model import ChurnModel

ROUTING = """
[routing]
price_floor = 10.0
fairness_accounts = 5
{more}
[[routing.flags]]
name = "any"
when = "churn_risk > 0 and account.breadth >= 1"
owner = "success"
priority = 1
hours = 1.0
reason = "all of them"

[[routing.owners]]
name = "success"
hours = 3
"""


@pytest.fixture
def ready(make_job, product):
    """Settings with routing, and a model that scores the date."""
    path = product / "milepost.toml"
    path.write_text(path.read_text() + ROUTING.format(more=""), encoding="utf-8")
    job = make_job()
    values = job.observations.matrix.values
    churned = (np.arange(len(values)) % 5 == 0).astype(np.float64)
    booster = fit_boosting(values, churned, seed=1, threads=1, rounds=2).text
    model = ChurnModel("boosting", job.observations.matrix.signals, Calibrator("platt", 1.0, 0.0), 0.2, booster=booster)
    about = {"young_risk": 0.1, "typical": {}, "as_of": "2024-05-01", "windows": job.windows_in_use}
    save_bundle(job.settings.models, "run", model, about)
    return product


def at(make_job, day):
    """Score a date and route it."""
    score_job(make_job(day))
    return route_job(make_job(day)).as_json()["routes"]


def scores_of(product):
    return pd.read_parquet(product / "out" / "scores" / "scores.parquet")


def test_the_scores_say_the_route_and_why(make_job, ready):
    score_job(make_job())
    assert scores_of(ready)["route"].isna().all()
    answer = route_job(make_job()).as_json()["routes"]
    scores = scores_of(ready)
    assert (answer["contact"], answer["accounts"]) == (3, 11)
    assert scores["route"].value_counts().to_dict() == {"self_serve": 8, "serve": 3}
    served = scores[scores["route"] == "serve"]["route_because"].iloc[0]
    assert served.startswith("all of them (churn_risk 0.")
    assert served.endswith("account.breadth 1)")
    assert (ready / "out" / "scores" / "not_scored.csv").exists()
    card = account_card(make_job(), scores["account_id"].iloc[0]).as_text()
    assert "route       " in card


def test_a_rerun_changes_nothing_and_a_later_date_remembers(make_job, ready):
    first = at(make_job, date(2024, 6, 1))
    folder = ready / "out" / "routing"
    before = read_decisions(folder, date(2024, 6, 1))
    again = route_job(make_job(date(2024, 6, 1))).as_json()["routes"]
    assert again == first
    pd.testing.assert_frame_equal(read_decisions(folder, date(2024, 6, 1)), before)
    later = at(make_job, date(2024, 6, 10))
    assert (later["contact"], later["states"]["in_contact"]) == (3, 3)
    assert routed_dates(folder) == [date(2024, 6, 1), date(2024, 6, 10)]
    both = [read_decisions(folder, day) for day in routed_dates(folder)]
    contacted = [set(one.loc[one["contact"], "account_id"]) for one in both]
    assert not contacted[0] & contacted[1]
    assert at(make_job, date(2024, 6, 1))["later_dates"] == ["2024-06-10"]


def test_routes_are_delivered_with_the_scores(make_job, ready):
    """The table and the changed rows have the route; scoring a date does not report every route as changed."""
    path = ready / "milepost.toml"
    sink = '\n[[scoring.sinks]]\nkind = "duckdb"\npath = "out/scores.duckdb"\ntable = "s"\n'
    path.write_text(path.read_text() + sink, encoding="utf-8")
    at(make_job, date(2024, 6, 1))
    score_job(make_job(date(2024, 6, 10)))
    folder = ready / "out" / "scores"
    assert "route" not in pd.read_csv(folder / "changes.csv")
    before = scores_of(ready)
    route_job(make_job(date(2024, 6, 10)))
    routed = scores_of(ready)
    pd.testing.assert_frame_equal(routed.drop(columns=ROUTE), before.drop(columns=ROUTE))
    told = pd.read_csv(folder / "changes.csv").set_index("account_id")
    assert told.loc[told["change"] == "changed", "route"].tolist() == ["serve"] * 3
    with duckdb.connect(str(ready / "out" / "scores.duckdb")) as connection:
        kept = connection.sql("SELECT DISTINCT CAST(snapshot_date AS DATE), route FROM s").fetchall()
        runs = connection.sql("SELECT changed FROM s_runs ORDER BY snapshot_date").fetchall()
    assert {(str(day), route) for day, route in kept} == {
        ("2024-06-01", "serve"), ("2024-06-01", "self_serve"), ("2024-06-10", "serve"), ("2024-06-10", "self_serve"),
    }  # fmt: skip
    assert runs[1][0] == len(told)


def test_what_if_shows_both_and_writes_nothing(make_job, ready):
    score_job(make_job())
    before = sorted(path for path in (ready / "out").rglob("*"))
    found = route_job(make_job(), ["capacity=5"])
    assert (found.as_json()["now"]["contact"], found.as_json()["what_if"]["contact"]) == (3, 5)
    assert "2 accounts more would be contacted now, 0 no longer" in found.as_text()
    assert sorted(path for path in (ready / "out").rglob("*")) == before


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("capacty=3", "--what-if: 'capacty' cannot be changed here; did you mean 'capacity'?"),
        ("capacity=many", "'capacity=many' has no number"),
        ("capacity.sucess=3", "no owner 'sucess'; did you mean 'success'?"),
        ("capacity=-3", "'capacity=-3' is not possible"),
        ("serve_days=99", "'serve_days=99' is not possible"),
    ],
)
def test_what_cannot_be_asked(asked, message):
    settings = RoutingSettings.model_validate({"owners": [{"name": "success", "hours": 3}]})
    with pytest.raises(SettingsError) as caught:
        changed(settings, [asked])
    assert message in caught.value.line


def test_what_if_changes_only_what_it_names():
    settings = RoutingSettings.model_validate({"owners": [{"name": "a", "hours": 3}, {"name": "b", "hours": 4}]})
    found = changed(settings, ["capacity.b=9", "price_floor=7.5", "max_contacts=1"])
    assert [owner.hours for owner in found.owners] == [3, 9]
    assert (found.price_floor, found.max_contacts) == (7.5, 1)


def test_a_flag_with_an_unknown_column_is_one_line_and_nothing_is_written(make_job, ready):
    score_job(make_job())
    path = ready / "milepost.toml"
    path.write_text(path.read_text().replace("account.breadth", "account.bredth"), encoding="utf-8")
    with pytest.raises(
        SettingsError, match=r"flag 'any', when: no column 'account\.bredth'; did you mean 'account\.breadth'"
    ):
        route_job(make_job())
    assert not (ready / "out" / "routing").exists()
    assert not (ready / "out" / "routes").exists()


def test_scores_of_another_date_are_refused(make_job, ready):
    score_job(make_job())
    with pytest.raises(InputError, match="scores: they are of run 2024-06-30-") as caught:
        route_job(make_job(date(2024, 6, 1)))
    assert "milepost score --as-of 2024-06-01" in caught.value.fix


def test_a_damaged_past_is_found_before_it_is_used(make_job, ready):
    at(make_job, date(2024, 6, 1))
    score_job(make_job())
    (kept,) = (ready / "out" / "routing" / "2024-06-01" / "versions").glob("*/contacts.parquet")
    kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(ContractError, match=r"contacts\.parquet is damaged"):
        route_job(make_job())
    assert scores_of(ready)["route"].isna().all()


def test_only_one_routes_at_a_time(make_job, ready):
    score_job(make_job())
    folder = ready / "out" / "routing"
    folder.mkdir()
    with lock(folder), pytest.raises(LockHeld, match="is writing here"):
        route_job(make_job())


def test_without_a_training_there_is_nothing_to_look_back_on(make_job, ready):
    with pytest.raises(InputError, match="no training on these data to look back on; run 'milepost train'"):
        replay_job(make_job())
