"""How far it is to each milestone: twelve accounts with an event every third day."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from milepost.framework import ActivationRule, Framework, SetupRule, UtilizationRule
from milepost.maturity.categories import Category
from milepost.pipeline.milestones import held_by
from milepost.pipeline.progress import progress_at
from milepost.scoring.score import PROGRESS

FRAMEWORK = Framework(1, date(2024, 6, 30), "", ())
FIGURES = (0.9, 0.4, 0.95, 0.6, 0.97, 0.9, 7.0, 3.0, 11.0, "because")


@pytest.fixture
def with_value(product):
    path = product / "milepost.toml"
    head = '[data]\nvalue_events = ["macro", "export", "login"]\n[maturity]\nmature_categories = 2\n'
    path.write_text(head + path.read_text(), encoding="utf-8")
    catalogue = "feature,event_names,category,setup_step\nmacros,macro,automation,1\nexport,export,reporting,2\n"
    (product / "features.csv").write_text(catalogue, encoding="utf-8")


def progress(job, framework):
    found = progress_at(job, framework, job.current, held_by(job, framework, job.current))
    assert list(found) == PROGRESS
    return found.assign(account_id=job.current.context["account_id"]).set_index("account_id")


def test_without_definitions_nothing_is_known(make_job, with_value):
    assert progress(make_job(), FRAMEWORK).isna().all(axis=None)


def test_setup_and_activation_count_within_their_first_days(make_job, with_value):
    """a03 uses macros on 1, 4, 7 January and so on, and never exports: one of two steps. a01, a04 and so on export."""
    framework = replace(
        FRAMEWORK, setup=SetupRule(("macros", "export"), 2, 28), activation=ActivationRule("value", 40, 28)
    )
    found = progress(make_job(date(2024, 3, 1)), framework)
    assert set(found["setup_progress"]) == {0.0, 0.5}
    assert found.loc["a03", "setup_progress"] == 0.5
    # 1, 4, … 28 January: ten events of forty
    assert found.loc["a03", "activation_progress"] == pytest.approx(10 / 40)


def test_what_is_reached_is_full_and_only_that(make_job, with_value):
    framework = replace(
        FRAMEWORK, setup=SetupRule(("macros", "export"), 1, 28), activation=ActivationRule("value", 10, 28)
    )
    job = make_job(date(2024, 3, 1))
    held = held_by(job, framework, job.current)
    codes = job.lives.codes(job.current.context["account_id"])
    day = np.datetime64("2024-03-01").astype(int)
    found = progress_at(job, framework, job.current, held)
    assert ((found["setup_progress"] == 1).to_numpy() == (held.set_up_on[codes] < day)).all()
    assert ((found["activation_progress"] == 1).to_numpy() == (held.activated_on[codes] < day)).all()
    assert (found["activation_progress"] == 1).any()
    assert (found["setup_progress"] == 0).any()


def test_utilization_is_the_share_of_the_threshold(make_job, with_value):
    framework = replace(FRAMEWORK, utilization=UtilizationRule("value", "seat", 4.0))
    found = progress(make_job(date(2024, 6, 1)), framework)
    # ten events in a month of 30 days, five seats: two of four
    assert found.loc["a03", "utilization_progress"] == pytest.approx(0.5, abs=0.06)


def test_maturity_is_the_share_of_the_categories_needed(make_job, with_value):
    categories = tuple(
        Category(name, (feature,), 1, 1, *FIGURES)
        for name, feature in (("automation", "macros"), ("reporting", "export"))
    )
    found = progress(make_job(date(2024, 6, 1)), replace(FRAMEWORK, categories=categories))
    assert set(found["maturity_progress"]) == {0.0, 0.5}  # macros or exports or neither, of two categories
