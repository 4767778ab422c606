"""A plan that cannot be is refused in one line that says what is right."""

from __future__ import annotations

from datetime import date

import pytest

from milepost.errors import PlanError
from milepost.experiments.plan import fingerprint, read


def test_a_plan_says_what_it_says(plan):
    assert (plan.control.name, [arm.name for arm in plan.treated]) == ("none", ["tour"])
    assert [metric.name for metric in plan.deciding] == ["paid"]
    # entered until January 29, 28 days later
    assert plan.matures_on(plan.metric_named("paid")) == date(2024, 2, 26)
    assert plan.arm_named("").name == plan.arm_named("tour").name == "tour"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "tour"\nquestion', 'name = "tour"\nquestoin', r"unknown key 'questoin'; did you mean 'question'\?"),
        ("control = true", "", r"0 arms are the control; set control = true for just one"),
        ('metric = "paid"', 'metric = "pade"', r"no metric 'pade' in the plan; did you mean 'paid'\?"),
        ('direction = "higher"', 'direction = "higher"\narm = "tuor"', r"no arm beside the control 'tuor'.*'tour'"),
        ("margin = 0.5", "", r"a guardrail needs a margin above 0"),
        ("smallest_effect = 0.05", "", r"a primary metric needs a smallest_effect above 0"),
        ('measure = "conversations"', 'measure = "events"', r"measure 'events' needs events"),
        ('kind = "conversion"\nmeasure = "paid"', 'kind = "conversion"\nmeasure = "mrr"', r"a conversion is one of"),
        ('name = "calls"', 'name = "paid"', r"metric 'paid' stands twice"),
        ("end = 2024-01-29", "end = 2023-01-29", r"start must be before end"),
        ("per_day = 40", "per_day = 40\nholdout = 0.2", r"share and holdout are more than all accounts"),
        ('salt = "tour-1"', "", r"'salt' is missing"),
        ("[enrolment]", "[enrolment", r"not valid TOML"),
        ("[[hypothesis]]", "[analysis]\nlooks = 4\n[[hypothesis]]", r"looks need enrolment.planned_accounts"),
    ],
)
def test_what_cannot_be_is_refused(plan_text, old, new, message):
    assert old in plan_text
    with pytest.raises(PlanError, match=message) as found:
        read(plan_text.replace(old, new, 1))
    assert len(found.value.line) < 300


def test_any_edit_changes_the_fingerprint(plan_text):
    assert fingerprint(plan_text) != fingerprint(plan_text + " ")
    assert fingerprint(plan_text) == fingerprint(plan_text)
