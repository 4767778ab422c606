"""When what is due: the review, the data, the scores and the model, and each part's owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from milepost.settings import ReviewSettings


@dataclass(frozen=True)
class Due:
    """One thing that ages. last: when it was done or up to when it reaches, None never; due: the last day on which it
    is in time; what_to_do: the command that renews it.
    """

    what: str
    last: date | None
    due: date
    what_to_do: str

    def late_days(self, today: date) -> int:
        """Days by which it is overdue, 0 where it is in time."""
        return max((today - self.due).days, 0)


@dataclass(frozen=True)
class Last:
    """What is known of the last time, None: never. framework: the date of the data it was made from; review_by: a day
    that a person set in the framework file.
    """

    framework: date | None
    review: date | None
    review_by: date | None
    data: date
    scores: date | None
    model: date | None


def calendar(last: Last, limits: ReviewSettings, today: date) -> tuple[Due, ...]:
    """Everything with its due day; what was never done is due today.

    A day set by hand stands until a review as of that day or later; from then on the rhythm of the settings counts.
    """
    parts = (
        ("data", last.data, limits.data_days, "look at what loads the tables"),
        ("scores", last.scores, limits.scores_days, "milepost score"),
        ("model", last.model, limits.model_days, "milepost train"),
    )
    others = tuple(Due(what, when, _after(when, days, today), todo) for what, when, days, todo in parts)
    return (_review(last, limits, today), *others)


def _review(last: Last, limits: ReviewSettings, today: date) -> Due:
    if last.framework is None:
        return Due("review", None, today, "milepost derive")
    known = [day for day in (last.review, last.framework) if day is not None]
    due = _after(max(known), limits.every_days, today)
    by_hand = last.review_by is not None and (last.review is None or last.review < last.review_by)
    return Due("review", last.review, last.review_by if by_hand and last.review_by else due, "milepost review")


def _after(day: date | None, days: int, today: date) -> date:
    return today if day is None else day + timedelta(days=days)
