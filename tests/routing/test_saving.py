"""What is measured is used as it was measured, what is assumed says so."""

from datetime import date

import numpy as np
import pytest
from scipy.special import expit, logit

from milepost.errors import SettingsError
from milepost.framework import Proven
from milepost.routing.conditions import columns_of
from milepost.routing.saving import saved_risk, saving

CALLS = Proven("inbox", "calls", "retention", 4.0, 1.0, 7.0, date(2024, 5, 5))


def the_rule(rules, accounts, **changed):
    frame = accounts(churn_risk=[0.1, 0.3, 0.02], mrr=[1000, 200, np.nan])
    flag = {"name": "f", "when": "churn_risk > 0", "owner": "success", "priority": 1, "reason": "r"} | changed
    return rules(frame, flags=[flag]).rules[0], columns_of(frame)


def test_an_assumed_share_of_the_expected_loss(rules, accounts):
    rule, columns = the_rule(rules, accounts, share=0.2)
    found = saving(rule, columns, np.ones(3, bool), ())
    assert found.value.tolist() == pytest.approx([20, 12, 0])
    assert (found.basis, np.isnan(found.low).all()) == ("assumed", True)
    assert found.because == "assumed: a contact saves 20 % of churn_risk * mrr"


def test_an_assumed_share_of_something_else(rules, accounts):
    rule, columns = the_rule(rules, accounts, worth="mrr - 400", share=0.5)
    assert saving(rule, columns, np.ones(3, bool), ()).value.tolist() == [300, 0, 0]


def test_a_measured_effect_is_its_mean_over_the_flagged_and_keeps_its_interval(rules, accounts):
    rule, columns = the_rule(rules, accounts, experiment="calls")
    found = saving(rule, columns, np.array([True, True, False]), (CALLS,))
    per_risk = found.value[:2] / columns["mrr"][:2]
    assert found.basis == "measured"
    assert per_risk.mean() == pytest.approx(0.04)
    odds = logit([0.1, 0.3]) - logit(np.array([0.1, 0.3]) - per_risk)
    assert odds[0] == pytest.approx(odds[1])  # one odds ratio for all
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()
    assert found.because == "Proven by experiment 'calls': retention +4.0 points (+1.0 to +7.0)."


def test_an_experiment_without_a_finding_yet_is_an_assumption(rules, accounts):
    rule, columns = the_rule(rules, accounts, experiment="letters")
    found = saving(rule, columns, np.ones(3, bool), (CALLS,))
    assert found.basis == "assumed"
    assert found.because.endswith("experiment 'letters' has proven nothing yet")


def test_what_harms_saves_nothing(rules, accounts):
    rule, columns = the_rule(rules, accounts, experiment="calls")
    harm = Proven("inbox", "calls", "retention", -4.0, -7.0, -1.0, date(2024, 5, 5))
    assert saving(rule, columns, np.ones(3, bool), (harm,)).value.tolist() == [0, 0, 0]


def test_an_experiment_that_measured_several_things_is_refused(rules, accounts):
    rule, columns = the_rule(rules, accounts, experiment="calls")
    other = Proven("inbox", "calls", "activation", 9.0, 8.0, 10.0, date(2024, 5, 5))
    with pytest.raises(SettingsError, match="'calls' measured several things: activation, retention"):
        saving(rule, columns, np.ones(3, bool), (CALLS, other))
    twice = Proven("macros", "calls", "retention", 4.0, 1.0, 7.0, date(2024, 5, 5))
    assert saving(rule, columns, np.ones(3, bool), (CALLS, twice)).basis == "measured"


def test_an_experiment_does_not_measure_an_amount_of_ones_own(rules, accounts):
    rule, columns = the_rule(rules, accounts, experiment="calls", worth="mrr")
    with pytest.raises(SettingsError, match='an experiment measures retention; leave worth = "churn_risk'):
        saving(rule, columns, np.ones(3, bool), (CALLS,))


def test_never_more_than_the_risk():
    risk = np.array([0.01, 0.5])
    everybody = np.ones(2, bool)
    assert saved_risk(risk, everybody, 0.9).tolist() == risk.tolist()
    assert (saved_risk(risk, everybody, 0.1) < risk).all()
    assert saved_risk(risk, ~everybody, 0.1).tolist() == [0, 0]
    assert saved_risk(expit(np.array([-4.0, 0.0])), everybody, -0.1).tolist() == [0, 0]
