"""Which step comes next, from what is lacking and what it is worth, written by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from milepost.framework import Proven
from milepost.scoring.next_step import COLUMNS, TABLE, Lack, next_steps
from milepost.terms import Milestone

NAN = float("nan")


def evidence(**steps: tuple[float, float]) -> pd.DataFrame:
    """Features with (effect, reach); the interval is one point to either side."""
    return pd.DataFrame(
        [("maturity", name, effect, effect - 1, effect + 1, reach, 100) for name, (effect, reach) in steps.items()],
        columns=TABLE,
    )


def lack(milestone: Milestone | None, asked: list[int], **open_: list[int]) -> Lack:
    flags = np.column_stack([np.array(flag, dtype=bool) for flag in open_.values()])
    words = np.broadcast_to(np.array([f"Start with {name}" for name in open_], dtype=object), flags.shape)
    return Lack(milestone, np.array(asked, dtype=bool), tuple(open_), flags, words)


def test_effect_times_reach_decides_and_not_the_effect_alone() -> None:
    table = evidence(rare=(4.0, 0.01), common=(2.0, 0.2), middling=(1.0, 0.1))
    found = next_steps([lack(Milestone.MATURITY, [1], rare=[1], common=[1], middling=[1])], table, 1)
    assert found.loc[0].tolist() == [
        "maturity", "Start with common",
        "Retention differs by +2.0 points (+1.0 to +3.0), an association; 20 % of those without it use it 90 days "
        "later.", "middling; rare",
    ]  # fmt: skip


def test_only_what_an_account_lacks_is_a_step_for_it() -> None:
    table = evidence(one=(4.0, 0.5), two=(2.0, 0.5))
    found = next_steps([lack(Milestone.MATURITY, [1, 1, 1], one=[1, 0, 0], two=[1, 1, 0])], table, 3)
    assert found["next_step"].tolist() == ["Start with one", "Start with two", None]
    assert found["next_step_alternatives"].tolist() == ["two", None, None]


def test_milestones_come_in_their_order() -> None:
    table = evidence(one=(4.0, 0.5))
    lacks = [
        lack(Milestone.SETUP, [1, 0, 0], step=[1, 1, 1]),
        lack(Milestone.MATURITY, [1, 1, 0], one=[1, 1, 1]),
        lack(None, [1, 1, 1], one=[1, 1, 1]),
    ]
    found = next_steps(lacks, table, 3)
    assert found["next_milestone"].tolist() == ["setup", "maturity", None]
    assert found["next_step"].tolist() == ["Start with step", "Start with one", "Start with one"]
    assert found.loc[0, "next_step_because"] == "What it is worth is not known."


def test_what_is_known_not_to_help_is_no_step_and_what_is_unknown_comes_last() -> None:
    table = evidence(harms=(-2.0, 0.5), helps=(0.5, 0.1))
    found = next_steps([lack(Milestone.MATURITY, [1, 1], harms=[1, 1], unknown=[1, 0], helps=[1, 0])], table, 2)
    assert found["next_step"].tolist() == ["Start with helps", None]
    assert found.loc[0, "next_step_alternatives"] == "unknown"


def test_an_effect_without_interval_or_reach_is_told_as_it_is() -> None:
    table = pd.DataFrame([("activation", "activation", 5.0, NAN, NAN, NAN, 0)], columns=TABLE)
    found = next_steps([lack(Milestone.ACTIVATION, [1], activation=[1])], table, 1)
    said = "Those who get there are utilized later more often by +5.0 points, an association."
    assert found.loc[0, "next_step_because"] == said


def test_without_any_evidence_the_steps_stand_by_themselves() -> None:
    found = next_steps([lack(Milestone.MATURITY, [1], one=[1])], pd.DataFrame(columns=TABLE), 1)
    assert found.loc[0, "next_step"] == "Start with one"
    assert found.columns.tolist() == COLUMNS


def test_nothing_defined_and_nobody_there() -> None:
    assert next_steps([], evidence(), 2).isna().all(axis=None)
    assert next_steps([], evidence(), 0).empty


@given(st.data())
def test_the_chosen_step_is_open_and_none_that_is_open_is_better(data: Any) -> None:
    names = [f"f{place}" for place in range(data.draw(st.integers(1, 5)))]
    # to six places: below, effect times reach may be no number but 0
    some, reach = st.floats(-3, 5).map(lambda value: round(value, 6)), st.floats(0.01, 1)
    worth = {name: (data.draw(some), data.draw(reach)) for name in names}
    rows = data.draw(st.integers(1, 6))
    flags = {name: data.draw(st.lists(st.integers(0, 1), min_size=rows, max_size=rows)) for name in names}
    found = next_steps([lack(Milestone.MATURITY, [1] * rows, **flags)], evidence(**worth), rows)
    for row in range(rows):
        open_ = {name: worth[name][0] * worth[name][1] for name in names if flags[name][row] and worth[name][0] >= 0}
        step = found.loc[row, "next_step"]
        assert (step is None) == (not open_)
        if step is not None:
            chosen = step.removeprefix("Start with ")
            assert open_[chosen] == max(open_.values())
            others = (found.loc[row, "next_step_alternatives"] or "").split("; ")
            assert chosen not in others
            assert set(others) - {""} <= set(open_)
            assert len(set(others) - {""}) == min(2, len(open_) - 1)


def test_what_is_proven_stands_before_what_is_associated() -> None:
    table = evidence(one=(2.0, 0.2), two=(1.0, 0.2))
    found = Proven("one", "tour", "paid conversion", 9.0, 6.5, 11.5, date(2024, 5, 5))
    steps = next_steps([lack(Milestone.MATURITY, [1, 1], one=[1, 0], two=[1, 1])], table, 2, (found,))
    assert steps.loc[0, "next_step_because"] == (
        "Proven by experiment 'tour': paid conversion +9.0 points (+6.5 to +11.5). Associated: retention differs by "
        "+2.0 points (+1.0 to +3.0), an association; 20 % of those without it use it 90 days later."
    )
    assert "Proven" not in steps.loc[1, "next_step_because"]


def test_what_is_proven_to_harm_is_no_step() -> None:
    table = evidence(one=(2.0, 0.2), two=(1.0, 0.2))
    found = Proven("one", "tour", "paid conversion", -9.0, -11.5, -6.5, date(2024, 5, 5))
    steps = next_steps([lack(Milestone.MATURITY, [1], one=[1], two=[1])], table, 1, (found,))
    assert steps.loc[0, "next_step"] == "Start with two"
    assert steps.loc[0, "next_step_alternatives"] is None
