from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from milepost.data.sources import Raw, connect, open_raw
from milepost.pipeline.first_sight import EventsSeen, always_ends, look_at_events
from milepost.settings import Table, parse

SETTINGS = parse({"tables": {"accounts": {"path": "-"}, "events": {"path": "-"}}}, folder=Path.cwd())
# old is there from the first day on; n1 and n2 begin within the data
EVENTS = """account_id,occurred_at,event_name
old,2024-01-01 09:00:00,login
old,2024-03-01 09:00:00,installed
n1,2024-02-01 10:00:00,login
n1,2024-02-03 11:00:00,installed
n1,2024-02-05 12:00:00,login
n2,2024-02-10 13:00:00,login
n2,2024-02-14 23:00:00,installed
n2,bad,login
"""


def look(tmp_path: Path, text: str, **table: object) -> EventsSeen | None:
    (tmp_path / "events.csv").write_text(text)
    given = Table(path=str(tmp_path / "events.csv")).model_copy(update=table)
    connection = connect(SETTINGS)
    return look_at_events(connection, open_raw(connection, "events", given, SETTINGS), given, SETTINGS)


def test_names_are_counted_among_newcomers(tmp_path: Path) -> None:
    seen = look(tmp_path, EVENTS)
    assert seen is not None
    assert (seen.first, seen.last, seen.days, seen.newcomers) == (date(2024, 1, 1), date(2024, 3, 1), 61, 2)
    login, installed = seen.names
    assert (login.name, login.rows, login.accounts, login.uses, login.first_day) == ("login", 4, 1.0, 1.5, 0.0)
    assert (installed.rows, installed.uses, installed.first_day) == (3, 1.0, 3.0)  # after 2 and after 4 days


def test_the_busy_hours(tmp_path: Path) -> None:
    seen = look(tmp_path, EVENTS)
    assert seen is not None
    # nine of each day's hours hold 9, 9, 10, 11, 12, 13; the eight from 6 to 14 are the first that hold all six
    assert seen.busy == (6, 14, pytest.approx(6 / 7))


def test_daily_counts_have_no_hours_and_zeros_do_not_count(tmp_path: Path) -> None:
    text = "account_id,occurred_at,event_name,quantity\na,2024-01-01,x,5\na,2024-01-02,x,0\nb,2024-01-09,y,2\n"
    seen = look(tmp_path, text, daily=True)
    assert seen is not None
    assert (seen.busy, seen.last, [one.rows for one in seen.names]) == (None, date(2024, 1, 9), [5, 2])


def test_without_a_readable_time_there_is_nothing_to_see(tmp_path: Path) -> None:
    assert look(tmp_path, "account_id,occurred_at,event_name\na,soon,x\n") is None


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (["2024-02-01", "2024-05-01"], True),
        (["2024-02-01", ""], False),
        (["2024-02-01", "9999-12-31"], False),
        (["2024-02-01", "2024-02-15"], False),
    ],
)
def test_ends_that_are_all_known_and_reach_beyond_the_data_are_paid_through(
    tmp_path: Path, ends: list[str], expected: bool
) -> None:
    (tmp_path / "subs.csv").write_text("account_id,ended\n" + "".join(f"a,{end}\n" for end in ends))
    connection = connect(SETTINGS)
    raw: Raw = open_raw(connection, "subscriptions", Table(path=str(tmp_path / "subs.csv")), SETTINGS)
    assert always_ends(connection, raw, "ended", date(2024, 3, 1)) is expected
