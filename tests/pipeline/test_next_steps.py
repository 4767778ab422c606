"""The next step of every account of a small product, by a framework written by hand.

Accounts come with the first of January and do something every third day: a00, a03, a06 and a09 use macros, a01 and the
like export, a02 and the like log in. All of them use the same feature throughout.
"""

from dataclasses import fields, replace
from datetime import date

import pandas as pd
import pytest

from milepost.framework import ActivationRule, Framework, SetupRule, UtilizationRule
from milepost.importance.evidence import FeatureEvidence
from milepost.importance.ranking import Ranking
from milepost.maturity.categories import Category
from milepost.milestones.definitions import Evidence, Milestones
from milepost.pipeline.milestones import find_journey_of, find_milestones, held_by, publish_milestones
from milepost.pipeline.next_steps import next_steps_at, steps_table
from milepost.terms import Verdict

FIGURES = (0.9, 0.4, 0.95, 0.6, 0.97, 0.9, 7.0, 3.0, 11.0, "because")
FRAMEWORK = Framework(1, date(2024, 6, 30), "", ())
MACROS = Category("automation", ("macros",), 1, 1, *FIGURES)
EXPORT = Category("reporting", ("export",), 1, 1, *FIGURES)
FILLERS = {"str": "", "int": 0, "float": 0.5, "dict[str, float]": {}, "tuple[str, ...]": ()}


def row(feature, effect):
    """A kept feature with an interval of one point to either side."""
    values = {field.name: FILLERS.get(str(field.type)) for field in fields(FeatureEvidence)}
    given = {"feature": feature, "verdict": Verdict.KEEP, "effect": effect, "low": effect - 1, "high": effect + 1}
    return FeatureEvidence(**{**values, **given})


RANKING = Ranking((row("macros", 4.0), row("export", 2.0)), 0, 0, 0, 0.3)
NOTHING = Milestones(None, None, None, (), None, {})


@pytest.fixture
def with_value(product):
    """Every event is of value; the first macro is a step of the set-up; two mature categories are asked for."""
    path = product / "milepost.toml"
    head = '[data]\nvalue_events = ["macro", "export", "login"]\n[maturity]\nmature_categories = 2\n'
    path.write_text(head + path.read_text(), encoding="utf-8")
    catalogue = "feature,event_names,category,setup_step\nmacros,macro,automation,1\nexport,export,reporting,2\n"
    (product / "features.csv").write_text(catalogue, encoding="utf-8")


def steps_of(job, framework):
    found = next_steps_at(job, framework, job.current, held_by(job, framework, job.current))
    return found.assign(account_id=job.current.context["account_id"]).set_index("account_id")


def test_in_the_first_days_the_setup_comes_first(make_job, with_value):
    job = make_job(date(2024, 2, 1))
    framework = replace(FRAMEWORK, setup=SetupRule(("macros", "export"), 2, 60))
    found = steps_of(job, framework)
    assert found.loc["a03", "next_milestone"] == "setup"
    assert found.loc["a03", "next_step"] == "Set up 'export'; 1 of 2 steps done, within the first 60 days"
    assert found.loc["a01", "next_step"] == "Set up 'macros'; 1 of 2 steps done, within the first 60 days"
    assert found.loc["a02", "next_step"].endswith("0 of 2 steps done, within the first 60 days")
    assert found.loc["a02", "next_step_alternatives"] == "export"
    late = steps_of(job, replace(FRAMEWORK, setup=SetupRule(("macros", "export"), 2, 31)))
    assert late["next_step"].isna().all()  # the 31 days are over on the first of February


def test_activation_says_how_many_are_left_and_until_when(make_job, with_value):
    """Eleven events by the end of January: days 1, 4, 7, ... 31."""
    job = make_job(date(2024, 2, 1))
    framework = replace(FRAMEWORK, activation=ActivationRule("events", 15, 56))
    found = steps_of(job, framework)
    assert found.loc["a03", "next_milestone"] == "activation"
    assert found.loc["a03", "next_step"] == "4 more of events by 2024-02-25; 11 of 15 so far"
    assert steps_of(job, replace(FRAMEWORK, activation=ActivationRule("events", 11, 56))).loc["a03"].isna().all()


def test_utilization_names_the_figure_and_the_threshold(make_job, with_value):
    """Ten or eleven events in the 30 days before the first of July, five seats: about two a seat."""
    job = make_job()
    found = steps_of(job, replace(FRAMEWORK, utilization=UtilizationRule("events", "seat", 8.0)))
    assert (found["next_milestone"] == "utilization").all()
    assert found.loc["a03", "next_step"] in {
        f"Raise events a month per seat from {figure} to 8" for figure in ("2", "2.2", "2.4")
    }
    assert steps_of(job, replace(FRAMEWORK, utilization=UtilizationRule("events", "seat", 1.0))).isna().all(axis=None)


def test_a_feature_of_a_category_below_its_cut_and_then_any(make_job, with_value):
    job = make_job()
    found = steps_of(job, replace(FRAMEWORK, categories=(MACROS, EXPORT)))
    assert found.loc["a03", "next_milestone"] == "maturity"
    assert found.loc["a03", "next_step"] == "Start with 'export': reporting is mature from 1 feature, 0 in use"
    assert found.loc["a01", "next_step"] == "Start with 'macros': automation is mature from 1 feature, 0 in use"
    assert found.loc["a02", "next_step_alternatives"] in {"export", "macros"}
    alone = steps_of(job, replace(FRAMEWORK, categories=(EXPORT,)))  # two categories are asked for: no maturity
    assert alone.loc["a03", "next_milestone"] is None
    assert alone.loc["a03", "next_step"] == "Start with 'export' of reporting"
    assert alone.loc["a01"].isna().all()  # it uses all there is


def test_the_evidence_is_published_and_read_again(make_job, with_value):
    job = make_job()
    active = Evidence(effect=12.0, low=8.0, high=16.0, share=0.55, accounts=90)
    framework = replace(FRAMEWORK, categories=(MACROS, EXPORT), activation=ActivationRule("events", 9_999, 28, active))
    table = steps_table(job, framework, RANKING, NOTHING).set_index("step")
    assert table.loc["macros", ["effect", "low", "high", "reach"]].tolist() == [4.0, 3.0, 5.0, 0.0]
    assert table.loc["macros", "rows"] > 0  # nobody without macros ever began
    assert table.loc["activation", ["milestone", "effect", "reach", "rows"]].tolist() == ["activation", 12.0, 0.55, 90]
    journey = replace(find_milestones(job), journey=find_journey_of(job, framework))
    path = publish_milestones(job, journey, table.reset_index())
    assert (path.parent / "next_steps.csv").exists()
    because = steps_of(job, framework).loc["a01", "next_step_because"]
    assert because == (
        "Retention differs by +4.0 points (+3.0 to +5.0), an association; 0 % of those without it use it 90 days later."
    )


def test_steps_of_the_setup_carry_what_was_found_about_them(make_job, with_value):
    job = make_job()
    found = find_milestones(job)
    table = steps_table(job, replace(FRAMEWORK, setup=SetupRule(("export", "gone"), 1, 28)), RANKING, found)
    known = found.setup.table.set_index("step")
    assert table["step"].tolist() == ["export", "gone"]
    assert table.loc[0, "reach"] == known.loc["export", "share"]
    assert pd.isna(table.loc[1, "reach"])
