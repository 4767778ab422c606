"""Time in which the team answers, worked by hand; the oracle of test_support.py does it day by day at random."""

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from milepost.metrics.clock import hours_of_day, uncovered, working_seconds
from milepost.settings import TeamHours

WEEKDAYS = TeamHours(opens=9, closes=17, days=("mon", "tue", "wed", "thu", "fri"))
BERLIN = TeamHours(time_zone="Europe/Berlin", opens=9, closes=17)
HOUR = 3600


@pytest.mark.parametrize(
    ("team", "since", "until", "hours"),
    [
        (WEEKDAYS, "2024-03-01 16:00", "2024-03-04 10:00", 2),  # Friday's last hour and Monday's first
        (WEEKDAYS, "2024-03-02 10:00", "2024-03-03 20:00", 0),  # the weekend
        (WEEKDAYS, "2024-03-04 08:00", "2024-03-11 08:00", 40),
        (WEEKDAYS, "2024-03-04 10:15", "2024-03-04 10:45", 0.5),
        (BERLIN, "2024-03-01 07:00", "2024-03-01 09:00", 1),  # opens at 8 UTC in winter
        (BERLIN, "2024-07-01 06:30", "2024-07-01 09:00", 2),  # and at 7 in summer
        (BERLIN, "1969-12-29 08:00", "1970-01-02 08:00", 32),  # before 1970 as after
        (TeamHours(), "2024-03-02 10:00", "2024-03-03 20:00", 34),
    ],
)
def test_seconds_within_the_hours_of_the_team(team, since, until, hours):
    moments = (pd.Series([pd.Timestamp(moment)]) for moment in (since, until))
    assert working_seconds(*moments, team)[0] == hours * HOUR


def test_what_has_not_happened_has_no_time():
    there = pd.Series([pd.Timestamp("2024-03-01")])
    assert np.isnan(working_seconds(there, pd.Series([pd.NaT]), WEEKDAYS)[0])


def test_hours_of_the_day_in_the_zone_of_the_team():
    opened = [datetime(2024, 3, 1, 8)] * 11 + [datetime(2024, 3, 1, 22, 30), datetime(2024, 2, 28, 5)]
    replied = [datetime(2024, 3, 1, 8, 30)] + [None] * 10 + [datetime(2024, 3, 2, 8), datetime(2024, 3, 1, 8)]
    rows = pd.DataFrame({"opened_at": opened, "first_reply_at": replied}).astype("datetime64[us]")
    found = hours_of_day(rows, BERLIN, date(2024, 3, 1)).set_index("hour")
    assert found["opened"].to_dict() | {9: 0, 23: 0} == dict.fromkeys(range(24), 0)  # February is another period
    assert found.loc[[9, 23], "opened"].tolist() == [11, 1]
    assert found.loc[9, "first_replies"] == 3
    assert found.loc[[9, 23], "replied_within_hour"].tolist() == [1 / 11, 0]
    assert np.isnan(found.loc[0, "replied_within_hour"])
    assert uncovered(found) == 1  # at 23
