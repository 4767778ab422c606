"""Due days counted by hand."""

from dataclasses import replace
from datetime import date

from milepost.review.calendar import Last, calendar
from milepost.settings import ReviewSettings

LIMITS = ReviewSettings(every_days=90, data_days=2, scores_days=7, model_days=100)
LAST = Last(date(2024, 1, 1), None, None, date(2024, 2, 1), date(2024, 2, 1), date(2024, 1, 1))
TODAY = date(2024, 2, 5)


def due(last, today=TODAY):
    return {one.what: (one.due, one.late_days(today)) for one in calendar(last, LIMITS, today)}


def test_each_ages_by_its_own_days() -> None:
    assert due(LAST) == {
        "review": (date(2024, 3, 31), 0), "data": (date(2024, 2, 3), 2), "scores": (date(2024, 2, 8), 0),
        "model": (date(2024, 4, 10), 0),
    }  # fmt: skip


def test_the_due_day_itself_is_in_time() -> None:
    assert due(LAST, date(2024, 2, 3))["data"][1] == 0
    assert due(LAST, date(2024, 2, 4))["data"][1] == 1


def test_a_day_set_by_hand_stands_until_a_review_on_it() -> None:
    by_hand = replace(LAST, review_by=date(2024, 2, 1))
    assert due(by_hand)["review"] == (date(2024, 2, 1), 4)
    assert due(replace(by_hand, review=date(2024, 2, 1)))["review"] == (date(2024, 5, 1), 0)


def test_what_was_never_done_is_due_today() -> None:
    none = replace(LAST, framework=None, scores=None, model=None)
    assert {what: day for what, (day, _) in due(none).items() if what != "data"} == dict.fromkeys(
        ("review", "scores", "model"), TODAY
    )
