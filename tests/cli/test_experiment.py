"""`milepost experiment` as a user types it: the steps, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

NAME = "help-content"
VERBS = ["new", "power", "lock", "assign", "check", "analyze", "report"]


@pytest.fixture(scope="session")
def experiment(tmp_path_factory, milepost):
    folder = tmp_path_factory.mktemp("experiment")
    made = milepost("demo", folder, "--experiment", NAME)
    assert made.exit_code == 0, made.stderr
    return folder


@pytest.fixture
def own(experiment, tmp_path):
    """A copy to spoil."""
    shutil.copytree(experiment, tmp_path / "x", ignore=shutil.ignore_patterns("out", "mlruns"))
    return tmp_path / "x"


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def log_of(folder):
    return folder / "experiments" / NAME / "assignments.parquet"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(milepost, verb):
    shown = milepost("experiment", verb, "--help")
    assert shown.exit_code == 0
    assert "Usage:" in shown.stdout


def test_the_demo_passes_its_checks_and_says_what_is_planted(milepost, experiment):
    config = experiment / "milepost.toml"
    checked = milepost("experiment", "check", NAME, "-c", config)
    assert checked.exit_code == 0, checked.stderr
    assert "sample ratio as planned" in checked.stdout
    early = milepost("experiment", "analyze", NAME, "-c", config, "--as-of", "2024-03-04")
    assert early.exit_code == 0
    assert "TOO EARLY: paid conversion by day 90 complete on 2024-05-05." in early.stdout
    late = milepost("experiment", "analyze", NAME, "-c", config)
    assert "HARM: Taking help away made paid conversion by day 90 worse. Keep 'help'." in late.stdout
    flat = " ".join(late.stdout.split())
    assert "Taking help away lowered paid conversion by day 90 by" in flat
    assert "REVERSED deflection (predicted higher" in flat
    assert "Delivered: help links seen" in flat
    assert max(map(len, late.stdout.splitlines())) <= 100


def test_before_a_metric_is_complete_none_of_it_is_shown(milepost, experiment):
    early = milepost(
        "experiment", "analyze", NAME, "-c", experiment / "milepost.toml", "--as-of", "2024-02-20", "--json"
    )
    answer = json.loads(early.stdout)
    assert answer["metrics"] == []
    assert {one["verdict"] for one in answer["hypotheses"]} == {"not told yet"}
    assert answer["decision"] == {"no_help": "TOO EARLY"}


def test_a_report_is_a_page_and_a_run(milepost, own):
    made = milepost("experiment", "report", NAME, "-c", own / "milepost.toml", "--by", "source", "--json")
    assert made.exit_code == 0, made.stderr
    answer = json.loads(made.stdout)
    page = Path(answer["report"]).read_text(encoding="utf-8")
    assert "Taking help away lowered paid conversion by day 90" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert len(answer["run"]) == 32
    assert {line["tag"] for line in answer["metrics"] if line["segment"] == "source"} == {"exploratory"}
    assert {line["tag"] for line in answer["metrics"] if line["segment"] == "region"} == {"long_run"}


def edited_plan(folder):
    edit(folder / "experiments" / NAME / "plan.toml", "smallest_effect = 0.05", "smallest_effect = 0.01")


def unlocked(folder):
    (folder / "experiments" / NAME / "plan.lock.json").unlink()


def no_event(folder):
    edit(folder / "experiments" / NAME / "plan.toml", 'events = ["conversation_resolved"]', 'events = ["resolvd"]')
    unlocked(folder)


def no_metric(folder):
    edit(folder / "experiments" / NAME / "plan.toml", 'by = ["paid_day_90"]', 'by = ["paid_day_9"]')
    unlocked(folder)


def no_table(folder):
    edit(folder / "milepost.toml", '[tables.surveys]\npath = "data/surveys.parquet"\n', "")


def strange_arm(folder):
    log = pd.read_parquet(log_of(folder))
    log.assign(arm=log["arm"].replace("no_help", "nohelp")).to_parquet(log_of(folder))


@pytest.mark.parametrize(
    ("spoil", "verb", "message"),
    [
        (edited_plan, "analyze", "the plan was edited after it was locked at 2024-01-05"),
        (edited_plan, "assign", "the plan was edited after it was locked"),
        (unlocked, "analyze", "the plan is not locked; run 'milepost experiment lock help-content'"),
        (no_event, "lock", "metric 'activated': no event 'resolvd' in events"),
        (no_metric, "lock", "no metric 'paid_day_9' in the plan; did you mean 'paid_day_90'"),
        (no_table, "analyze", "metric 'satisfaction' needs the table surveys"),
        (strange_arm, "analyze", "assignments name an arm 'nohelp'; did you mean 'no_help'"),
    ],
)
def test_what_is_refused_is_one_line_and_nothing_is_written(milepost, own, spoil, verb, message):
    spoil(own)
    before = sorted(own.rglob("*"))
    ran = milepost("experiment", verb, NAME, "-c", own / "milepost.toml")
    assert ran.exit_code == 2
    line = ran.stderr.strip().splitlines()[-1]
    assert message in line
    assert len(line) < 300
    assert sorted(own.rglob("*")) == before


def in_two_arms(folder):
    log = pd.read_parquet(log_of(folder))
    twice = log.head(3).assign(arm=log.head(3)["arm"].map({"help": "no_help", "no_help": "help"}))
    pd.concat([log, twice]).to_parquet(log_of(folder))


def lost_accounts(folder):
    log = pd.read_parquet(log_of(folder))
    lost = log[log["arm"] == "no_help"].head(400)
    log.drop(lost.index).to_parquet(log_of(folder))


def assigned_late(folder):
    log = pd.read_parquet(log_of(folder))
    log.assign(enrolled_at=log["enrolled_at"] + pd.Timedelta(days=20)).to_parquet(log_of(folder))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (in_two_arms, "3 accounts in two arms"),
        (lost_accounts, "sample-ratio mismatch"),
        (assigned_late, "with an outcome of 'activated' before assignment"),
        (assigned_late, "exposed before assignment"),
    ],
)
@pytest.mark.parametrize("verb", ["check", "analyze"])
def test_data_that_cannot_be_believed_give_no_answer(milepost, own, spoil, message, verb):
    spoil(own)
    ran = milepost("experiment", verb, NAME, "-c", own / "milepost.toml")
    assert ran.exit_code == 1
    assert "INVALID: " in ran.stdout
    assert message in " ".join(ran.stdout.split())
    assert "SUPPORTED" not in ran.stdout


def test_an_account_in_two_arms_stops_further_assignment(milepost, own):
    in_two_arms(own)
    ran = milepost("experiment", "assign", NAME, "-c", own / "milepost.toml")
    assert ran.exit_code == 2
    assert "3 accounts in two arms" in ran.stderr


def test_assigning_again_changes_nothing(milepost, own):
    before = pd.read_parquet(log_of(own))
    ran = milepost("experiment", "assign", NAME, "-c", own / "milepost.toml", "--json")
    assert json.loads(ran.stdout)["new"] == 0  # the demo's arms are those of the plan's hash
    pd.testing.assert_frame_equal(pd.read_parquet(log_of(own)), before)
    (log_of(own)).unlink()
    again = milepost("experiment", "assign", NAME, "-c", own / "milepost.toml", "--json")
    assert json.loads(again.stdout)["new"] == len(before)
    anew = pd.read_parquet(log_of(own)).sort_values("account_id", ignore_index=True)
    assert anew["arm"].tolist() == before.sort_values("account_id")["arm"].tolist()


def test_an_unknown_experiment_names_the_nearest(milepost, own):
    ran = milepost("experiment", "power", "help-contents", "-c", own / "milepost.toml")
    assert ran.exit_code == 2
    assert "no experiment 'help-contents'; did you mean 'help-content'?" in ran.stderr
    outside = milepost("experiment", "power", "../x", "-c", own / "milepost.toml")
    assert "'../x' is no name of an experiment" in outside.stderr


def test_from_a_new_plan_to_arms(milepost, own):
    config = own / "milepost.toml"
    assert milepost("experiment", "new", "tour", "-c", config).exit_code == 0
    assert milepost("experiment", "new", "tour", "-c", config).exit_code == 2
    plan = own / "experiments" / "tour" / "plan.toml"
    text = plan.read_text(encoding="utf-8").splitlines()
    text = ["start = 2024-01-15" if line.startswith("start =") else line for line in text]
    text = ["end = 2024-02-12" if line.startswith("end =") else line for line in text]
    plan.write_text("\n".join(text), encoding="utf-8")
    sized = milepost("experiment", "power", "tour", "-c", config)
    assert sized.exit_code == 1
    assert "'paid_day_28' is underpowered" in sized.stderr
    refused = milepost("experiment", "lock", "tour", "-c", config)
    assert refused.exit_code == 2
    assert "underpowered" in refused.stderr
    edit(plan, "[analysis]", '[analysis]\nunderpowered_because = "a first try"')
    assert milepost("experiment", "lock", "tour", "-c", config).exit_code == 0
    assert "locked already" in milepost("experiment", "lock", "tour", "-c", config).stderr
    assigned = milepost("experiment", "assign", "tour", "-c", config, "--json")
    assert sum(json.loads(assigned.stdout)["accounts"].values()) > 1000


def test_between_two_looks_nothing_is_shown(milepost, own):
    plan = own / "experiments" / NAME / "plan.toml"
    edit(plan, "[analysis]", "[analysis]\nlooks = 4")
    edit(plan, "per_day = 143", "per_day = 143\nplanned_accounts = 4000")
    edit(plan, 'by = ["paid_day_90"]', 'by = ["activated"]')
    edit(plan, 'role = "long_run"', 'role = "exploratory"')
    unlocked(own)
    config = own / "milepost.toml"
    assert milepost("experiment", "lock", NAME, "-c", config).exit_code == 0
    # windows of 28 days end from February 5 to March 4; 1,000 accounts a week
    early = milepost("experiment", "analyze", NAME, "-c", config, "--as-of", "2024-02-09", "--json")
    assert json.loads(early.stdout)["look"]["number"] == 0
    assert json.loads(early.stdout)["metrics"] == []
    first = json.loads(milepost("experiment", "analyze", NAME, "-c", config, "--as-of", "2024-02-14", "--json").stdout)
    assert first["look"]["number"] == 1
    assert first["look"]["alpha"] < 0.001  # the first of four looks asks for |Z| over 4
    again = json.loads(milepost("experiment", "analyze", NAME, "-c", config, "--as-of", "2024-02-15", "--json").stdout)
    assert again["look"]["number"] == 0
    last = json.loads(milepost("experiment", "analyze", NAME, "-c", config, "--as-of", "2024-03-04", "--json").stdout)
    assert last["look"]["number"] == 4
    assert 0.04 < last["look"]["alpha"] < 0.05
    assert {line["metric"] for line in last["metrics"]} >= {"activated", "questions"}
    assert "paid_day_90" not in {line["metric"] for line in last["metrics"]}  # a longer run is waited for
    # from March 4 on the data are frozen: the same look again, and the long run when it is complete
    later = json.loads(milepost("experiment", "analyze", NAME, "-c", config, "--as-of", "2024-05-05", "--json").stdout)
    assert later["look"] == last["look"]
    assert "paid_day_90" in {line["metric"] for line in later["metrics"]}


def test_accounts_of_a_table_enter_at_their_own_times(milepost, own):
    config = own / "milepost.toml"
    log = pd.read_parquet(log_of(own))
    # accounts that are there already, with a life before; two that are not among the accounts
    ids = [*log["account_id"].head(600), "x1", "x2"]
    pd.DataFrame({"account_id": ids, "enrolled_at": "2024-03-15T10:00:00Z"}).to_csv(own / "units.csv", index=False)
    milepost("experiment", "new", "again", "-c", config)
    plan = own / "experiments" / "again" / "plan.toml"
    lines = plan.read_text(encoding="utf-8").splitlines()
    lines = ["start = 2024-03-15" if line.startswith("start =") else line for line in lines]
    lines = ['end = 2024-03-16\nunits = "units.csv"' if line.startswith("end =") else line for line in lines]
    lines = ['[analysis]\nunderpowered_because = "a try"' if line == "[analysis]" else line for line in lines]
    plan.write_text("\n".join(lines), encoding="utf-8")
    assert milepost("experiment", "lock", "again", "-c", config).exit_code == 0
    assigned = json.loads(milepost("experiment", "assign", "again", "-c", config, "--json").stdout)
    assert assigned["new"] == 600
    checked = milepost("experiment", "check", "again", "-c", config)
    assert checked.exit_code == 0, checked.stderr
    (own / "units.csv").write_text("account_id,enroled_at\na,2024-03-15\n", encoding="utf-8")
    refused = milepost("experiment", "assign", "again", "-c", config)
    assert "units.csv: column 'enrolled_at' is missing; did you mean 'enroled_at'?" in refused.stderr


def test_what_is_proven_reaches_the_framework_file(milepost, own):
    config = own / "milepost.toml"
    refused = milepost("experiment", "report", NAME, "-c", config, "--prove")
    assert refused.exit_code == 2
    assert "run 'milepost derive' first" in refused.stderr
    framework = own / "framework.toml"
    framework.write_text('version = 1\ncreated = 2024-07-01\nfingerprint = "abc"\n', encoding="utf-8")
    early = milepost("experiment", "report", NAME, "-c", config, "--prove", "--as-of", "2024-03-04")
    assert early.exit_code == 2
    assert "nothing is proven: no_help is TOO EARLY" in early.stderr
    assert "proven" not in framework.read_text(encoding="utf-8")
    made = milepost("experiment", "report", NAME, "-c", config, "--prove")
    assert made.exit_code == 0, made.stderr
    # taking it away lowered it: having it raises it
    assert "help_content: Proven by experiment 'help-content': paid conversion by day 90 +9." in made.stdout
    shown = milepost("framework", "show", "-c", config)
    assert "help_content: Proven by experiment 'help-content'" in shown.stdout
    again = framework.read_text(encoding="utf-8")
    milepost("experiment", "report", NAME, "-c", config, "--prove")
    assert framework.read_text(encoding="utf-8") == again
