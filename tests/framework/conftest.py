"""A framework with every kind of table, and a catalogue it fits."""

from __future__ import annotations

from datetime import date

import pytest

from milepost.framework import ActivationRule, AreaRule, Framework, SetupRule, UtilizationRule
from milepost.maturity.categories import Category
from milepost.milestones.definitions import Evidence
from milepost.signals.catalogue import Feature

EVIDENCE = Evidence(4.0, 1.5, 6.5, 0.01, 45, 0.7, 0.9, 0.4, 0.8, 0.6, 1200)


def category(name="chat", features=("inbox", "bots"), cut=2, **changed):
    values = {
        "candidate": 2, "agreement": 0.81, "mature_share": 0.5, "ppv": 0.98, "sensitivity": 0.52,
        "retained_mature": 0.98, "retained_basic": 0.94, "effect": 2.4, "low": 1.8, "high": 3.0,
        "because": "Because of this.",
    }  # fmt: skip
    return Category(name, features, cut, **(values | changed))


def full(**changed):
    """Version 3: setup of three steps, activation, utilization, one area, two categories."""
    values = {
        "version": 3, "created": date(2024, 4, 1), "fingerprint": "abc",
        "categories": (category(), category("mail", ("rules", "lists"), None)),
        "setup": SetupRule(("invite", "import", "connect"), 2, 28, EVIDENCE, "Two of three."),
        "activation": ActivationRule("resolved", 5, 56, EVIDENCE, "Five in 56."),
        "utilization": UtilizationRule("conversations resolved", "seat", 3.5, EVIDENCE, "From 3.5 on."),
        "areas": (AreaRule("reporting", "report", "account", 2.0, EVIDENCE, "From 2 on."),),
    }  # fmt: skip
    return Framework(**(values | changed))


def catalogue():
    """Features of two categories, three of them steps, one area with a metric."""
    chat = [Feature(name, (name,), "chat") for name in ("inbox", "bots", "invite")]
    mail = [Feature(name, (name,), "mail") for name in ("rules", "lists", "import", "connect")]
    steps = {"invite": 1, "import": 2, "connect": 3}
    area = Feature("charts", ("chart",), "mail", "reporting", area_metric=("report",), area_metric_per="account")
    return [
        *(Feature(f.name, f.event_names, f.category, setup_step=steps.get(f.name)) for f in [*chat, *mail]), area
    ]  # fmt: skip


@pytest.fixture
def framework():
    return full()


@pytest.fixture(name="catalogue")
def its_catalogue():
    return catalogue()


@pytest.fixture
def make():
    """full(**changed), category(**changed)."""
    return full


@pytest.fixture
def make_category():
    return category
