"""The milestones on the page: the numbers of the figures, and the figures themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from milepost.milestones.definitions import Activation, Evidence, Journey, Milestones, Survival, Utilization
from milepost.reporting.milestone_data import MilestoneFigures, describe_milestones, milestone_figures
from milepost.reporting.milestone_figures import draw_milestones

NOTHING = pd.DataFrame()


def curve(last: float, accounts: int) -> Survival:
    days, share = np.array([0.0, 30.0, 60.0]), np.array([1.0, 0.9, last])
    return Survival(days, share, share - 0.05, share + 0.05, np.array([9.0, 8.0, 7.0]), accounts, 3)


@pytest.fixture
def found() -> Milestones:
    bars = pd.DataFrame({"low": [0.0, 1.0], "high": [1.0, 4.0], "rows": [60, 40], "retained": [0.9, 0.97],
                         "retained_low": [0.8, 0.93], "retained_high": [0.95, 0.99]})  # fmt: skip
    used = Utilization("answers", "seat", 1.0, 1.0, Evidence(), bars, NOTHING, 8.0, 3, "1 answers a month part best.")
    z = np.array([[1.0, 2.0], [np.nan, 4.0]])
    active = Activation(
        "answer", 3, 28, (3, 28), (1, 3), (7, 28), z, np.array([[0.9, 0.95], [0.1, 0.4]]), z, Evidence(), Evidence(),
        Evidence(), curve(0.8, 40), curve(0.5, 60), (1, 28), 0.31, {"ended before the landmark": 4}, "3 × answer.",
    )  # fmt: skip
    funnel = pd.DataFrame({
        "milestone": ["setup", "activation", "utilization", "maturity"], "accounts": [0, 100, 90, 90],
        "reached": [np.nan, 40.0, 30.0, np.nan], "share": [np.nan, 0.4, 0.3333, np.nan],
    })  # fmt: skip
    journey = Journey(NOTHING, funnel, NOTHING, NOTHING, NOTHING, NOTHING, "Of 100 accounts.")
    return Milestones(used, active, None, (), journey, {"setup": "needs setup steps"})


def test_the_numbers_of_the_figures(found: Milestones) -> None:
    data = milestone_figures(found)
    assert data.funnel is not None
    assert data.funnel.steps == (("activation", 100, 40, 0.4), ("utilization", 90, 30, 0.3333))
    assert data.turn is not None
    assert (data.turn.threshold, data.turn.found, data.turn.unit) == (1.0, True, "answers a month per seat")
    assert data.turn.bars[1] == (1.0, 4.0, 0.97, 40)
    assert data.turn.intervals == ((0.8, 0.95), (0.93, 0.99))
    assert data.heat is not None
    assert data.heat.z[0] == (1.0, 2.0)
    assert data.heat.cell == (3, 28)
    assert data.curves is not None
    assert [(name, n) for name, _, n in data.curves.lines] == [("activated", 40), ("not activated", 60)]


def test_what_each_figure_shows_in_a_sentence(found: Milestones) -> None:
    texts = describe_milestones(milestone_figures(found))
    assert texts["heat"] == "Of 3 cells the strongest is 3 × answer within 28 days, confirmed on later cohorts."
    assert texts["curves"].endswith("80 % of 40 (activated), 50 % of 60 (not activated).")
    assert texts["funnel"].endswith("so many have reached: activation 40 % of 100, utilization 33 % of 90.")
    assert "97.0 %" in texts["turn"]


def test_a_candidate_is_not_called_a_definition(found: Milestones) -> None:
    assert found.activation is not None
    assert found.utilization is not None
    open_ = replace(
        found, activation=replace(found.activation, count=None, days=None),
        utilization=replace(found.utilization, threshold=None),
    )  # fmt: skip
    data = milestone_figures(open_)
    assert describe_milestones(data)["heat"].endswith("within 28 days, not confirmed.")
    assert data.curves is not None
    assert data.curves.lines[0][0] == "reach the candidate"
    assert "candidate, not confirmed 1" in draw_milestones(data)["turn"]


def test_figures_are_drawn_the_same_way_twice(found: Milestones) -> None:
    data = milestone_figures(found)
    drawn = draw_milestones(data)
    assert list(drawn) == ["funnel", "turn", "heat", "curves"]
    assert drawn == draw_milestones(data)
    assert "40 % (40 of 100)" in drawn["funnel"]
    assert all('role="img"' in figure for figure in drawn.values())


def test_nothing_found_draws_nothing() -> None:
    assert milestone_figures(None) == MilestoneFigures()
    assert draw_milestones(MilestoneFigures()) == {}
