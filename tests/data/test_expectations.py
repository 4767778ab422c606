"""What is expected of a table each day: alarms where something broke, none where nothing did."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.data.arrivals import Arrivals, Gap
from milepost.data.expectations import Expectation, Standing, freshness, gaps, judge, volume
from milepost.settings import ContractSettings, Table

NOW = datetime(2024, 6, 24, 9)  # a Monday
END = pd.Timestamp("2024-06-24")
RULES = ContractSettings()
FRESH = Table(path="events.csv", warn_after_hours=26, error_after_hours=50)


def arrivals(rows: Any, newest: datetime | None = datetime(2024, 6, 23, 23), **values: pd.DataFrame) -> Arrivals:
    """Events of the days that end on 2024-06-23."""
    days = pd.date_range(end="2024-06-23", periods=len(rows), freq="D")
    daily = pd.DataFrame({"day": days, "rows": rows, "user_id": rows})
    return Arrivals("events", newest, daily[daily["rows"] > 0].reset_index(drop=True), dict(values))


def by_check(found: tuple[Expectation, ...]) -> dict[str, Expectation]:
    return {one.check: one for one in found}


@pytest.mark.parametrize(
    ("hours", "standing"),
    [(26, Standing.OK), (26.01, Standing.WARN), (50, Standing.WARN), (50.01, Standing.ERROR)],
)
def test_age_is_judged_at_both_limits(hours: float, standing: Standing) -> None:
    (found,) = freshness(arrivals([1], NOW - timedelta(hours=hours)), FRESH, NOW)
    assert found.standing is standing
    assert found.because == f"the newest row is {hours:.1f} hours old"


def test_no_row_is_as_old_as_can_be_and_without_limits_nothing_is_said() -> None:
    (found,) = freshness(arrivals([1], None), FRESH, NOW)
    assert (found.standing, found.because) == (Standing.ERROR, "no row at all")
    assert freshness(arrivals([1], None), Table(path="x.csv"), NOW) == ()


@pytest.mark.parametrize(
    ("share", "standing"),
    [(1.0, Standing.OK), (0.75, Standing.OK), (0.6, Standing.WARN), (0.3, Standing.ERROR), (0.0, Standing.ERROR),
     (2.0, Standing.WARN)],
)  # fmt: skip
def test_a_day_is_compared_with_the_same_weekday(share: float, standing: Standing) -> None:
    # 1,000 rows on weekdays, 100 on Saturdays and Sundays: a Sunday of 100 is no drop
    rows = np.where(pd.date_range(end="2024-06-23", periods=70, freq="D").dayofweek < 5, 1000.0, 100.0)
    rows[-4] *= share  # Thursday, 2024-06-20
    found = volume(arrivals(rows), RULES, END)
    assert found.standing is standing
    if standing is not Standing.OK:
        said = f"{1000 * share:,.0f} rows on 2024-06-20, usual for a Thursday 1,000; 1 of 7 days differ"
        assert found.because == said


def test_one_bad_day_in_the_past_moves_nothing() -> None:
    rows = np.full(70, 1000.0)
    rows[[-11, -18]] = 0
    assert volume(arrivals(rows), RULES, END).standing is Standing.OK


def test_three_earlier_weeks_are_too_few() -> None:
    found = volume(arrivals(np.full(34, 1000.0)), RULES, END)
    assert (found.standing, found.because) == (Standing.CANNOT_TELL, "fewer than 4 earlier weeks to compare with")
    assert volume(arrivals(np.full(35, 1000.0)), RULES, END).standing is Standing.OK
    assert volume(arrivals([], None), RULES, END).standing is Standing.CANNOT_TELL


def test_a_silent_yesterday_counts_only_where_the_table_should_reach_there() -> None:
    rows = np.full(70, 1000.0)
    rows[-2:] = 0
    silent = arrivals(rows, datetime(2024, 6, 21, 23))
    assert by_check(judge(silent, FRESH, RULES, NOW))["volume"].standing is Standing.ERROR
    assert by_check(judge(silent, Table(path="x.csv"), RULES, NOW))["volume"].standing is Standing.OK


def days_of(values: dict[str, list[float]]) -> pd.DataFrame:
    days = pd.date_range(end="2024-06-23", periods=70, freq="D")
    rows = [(name, day, number) for name, numbers in values.items()
            for day, number in zip(days, numbers, strict=True) if number]  # fmt: skip
    return pd.DataFrame(rows, columns=["value", "day", "rows"])


@pytest.mark.parametrize(
    ("usual", "essential", "standing"),
    [(30, (), Standing.WARN), (30, ("export",), Standing.ERROR), (29, ("export",), Standing.OK)],
)
def test_a_value_that_stopped_is_named(usual: int, essential: tuple[str, ...], standing: Standing) -> None:
    names = days_of({"login": [100.0] * 70, "export": [usual] * 69 + [0]})
    found = by_check(judge(arrivals(np.full(70, 130.0), event_name=names), FRESH, RULES, NOW, essential))["stopped"]
    assert found.standing is standing
    assert found.because == ("every usual value came" if standing is Standing.OK else "no row on 2024-06-23 of export")


def test_new_values_are_counted_by_rows_and_named() -> None:
    # 7 of 7 × 100 recent rows are new: 1 %; then 30 a day of 130: 23 %
    few = days_of({"login": [99.0] * 70, "exprt": [0.0] * 63 + [1.0] * 7})
    found = by_check(judge(arrivals(np.full(70, 100.0), event_name=few), FRESH, RULES, NOW))["new_values"]
    assert (found.standing, round(found.found, 4)) == (Standing.OK, 0.01)
    many = days_of({"login": [100.0] * 70, "exprt": [0.0] * 63 + [30.0] * 7})
    found = by_check(judge(arrivals(np.full(70, 130.0), event_name=many), FRESH, RULES, NOW))["new_values"]
    assert found.standing is Standing.WARN
    assert found.because == "23.1% of recent rows have a value not seen before: exprt"


@pytest.mark.parametrize(
    ("filled", "standing"), [(90, Standing.OK), (86, Standing.OK), (80, Standing.WARN), (30, Standing.ERROR)]
)
def test_a_column_that_empties_is_told(filled: int, standing: Standing) -> None:
    # 90 of 100 rows had a user before
    events = arrivals(np.full(70, 100))
    events.daily["user_id"] = [90] * 63 + [filled] * 7
    found = by_check(judge(events, FRESH, RULES, NOW))["nulls"]
    assert found.standing is standing
    assert found.because == f"{100 - filled}.0% empty in the last 7 days, 10.0% before"


def test_gaps_are_shares_of_the_rows_and_an_empty_table_has_none() -> None:
    given = [Gap("access", "access to nothing", *pair) for pair in ((20, 100), (21, 100), (51, 100), (0, 0))]
    standings = [one.standing for one in gaps(given, RULES)]
    assert standings == [Standing.OK, Standing.WARN, Standing.ERROR, Standing.OK]


def alarms(seeds: int, change: float) -> float:
    """Share of simulated tables that alarm: weekly rhythm, growth, days that scatter by a tenth beyond chance."""
    hit = 0
    for seed in range(seeds):
        draw = np.random.default_rng(seed)
        usual = draw.choice([20, 200, 5000]) * np.where(np.arange(70) % 7 < 5, 1.0, 0.3) * 1.002 ** np.arange(70)
        rows = draw.poisson(usual * draw.lognormal(0, 0.1, 70))
        rows[-3] = int(rows[-3] * change)
        hit += volume(arrivals(rows), RULES, END).standing in (Standing.WARN, Standing.ERROR)
    return hit / seeds


def test_days_as_usual_rarely_alarm_and_half_a_day_does_where_there_are_rows_enough() -> None:
    quiet, empty = alarms(300, 1.0), alarms(100, 0.0)
    print(f"false alarms in {quiet:.1%} of 300 checks of seven days each, empty days found in {empty:.1%}")
    assert quiet <= 0.05
    assert empty >= 0.60  # a day of 6 rows in place of 0 is within chance


@given(st.lists(st.integers(0, 10_000), min_size=0, max_size=80))
def test_any_history_has_an_answer(rows: list[int]) -> None:
    found = judge(arrivals(np.array(rows, dtype=float)), FRESH, RULES, NOW)
    assert all(one.standing in Standing and one.because for one in found)
    assert [one.check for one in found][:2] == ["freshness", "volume"]


def test_limits_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match="warn_after_hours must not be above error_after_hours"):
        Table(path="x.csv", warn_after_hours=3, error_after_hours=2)
    with pytest.raises(ValueError, match="warn_nulls must not be above error_nulls"):
        ContractSettings(warn_nulls=0.6)
