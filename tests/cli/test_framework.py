"""`milepost framework`: the three commands parse, print and exit as they say."""

from __future__ import annotations

import json

import pytest

SETTINGS = '[tables.accounts]\npath = "a.csv"\n[tables.events]\npath = "e.csv"\n'
CATALOGUE = "feature,event_names,category\nmacros,macro,automation\nexport,export,automation\n"
FRAMEWORK = """\
version = 2
created = 2024-04-01
fingerprint = "abc"

[[category]]
name = "automation"
features = ["macros", "export"]
cut = 1
derived = { features = ["macros", "export"], cut = 2 }
reason = "agreed with sales"
"""


@pytest.fixture
def folder(tmp_path):
    for name, text in (("milepost.toml", SETTINGS), ("features.csv", CATALOGUE), ("framework.toml", FRAMEWORK)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_they_print_and_write_nothing(milepost, folder):
    before = {path: path.read_bytes() for path in folder.rglob("*")}
    for command, line in (
        ("show", "framework.toml: version 2, from data up to 2024-04-01 (abc)"),
        ("diff", "  cut: 2 -> 1"),
        ("validate", "framework.toml: version 2, 1 category, 1 override, no fault"),
    ):
        ran = milepost("framework", command, "-c", folder / "milepost.toml")
        assert ran.exit_code == 0, ran.stderr
        assert line in ran.stdout.splitlines()
        answer = json.loads(milepost("framework", command, "-c", folder / "milepost.toml", "--json").stdout)
        assert answer["changes" if command == "diff" else "overrides"]
    assert {path: path.read_bytes() for path in folder.rglob("*")} == before


def test_diff_takes_two_files(milepost, folder):
    other = folder / "other.toml"
    other.write_text(FRAMEWORK.replace('"macros", "export"]\ncut = 1', '"macros"]\ncut = 1'), encoding="utf-8")
    ran = milepost("framework", "diff", folder / "framework.toml", other, "-c", folder / "milepost.toml")
    assert ran.stdout.splitlines()[1:] == ["category automation", "  features: - export"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('"export"]\ncut', '"exprt"]\ncut', "row 7 (category 1): no feature 'exprt' in the catalogue; did you mean"),
        ("cut = 1\n", "cut = 3\n", "row 8 (category 1): cut 3; expected a whole number from 1 to 2"),
        ("reason", "raeson", "row 10 (category 1): unknown key 'raeson'; did you mean 'reason'"),
    ],
)
def test_an_impossible_edit_is_one_line_and_exit_2(milepost, folder, old, new, line):
    path = folder / "framework.toml"
    path.write_text(FRAMEWORK.replace(old, new, 1), encoding="utf-8")
    for command in ("show", "diff", "validate"):
        ran = milepost("framework", command, "-c", folder / "milepost.toml")
        assert ran.exit_code == 2
        assert ran.stdout == ""
        assert ran.stderr.startswith(f"error[FRAMEWORK] framework.toml {line}")
        assert len(ran.stderr.splitlines()) == 1
