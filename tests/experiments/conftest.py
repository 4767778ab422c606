"""A plan, whole and right, that tests change."""

from __future__ import annotations

import pytest

from milepost.experiments.plan import read

PLAN = """
name = "tour"
question = "Does a tour help?"
salt = "tour-1"
[enrolment]
start = 2024-01-01
end = 2024-01-29
per_day = 40
[[arm]]
name = "none"
control = true
[[arm]]
name = "tour"
change = "showing a tour"
[[metric]]
name = "paid"
label = "paid conversion"
role = "primary"
kind = "conversion"
measure = "paid"
window_days = 28
smallest_effect = 0.05
[[metric]]
name = "calls"
role = "guardrail"
kind = "count"
measure = "conversations"
window_days = 28
better = "lower"
margin = 0.5
[[hypothesis]]
name = "pays"
metric = "paid"
direction = "higher"
"""


@pytest.fixture
def plan_text():
    return PLAN


@pytest.fixture
def plan():
    return read(PLAN)
