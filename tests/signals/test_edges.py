"""Window edges, exact and one microsecond either side, as a table worked by hand.

Snapshot 2024-04-01, observation 30 days, recent 10, gap 7, outcome 30, grace 7:
[2024-03-02, 2024-04-01) observed   [2024-03-22, 2024-04-01) recent   [2024-04-08, 2024-05-08) outcome
"""

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from milepost.outcomes import find_outcomes
from milepost.settings import Data, parse
from milepost.signals.build import build_observations
from milepost.signals.catalogue import Feature
from milepost.windows import Windows

BEGIN, UNTIL = datetime(2024, 1, 1), datetime(2024, 12, 1)
SNAPSHOT = date(2024, 4, 1)
WINDOWS = {"observation_days": 30, "gap_days": 7, "outcome_days": 30, "grace_days": 7}
EXPORT = Feature("export", ("export",), "reporting")
START, RECENT, END = datetime(2024, 3, 2), datetime(2024, 3, 22), datetime(2024, 4, 1)
OPENS, CLOSES = datetime(2024, 4, 8), datetime(2024, 5, 8)

# name: (occurred, microseconds, loaded, microseconds) -> uses, recent uses within 30 and 10 days
SEEN = {
    "before the window": ((START, -1), None, 0, 0),
    "start of the window": ((START, 0), None, 1, 0),
    "after its start": ((START, 1), None, 1, 0),
    "before recent": ((RECENT, -1), None, 1, 0),
    "start of recent": ((RECENT, 0), None, 1, 1),
    "after the start of recent": ((RECENT, 1), None, 1, 1),
    "before the snapshot": ((END, -1), None, 1, 1),
    "at the snapshot": ((END, 0), None, 0, 0),
    "after the snapshot": ((END, 1), None, 0, 0),
    "loaded before the snapshot": ((RECENT, 5), (END, -1), 1, 1),
    "loaded at the snapshot": ((RECENT, 5), (END, 0), 0, 0),
    "loaded after the snapshot": ((RECENT, 5), (END, 1), 0, 0),
}
# name: end of the subscription -> churned, left out; use of the value event at the same moment -> dormant
AFTER = {
    "before the outcome window": ((OPENS, -1), np.nan, "ended_in_gap", 1),
    "its first moment": ((OPENS, 0), 1, "", 0),
    "after its first moment": ((OPENS, 1), 1, "", 0),
    "its last moment": ((CLOSES, -1), 1, "", 0),
    "the end of the window": ((CLOSES, 0), 0, "", 1),
    "after the window": ((CLOSES, 1), 0, "", 1),
}


def moment(pair):
    return None if pair is None else pair[0] + timedelta(microseconds=pair[1])


def accounts(names):
    return pd.DataFrame({"account_id": list(names), "created_at": [datetime(2024, 1, 2)] * len(names)})


def events(rows):
    frame = pd.DataFrame(rows, columns=["account_id", "occurred_at", "event_name", "loaded_at"])
    return frame.astype({"occurred_at": "datetime64[us]", "loaded_at": "datetime64[us]"})


@pytest.fixture
def observed(make_tables, tmp_path):
    rows = [(name, moment(case[0]), "export", moment(case[1])) for name, case in SEEN.items()]
    running = pd.DataFrame({"account_id": list(SEEN), "started_at": [datetime(2024, 1, 2)] * len(SEEN)})
    tables = make_tables(events(rows), accounts(SEEN), BEGIN, UNTIL, subscriptions=running)
    raw = {"windows": WINDOWS, "tables": {name: {"path": name} for name in ("accounts", "events", "subscriptions")}}
    return build_observations(tables, (EXPORT,), parse(raw, tmp_path), [SNAPSHOT])


@pytest.mark.promise("window edges, exact and a microsecond beside", cases=12)
def test_twelve_moments_around_the_observation_window(observed):
    found = pd.DataFrame(
        {"uses": observed.counts[:, 0], "recent": observed.matrix.column("export.recent_count") * 10},
        index=observed.context["account_id"],
    )
    assert {name: tuple(found.loc[name].round(4)) for name in SEEN} == {name: case[2:] for name, case in SEEN.items()}


def rows_of(names):
    return pd.DataFrame({"account_id": list(names), "snapshot_date": [pd.Timestamp(END)] * len(names)})


@pytest.mark.promise("window edges, exact and a microsecond beside", cases=6)
def test_six_ends_around_the_outcome_window(make_tables):
    spans = [(name, datetime(2024, 1, 2), moment(case[0])) for name, case in AFTER.items()]
    subscriptions = pd.DataFrame(spans, columns=["account_id", "started_at", "ended_at"])
    tables = make_tables(events([("x", BEGIN, "e", None)]), accounts(AFTER), BEGIN, UNTIL, subscriptions=subscriptions)
    found = find_outcomes(tables, rows_of(AFTER), Data(), Windows(30, 7, 30, 7))
    np.testing.assert_equal(found.churned, np.array([case[1] for case in AFTER.values()], dtype=np.float32))
    assert found.left_out.tolist() == [case[2] for case in AFTER.values()]


@pytest.mark.promise("window edges, exact and a microsecond beside", cases=6)
def test_six_uses_around_the_outcome_window(make_tables):
    rows = [(name, moment(case[0]), "value", None) for name, case in AFTER.items()]
    running = pd.DataFrame({"account_id": list(AFTER), "started_at": [datetime(2024, 1, 2)] * len(AFTER)})
    tables = make_tables(events(rows), accounts(AFTER), BEGIN, UNTIL, subscriptions=running)
    found = find_outcomes(tables, rows_of(AFTER), Data(value_events=("value",)), Windows(30, 7, 30, 7))
    assert found.dormant.tolist() == [case[3] for case in AFTER.values()]
    assert found.churned.tolist() == [0] * len(AFTER)


@pytest.mark.parametrize(("microseconds", "seen"), [(-1, True), (0, False), (1, False)])
def test_an_account_is_seen_from_the_first_snapshot_after_it_was_created(make_tables, tmp_path, microseconds, seen):
    created = END + timedelta(microseconds=microseconds)
    two = pd.DataFrame({"account_id": ["old", "new"], "created_at": [datetime(2024, 1, 2), created]})
    # billed before it was created, so that only created_at decides
    running = pd.DataFrame({"account_id": ["old", "new"], "started_at": [datetime(2024, 1, 2)] * 2})
    tables = make_tables(events([("old", RECENT, "export", None)]), two, BEGIN, UNTIL, subscriptions=running)
    raw = {"windows": WINDOWS, "tables": {name: {"path": name} for name in ("accounts", "events", "subscriptions")}}
    made = build_observations(tables, (EXPORT,), parse(raw, tmp_path), [SNAPSHOT, date(2024, 5, 1)])
    at = made.context["snapshot_date"] == pd.Timestamp(SNAPSHOT)
    assert made.context[at]["account_id"].tolist() == (["new", "old"] if seen else ["old"])
    assert made.context[~at]["account_id"].tolist() == ["new", "old"]
