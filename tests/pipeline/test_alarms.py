"""The leak alarm stands before the ranking, is remembered for the commands that follow, and can be accepted by name."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from milepost.errors import BundleError, GateFailed, SettingsError
from milepost.pipeline import alarms as module
from milepost.pipeline.alarms import alarm_line, check_accepted, headed, judged, remembered
from milepost.pipeline.derive import derive_job
from milepost.pipeline.rank import rank_job
from milepost.pipeline.report import report_job
from milepost.pipeline.result import Result
from milepost.pipeline.score import score_job
from milepost.pipeline.train import train_job
from milepost.settings import parse
from milepost.signals.catalogue import Feature
from milepost.training.leaks import Leak

LEAK = Leak("cancel.count", "AUC 0.990", "cancel")
SMALL = '[training]\nmin_churned = 10\nmin_rows = 100\n[tables.accounts]\nimmutable = ["status"]'


def settings(accept=(), segment="", immutable=()):
    tables = {"accounts": {"path": "a.csv", "immutable": list(immutable)}, "events": {"path": "e.csv"}}
    return parse({"tables": tables, "data": {"segment": segment}, "ranking": {"accept_leaks": list(accept)}}, Path())


@pytest.fixture
def leaving(product):
    """The product with 150 accounts, of which every third leaves between March and June; its status says so."""
    random = np.random.default_rng(4)
    names = [f"a{number:03}" for number in range(150)]
    ends = [datetime(2024, 3, 1) + timedelta(days=int(day)) for day in random.integers(0, 110, 150)]
    gone = np.arange(150) % 3 == 0
    pd.DataFrame({"account_id": names, "created_at": "2024-01-01", "status": np.where(gone, "gone", "here")}).to_csv(
        product / "accounts.csv", index=False
    )
    days = pd.date_range("2024-01-01 12:00", periods=182)
    rows = [(name, day, ("macro", "export")[random.integers(2)]) for place, name in enumerate(names) for day in days
            if (not gone[place] or day < ends[place]) and random.random() < 0.3]  # fmt: skip
    pd.DataFrame(rows, columns=["account_id", "occurred_at", "event_name"]).to_csv(product / "events.csv", index=False)
    spans = [(name, "2024-01-01", f"{end:%Y-%m-%d}" if left else None, 5, 50)
             for name, end, left in zip(names, ends, gone, strict=True)]  # fmt: skip
    pd.DataFrame(spans, columns=["account_id", "started_at", "ended_at", "seats", "mrr"]).to_csv(
        product / "subscriptions.csv", index=False
    )
    path = product / "milepost.toml"
    path.write_text(path.read_text().replace("[tables.accounts]", SMALL), encoding="utf-8")
    return product


def accept(folder, *names):
    path = folder / "milepost.toml"
    words = ", ".join(f'"{name}"' for name in names)
    path.write_text(path.read_text() + f"[ranking]\naccept_leaks = [{words}]\n", encoding="utf-8")


def test_the_ranking_is_written_under_the_alarm_and_what_follows_remembers_it(make_job, leaving, monkeypatch):
    ranked = rank_job(make_job())
    assert ranked.gate.startswith("leak alarm: account.status=gone (AUC 1.000 by account)")
    assert ranked.as_text().startswith("ALARM: account.status=gone")
    assert ranked.as_json()["alarms"][0].startswith("account.status=gone")
    assert "account.status=gone" in pd.read_csv(leaving / "out" / "ranking" / "ranking.csv")["alarm"].iloc[0]
    with pytest.raises(GateFailed, match=r"account\.status=gone"):
        ranked.raise_for_gate()

    def again(*arguments):
        raise AssertionError("looked for twice")

    monkeypatch.setattr(module, "find_leaks", again)
    scored = score_job(make_job())
    assert "account.status=gone" in scored.gate
    assert scored.as_json()["scores"] is None
    assert not (leaving / "out" / "scores").exists()
    for verb in (derive_job, report_job):
        result = verb(make_job())
        assert "account.status=gone" in result.gate
        assert result.as_text().startswith("ALARM: account.status=gone")
    assert "account.status=gone" in (leaving / "out" / "report" / "report.html").read_text(encoding="utf-8")


def test_training_alone_is_stopped_by_what_the_ranking_would_see_and_remembers_it(make_job, leaving):
    # rows sorted by status, and no signal that knows
    path = leaving / "milepost.toml"
    path.write_text(path.read_text().replace('immutable = ["status"]\n', ""), encoding="utf-8")
    frame = pd.read_csv(leaving / "accounts.csv").sort_values("status", kind="stable")
    frame.drop(columns="status").to_csv(leaving / "accounts.csv", index=False)
    trained = train_job(make_job())
    assert trained.gate.startswith("leak alarm: row_order (AUC 1.000 of the place)")
    assert not (leaving / "models").exists()
    assert remembered(make_job()).texts == ("row_order (AUC 1.000 of the place)",)
    assert score_job(make_job()).gate == trained.gate


def test_an_accepted_leak_is_listed_and_stops_nothing(make_job, leaving):
    rank_job(make_job())
    accept(leaving, "status")
    ranked = rank_job(make_job())
    assert ranked.gate == ""
    assert ranked.as_json()["alarms"] == []
    assert "Leak alarm accepted by name: account.status=gone (AUC 1.000 by account)." in ranked.as_json()["notes"]
    assert "alarm" not in pd.read_csv(leaving / "out" / "ranking" / "ranking.csv")
    with pytest.raises(BundleError):  # no alarm in the way: what is missing is the model
        score_job(make_job())


def test_a_name_that_nothing_has_is_refused_before_anything_is_built(make_job, product):
    accept(product, "macroz")
    with pytest.raises(SettingsError, match=r"accept_leaks: 'macroz' is no signal.*did you mean 'macros'"):
        rank_job(make_job())
    assert not (product / "out").exists()


def test_names_that_a_leak_can_have_are_known():
    features = (Feature("macros", ("macro",), "x"),)
    given = ("macros", "macros.per_seat", "account.seats", "row_order", "industry", "account.industry=retail", "region")
    check_accepted(features, (), settings(given, segment="region", immutable=("industry",)))
    with pytest.raises(SettingsError, match=r"did you mean 'account\.seats'"):
        check_accepted(features, (), settings(("account.seat",)))


def test_leaks_are_judged_by_name_and_an_undeclared_segment_is_noted():
    order = Leak("row_order", "AUC 1.000 of the place")
    found = judged((LEAK, order), settings(("cancel",)))
    assert (found.standing, found.accepted) == ((order,), (LEAK,))
    assert found.notes == ("Leak alarm accepted by name: cancel.count (AUC 0.990).",)
    (note,) = judged((), settings(segment="industry")).notes
    assert note.startswith("The segment 'industry' is not declared immutable")
    assert judged((), settings(segment="industry", immutable=("industry",))).notes == ()


def test_the_line_names_three_and_counts_the_rest():
    assert alarm_line(()) == ""
    assert alarm_line(["a (1)", "b (2)", "c (3)", "d (4)", "e (5)"]).startswith(
        "leak alarm: a (1), b (2), c (3) and 2 more "
    )
    plain = Result({"scores": 1}, "text", "not all parts")
    assert headed(plain, ()) == Result({"scores": 1, "alarms": []}, "text", "not all parts")


def test_what_was_found_in_other_data_is_not_remembered(make_job, leaving):
    rank_job(make_job())
    assert remembered(make_job()).texts
    with (leaving / "accounts.csv").open("a", encoding="utf-8") as file:
        file.write("a999,2024-01-01,here\n")
    assert remembered(make_job()).texts == ()
