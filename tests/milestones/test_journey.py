"""The journey of a few accounts, day by day."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from milepost.milestones.activation import activated_on
from milepost.milestones.daily import NEVER
from milepost.milestones.definitions import Journey
from milepost.milestones.journey import Held, find_journey
from milepost.milestones.leads import COLUMNS, mature_later, table
from milepost.milestones.setup import set_up_on
from milepost.signals.matrix import Matrix, Observations
from milepost.windows import Windows

NAN = float("nan")


def day(number: int) -> pd.Timestamp:
    return pd.Timestamp(date(1970, 1, 1)) + pd.Timedelta(days=number)


def rows(*asked: tuple[str, int]) -> Observations:
    """Rows of accounts at days; nothing else of them is looked at."""
    context = pd.DataFrame({"account_id": [name for name, _ in asked], "snapshot_date": [day(d) for _, d in asked]})
    count = len(context)
    matrix = Matrix(np.zeros((count, 0), np.float32), context.copy(), (), "test")
    return Observations(
        matrix, (), np.zeros((count, 0), np.float32), np.ones((count, 0), bool), False, context, Windows()
    )


@pytest.fixture
def journey(lives_of: Any) -> Journey:
    # the first reaches all four, the second loses utilization, the third left on 1200, the fourth came before the data
    lives = lives_of(
        [1000, 1000, 1040, 500], end=[None, None, 1200, None], plan=np.array(["top", "basic", "basic", ""]),
        before_data=np.array([False, False, False, True]),
    )  # fmt: skip
    observed = rows(
        *[("a000", d) for d in (1100, 1200)], *[("a001", d) for d in (1100, 1200)], ("a002", 1100), ("a003", 1100)
    )
    held = Held(
        np.array([1010, 1020, NEVER, NEVER]), np.array([1030, 1100, 1050, NEVER]),
        np.array([1, 1, 1, 0, 0, NAN]), np.array([0, 1, 0, 0, 0, 0.0]),
    )  # fmt: skip
    return find_journey(lives, observed, held, table([]))


def test_states_hold_what_was_known_before_each_snapshot(journey: Journey) -> None:
    states = journey.states
    assert states["milestone"].tolist() == [
        "utilization",
        "maturity",
        "utilization",
        "activation",
        "activation",
        "none",
    ]
    assert states["setup_on"].tolist()[:3] == [day(1010), day(1010), day(1020)]
    # activated on the day of the snapshot: known at the next
    assert pd.isna(states["activated_on"].tolist()[2])
    assert states["activated_on"].tolist()[3] == day(1100)
    assert states["utilized"].tolist()[:5] == [True, True, True, False, False]
    assert pd.isna(states["utilized"].tolist()[5])


def test_the_funnel_counts_accounts_of_the_data(journey: Journey) -> None:
    assert journey.funnel["accounts"].tolist() == [3, 3, 3, 3]
    assert journey.funnel["reached"].tolist() == [2, 3, 2, 1]
    assert journey.because == (
        "Of 3 accounts that signed up since the data begin, so many have reached: setup 67 %, activation 100 %, "
        "utilization 67 %, maturity 33 %; 1 from before the data begin are not judged."
    )


def test_times_from_one_to_the_next(journey: Journey) -> None:
    times = journey.times.set_index("milestone")
    assert times.loc["setup", "start"] == "sign-up"
    assert times.loc["setup", ["accounts", "reached"]].tolist() == [3, 2]
    assert times.loc["setup", "median_days"] == 20  # 10, 20 and one who left at 160 without
    assert times.loc["activation", ["accounts", "reached"]].tolist() == [2, 2]
    assert times.loc["activation", "median_days"] == 20  # 20 and 80
    assert times.loc["utilization", ["accounts", "reached"]].tolist() == [3, 2]
    assert times.loc["maturity", ["accounts", "reached", "median_days"]].tolist()[:2] == [2, 1]


def test_conversion_by_group(journey: Journey) -> None:
    plans = journey.groups[journey.groups["group"] == "plan"].set_index(["value", "milestone"])
    assert plans.loc[("basic", "setup"), "share"] == 0.5
    assert plans.loc[("top", "maturity"), "share"] == 1.0
    assert set(journey.groups["group"]) == {"plan", "size", "month"}
    assert journey.cohorts["cohort"].tolist() == ["1972-09", "1972-11"]
    assert journey.cohorts["activation"].tolist() == [1.0, 1.0]


def test_a_milestone_without_a_definition_is_unknown(lives_of: Any) -> None:
    found = find_journey(lives_of([1000]), rows(("a000", 1100)), Held(None, None, None, None), table([]))
    assert found.because == "No milestone has a definition yet."
    assert found.funnel["share"].isna().all()
    assert found.times.empty
    assert found.states["milestone"].tolist() == ["none"]


@given(
    setup=st.lists(st.integers(1000, 1999), min_size=3, max_size=3),
    active=st.lists(st.integers(1000, 1999), min_size=3, max_size=3),
)
@examples(max_examples=40, deadline=None)
def test_no_state_shows_a_day_on_or_after_its_snapshot(setup: list[int], active: list[int], lives_of: Any) -> None:
    observed = rows(*[(f"a00{place}", d) for place in range(3) for d in (1200, 1500, 1900)])
    found = find_journey(
        lives_of([1000] * 3), observed, Held(np.array(setup), np.array(active), None, None), table([])
    ).states
    for column in ("setup_on", "activated_on"):
        known = found[column].notna()
        assert (found.loc[known, column] < found.loc[known, "snapshot_date"]).all()
    assert (found["setup_on"].notna() == (np.repeat(setup, 3) < np.tile([1200, 1500, 1900], 3))).all()


def test_accounts_with_time_left_are_not_judged(lives_of: Any) -> None:
    # today is 2000: the third still has days left for both, the second for activation only, the fourth ended at once
    lives = lives_of([1800, 1960, 1980, 1985], end=[None, None, None, 1990])
    held = Held(np.array([1805, NEVER, 1981, NEVER]), np.array([1820, NEVER, 1990, NEVER]), None, None, 28, 91)
    found = find_journey(lives, rows(("a000", 1900)), held, table([]))
    assert found.funnel["accounts"].tolist()[:2] == [2, 1]
    assert found.funnel["reached"].tolist()[:2] == [1, 1]
    assert found.cohorts["accounts"].tolist() == [1, 1, 2]
    assert found.cohorts["setup"].tolist()[:2] == [1.0, 0.0]
    assert np.isnan(found.cohorts["setup"].tolist()[2])
    months = found.groups[(found.groups["group"] == "month") & (found.groups["milestone"] == "activation")]
    assert months[["value", "accounts"]].to_numpy().tolist() == [["1974-12", 1]]
    # how long it took is told by the curve, in which those with time left are watched until today
    assert found.times["accounts"].tolist() == [4, 2]
    assert found.because == (
        "Of 4 accounts that signed up since the data begin, so many have reached: setup 50 %, activation 100 %; too "
        "new or unknown, and left out: setup 2, activation 3."
    )


def test_the_last_day_of_the_time_left_is_over_at_its_midnight(lives_of: Any) -> None:
    held = Held(np.array([NEVER, NEVER]), None, None, None, 28)
    found = find_journey(lives_of([1972, 1973]), rows(("a000", 1990)), held, table([]))
    assert found.funnel["accounts"].tolist()[0] == 1


def test_accounts_that_ended_are_watched_until_then(lives_of: Any) -> None:
    # at risk on day 10 are two: one takes the step, the other on day 400; the third had left on day 5
    lives = lives_of([1000] * 3, end=[None, None, 1005])
    found = find_journey(lives, rows(), Held(np.array([1010, 1400, NEVER]), None, None, None), table([]))
    assert found.times.loc[0, ["accounts", "reached", "median_days"]].tolist() == [3, 2, 10]


def test_what_was_never_known_is_not_a_no(lives_of: Any) -> None:
    # seats of the second are never known; the third ended before a month was over; the fourth is too new
    lives = lives_of([1000, 1000, 1000, 1080], end=[None, None, 1015, None])
    observed = rows(("a000", 1010), ("a000", 1100), ("a001", 1100), ("a002", 1010), ("a003", 1100))
    held = Held(None, None, np.array([NAN, 1, NAN, NAN, NAN]), None)
    found = find_journey(lives, observed, held, table([]))
    utilization = found.funnel.set_index("milestone").loc["utilization"]
    assert utilization["accounts"] == 2
    assert utilization["reached"] == 1
    assert found.times["accounts"].tolist() == [3]  # the new one is watched, the unknown one cannot be


def test_where_all_accounts_are_too_new(lives_of: Any) -> None:
    held = Held(np.array([1991]), None, None, None, 28)
    found = find_journey(lives_of([1990]), rows(("a000", 1995)), held, table([]))
    assert found.because == "No account can be judged yet."
    assert found.funnel["share"].isna().all()
    assert found.states["milestone"].tolist() == ["setup"]


def test_a_row_of_an_unknown_account_gets_nothing_of_another(lives_of: Any) -> None:
    held = Held(np.array([1001]), np.array([1002]), np.array([0, 1.0]), None)
    found = find_journey(lives_of([1000]), rows(("a000", 1100), ("stranger", 1100)), held, table([]))
    assert found.states["setup_on"].isna().tolist() == [False, True]
    assert found.funnel["reached"].tolist()[:3] == [1, 1, 0]


DAYS = st.lists(st.tuples(st.integers(0, 2), st.integers(1000, 1120)), max_size=10)


@given(value=DAYS, added=DAYS, steps=st.lists(st.integers(1000, 1120), min_size=3, max_size=3))
@examples(max_examples=40, deadline=None)
def test_nothing_on_or_after_a_snapshot_reaches_its_state(
    value: list[tuple[int, int]], added: list[tuple[int, int]], steps: list[int], lives_of: Any
) -> None:
    at = 1040
    observed = rows(*[(f"a00{place}", at) for place in range(3)])
    extra = [(who, day) for who, day in added if day >= at]
    states = []
    for rows_of_value, days in ((value, steps), (value + extra, [day if day < at else None for day in steps])):
        lives = lives_of([1000] * 3, rows_of_value, steps={"one": days})
        held = Held(set_up_on(lives, ("one",), 1, 91), activated_on(lives, 2, 91), None, None, 91, 91)
        states.append(find_journey(lives, observed, held, table([])).states)
    pd.testing.assert_frame_equal(states[0], states[1])


def test_maturity_about_ninety_days_later(lives_of: Any) -> None:
    observed = rows(
        ("a000", 1000), ("a000", 1092), ("a001", 1000), ("a002", 1000), ("a002", 1030), ("a003", 1100), ("a004", 1000),
        ("a004", 1200),
    )  # fmt: skip
    lives = lives_of([900] * 5, end=[None, 1050, None, 1150, None])
    found = mature_later(lives, observed, np.array([0, 1, 0, 0, 1, 0, 0, 1.0]))
    assert found[0] == 1  # seen two days after
    assert found[2] == 0  # ended by then
    assert np.isnan(found[3])  # runs on, and its other snapshot is too near
    assert found[5] == 0
    assert np.isnan(found[7])  # that day is not there yet


def test_contrasts_are_a_frame_also_without_any() -> None:
    assert table([]).columns.tolist() == COLUMNS
