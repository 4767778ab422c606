"""Milestones of a job: what lacks its data says which, and definitions in use are applied as they stand."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from milepost.framework import ActivationRule, AreaRule, Framework, SetupRule, UtilizationRule
from milepost.importance.ranking import Ranking
from milepost.milestones.definitions import Evidence
from milepost.pipeline import milestones as module
from milepost.pipeline.milestones import (
    NO_METRIC,
    NO_STEPS,
    NO_VALUE,
    evidence_in_use,
    find_journey_of,
    find_milestones,
    held_by,
    milestones_json,
    milestones_text,
    publish_milestones,
    states_at,
)
from milepost.pipeline.next_steps import steps_table

RANKING = Ranking((), 0, 0, 0, float("nan"))
FRAMEWORK = Framework(1, date(2024, 6, 30), "", ())
VALUE = '[data]\nvalue_events = ["macro", "export", "login"]\n'
STEPS = "feature,event_names,category,setup_step\nmacros,macro,automation,1\nexport,export,reporting,\n"


@pytest.fixture
def with_value(product):
    """Every event is of value; the first macro is a step of the set-up."""
    path = product / "milepost.toml"
    path.write_text(VALUE + path.read_text(), encoding="utf-8")
    (product / "features.csv").write_text(STEPS, encoding="utf-8")


def test_what_lacks_its_data_says_what_it_needs(make_job):
    found = find_milestones(make_job())
    assert (found.utilization, found.activation, found.setup, found.areas) == (None, None, None, ())
    assert found.missing == {"utilization": NO_METRIC, "activation": NO_VALUE, "setup": NO_STEPS}
    assert milestones_json(found)["missing"] == found.missing
    lines = milestones_text(found)
    assert "utilization: needs a value metric" in lines
    assert max(map(len, lines.splitlines())) <= 100


def test_steps_without_value_events_need_those(make_job, product):
    (product / "features.csv").write_text(STEPS, encoding="utf-8")
    assert find_milestones(make_job()).missing["setup"] == NO_VALUE


def test_twelve_accounts_are_too_few_for_any_definition(make_job, with_value):
    found = find_milestones(make_job())
    assert found.missing == {}
    assert found.utilization.threshold is None
    assert (found.activation.count, found.activation.days) == (None, None)
    assert found.setup.needed is None
    assert milestones_json(found)["activation"]["because"] == found.activation.because


def test_definitions_in_use_are_applied_as_they_stand(make_job, with_value):
    """Events come every third day: a03 and the like on 1, 4, 7 January with macros, a01 on 3, 6, 9 without."""
    job = make_job()
    framework = replace(
        FRAMEWORK, setup=SetupRule(("macros",), 1, 28), activation=ActivationRule("value", 3, 28),
        utilization=UtilizationRule("value", "seat", 1.0),
    )  # fmt: skip
    states = states_at(job, job.current, held_by(job, framework, job.current)).set_index("account_id")
    assert states.loc["a03", "setup_on"] == pd.Timestamp("2024-01-01")
    assert states.loc["a01", "setup_on"] is pd.NaT
    assert states.loc["a03", "activated_on"] == pd.Timestamp("2024-01-07")
    assert states.loc["a01", "activated_on"] == pd.Timestamp("2024-01-09")
    # about ten events in 30 days for five seats: two a seat
    assert states["utilized"].all()
    assert set(states["milestone"]) == {"utilization"}
    few = replace(framework, utilization=UtilizationRule("value", "seat", 100.0))
    assert set(states_at(job, job.current, held_by(job, few, job.current))["milestone"]) == {"activation"}


def test_a_rule_whose_steps_are_gone_holds_nothing(make_job, with_value):
    job = make_job()
    framework = replace(FRAMEWORK, setup=SetupRule(("macros", "no_longer"), 1, 28))
    assert states_at(job, job.current, held_by(job, framework, job.current))["setup_on"].isna().all()


@pytest.mark.parametrize(
    "rule",
    [
        SetupRule(("macros",), None, 28),
        SetupRule(("no_longer",), 1, 28),
        SetupRule(("macros",), 1, 91),  # as long as the landmark: nothing is left to look at
        ActivationRule("value", None, None),
        ActivationRule("value", 3, 92),
        UtilizationRule("value", "seat", None),
        AreaRule("inbox", "value", "seat", 1.0),  # an area without a metric
    ],
)
def test_evidence_that_cannot_be_had_is_unknown(make_job, with_value, rule):
    found = evidence_in_use(make_job(), FRAMEWORK, rule)
    assert np.isnan(found.effect)
    assert np.isnan(found.low)
    assert type(found) is type(Evidence())


def test_evidence_of_a_rule_without_value_events_is_unknown(make_job):
    assert np.isnan(evidence_in_use(make_job(), FRAMEWORK, ActivationRule("value", 3, 28)).effect)


def test_the_journey_is_published_as_one_version(make_job, with_value, product):
    job = make_job()
    framework = replace(FRAMEWORK, activation=ActivationRule("value", 3, 28))
    found = replace(find_milestones(job), journey=find_journey_of(job, framework))
    path = publish_milestones(job, found, steps_table(job, framework, RANKING, found))
    assert path == product / "out" / "milestones" / "states.parquet"
    written = {file.name for file in path.parent.iterdir()}
    assert written >= {"states.parquet", "states.csv", "funnel.csv", "cohorts.csv", "times.csv", "groups.csv",
                       "leads.csv", "setup_steps.csv", "next_steps.parquet", "next_steps.csv"}  # fmt: skip
    funnel = pd.read_csv(path.parent / "funnel.csv").set_index("milestone")
    assert funnel.loc["activation", "share"] == 1.0
    assert np.isnan(funnel.loc["maturity", "share"])
    assert "activation" in milestones_text(found)


def test_only_what_is_defined_is_asked_to_lead(make_job, with_value, monkeypatch):
    asked = []
    for name in ("from_setup", "from_activation", "from_utilization"):
        monkeypatch.setattr(module, name, lambda *given, name=name: asked.append(name) or {})
    job = make_job()
    find_journey_of(job, FRAMEWORK)
    assert asked == []
    active = replace(FRAMEWORK, activation=ActivationRule("value", 3, 28))
    find_journey_of(job, replace(active, setup=SetupRule(("macros",), 1, 28)))
    assert asked == ["from_setup"]
    find_journey_of(job, replace(active, utilization=UtilizationRule("value", "seat", 1.0)))
    assert asked == ["from_setup", "from_activation"]
