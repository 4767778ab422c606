"""Sentences with their signs spelled out."""

from __future__ import annotations

from math import nan

import pytest

from milepost.experiments.analyze import Line
from milepost.experiments.estimates import Estimate, unknown
from milepost.experiments.plan import read
from milepost.experiments.words import amount, delivery_sentence, level, sentence


def line(estimate, metric="paid"):
    return Line(metric, "tour", "", "", "primary", estimate, (1.0, 1.0))


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (
            Estimate((9, 9), 0.30, 0.21, -0.09, -0.12, -0.06, 0.001, -0.3, -0.38, -0.21),
            "Showing a tour lowered paid conversion by 9.0 points (95 % interval 6.0 to 12.0), from 30.0 % to 21.0 %; "
            "relative -30 %, interval -38 to -21 %.",
        ),
        (
            Estimate((9, 9), 0.30, 0.39, 0.09, 0.06, 0.12, 0.001, 0.3, nan, nan),
            "Showing a tour raised paid conversion by 9.0 points (95 % interval 6.0 to 12.0), from 30.0 % to 39.0 %.",
        ),
        (
            Estimate((9, 9), 0.30, 0.31, 0.01, -0.02, 0.04, 0.5),
            "Showing a tour is not shown to change paid conversion: +1.0 points (95 % interval -2.0 to +4.0 points, "
            "which includes zero), from 30.0 % to 31.0 %.",
        ),
        (unknown(3, 4, "not enough data: 3 and 4 accounts"), "paid conversion: not enough data: 3 and 4 accounts."),
    ],
)
def test_a_sentence_says_what_happened(plan, estimate, said):
    assert sentence(plan, line(estimate), 0.05) == said


def test_an_interval_of_a_look_says_how_wide_it_is(plan):
    assert "(98.6 % interval" in sentence(plan, line(Estimate((9, 9), 0.3, 0.31, 0.01, -0.02, 0.04, 0.5)), 0.014)


def test_shares_are_points_and_others_are_numbers(plan):
    paid, calls = plan.metric_named("paid"), plan.metric_named("calls")
    assert (level(paid, 0.123), amount(paid, -0.05)) == ("12.3 %", "-5.0")
    assert (level(calls, 12.34), amount(calls, -0.05)) == ("12.3", "-0.050")
    assert level(paid, nan) == "unknown"


def test_a_treatment_that_did_not_arrive_is_told(plan_text):
    text = plan_text.replace('role = "guardrail"', 'role = "delivery"\nexpected = "higher"').replace("margin = 0.5", "")
    plan = read(text)
    got = Estimate((9, 9), 1.0, 3.0, 2.0, 1.5, 2.5, 0.001)
    assert delivery_sentence(plan, line(got, "calls"), 0.05).startswith(
        "Delivered: calls 1.00 in 'none', 3.00 in 'tour'"
    )
    not_yet = Estimate((9, 9), 1.0, 1.1, 0.1, -0.5, 0.7, 0.7)
    assert delivery_sentence(plan, line(not_yet, "calls"), 0.05).startswith("NOT DELIVERED: calls")
