"""What the docs say is true: commands parse, links lead somewhere, documented columns are the real ones."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from typer.main import get_command

from milepost.cli.main import app
from milepost.signals.own import OWN_MEASURES
from milepost.terms import Measure

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "examples/crm5/README.md",
    *sorted(ROOT.glob("docs/**/*.md")),
]
# the commands that are carried out on a small product; the others train for long, ask the network or stay open
CARRIED_OUT = {"check", "doctor", "score", "report", "account", "framework", "metrics", "route"}


def commands():
    for page in PAGES:
        for block in re.findall(r"```(?:sh)?\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in map(str.strip, block.splitlines()):
                if line.startswith("milepost "):
                    line = line.partition("#")[0].partition(">")[0].strip()
                    yield pytest.param(line, id=f"{page.name}: {line[:40]}")


@pytest.mark.parametrize("line", commands())
def test_every_documented_command_parses(line):
    command, words = get_command(app), shlex.split(line)[1:]
    # `milepost metrics` is a command and has commands: an option ends the names
    while words and words[0] in getattr(command, "commands", ()):
        command, words = command.commands[words[0]], words[1:]
    command.make_context("milepost", words)  # raises UsageError for an unknown option


def lines_to_carry_out():
    found = {param.values[0] for param in commands()}
    return sorted(line for line in found if line.split()[1] in CARRIED_OUT and "--as-of" not in line)


@pytest.mark.parametrize("line", lines_to_carry_out())
def test_documented_commands_work(milepost, finished, line):
    """On the small product in place of the folder that the docs name; the account is one of its own."""
    folder, answer = finished
    words = [
        str(folder / "milepost.toml") if word.endswith("milepost.toml") else word for word in shlex.split(line)[1:]
    ]
    if words[0] == "account":
        words[1] = str(pd.read_parquet(answer["scores"]["path"])["account_id"].iloc[0])
    if words[:2] == ["framework", "diff"]:
        words = [str(folder / "framework.toml") if word.endswith("framework.toml") else word for word in words]
    ran = milepost(*words)
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout


def test_the_own_signals_of_the_docs_work(milepost, copy):
    (text,) = blocks("toml", "docs/signals.md")
    (copy / "signals.toml").write_text(text, encoding="utf-8")
    listed = milepost("signals", "list", "-c", copy / "milepost.toml")
    assert listed.exit_code == 0, listed.stderr
    ends = [line.split() for line in listed.stdout.splitlines()[-2:]]
    assert ends[0] == ["macros.two_weeks", "macros", "count", "14", "uses", "a", "day", "and", "seat"]
    assert ends[1] == ["export_days", "–", "active_days", "28", "days"]
    said = milepost("signals", "explain", "macros.two_weeks", "-c", copy / "milepost.toml")
    assert said.exit_code == 0, said.stderr
    (printed,) = blocks("text", "docs/signals.md")
    labels = [[line.split(" ")[0] for line in card.splitlines()] for card in (printed, said.stdout)]
    assert [label for label in labels[0] if label] == [label for label in labels[1] if label]
    assert printed.splitlines()[1:4] == said.stdout.splitlines()[1:4]


def test_the_measures_of_the_docs_are_those_there_are():
    text = (ROOT / "docs/signals.md").read_text(encoding="utf-8")
    first, own = text.split("## Your own")
    assert re.findall(r"^\| `(\w+)` \|", first, re.MULTILINE) == list(Measure)
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (.*) \|$", own, re.MULTILINE)
    said = {name: re.findall(r'`"(\w*)"`', pers) for names, pers in rows for name in re.findall(r"\w+", names)}
    allowed = {str(measure): list(pers) for measure, pers in OWN_MEASURES.items()}
    assert {name: said[name] for name in allowed} == allowed


def blocks(kind, page="docs/operations.md"):
    return re.findall(rf"```{kind}\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def test_the_airflow_example_is_python():
    (text,) = blocks("python")
    assert "DAG" in {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def test_the_cron_line_runs_milepost():
    (text,) = blocks("cron")
    line = text.splitlines()[-1]
    assert re.match(r"(\S+ ){5}cd /srv/milepost && \.venv/bin/milepost run ", line)


@pytest.mark.parametrize(
    ("code", "said"),
    [(0, ""), (1, "look at the page: why"), (2, "the input changed: why"), (3, "try again later: why"),
     (4, "exit code 4: why")],
)  # fmt: skip
def test_the_alert_script_tells_the_codes_apart(tmp_path, code, said):
    script = next(text for text in blocks("sh") if "case" in text)
    (tmp_path / "milepost").write_text(f"#!/bin/sh\necho first >&2; echo why >&2; exit {code}\n", encoding="utf-8")
    (tmp_path / "milepost").chmod(0o755)
    ran = subprocess.run(["sh", "-c", script], cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, text=True,
                         capture_output=True, check=True)  # fmt: skip
    assert ran.stdout.strip() == said


def test_looking_back_keeps_a_file_per_date_and_ends_with_today(tmp_path):
    script = next(text for text in blocks("sh") if "history" in text)
    fake = '#!/bin/sh\necho "$@" >> calls; mkdir -p acme/out/scores; echo "$5" > acme/out/scores/scores.parquet\n'
    (tmp_path / "milepost").write_text(fake, encoding="utf-8")
    (tmp_path / "milepost").chmod(0o755)
    subprocess.run(["sh", "-c", script], cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True)
    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert calls[-1] == "run -c acme/milepost.toml"
    for day in ("2024-10-01", "2024-11-01", "2024-12-01"):
        assert f"run -c acme/milepost.toml --as-of {day}" in calls
        assert (tmp_path / "history" / f"{day}.parquet").read_text(encoding="utf-8").strip() == day


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_make_targets_in_the_docs_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in PAGES:
        for target in re.findall(r"^make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def documented(page, heading):
    part = (ROOT / "docs" / page).read_text(encoding="utf-8").split(heading)[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("| ")]
    return {name.strip() for cell in cells for name in cell.split(",")} - {"column"}


def test_documented_columns_of_the_ranking_are_the_real_ones(finished):
    folder, _ = finished
    real = set(pd.read_parquet(folder / "out" / "ranking" / "ranking.parquet").columns)
    shown = documented("ranking.md", "## Columns")
    grouped = {name for name in real if name.startswith(("adoption_plan_", "adoption_size_"))}
    assert real - grouped == {name for name in shown if not name.endswith("*")}


def test_documented_columns_of_the_scores_are_the_real_ones(finished):
    folder, _ = finished
    real = set(pd.read_parquet(folder / "out" / "scores" / "scores.parquet").columns)
    shown = {name for name in documented("outputs.md", "## Scores") if not name.endswith("*")}
    assert {name for name in real if not name.startswith("level_")} == shown
