"""The file: reads back as written, the same text for the same framework, one name a line."""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.framework import (
    ActivationRule,
    AreaRule,
    Framework,
    SetupRule,
    UtilizationRule,
    from_toml,
    in_between,
    in_words,
    quoted,
    to_toml,
)
from milepost.maturity.categories import Category
from milepost.milestones.definitions import Evidence

# every character but lone surrogates, which no UTF-8 file can hold
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
FIGURE = st.floats(allow_nan=False)
SET = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
EVIDENCE = st.builds(
    Evidence, FIGURE, FIGURE, FIGURE, FIGURE, st.integers(0, 99), FIGURE, FIGURE, FIGURE, FIGURE, FIGURE,
    st.integers(0, 10**9),
)  # fmt: skip
RULES = st.fixed_dictionaries({
    "setup": st.none() | st.builds(SetupRule, st.just(("s1", "s2")), st.none() | st.integers(1, 2), st.integers(1, 9),
                                   EVIDENCE, TEXT),
    "activation": st.none() | st.builds(ActivationRule, TEXT, st.integers(1, 99), st.integers(10, 99), EVIDENCE, TEXT),
    "utilization": st.none() | st.builds(UtilizationRule, TEXT, st.sampled_from(["seat", "account"]), st.none() | SET,
                                         EVIDENCE, TEXT),
    "areas": st.lists(
        st.builds(AreaRule, TEXT, TEXT, st.sampled_from(["seat", "account"]), st.none() | SET, EVIDENCE, TEXT),
        max_size=3, unique_by=lambda area: area.area,
    ).map(tuple),
})  # fmt: skip


@given(
    st.lists(TEXT, min_size=1, max_size=3, unique=True),
    st.lists(TEXT, min_size=3, max_size=3, unique=True),
    TEXT,
    st.lists(FIGURE, min_size=9, max_size=9),
    RULES,
)
def test_reads_back_as_written(names, features, because, figures, rules):
    categories = tuple(
        Category(name, (features[place],), None if place else 1, 1, *figures, because)
        for place, name in enumerate(names)
    )
    edited = f"category {names[0]}"
    made = Framework(
        3, date(2024, 4, 1), because, categories, **rules,
        derived={edited: {"features": tuple(features[1:]), "cut": None}}, reasons={edited: because},
    )  # fmt: skip
    text = to_toml(made)
    assert from_toml(text) == made
    assert to_toml(from_toml(text)) == text


def test_every_kind_of_table_reads_back(framework, catalogue):
    assert from_toml(to_toml(framework), catalogue) == framework
    assert list(framework.tables) == [
        "setup", "activation", "utilization", "area reporting", "category chat", "category mail"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "\x7f", "\x00", "'", "]]", "# no comment", "é🙂", " ", "=1+1"])
def test_odd_names_survive(make, make_category, name):
    text = to_toml(make(categories=(make_category(features=(name, "x")),)))
    assert from_toml(text).categories[0].features == (name, "x")


def test_unknown_figures_survive(make):
    nan = float("nan")
    unknown = Category("c", ("f",), None, None, *([nan] * 9), "")
    text = to_toml(make(categories=(unknown,), utilization=UtilizationRule("m", "seat", None)))
    assert "agreement = nan" in text
    read = from_toml(text)
    assert read.categories[0].candidate is None
    assert read.utilization.threshold is None
    assert math.isnan(read.utilization.evidence.low)


def test_what_a_person_sees(framework):
    text = to_toml(replace(
        framework, derived={"activation": {"count": 3, "days": 56}}, reasons={"activation": "agreed with sales"}
    ))  # fmt: skip
    assert 'steps = [\n  "invite",\n  "import",\n  "connect",\n]\nneeded = 2\nwithin_days = 28\n' in text
    assert 'derived = { steps = ["invite", "import", "connect"], needed = 2, within_days = 28 }\nreason = ""\n' in text
    assert 'event = "resolved"\ncount = 5\ndays = 56\nderived = { count = 3, days = 56 }\n' in text
    assert 'reason = "agreed with sales"' in text
    assert 'cut = "none"\nderived = { features = ["rules", "lists"], cut = "none" }' in text
    assert max(len(line) for line in text.splitlines()) <= 120
    assert tomllib.loads(text)["area"][0]["evidence"]["accounts"] == 1200


def test_numbers_of_numpy_are_numbers(framework):
    same = replace(
        framework,
        activation=replace(framework.activation, count=np.int64(5)),
        utilization=replace(framework.utilization, threshold=np.float64(3.5)),
    )
    assert to_toml(same) == to_toml(framework)


def test_quoted():
    assert quoted('say "hi"\n') == '"say \\"hi\\"\\n"'


def test_words_for_values():
    assert [in_words(value) for value in (None, (), ("a", "b"), 3, 2.5, "seat")] == [
        "none", "none", "a, b", "3", "2.5", "seat"
    ]  # fmt: skip
    assert in_between(("a", "b"), ("b", "c")) == "+ c, - a"
    assert in_between(2.0, None) == "2 -> none"
