"""What is said of each part, by hand."""

import math

import numpy as np
import pytest

from milepost.review.change import Change, Rows
from milepost.review.parts import Part, Standing, data_parts, folded, judge
from milepost.review.shifts import Plans, Use

ROWS = Rows(np.ones(60), np.arange(60), np.ones((60, 1)), np.arange(60), np.arange(60) >= 30)
QUIET = Plans((), (), 0.0)


def change(now_low, p, then_low=0.4, enough=True):
    return Change(0.8, then_low, 1.2, now_low + 0.4, now_low, now_low + 0.8, p, (80, 90), enough)


@pytest.mark.parametrize(
    ("given", "standing"),
    [
        (change(0.2, 0.5), Standing.HOLDS),
        (change(0.1, 0.001), Standing.WEAKENING),
        (change(-0.4, 0.001), Standing.BROKEN),
        (change(-0.4, 0.5), Standing.CANNOT_TELL),
        (change(-0.4, math.nan, then_low=-0.1), Standing.CANNOT_TELL),
        (change(math.nan, math.nan, enough=False), Standing.CANNOT_TELL),
    ],
)
def test_the_standing_of_a_part(given, standing) -> None:
    (part,) = judge({("feature", "macros"): given}, (), ROWS, {})
    assert part.standing == standing
    assert part.alarm == (standing in (Standing.WEAKENING, Standing.BROKEN))


def test_an_alarm_has_to_stand_up_to_all_parts_together() -> None:
    """p .02 alone is an alarm; as the smallest of three it is .06 by Holm."""
    found = {("feature", name): change(-0.4, p) for name, p in (("a", 0.02), ("b", 0.5), ("c", 0.9))}
    assert not any(part.alarm for part in judge(found, (), ROWS, {}))
    assert judge({("feature", "a"): change(-0.4, 0.02)}, (), ROWS, {})[0].alarm


def test_what_is_missing_to_tell_is_counted() -> None:
    """Half an interval of .4 · 2.8 / 1.96 against .8 is .714; .714² of 30 churned accounts is 16: there are enough."""
    (part,) = judge({("feature", "a"): change(-0.4, 0.5)}, (), ROWS, {})
    assert "neither surely weaker nor clear" in part.because
    wide = Change(0.4, 0.1, 0.7, 0.3, -0.1, 0.7, 0.5, (80, 90), True)
    (part,) = judge({("feature", "a"): wide}, (), ROWS, {})
    assert "about 62 churned accounts would tell, there are 30" in part.because


def test_a_feature_whose_events_stopped_is_named_once_and_by_its_events() -> None:
    stopped = Use("macros", 0.4, 0.0, 0.4, True)
    (part,) = judge({("feature", "macros"): change(-0.4, 0.0001)}, (stopped,), ROWS, {})
    assert (part.standing, part.what_to_do) == (Standing.CANNOT_TELL, "repair its events first")
    events, plans = data_parts((stopped,), QUIET)
    assert (events.name, events.standing, plans.standing) == ("macros", Standing.BROKEN, Standing.HOLDS)


def test_a_category_that_broke_comes_with_the_cut_that_is_best_now() -> None:
    (part,) = judge({("category", "reporting"): change(-0.4, 0.001)}, (), ROWS, {"reporting": 3})
    assert "the best cut is 3" in part.what_to_do


def test_renamed_plans_are_told_with_both_names() -> None:
    (part,) = data_parts((), Plans(("pro plus",), ("pro",), 0.6))
    assert part.because == "60 % of accounts are on plans nobody was on before: pro plus came, pro went".replace(
        " %", "%"
    )
    assert part.alarm


def test_what_holds_of_a_kind_is_told_in_one_line():
    fine = [Part("adoption", name, Standing.HOLDS, "so many", "") for name in "abc"]
    other, low = Part("feature", "x", Standing.HOLDS, "", ""), Part("adoption", "d", Standing.WEAKENING, "few", "rank")
    (kept, one) = folded([*fine, other], "adoption", "lie within")
    assert kept is other
    assert (one.name, one.because) == ("all", "3 lie within")
    assert [part.name for part in folded([*fine, low], "adoption", "lie within")] == ["d", "others"]
    assert folded([fine[0], other], "adoption", "lie within") == (fine[0], other)
