"""What the docs say is true: commands parse, links lead somewhere, documented columns are the real ones."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from typer.main import get_command

from milepost.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "examples/crm5/README.md",
    *sorted(ROOT.glob("docs/*.md")),
]


def commands():
    for page in PAGES:
        for block in re.findall(r"```\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.splitlines():
                if line.startswith("milepost "):
                    yield pytest.param(line.partition("#")[0].strip(), id=f"{page.name}: {line[:40]}")


@pytest.mark.parametrize("line", commands())
def test_every_documented_command_parses(line):
    command, words = get_command(app), shlex.split(line)[1:]
    while hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    command.make_context("milepost", words)  # raises UsageError for an unknown option


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
