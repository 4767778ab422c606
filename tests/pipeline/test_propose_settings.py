from __future__ import annotations

from datetime import date, timedelta

import pytest

from milepost.pipeline.first_sight import EventsSeen
from milepost.pipeline.propose_settings import amount_hint, hours, lengths


def events(days: int = 400, busy: tuple[int, int, float] | None = None) -> EventsSeen:
    return EventsSeen(date(2024, 1, 1), date(2024, 1, 1) + timedelta(days=days - 1), busy, 50, ())


@pytest.mark.parametrize(
    ("column", "said"), [("amount_cents", "sounds like cents"), ("arr_amount", "an amount a year")]
)
def test_amounts_that_are_no_mrr_are_pointed_at(column: str, said: str) -> None:
    assert said in amount_hint(column)
    assert amount_hint("amount") == ""


@pytest.mark.parametrize(("days", "observed"), [(503, 28), (504, 84), (None, 84)])
def test_windows_fit_the_history(days: int | None, observed: int) -> None:
    text = lengths(None if days is None else events(days))
    assert f"observation_days = {observed} " in text
    assert (f"# {days} days of events" in text) is (observed == 28)


def test_hours_are_told_where_a_working_day_shows() -> None:
    (line,) = hours(events(busy=(22, 6, 0.81)))
    assert line.startswith("# 81 % of the events fall between 22:00 and 06:00 as read")
    assert hours(events(busy=(6, 14, 0.34))) == [
        "# the events are spread over the whole day: their times do not tell whether they are UTC"
    ]
    assert hours(events()) == []
