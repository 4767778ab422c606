"""Overrides stand, the rest follows the data, and every feature stays in one category."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.errors import FrameworkError
from milepost.framework import AreaRule, Framework, UtilizationRule, from_toml, merge, overrides, to_toml
from milepost.framework.merge import NOT_FOUND
from milepost.maturity.categories import Category


def edited(framework, where, derived, reason="because we said so"):
    return replace(framework, derived={where: derived}, reasons={where: reason})


def categories(framework):
    return {category.name: category.features for category in framework.categories}


def test_without_overrides_everything_follows_the_data(framework, make_category):
    latest = replace(
        framework, version=1, fingerprint="new", setup=None, categories=(make_category(effect=9.0),),
        activation=replace(framework.activation, count=8),
    )  # fmt: skip
    assert merge(framework, latest) == replace(latest, version=4)
    assert merge(framework, replace(framework, version=1, fingerprint="new")) == replace(framework, fingerprint="new")


def test_an_override_stands_and_the_key_beside_it_follows(framework):
    before = edited(framework, "activation", {"count": 3, "days": 56})
    latest = replace(framework, activation=replace(framework.activation, count=2, days=91, because="Two in 91."))
    made = merge(before, latest)
    assert (made.activation.count, made.activation.days) == (5, 91)
    assert made.derived == {"activation": {"count": 2, "days": 91}}
    assert made.reasons == {"activation": "because we said so"}
    assert made.activation.because == "Two in 91."
    assert math.isnan(made.activation.evidence.low)
    assert made.version == 4


def test_new_evidence_alone_keeps_the_version(framework):
    before = edited(framework, "activation", {"count": 3, "days": 56})
    latest = replace(framework, activation=replace(framework.activation, count=4), fingerprint="new")
    made = merge(before, latest)
    assert (made.version, made.fingerprint, made.activation.count) == (3, "new", 5)
    assert merge(made, latest).derived == made.derived == {"activation": {"count": 4, "days": 56}}


def test_an_override_that_says_what_the_data_say_is_none_any_more(framework):
    before = edited(framework, "activation", {"count": 3, "days": 56})
    made = merge(before, framework)
    assert overrides(made) == ()
    assert (made.derived, made.reasons, made.activation) == ({}, {}, framework.activation)
    # a remark beside nothing set by hand is a person's own, and stays
    assert merge(replace(framework, reasons={"setup": "a remark"}), framework).reasons == {"setup": "a remark"}


def test_a_moved_feature_stays_moved_and_others_follow(framework, make_category):
    before = replace(
        framework,
        categories=(make_category(features=("inbox",), cut=1), make_category("mail", ("rules", "lists", "bots"), 2)),
        derived={
            "category chat": {"features": ("inbox", "bots"), "cut": 1},
            "category mail": {"features": ("rules", "lists"), "cut": 2},
        },
    )
    latest = replace(
        framework,
        categories=(make_category(features=("inbox", "bots", "notes"), cut=1), make_category("mail", ("lists",), 1)),
    )
    made = merge(before, latest)
    assert categories(made) == {"chat": ("inbox", "notes"), "mail": ("lists", "bots")}
    assert made.derived["category mail"] == {"features": ("lists",), "cut": 1}
    assert [category.cut for category in made.categories] == [1, 1]
    assert [category.candidate for category in made.categories] == [None, None]
    assert math.isnan(made.categories[0].agreement)


def test_a_feature_moved_out_of_a_category_that_was_deleted(framework, make_category):
    before = replace(
        framework,
        categories=(make_category("mail", ("rules", "lists", "inbox", "bots"), 2),),
        derived={"category mail": {"features": ("rules", "lists"), "cut": 2}},
    )
    made = merge(before, replace(framework, categories=(make_category(), make_category("mail", ("rules", "lists"), 2))))
    assert categories(made) == {"mail": ("rules", "lists", "inbox", "bots")}
    assert merge(made, framework).categories[0].features == ("rules", "lists", "inbox", "bots")


def test_a_category_the_data_no_longer_show_stays_while_it_was_edited(framework, make_category):
    before = edited(framework, "category mail", {"features": ("rules", "lists"), "cut": 2})
    made = merge(before, replace(framework, categories=(make_category(),)))
    assert categories(made) == {"chat": ("inbox", "bots"), "mail": ("rules", "lists")}
    assert made.derived["category mail"] == {}
    assert made.categories[1].because == NOT_FOUND
    back = merge(made, framework)
    assert categories(back) == categories(framework)
    assert merge(framework, replace(framework, categories=(make_category(),))).categories == (make_category(),)


def test_a_list_never_ends_empty(framework, make_category):
    before = edited(framework, "category chat", {"features": ("inbox", "bots", "notes"), "cut": 2})
    made = merge(before, replace(framework, categories=(make_category(features=("notes",), cut=1),)))
    assert categories(made) == {"chat": ("inbox", "bots")}
    assert made.categories[0].cut == 1


def test_a_number_never_asks_for_more_than_there_is(framework, make_category):
    before = replace(
        framework,
        derived={
            "category chat": {"features": ("inbox", "bots"), "cut": 1},
            "setup": {"steps": ("invite", "import", "connect"), "needed": 1, "within_days": 28},
        },
    )
    latest = replace(
        framework,
        categories=(make_category(features=("bots",), cut=None),),
        setup=replace(framework.setup, steps=(), needed=None),
    )
    made = merge(before, latest)
    assert (made.categories[0].features, made.categories[0].cut) == (("bots",), 1)
    assert (made.setup.steps, made.setup.needed) == ((), None)


def test_a_threshold_of_something_else_does_not_stand(framework):
    before = edited(framework, "utilization", {"threshold": 2.0})
    made = merge(before, replace(framework, utilization=UtilizationRule("reports", "seat", 7.0)))
    assert (made.utilization.threshold, overrides(made), made.reasons) == (7.0, (), {})


def test_areas_are_told_apart_by_name(framework):
    before = edited(framework, "area reporting", {"threshold": 1.0})
    latest = replace(
        framework, areas=(AreaRule("voice", "call", "seat", 4.0), replace(framework.areas[0], threshold=6))
    )
    assert [area.threshold for area in merge(before, latest).areas] == [4.0, 2.0]


def test_an_override_that_the_data_have_overtaken_is_refused(framework):
    before = edited(framework, "setup", {"steps": framework.setup.steps, "needed": 2, "within_days": 14})
    latest = replace(framework, activation=replace(framework.activation, days=28))
    latest = replace(latest, setup=replace(latest.setup, within_days=14))
    with pytest.raises(FrameworkError, match="setup within_days 28 is not before activation days 28"):
        merge(before, latest)


NAMES = ("inbox", "bots", "rules", "lists", "notes", "charts")
PLACES = st.fixed_dictionaries({name: st.sampled_from(["chat", "mail", "voice", ""]) for name in NAMES})


@given(PLACES, PLACES, PLACES)
def test_whatever_is_moved_the_result_can_be_read_and_derived_again(first, by_hand, second):
    """first: what the data said, by_hand: where a person left each feature, second: what the data say now."""

    def made(places):
        found = {c: tuple(n for n in NAMES if places[n] == c) for c in ("chat", "mail", "voice")}
        return tuple(
            Category(name, features, 1, 1, *([0.5] * 9), "") for name, features in found.items() if features
        )  # fmt: skip

    data = {f"category {c.name}": {"features": c.features, "cut": 1} for c in made(first)}
    before = from_toml(to_toml(Framework(1, date(2024, 4, 1), "", made(by_hand), derived={
        f"category {c.name}": data.get(f"category {c.name}", {}) for c in made(by_hand)
    })))  # fmt: skip
    latest = Framework(1, date(2024, 5, 1), "", made(second))
    once = merge(before, latest)
    placed = [feature for category in once.categories for feature in category.features]
    assert len(placed) == len(set(placed))
    assert all(category.features for category in once.categories)
    again = merge(from_toml(to_toml(once)), latest)
    assert to_toml(again) == to_toml(replace(once, version=again.version))
    # what was put in by hand stands
    for name in NAMES:
        if by_hand[name] and first[name] != by_hand[name]:
            assert name in categories(once)[by_hand[name]]


def test_a_list_of_an_older_file_is_kept_as_it_is(framework, make_category):
    before = replace(framework, categories=(make_category(features=("bots", "notes")),), derived={"category chat": {}})
    made = merge(before, replace(framework, categories=(make_category(features=("inbox", "bots")),)))
    assert made.categories[0].features == ("bots", "notes")
    assert made.derived["category chat"] == {"features": ("inbox", "bots"), "cut": 2}
