"""Snapshot dates and half-open windows; touches no data.

The worked example that every comment here computes: snapshot 2024-04-01, observation 84 days, gap 14 days,
outcome 56 days, grace 14 days.

    2024-01-08 ............ 2024-04-01 ...... 2024-04-15 ............ 2024-06-10 ...... 2024-06-24
    [ observation window    )[ gap           )[ outcome window        )[ grace          )
                             snapshot                                                    complete
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


@dataclass(frozen=True)
class Windows:
    """Lengths, in days, of everything around a snapshot; `step` is "month" or a number of days."""

    observation_days: int = 84
    gap_days: int = 14
    outcome_days: int = 56
    grace_days: int = 14
    step: str | int = "month"

    def observation(self, snapshot: date) -> tuple[datetime, datetime]:
        """[snapshot - observation, snapshot): 2024-01-08 to 2024-04-01."""
        end = midnight(snapshot)
        return end - timedelta(days=self.observation_days), end

    def outcome(self, snapshot: date) -> tuple[datetime, datetime]:
        """[snapshot + gap, snapshot + gap + outcome): 2024-04-15 to 2024-06-10."""
        start = midnight(snapshot) + timedelta(days=self.gap_days)
        return start, start + timedelta(days=self.outcome_days)

    def matured_at(self, snapshot: date) -> datetime:
        """When the outcome of a snapshot is certain: 2024-06-24."""
        return self.outcome(snapshot)[1] + timedelta(days=self.grace_days)

    @property
    def purge_days(self) -> int:
        """Days that must lie between a training and a test snapshot: 14 + 56 + 14 = 84."""
        return self.gap_days + self.outcome_days + self.grace_days

    @property
    def recent_days(self) -> int:
        """The short window inside the observation window that recent use and trend look at: 28 of 84."""
        return max(1, self.observation_days // 3)


def midnight(day: date) -> datetime:
    """Midnight UTC at which `day` begins, without a time zone: every time inside milepost is UTC."""
    return datetime(day.year, day.month, day.day)


def as_utc_naive(moment: datetime) -> datetime:
    """A moment as UTC without a time zone."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def snapshot_dates(first: datetime, last: datetime, windows: Windows) -> tuple[date, ...]:
    """Snapshot dates at which a whole observation window has been recorded, oldest first.

    `first` is when the recorded data begin, `last` the newest moment allowed as a snapshot (it may be one itself).
    Monthly snapshots stand on the first of a month; steps of n days are counted back from the last possible one,
    so that the newest data are always used.
    """
    earliest = first + timedelta(days=windows.observation_days)
    if windows.step == "month":
        return _months(earliest, last)
    step = timedelta(days=int(windows.step))
    dates, day = [], last.date()
    while midnight(day) >= earliest:
        dates.append(day)
        day -= step
    return tuple(reversed(dates))


def _months(earliest: datetime, last: datetime) -> tuple[date, ...]:
    dates, year, month = [], earliest.year, earliest.month
    while (day := date(year, month, 1)) <= last.date():
        if midnight(day) >= earliest:
            dates.append(day)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return tuple(dates)
