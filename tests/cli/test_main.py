"""The commands as a user types them: on a small demo, on bad input, and their help."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from milepost import bundle
from milepost.errors import EnvironmentFault
from milepost.tracking.store import open_client

COMMANDS = [
    ["demo"], ["init"], ["check"], ["doctor"], ["signals"], ["signals", "build"], ["signals", "list"],
    ["signals", "explain"], ["train"], ["rank"], ["derive"],
    ["score"], ["promote"], ["track"], ["account"], ["report"], ["run"], ["ui"], ["metrics"], ["metrics", "explain"],
    ["metrics", "together"], ["export"], ["review"], ["status"], ["backtest"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(milepost, command):
    shown = milepost(*command, "--help")
    assert shown.exit_code == 0
    assert "Usage:" in shown.stdout
    assert len(shown.stdout.splitlines()) > 4


@pytest.mark.parametrize("amount", ["2", "much", "", "2PB"])
def test_an_amount_of_memory_is_checked_before_any_work(milepost, copy, amount):
    said = milepost("signals", "build", "-c", str(copy / "milepost.toml"), "--memory-limit", amount)
    assert said.exit_code == 2
    assert "no amount of memory; expected a number and a unit such as 2GB" in said.stderr.replace(
        "error[SETTINGS] ", ""
    )


def test_little_memory_changes_no_byte(milepost, finished, copy):
    folder, _ = finished
    shutil.rmtree(copy / "out", ignore_errors=True)
    said = milepost("signals", "build", "-c", str(copy / "milepost.toml"), "--memory-limit", "1MB")
    assert said.exit_code == 0
    assert "signals of accounts 1 to" in said.stderr
    values = [sorted((place / "out" / "signals" / "versions").glob("*/values-*.npy")) for place in (folder, copy)]
    assert len(values[0]) > 3
    assert [path.name for path in values[0]] == [path.name for path in values[1]]
    assert all(one.read_bytes() == other.read_bytes() for one, other in zip(*values, strict=True))


def test_the_answer_of_run_has_its_keys(finished):
    _, answer = finished
    assert {"matrix", "churn", "ranking", "maturity", "scores", "report"} <= set(answer)
    assert {"rows", "signals", "snapshots"} <= set(answer["matrix"])
    assert {"roc_auc", "pr_auc", "log_loss", "brier", "base_rate", "test_rows"} <= set(answer["churn"])
    assert {"feature", "category", "verdict", "effect", "low", "high", "adoption", "importance"} <= set(
        answer["ranking"][0]
    )
    assert {"share_three_or_more", "categories"} <= set(answer["maturity"])
    assert {"rows", "path"} <= set(answer["scores"])


@pytest.mark.promise("scores: numbers from 0 to 1, one per running account, with model and run", cases=1)
def test_every_running_account_has_one_score(finished):
    folder, answer = finished
    scores = pd.read_parquet(answer["scores"]["path"])
    subscriptions = pd.read_parquet(folder / "data" / "subscriptions.parquet")
    date = scores["snapshot_date"].iloc[0]
    running = subscriptions[(subscriptions["started_at"] < date)
                            & (subscriptions["ended_at"].isna() | (subscriptions["ended_at"] >= date))]  # fmt: skip
    assert sorted(scores["account_id"]) == sorted(running["account_id"].unique())
    assert scores["churn_risk"].between(0, 1).all()
    assert scores["risk_rank"].tolist() == list(range(1, len(scores) + 1))
    assert scores["run_id"].nunique() == scores["model_id"].nunique() == 1
    assert scores.loc[scores["scored_by"] == "model", ["reason_1", "reason_2", "reason_3"]].notna().all().all()


def test_the_files_people_open_are_there(finished):
    folder, answer = finished
    assert Path(answer["report"]).read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    csv = pd.read_csv(folder / "out" / "scores" / "scores.csv")
    assert len(csv) == answer["scores"]["rows"]
    assert len(pd.read_parquet(folder / "out" / "ranking" / "ranking.parquet")) == 67
    assert (folder / "framework.toml").exists()
    assert (folder / "mlruns" / "mlflow.db").exists()


def test_scoring_again_gives_the_same_bytes(milepost, finished):
    folder, answer = finished
    before = (folder / "out" / "scores" / "scores.csv").read_bytes()
    again = milepost("score", "-c", folder / "milepost.toml", "--json")
    assert again.exit_code == 0, again.stderr
    assert (folder / "out" / "scores" / "scores.csv").read_bytes() == before
    assert json.loads(again.stdout)["scores"]["model_id"] == answer["scores"]["model_id"]


def test_report_and_derive_take_up_what_run_left(milepost, finished):
    folder, _ = finished
    derived = milepost("derive", "-c", folder / "milepost.toml")
    assert derived.exit_code == 0
    assert "importance: forest" not in derived.stderr  # the ranking came from disk
    reported = milepost("report", "-c", folder / "milepost.toml", "--json")
    assert reported.exit_code == 0, reported.stderr
    assert Path(json.loads(reported.stdout)["report"]).exists()


def test_check_counts_every_row_and_writes_nothing(milepost, copy):
    before = sorted(copy.rglob("*"))
    shown = milepost("check", "-c", copy / "milepost.toml", "--json")
    answer = json.loads(shown.stdout)
    for table in answer["tables"]:
        parts = ("used", "quarantined", "deduplicated", "outside")
        assert table["read"] == sum(table[part] for part in parts)
    assert sorted(copy.rglob("*")) == before


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def missing_file(folder):
    (folder / "data" / "events.parquet").unlink()


def missing_column(folder):
    path = folder / "data" / "events.parquet"
    pd.read_parquet(path).rename(columns={"event_name": "evnt_name"}).to_parquet(path)


def wrong_type(folder):
    path = folder / "data" / "events.parquet"
    frame = pd.read_parquet(path)
    frame.assign(occurred_at=frame["occurred_at"].dt.strftime("%d/%m/%Y")).to_parquet(path)


def unknown_key(folder):
    edit(folder / "milepost.toml", "observation_days", "observaton_days")


def outside_path(folder):
    edit(folder / "milepost.toml", "[project]\n", '[project]\noutput = "../../x"\n')


def unknown_event(folder):
    edit(folder / "features.csv", "macro_applied", "makro_applied")


def empty_events(folder):
    path = folder / "data" / "events.parquet"
    pd.read_parquet(path).iloc[:0].to_parquet(path)


def nobody_leaves(folder):
    path = folder / "data" / "subscriptions.parquet"
    frame = pd.read_parquet(path).sort_values(["account_id", "item", "started_at"])
    last = ~frame.duplicated(["account_id", "item"], keep="last")
    frame["ended_at"] = frame["ended_at"].mask(last)
    frame.to_parquet(path)


@pytest.mark.promise("bad input: one line, exit 2, nothing written", cases=1)
@pytest.mark.parametrize(
    ("spoil", "command", "message"),
    [
        (missing_file, "run", r"error\[TABLE\] .*events.parquet: no such file"),
        (missing_column, "run", r"column 'event_name' is missing.*'evnt_name'"),
        (wrong_type, "check", r"unreadable occurred_at.*time_format"),
        (unknown_key, "run", r"unknown key 'windows.observaton_days'; did you mean 'observation_days'"),
        (outside_path, "check", r"output path '../../x' leaves the project's folder"),
        (unknown_event, "check", r"no event 'makro_applied' in events; did you mean 'macro_applied'"),
        (empty_events, "run", r"tables.events: 0 rows"),
        (nobody_leaves, "train", r"error\[TOO_LITTLE\].*"),
        (nobody_leaves, "rank", r"error\[TOO_LITTLE\].*"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(milepost, copy, spoil, command, message):
    spoil(copy)
    before = {path for path in copy.rglob("*") if "signals" not in path.parts}
    ran = milepost(command, "-c", copy / "milepost.toml")
    assert ran.exit_code == 2
    line = ran.stderr.strip().splitlines()[-1]
    assert line.startswith("error[")
    assert len(line) < 300
    assert pd.Series([line]).str.contains(message).all(), line
    assert "Traceback" not in ran.output
    after = {path for path in copy.rglob("*") if "signals" not in path.parts}
    # the signals are kept for the next command; no model, table or page is there
    assert after - before <= {copy / "out"}


@pytest.mark.parametrize("date", ["2019-01-01", "2031-01-01"])
def test_a_date_outside_the_data_is_refused(milepost, copy, date):
    ran = milepost("score", "-c", copy / "milepost.toml", "--as-of", date)
    assert ran.exit_code == 2
    assert "error[" in ran.stderr


def test_a_date_that_is_none_is_refused(milepost, copy):
    ran = milepost("check", "-c", copy / "milepost.toml", "--as-of", "1 April")
    assert ran.exit_code == 2
    assert "--as-of: '1 April' is not a date; expected a date such as 2024-04-01" in ran.stderr


def test_an_empty_date_is_not_taken_for_the_newest(milepost, copy):
    ran = milepost("score", "-c", copy / "milepost.toml", "--as-of", "")
    assert ran.exit_code == 2
    assert "--as-of: '' is not a date" in ran.stderr


def test_run_with_too_little_data_writes_the_page_and_says_so(milepost, copy):
    nobody_leaves(copy)
    ran = milepost("run", "-c", copy / "milepost.toml", "--json")
    assert ran.exit_code == 1
    answer = json.loads(ran.stdout)
    assert answer["churn"] is answer["ranking"] is answer["scores"] is None
    assert [text.partition(":")[0] for text in answer["missing"]] == [
        "model", "ranking", "maturity", "milestones", "scores",
    ]  # fmt: skip
    page = Path(answer["report"]).read_text(encoding="utf-8")
    assert "Adoption, which needs no outcomes" in page
    assert "macro_folders" in page


def test_score_without_a_model_says_what_to_do(milepost, copy):
    ran = milepost("score", "-c", copy / "milepost.toml")
    assert ran.exit_code == 2
    assert "error[BUNDLE]" in ran.stderr
    assert "milepost train" in ran.stderr


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_place_that_can_hold_no_files_is_named(milepost, copy):
    asked = ["demo", "/proc/milepost", "--accounts", "50", "--months", "6"]
    for command in (asked, ["init", "/proc/milepost", "--events", copy / "data" / "events.parquet"]):
        ran = milepost(*command)
        assert ran.exit_code == 3
        assert "error[ENVIRONMENT] /proc/milepost" in ran.stderr.strip().splitlines()[-1]


def test_an_unknown_world_is_refused(milepost, tmp_path):
    ran = milepost("demo", tmp_path / "x", "--world", "no_efect")
    assert ran.exit_code == 2
    assert "did you mean 'no_effect'" in ran.stderr


@pytest.mark.parametrize("answers", [["--label", "left"], []])
def test_a_matrix_of_ones_own(milepost, tmp_path, monkeypatch, answers):
    monkeypatch.chdir(tmp_path)
    left = pd.Series(range(400)) % 4 == 0
    noise = pd.Series(range(400)) * 37 % 101
    table = pd.DataFrame({"id": range(400), "uses": noise + 30 * ~left, "plan": ["a", "b"] * 200, "left": left})
    table.to_csv(tmp_path / "own.csv", index=False)
    ran = milepost("train", "--matrix", "own.csv", "--id", "id", *answers, "--json")
    if not answers:
        assert ran.exit_code == 2
        assert "--matrix needs --label" in ran.stderr
        return
    assert ran.exit_code == 0, ran.stderr
    answer = json.loads(ran.stdout)
    assert answer["figures"][answer["champion"]]["auc"] > 0.6
    assert Path(answer["bundle"]).is_dir()
    scored = milepost("score", "--matrix", "own.csv", "--id", "id", "--json")
    assert scored.exit_code == 0, scored.stderr
    assert len(pd.read_csv("own-scores.csv")) == json.loads(scored.stdout)["rows"] == 400


def test_a_leak_stops_the_scores_and_heads_the_ranking(milepost, copy):
    accounts = pd.read_parquet(copy / "data" / "accounts.parquet")
    subscriptions = pd.read_parquet(copy / "data" / "subscriptions.parquet")
    running = subscriptions.loc[subscriptions["ended_at"].isna(), "account_id"]
    accounts["status"] = accounts["account_id"].isin(running).map({True: "active", False: "cancelled"})
    accounts.to_parquet(copy / "data" / "accounts.parquet")
    text = (copy / "milepost.toml").read_text(encoding="utf-8")
    start = text.index("immutable = [") + len("immutable = [")
    (copy / "milepost.toml").write_text(text[:start] + '"status", ' + text[start:], encoding="utf-8")
    ran = milepost("run", "-c", copy / "milepost.toml", "--json")
    assert ran.exit_code == 1
    assert "leak alarm: account.status=" in ran.stderr
    answer = json.loads(ran.stdout)
    assert answer["scores"] is None
    assert not (copy / "out" / "scores").exists()
    assert not (copy / "models").exists()
    assert "account.status=" in pd.read_csv(copy / "out" / "ranking" / "ranking.csv")["alarm"].iloc[0]
    assert "account.status=" in Path(answer["report"]).read_text(encoding="utf-8")


def test_mlflow_away_leaves_everything_else_and_exits_3(milepost, copy, monkeypatch):
    def locked(*arguments):
        raise EnvironmentFault("database is locked", where="mlflow.db")

    with monkeypatch.context() as away:
        away.setattr("milepost.pipeline.track.log_run", locked)
        ran = milepost("run", "-c", copy / "milepost.toml")
    assert ran.exit_code == 3
    assert "error[ENVIRONMENT] mlflow.db: database is locked; the model is saved; run 'milepost track" in ran.stderr
    assert (copy / "models").exists()
    assert (copy / "out" / "scores" / "scores.csv").exists()
    assert (copy / "out" / "report" / "report.html").exists()
    waiting = milepost("track", "-c", copy / "milepost.toml", "--json")
    (run,) = json.loads(waiting.stdout)["waiting"]
    assert f"milepost track {run}" in ran.stderr
    wrong = milepost("track", run[:-1], "-c", copy / "milepost.toml")
    assert wrong.exit_code == 2
    assert f"did you mean '{run}'?" in wrong.stderr
    logged = milepost("track", run, "-c", copy / "milepost.toml", "--json")
    assert logged.exit_code == 0, logged.stderr
    found = open_client(copy / "mlruns").get_run(json.loads(logged.stdout)["mlflow_run"])
    assert found.data.params["champion"] in ("boosting", "logistic")
    assert found.data.metrics["features_kept"] >= 0
    assert milepost("track", "-c", copy / "milepost.toml").stdout == "every training is logged\n"


def test_a_new_model_waits_is_promoted_and_taken_back(milepost, finished, tmp_path):
    folder, answer = finished
    work = shutil.copytree(folder, tmp_path / "work")
    config = work / "milepost.toml"
    before = answer["promotion"]["in_use"]
    assert milepost("promote", "-c", config).exit_code == 2  # nothing waits
    config.write_text(config.read_text() + '[training]\npromote = "ask"\ntrain_share = 0.7\n')
    trained = milepost("train", "-c", config, "--json")
    assert trained.exit_code == 0, trained.stderr
    waits = json.loads(trained.stdout)["promotion"]
    assert (waits["promoted"], waits["in_use"]) == (False, before)
    client = open_client(work / "mlruns")
    name = client.search_registered_models()[0].name
    assert client.get_model_version_by_alias(name, "challenger").tags["model_id"] == waits["challenger"]
    assert client.get_model_version_by_alias(name, "champion").tags["model_id"] == before
    promoted = milepost("promote", "-c", config, "--json")
    decision = json.loads(promoted.stdout)["promotion"]
    assert promoted.exit_code == (0 if decision["promoted"] else 1)
    assert decision["rows"] == json.loads(trained.stdout)["churn"]["test_rows"]
    assert ("error[GATE]" in promoted.stderr) == (not decision["promoted"])
    if not decision["promoted"]:
        bundle.promote(work / "models" / name)
    back = milepost("promote", "--rollback", "-c", config)
    assert back.stdout.startswith(f"rolled back: {before} is in use again")
    assert client.get_model_version_by_alias(name, "champion").tags["model_id"] == before
