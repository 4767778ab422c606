from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from milepost.data.publish import publish
from milepost.errors import ContractError, InputError, NotEnoughData
from milepost.pipeline import metrics as pipeline_metrics
from milepost.pipeline.job import open_job
from milepost.pipeline.metrics import explain_metric, metrics_job
from milepost.pipeline.metrics_count import compute
from milepost.tracking.log import log_run
from milepost.tracking.store import open_client

NOW = datetime(2024, 7, 1)
ROOT = Path(__file__).parents[2]
SUBSCRIPTIONS = """account_id,started_at,ended_at,plan,seats,mrr,term_ends_at,term_months
a,2023-01-01,2024-02-15,pro,3,10.10,,
a,2024-02-15,,max,9,20.20,,
b,2023-01-01,2024-02-01,pro,3,30.30,2024-02-01,13
c,2024-01-20,,pro,3,40.40,,
d,2023-01-01,2024-04-20,,,50.50,,
"""


def product(folder, subscriptions=SUBSCRIPTIONS, metrics="months = 3\nmin_accounts = 1"):
    (folder / "accounts.csv").write_text(
        "account_id,created_at\n" + "".join(f"{name},2022-12-31\n" for name in "abcd"), encoding="utf-8"
    )
    (folder / "events.csv").write_text(
        "account_id,occurred_at,event_name\na,2022-12-31 01:00:00,x\na,2024-06-01 01:00:00,x\n", encoding="utf-8"
    )
    (folder / "features.csv").write_text("feature,event_names,category,area,description\nx,x,c,a,d\n", encoding="utf-8")
    text = "[data]\ncomplete_until = 2024-06-02\n"
    text += "[tables.accounts]\npath = 'accounts.csv'\n[tables.events]\npath = 'events.csv'\n"
    if subscriptions:
        (folder / "subscriptions.csv").write_text(subscriptions, encoding="utf-8")
        text += "[tables.subscriptions]\npath = 'subscriptions.csv'\n"
    (folder / "milepost.toml").write_text(f"{text}[metrics]\n{metrics}\n", encoding="utf-8")
    return folder / "milepost.toml"


def look(config, as_of="2024-04-01", **options):
    return metrics_job(open_job(config, NOW, date.fromisoformat(as_of)), **options)


def figures(answer, **where):
    rows = [row for row in answer["metrics"] if all(row[key] == value for key, value in where.items())]
    return {row["metric"]: row["value"] for row in rows}


def test_a_small_history_by_hand(tmp_path):
    """At 2024-04-01, b has left for good, c is new, d's end on 20 April is not known yet."""
    answer = look(product(tmp_path), by=["plan"]).as_json()
    total = figures(answer, segment_by="total")
    assert total["mrr_opening"] == 90.90
    assert (total["mrr_new"], total["mrr_expanded"], total["mrr_churned"]) == (40.40, 10.10, -30.30)
    assert total["mrr_closing"] == 111.10
    assert total["logo_retention"] == pytest.approx(2 / 3)
    assert total["renewal_rate"] == 0
    # by the plan at the start: a was pro then
    assert figures(answer, segment="pro")["mrr_closing"] == 60.60
    assert figures(answer, segment="unknown")["mrr_closing"] == 50.50
    assert answer["period_start"] == "2024-01-01"
    assert json.dumps(answer, allow_nan=False)


def test_history_is_kept_and_a_date_asked_twice_stands_once(tmp_path):
    config = product(tmp_path)
    for day in ("2024-05-01", "2024-04-01", "2024-05-01"):
        look(config, day)
    for name in ("metrics", "cohorts"):
        kept = pd.read_parquet(tmp_path / "out/metrics" / f"{name}.parquet")
        assert kept["as_of"].unique().tolist() == ["2024-04-01", "2024-05-01"]
        keys = [column for column in kept.columns if column in ("metric", "segment_by", "segment", "cohort", "month")]
        assert not kept.duplicated(["as_of", *keys]).any()
        assert len(pd.read_csv(tmp_path / "out/metrics" / f"{name}.csv")) == len(kept)
    both = pd.read_parquet(tmp_path / "out/metrics/metrics.parquet").set_index(["as_of", "segment_by", "metric"])
    assert both.loc[("2024-04-01", "total", "mrr_closing"), "value"].item() == 111.10
    assert both.loc[("2024-05-01", "total", "mrr_paused"), "value"].item() == -50.50


