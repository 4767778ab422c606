"""The page of an experiment: texts of the plan are inert, and an invalid one shows nothing."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from milepost.experiments.analyze import Data, Look, analyse
from milepost.experiments.check import Checked, Fault, sample_ratio
from milepost.experiments.measures import Values
from milepost.experiments.plan import read
from milepost.reporting.experiment_page import bars, experiment_page

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}"
PLAN = f"""
name = "tour"
question = '''{HOSTILE}'''
salt = "tour-1"
[enrolment]
start = 2024-01-01
end = 2024-01-29
[[arm]]
name = "none"
control = true
[[arm]]
name = "tour"
change = '''{HOSTILE}'''
[[metric]]
name = "paid"
label = '''{HOSTILE}'''
role = "primary"
kind = "conversion"
measure = "paid"
window_days = 28
smallest_effect = 0.05
[[hypothesis]]
name = "pays"
metric = "paid"
direction = "higher"
because = '''{HOSTILE}'''
"""


def analysis(plan, *faults):
    draws = np.random.default_rng(1)
    arm = np.repeat(["none", "tour"], 500)
    units = pd.DataFrame({"account_id": np.arange(1000).astype(str), "arm": arm})
    paid = (draws.random(1000) < np.where(arm == "tour", 0.5, 0.3)).astype(float)
    checked = Checked({"none": 500, "tour": 500}, (sample_ratio([500, 500], [1, 1]),), (), {}, faults)
    data = Data(units, {"paid": Values(paid)}, np.zeros((1000, 0)))
    return analyse(plan, data, checked, date(2024, 6, 1), Look(1, 1, 1.0, 0.05))


@pytest.fixture
def plan():
    return read(PLAN)


def test_text_is_inert(plan):
    page = experiment_page(plan, analysis(plan), [(HOSTILE, [HOSTILE])])
    assert "<script" not in page
    assert "<img" not in page
    assert "{{ 7*7 }}" in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page


def test_nothing_of_invalid_data_is_shown(plan):
    page = experiment_page(plan, analysis(plan, Fault("two arms", 3, True, "3 accounts in two arms", "find how")), [])
    assert "Invalid: nothing may be concluded" in page
    assert "3 accounts in two arms" in page
    assert "Every metric" not in page
    assert "<svg" not in page


def test_bars_are_relative_differences_in_per_cent(plan):
    found = analysis(plan)
    (bar,) = bars(plan, found)
    estimate = found.lines[0].estimate
    assert bar.middle == pytest.approx(100 * (estimate.treated / estimate.control - 1))
    assert bar.low < bar.middle < bar.high
    assert bar.clear
