"""Rules from what was found, what was set by hand, and what is weak."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from milepost.framework import (
    ActivationRule,
    AreaRule,
    Override,
    Rules,
    SetupRule,
    UtilizationRule,
    as_derived,
    interval,
    is_weak,
    overrides,
    rules_of,
)
from milepost.milestones.definitions import Activation, AreaMetric, Evidence, Milestones, Setup, Utilization

NONE, NOTHING = np.zeros((1, 1)), pd.DataFrame()


def test_rules_of_what_was_found():
    found = [Evidence(effect=float(n)) for n in range(4)]
    milestones = Milestones(
        Utilization("resolved", "seat", 2.0, 2.0, found[0], NOTHING, NOTHING, None, 0, "u"),
        Activation("event", 5, 28, (5, 28), (5,), (28,), NONE, NONE, NONE, found[1], found[3], found[3], None, None,
                   None, 0.1, {}, "a"),
        Setup(("s1", "s2"), 1, 1, 14, found[2], NOTHING, NOTHING, ("s2", "s1"), NOTHING, {}, "s"),
        (AreaMetric("calendar", "meeting", "account", None, 3.0, found[3], "m"),),
        None,
        {},
    )  # fmt: skip
    assert rules_of(milestones) == Rules(
        SetupRule(("s1", "s2"), 1, 14, found[2], "s"), ActivationRule("event", 5, 28, found[1], "a"),
        UtilizationRule("resolved", "seat", 2.0, found[0], "u"),
        (AreaRule("calendar", "meeting", "account", None, found[3], "m"),),
    )  # fmt: skip
    assert rules_of(Milestones(None, None, None, (), None, {"setup": "no steps"})) == Rules()


def test_overrides_say_where_what_and_why(framework):
    edited = replace(
        framework,
        derived={
            "setup": {"steps": ("connect", "import", "invite"), "needed": 3, "within_days": 28},
            "category mail": {"features": ("lists",), "cut": None},
            "utilization": {},
        },
        reasons={"setup": "agreed with sales", "activation": "a remark"},
    )
    assert overrides(edited) == (
        Override("setup", "needed", 3, 2, "agreed with sales"),
        Override("utilization", "threshold", None, 3.5, ""),
        Override("category mail", "features", ("lists",), ("rules", "lists"), ""),
    )
    assert overrides(framework) == ()


def test_what_the_data_say(framework):
    edited = replace(framework, derived={"activation": {"count": 3, "days": 56}, "category chat": {}})
    said = as_derived(edited)
    assert said.activation.count == 3
    assert [category.name for category in said.categories] == ["mail"]
    assert overrides(said) == ()


def test_weak_is_a_claim_whose_interval_is_unknown_or_holds_none(framework, make_category):
    assert not is_weak(framework.activation)
    for low, weak in ((-0.1, True), (0.0, True), (0.1, False), (math.nan, True)):
        assert is_weak(replace(framework.activation, evidence=Evidence(effect=1, low=low, high=2))) is weak
        assert is_weak(make_category(low=low)) is weak
        assert not is_weak(make_category(low=low, cut=None))
    assert not is_weak(UtilizationRule("m", "seat", None))
    assert interval(make_category()) == (2.4, 1.8, 3.0)
    assert interval(framework.setup) == (4.0, 1.5, 6.5)