def test_a_plan_cannot_run_in_a_spreadsheet(tmp_path):
    look(product(tmp_path, SUBSCRIPTIONS.replace(",pro,", ",=HYPERLINK(1),")))
    csv = pd.read_csv(tmp_path / "out/metrics/metrics.csv")
    assert "'=HYPERLINK(1)" in set(csv["segment"])
    assert "=HYPERLINK(1)" not in set(csv["segment"])


def test_an_alert_is_a_gate(tmp_path):
    config = product(
        tmp_path,
        metrics="months = 3\nmin_accounts = 1\n[[metrics.alerts]]\nmetric = 'mrr_churned'\nbelow = -30",
    )
    result = look(config)
    assert result.gate == "mrr_churned (total) is -30.3, below -30"
    assert "ALERT: mrr_churned (total)" in result.text
    assert (tmp_path / "out/metrics/metrics.parquet").exists()


def test_overlapping_subscriptions_are_refused(tmp_path):
    config = product(tmp_path, SUBSCRIPTIONS + "c,2024-02-01,,pro,1,1,,\n")
    with pytest.raises(ContractError, match="overlap"):
        look(config)
    assert not (tmp_path / "out").exists()


@pytest.fixture(autouse=True)
def untracked(monkeypatch):
    """MLflow takes seconds to begin: only the test that looks at it has it."""
    records = []
    monkeypatch.setattr(pipeline_metrics, "log_run", lambda mlruns, record: records.append(record) or "run")
    return records


