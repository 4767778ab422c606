"""The framework on the screen: everything in 100 columns, what was set by hand marked, with the reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.errors import FrameworkError, InputError
from milepost.framework import ActivationRule, AreaRule, Framework, SetupRule, UtilizationRule, to_toml
from milepost.maturity.categories import Category
from milepost.milestones.definitions import Evidence
from milepost.pipeline.framework_show import (
    WIDTH,
    defined,
    diff_frameworks,
    framework_text,
    show_framework,
    validate_framework,
)

CATEGORY = Category("automation", ("macros",), 1, 1, 0.9, 0.4, 0.95, 0.6, 0.97, 0.9, 7.0, 3.0, 11.0, "because")
OPEN = replace(CATEGORY, name="reporting", features=("export",), cut=1, low=-1.0)
MADE = Framework(
    3, date(2024, 6, 30), "abc", (CATEGORY, OPEN),
    derived={"category reporting": {"features": ("export",), "cut": None}},
    reasons={"category reporting": "agreed with sales"},
)  # fmt: skip


@pytest.fixture
def write(product):
    def writing(framework, name="framework.toml"):
        (product / name).write_text(to_toml(framework), encoding="utf-8")
        return product / name

    return writing


def test_show(make_job, write):
    write(MADE)
    shown = show_framework(make_job())
    lines = shown.as_text().splitlines()
    assert lines[0] == "framework.toml: version 3, from data up to 2024-06-30 (abc)"
    assert lines[3] == "automation  1 of 1 feature: macros      40.0%  97.0% / 90.0%  +7.0 [+3.0, +11.0]"
    assert lines[4] == "reporting   * 1 of 1 feature: export    40.0%  97.0% / 90.0%  +7.0 [-1.0, +11.0]"
    assert lines[-4:] == [
        "* set by hand, from the data to the file",
        "  category reporting: cut none -> 1",
        "    reason: agreed with sales",
        "    weak evidence: its interval is unknown or holds none",
    ]
    answer = shown.as_json()
    assert answer["overrides"] == [
        {"where": "category reporting", "key": "cut", "derived": None, "in_use": 1, "reason": "agreed with sales"}
    ]
    first = answer["tables"][0]
    assert (first["name"], first["definition"], first["derived"]) == (
        "category automation", {"features": ["macros"], "cut": 1}, {"features": ["macros"], "cut": 1}
    )  # fmt: skip
    assert first["evidence"]["effect"] == 7.0
    assert set(first["evidence"]) == {
        "candidate", "agreement", "mature_share", "ppv", "sensitivity", "retained_mature", "retained_basic", "effect",
        "low", "high",
    }  # fmt: skip


def test_nothing_set_by_hand_is_not_marked(make_job, write):
    write(replace(MADE, derived={}, reasons={}))
    assert "*" not in show_framework(make_job()).as_text()


EVIDENCE = Evidence(4.0, 1.5, 6.5, 0.01, 45, 0.7, 0.9, 0.4, 0.8, 0.6, 1200)
SETUP = SetupRule(("invite", "import", "connect"), 2, 28, EVIDENCE)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (SETUP, "2 of 3 steps within 28 days: invite, import, connect"),
        (replace(SETUP, needed=None), "no number of 3 steps within 28 days: invite, import, connect"),
        (ActivationRule("resolved", 5, 56), "5 resolved within 56 days"),
        (ActivationRule("resolved", None, None), "no count of resolved"),
        (UtilizationRule("conversations resolved", "seat", 3.5), "3.5 conversations resolved a month per seat"),
        (AreaRule("a", "report", "account", None), "no threshold of report a month per account"),
        (replace(CATEGORY, cut=None), "no clear cut of 1 feature: macros"),
        (replace(CATEGORY, features=("a", "b")), "1 of 2 features: a, b"),
    ],
)
def test_definitions_in_words(rule, words):
    assert defined(rule) == words


NAME = st.text(st.characters(categories=["L", "N"], max_codepoint=0x24F), min_size=1, max_size=60)
FIGURE = st.floats(-999, 999)


@given(NAME, st.lists(NAME, min_size=1, max_size=9, unique=True), FIGURE, FIGURE, FIGURE, NAME)
def test_everything_fits_a_hundred_columns(name, features, effect, low, high, reason):
    evidence = Evidence(effect, low, high, share=1.0, reached=1.0, others=1.0)
    category = replace(
        CATEGORY, name=name, features=tuple(features), effect=effect, low=low, high=high, mature_share=1.0,
        retained_mature=1.0, retained_basic=1.0,
    )  # fmt: skip
    made = Framework(
        1, date(2024, 6, 30), "abc", (category,), SetupRule(tuple(features), 1, 28, evidence), None, None,
        (AreaRule(name, name, "account", 2.0, evidence),), {f"category {name}": {}}, {f"category {name}": reason},
    )  # fmt: skip
    text = framework_text(made, "framework.toml")
    assert max(len(line) for line in text.splitlines()) <= WIDTH
    joined = "".join(text.split())
    assert all(feature in joined or len(feature) > 20 for feature in features)


def test_diff_is_from_the_data_to_the_file(make_job, write):
    write(MADE)
    shown = diff_frameworks(make_job())
    assert shown.as_json()["changes"] == [{"where": "category reporting", "key": "cut", "old": None, "new": 1}]
    text = shown.as_text().splitlines()
    assert text[0].startswith("from the data to ")
    assert text[1:] == ["category reporting", "  cut: none -> 1"]
    write(replace(MADE, derived={}, reasons={}))
    assert diff_frameworks(make_job()).as_text() == "no difference"


def test_diff_of_two_files(make_job, write):
    write(MADE)
    old = write(replace(MADE, version=1, categories=(replace(CATEGORY, features=("gone",)), OPEN)), "old.toml")
    expected = ["category automation", "  features: + macros, - gone"]
    assert diff_frameworks(make_job(), old).as_text().splitlines()[1:] == expected
    other = write(replace(MADE, activation=ActivationRule("resolved", 5, 56)), "other.toml")
    assert diff_frameworks(make_job(), old, other).as_text().splitlines() == [
        f"from {old} to {other}", "activation", "  event: none -> resolved", "  count: none -> 5", "  days: none -> 56",
        *expected,
    ]  # fmt: skip
    with pytest.raises(InputError, match=r"nowhere.toml: no such file"):
        diff_frameworks(make_job(), old.with_name("nowhere.toml"))
    old.write_bytes(b"\xff\xfe")
    with pytest.raises(FrameworkError, match="not UTF-8 text; save it as UTF-8"):
        diff_frameworks(make_job(), old)


def test_validate(make_job, write):
    path = write(MADE)
    valid = validate_framework(make_job())
    assert valid.as_text() == "framework.toml: version 3, 2 categories, 1 override, no fault"
    assert valid.as_json() == {"framework": str(path), "version": 3, "categories": 2, "overrides": 1}
    path.write_text(path.read_text().replace('  "export",', '  "exprt",', 1), encoding="utf-8")
    with pytest.raises(FrameworkError, match="no feature 'exprt' in the catalogue; did you mean 'export'"):
        validate_framework(make_job())


def test_without_a_file_the_command_that_makes_one_is_named(make_job):
    for command in (show_framework, diff_frameworks, validate_framework):
        with pytest.raises(InputError, match="no such file; run 'milepost derive' first"):
            command(make_job())
