"""`milepost route` on a product that a run has been through: answers fit the screen, and what is asked is shown."""

import json
import shutil

import pandas as pd
import pytest


@pytest.fixture
def own(finished, tmp_path):
    """The finished product in a folder of this test, not routed yet: routing writes into it."""
    shutil.copytree(finished[0], tmp_path / "own")
    for name in ("routes", "routing"):
        shutil.rmtree(tmp_path / "own" / "out" / name, ignore_errors=True)
    return tmp_path / "own"


def test_routes_are_shown_kept_and_the_page_can_be_filtered_by_them(milepost, own):
    ran = milepost("route", "-c", own / "milepost.toml")
    assert ran.exit_code == 0, ran.stderr
    assert max(map(len, ran.stdout.splitlines())) <= 100
    routes = pd.read_parquet(own / "out" / "routes" / "routes.parquet")
    scores = pd.read_parquet(own / "out" / "scores" / "scores.parquet")
    assert set(routes["account_id"]) == set(scores["account_id"])
    assert set(scores["route"]) == {"serve", "self_serve"}
    assert f"a person contacts {routes['contact'].sum():,} now" in ran.stdout
    assert routes["self_help"].str.len().min() > 0
    assert milepost("report", "-c", own / "milepost.toml").exit_code == 0
    assert '"self_serve"' in (own / "out" / "report" / "report.html").read_text(encoding="utf-8")


def test_hours_are_kept_to_and_what_if_gives_others(milepost, own):
    answer = json.loads(milepost("route", "-c", own / "milepost.toml", "--what-if", "capacity=2", "--json").stdout)
    assert [pool["hours"] for pool in answer["now"]["pools"]] == [30, 20, 10]
    assert [pool["hours"] for pool in answer["what_if"]["pools"]] == [2, 2, 2]
    for one in answer.values():
        assert all(pool["given_now"] <= pool["hours"] for pool in one["pools"])
    text = milepost("route", "-c", own / "milepost.toml", "--what-if", "capacity=2").stdout
    assert "what if capacity=2" in text
    assert max(map(len, text.splitlines())) <= 100
    assert not (own / "out" / "routes").exists()


def test_past_dates_with_what_came_after(milepost, own):
    ran = milepost("route", "-c", own / "milepost.toml", "--replay", "--json")
    assert ran.exit_code == 0, ran.stderr
    answer = json.loads(ran.stdout)
    evaluation = json.loads((own / "out" / "training" / "evaluation.json").read_text(encoding="utf-8"))
    # the dates are those of the test, and every churned account of it is counted
    assert sum(row["accounts"] for row in answer["dates"]) == len(evaluation["predictions"])
    assert sum(row["churned"] for row in answer["dates"]) == sum(evaluation["outcome"])
    assert [row["order"] for row in answer["orders"]] == ["expected saving", "risk alone", "by lot"]
    for row in answer["orders"]:
        assert 0 <= row["low"] <= row["share"] <= row["high"] <= 1
    text = milepost("route", "-c", own / "milepost.toml", "--replay").stdout
    assert max(map(len, text.splitlines())) <= 100
    assert not (own / "out" / "routes").exists()


def test_without_owners_the_line_says_what_to_add(milepost, own):
    path = own / "milepost.toml"
    path.write_text(path.read_text().partition("[[routing.owners]]")[0], encoding="utf-8")
    ran = milepost("route", "-c", path)
    assert ran.exit_code == 2
    assert "error[SETTINGS] [routing]: nobody has hours to reach out; add [[routing.owners]]" in ran.stderr