@pytest.mark.parametrize(
    ("change", "options", "error", "said"),
    [
        ({}, {"by": ["plans"]}, InputError, "no segment 'plans'; did you mean 'plan'"),
        ({}, {"by": ["milestone"]}, InputError, "no milestone of any account is known; run 'milepost derive'"),
        ({}, {"as_of": "2024-07-01"}, InputError, "2024-07-01 lies after the last data; expected at most 2024-06-02"),
        ({}, {"as_of": "2023-01-01"}, NotEnoughData, "no subscription began before 2023-01-01"),
        ({"subscriptions": ""}, {}, InputError, "need subscriptions"),
        ({"metrics": "[[metrics.alerts]]\nmetric = 'logo_retentio'\nbelow = 1"}, {}, InputError, "'logo_retention'"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_is_one_line(tmp_path, change, options, error, said):
    with pytest.raises(error) as caught:
        look(product(tmp_path, **change), **options)
    assert said in caught.value.line
    assert not (tmp_path / "out").exists()


def test_the_answer_fits_a_terminal(tmp_path):
    text = look(product(tmp_path, SUBSCRIPTIONS.replace("pro", "p" * 80)), by=["plan", "size", "cohort"]).text
    assert max(map(len, text.splitlines())) <= 100


def test_the_bridge_of_the_example_adds_up_to_the_cent():
    """An account base that nobody here made: every segment and the total, against the file itself."""
    job = open_job(ROOT / "examples/crm5/milepost.toml", NOW)
    rows = compute(job).rows
    money = rows[rows["metric"].str.startswith("mrr_")].pivot(
        index=["segment_by", "segment"], columns="metric", values="value"
    )
    cents = money.mul(100).round().astype(int)
    between = cents.drop(columns=["mrr_opening", "mrr_closing"]).sum(axis=1)
    assert (cents["mrr_opening"] + between == cents["mrr_closing"]).all()
    assert len(cents) > 5
    parts = cents.drop("total").groupby("segment_by").sum()
    assert (parts == cents.loc[("total", "total")]).all(axis=None)
    assert cents.loc[("total", "total"), "mrr_closing"] > 0


CONVERSATIONS = """conversation_id,account_id,opened_at,first_reply_at,resolved_at,topic,kind,reopened
1,a,2024-02-01 10:00:00,2024-02-01 10:30:00,2024-02-02 10:00:00,billing,bug,1
2,c,2024-02-03 10:00:00,2024-02-03 10:10:00,2024-02-04 10:00:00,billing,bug,0
3,b,2024-01-02 10:00:00,2024-01-02 12:00:00,2024-01-03 10:00:00,export,request,0
4,a,2024-03-31 10:00:00,,2024-04-01 00:00:00,export,request,0
"""


def with_support(folder, more=""):
    config = product(folder)
    (folder / "conversations.csv").write_text(CONVERSATIONS, encoding="utf-8")
    text = config.read_text().replace("[tables.accounts]", f"{more}[tables.accounts]")
    config.write_text(f"{text}\n[tables.conversations]\npath = 'conversations.csv'\n", encoding="utf-8")
    return config


def test_support_by_hand(tmp_path):
    """Of four conversations one is not answered yet at the date: its end at midnight is not known."""
    more = "[help]\nread_events = ['x']\n[[help.topics]]\ntopic = 'billing'\nhelp_since = 2024-01-01\n"
    result = look(with_support(tmp_path, more + "fixed_at = 2024-02-02\n"))
    answer = result.as_json()
    total = figures(answer, segment_by="total")
    assert (total["conversations_opened"], total["backlog"], total["reopened_share"]) == (4, 1, pytest.approx(1 / 3))
    assert (total["first_reply_minutes_median"], total["help_reach"]) == (30, 0)
    # a and c run at the date and ask about billing, b is gone
    assert [(row["topic"], row["accounts"], row["mrr"]) for row in answer["issues"]] == [
        ("billing", 2, 60.60), ("export", 0, 0.0)
    ]  # fmt: skip
    (fix,) = answer["fixes"]
    # February 2 less 32 days is January 1; a runs then and 32 days later, c does not yet, b no longer
    assert (fix["days"], fix["accounts"], fix["before"], fix["after"]) == (32, 2, pytest.approx(500 * 28 / 32), 0)
    assert sum(row["opened"] for row in answer["hours"]) == 4
    assert "billing  bug" in result.text
    assert max(map(len, result.text.splitlines())) <= 100
    for name in ("issues", "fixes", "hours"):
        assert len(pd.read_csv(tmp_path / "out/metrics" / f"{name}.csv")) == len(answer[name])


def test_segments_by_milestone_are_those_of_the_first_date(tmp_path):
    config = product(tmp_path)
    states = pd.DataFrame({
        "account_id": ["a", "a", "a", "b", "c"], "snapshot_date": pd.to_datetime(
            ["2023-11-01", "2024-01-01", "2024-02-01", "2023-12-01", "2024-03-01"]),
        "milestone": ["none", "setup", "maturity", "activation", "none"],
    })  # fmt: skip
    publish(tmp_path / "out/milestones", "v1", lambda target: states.to_parquet(target / "states.parquet", index=False))
    answer = look(config, by=["milestone"]).as_json()
    opening = {row["segment"]: row["value"] for row in answer["metrics"]
               if row["segment_by"] == "milestone" and row["metric"] == "mrr_opening"}  # fmt: skip
    assert opening == {"activation": 30.30, "none": 0.0, "setup": 10.10, "unknown": 50.50}


def test_a_date_is_a_run_of_its_figures(tmp_path, untracked):
    look(product(tmp_path, metrics="months = 3\nmin_accounts = 1\n[[metrics.alerts]]\nmetric = 'mrr_new'\nabove = 0"))
    (record,) = untracked
    assert record.run_name == "metrics 2024-04-01"
    assert record.metrics["mrr_closing"] == 111.10
    assert record.tags["kind"] == "metrics"
    assert record.tags["alerts"] == "1"
    assert "mrr_new (total) is 40.4, above 0" in record.description
    assert set(record.artifacts) == {"metrics.csv", "cohorts.csv"}


def test_mlflow_takes_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline_metrics, "log_run", log_run)
    run = look(product(tmp_path)).as_json()["run"]
    client = open_client(tmp_path / "mlruns")
    assert client.get_run(run).data.metrics["logo_retention"] == pytest.approx(2 / 3)


def test_a_definition_in_words():
    text = explain_metric("gross_revenue_retention").text
    assert "the smaller of the two" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 100
