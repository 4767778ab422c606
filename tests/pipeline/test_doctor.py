from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from milepost.pipeline.doctor import State, diagnose, doctor_job
from milepost.pipeline.job import Job


def states(job: Job) -> dict[str, State]:
    return {part.name: part.state for part in diagnose(job)}


def test_a_bare_product(make_job: Callable[..., Job], product: Path) -> None:
    """Twelve accounts of which one churned; seats and MRR, no plan, no users, no value events."""
    before = sorted(product.rglob("*"))
    result = doctor_job(make_job())
    assert {part["name"]: part["state"] for part in result.json["parts"]} == {
        "adoption of features": "works", "who has access": "partly", "churned or retained": "works",
        "ranking, model, scores": "missing", "maturity": "missing", "utilization": "missing", "activation": "missing",
        "setup": "missing", "MRR and expected loss": "works", "renewals": "missing", "users of an account": "missing",
        "segments": "partly", "hypotheses": "missing", "late rows": "partly",
    }  # fmt: skip
    assert result.text.startswith("3 of 14 parts work, 3 partly, 8 not yet\n")
    assert "1 of 12 accounts churned over" in result.text
    assert not result.gate
    assert sorted(product.rglob("*")) == before


def test_no_line_is_wider_than_the_screen(make_job: Callable[..., Job]) -> None:
    assert max(len(line) for line in doctor_job(make_job()).text.splitlines()) <= 100


def test_what_is_brought_begins_to_work(make_job: Callable[..., Job], product: Path) -> None:
    catalogue = "feature,event_names,category,setup_step,plan,hypothesis\nmacros,macro,automation,1,pro,mature\n"
    (product / "features.csv").write_text(catalogue, encoding="utf-8")
    settings = product / "milepost.toml"
    text = settings.read_text(encoding="utf-8").replace("[signals]", "[training]\nmin_churned = 2\n[signals]")
    settings.write_text(f'{text}[data]\nvalue_events = ["export"]\nsegment = "industry"\n', encoding="utf-8")
    accounts = pd.read_csv(product / "accounts.csv").assign(industry="retail")
    accounts.to_csv(product / "accounts.csv", index=False)
    events = pd.read_csv(product / "events.csv")
    events.assign(user_id="u1", loaded_at=events["occurred_at"]).to_csv(product / "events.csv", index=False)
    subscriptions = pd.read_csv(product / "subscriptions.csv").assign(term_ends_at="2024-07-01")
    subscriptions.loc[1, "ended_at"] = "2024-04-25"
    subscriptions.to_csv(product / "subscriptions.csv", index=False)
    found = states(make_job())
    assert [name for name, state in found.items() if state != State.WORKS] == ["maturity"]  # one category only
    assert "category in features.csv: at least 3" in " ".join(doctor_job(make_job()).text.split())


def test_without_subscriptions_it_says_what_churned_means(make_job: Callable[..., Job], product: Path) -> None:
    settings = product / "milepost.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace('[tables.subscriptions]\npath = "subscriptions.csv"\n', ""), encoding="utf-8")
    found = {part.name: part for part in diagnose(make_job())}
    assert found["churned or retained"].state == State.PARTLY
    assert "churned is no event at all in the outcome window" in found["churned or retained"].why
    assert found["MRR and expected loss"].state == State.MISSING
    assert found["ranking, model, scores"].state == State.WORKS
    assert found["utilization"].state == State.MISSING


def test_windows_that_are_too_long_for_the_data(make_job: Callable[..., Job], product: Path) -> None:
    settings = product / "milepost.toml"
    text = settings.read_text(encoding="utf-8").replace("outcome_days = 30", "outcome_days = 150")
    settings.write_text(text, encoding="utf-8")
    part = {part.name: part for part in diagnose(make_job())}["ranking, model, scores"]
    assert part.state == State.MISSING
    assert part.why == "0 snapshots with a known outcome (observation_days 30, gap_days 7, outcome_days 150)"
    assert part.needs == "a longer history, or shorter windows"
