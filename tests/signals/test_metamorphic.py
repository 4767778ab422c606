"""What must change no byte of the signals: row order, threads, files, time zone, copies, rows loaded later."""

import hashlib
import random
import shutil
import time
from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from milepost.data.sources import open_tables
from milepost.settings import parse
from milepost.signals.build import build_observations
from milepost.signals.catalogue import Feature

FEATURES = (Feature("one", ("e1", "e2"), "x", plans=("pro",)), Feature("two", ("e2", "e3"), "y"))
SNAPSHOTS = [date(2024, 3, 1), date(2024, 4, 1)]
LAST = datetime(2024, 4, 1)
BEGIN = datetime(2024, 1, 1)
NAMES = ("accounts", "events", "subscriptions", "conversations", "surveys", "access")
CASES = range(2)
MANY = pytest.param(range(2, 202), marks=pytest.mark.long)


def later(rng, moment, days):
    return moment + timedelta(seconds=rng.randint(0, days * 86_400), microseconds=rng.choice([0, 1, 999_999]))


def product(seed):
    """All six tables of a small product, with ties in time and values that no float sums exactly."""
    rng = random.Random(seed)
    ids = [f"a{number}" for number in range(6)]
    events = [
        (rng.choice(ids), at, rng.choice(["e1", "e2", "e3", "login"]), rng.choice(["u1", "u2", None]),
         rng.randint(0, 3), rng.randint(-300, 300) / 7, f"id{number}", later(rng, at, 40))
        for number, at in enumerate(later(rng, BEGIN, 90) for _ in range(60))
    ]  # fmt: skip
    talks = [
        (f"c{number}", rng.choice(ids), at, later(rng, at, 1), later(rng, at, 9), rng.randint(1, 5), later(rng, at, 20))
        for number, at in enumerate(later(rng, BEGIN, 90) for _ in range(12))
    ]
    half = datetime(2024, 2, 10)
    return {
        "accounts": pd.DataFrame([(name, later(rng, BEGIN, 60)) for name in ids], columns=["account_id", "created_at"]),
        "events": pd.DataFrame(events, columns=["account_id", "occurred_at", "event_name", "user_id", "quantity",
                                                "value", "event_id", "loaded_at"]),
        "subscriptions": pd.DataFrame(
            [(name, start, end, item, plan, rng.randint(0, 9), rng.randint(1, 999) / 7)
             for name in ids for start, end, plan in ((BEGIN, half, "free"), (half, None, "pro"))
             for item in ("base", "sms")],
            columns=["account_id", "started_at", "ended_at", "item", "plan", "seats", "mrr"]),
        "conversations": pd.DataFrame(talks, columns=["conversation_id", "account_id", "opened_at", "first_reply_at",
                                                      "resolved_at", "rating", "rated_at"]),
        "surveys": pd.DataFrame(
            [(rng.choice(ids), BEGIN + timedelta(days=rng.randint(0, 90)), rng.choice(["nps", "csat"]),
              rng.randint(0, 10)) for _ in range(20)],
            columns=["account_id", "answered_at", "kind", "score"]),
        "access": pd.DataFrame([(name, "two", BEGIN, rng.choice([None, LAST])) for name in ids[:4]],
                               columns=["account_id", "feature", "available_from", "available_to"]),
    }  # fmt: skip


def write(folder, name, frame, form):
    """A table as CSV, as a Parquet file, or as a folder of three Parquet files named in an order of their own."""
    path = folder / f"{name}.{form}"
    if form == "csv":
        frame.to_csv(path, index=False, date_format="%Y-%m-%d %H:%M:%S.%f")
        return
    times = [column for column in frame if column.endswith(("_at", "_from", "_to"))]
    typed = frame.astype(dict.fromkeys(times, "datetime64[us]"))
    if form == "parquet":
        typed.to_parquet(path, index=False)
        return
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    names = random.Random(len(frame)).sample(["a", "b", "c"], 3)
    for place, part in enumerate(names):
        typed.iloc[place::3].to_parquet(path / f"{part}.parquet", index=False)


def signals(folder, tables, threads=1, form="csv"):
    """Everything a model sees, to the byte: the signals' names and a hash."""
    for name, frame in tables.items():
        write(folder, name, frame, form)
    raw = {
        "project": {"threads": threads},
        "windows": {"observation_days": 30, "gap_days": 7, "outcome_days": 30, "grace_days": 7},
        "tables": {name: {"path": f"{name}.{form}"} for name in NAMES},
        "data": {"complete_until": datetime(2024, 9, 1)},
    }
    settings = parse(raw, folder)
    made = build_observations(open_tables(settings), FEATURES, settings, SNAPSHOTS)
    parts = (made.matrix.values.tobytes(), made.counts.tobytes(), made.eligible.tobytes())
    seen = b"".join(parts) + made.context.to_csv(index=False).encode()
    return [signal.name for signal in made.matrix.signals], hashlib.sha256(seen).hexdigest()


def shuffled(tables, seed):
    return {name: frame.sample(frac=1, random_state=seed) for name, frame in tables.items()}


def late_rows(tables, rng):
    """Events of the past that come in after the last snapshot, some of them corrections of rows known before."""
    known = tables["events"]
    late = known.sample(n=10, replace=True, random_state=rng.randint(0, 9_999)).copy()
    late["quantity"] = [rng.randint(0, 3) for _ in range(10)]
    late["user_id"] = [rng.choice(["u0", "u1", "u9"]) for _ in range(10)]
    late["loaded_at"] = [later(rng, LAST, 30) for _ in range(10)]
    late["event_id"] = [f"new{n}" if n < 5 else known_id for n, known_id in enumerate(late["event_id"])]
    return {**tables, "events": pd.concat([known, late], ignore_index=True)}


@pytest.mark.promise("row order and threads change no byte", cases="seeds")
@pytest.mark.parametrize("seeds", [CASES, MANY])
def test_the_order_of_rows_in_every_table_and_the_threads(tmp_path, seeds):
    for seed in seeds:
        tables = product(seed)
        assert signals(tmp_path, tables) == signals(tmp_path, shuffled(tables, seed), threads=2), seed


@pytest.mark.promise("CSV, Parquet and several files change no byte", cases="seeds")
@pytest.mark.parametrize("seeds", [CASES, MANY])
def test_the_form_and_the_order_of_files(tmp_path, seeds):
    for seed in seeds:
        tables = product(seed)
        form = ("parquet", "folder")[seed % 2]
        assert signals(tmp_path, tables) == signals(tmp_path, tables, form=form), (seed, form)


@pytest.fixture
def machine_zone(monkeypatch):
    """Call with a zone: the machine is there until the test ends."""

    def move(zone):
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


@pytest.mark.promise("the machine's time zone changes no byte", cases="seeds")
@pytest.mark.parametrize("seeds", [CASES, MANY])
def test_where_the_machine_stands(tmp_path, machine_zone, seeds):
    zones = ("America/Los_Angeles", "Asia/Kathmandu", "Pacific/Kiritimati", "Europe/Berlin")
    for seed in seeds:
        tables, zone = product(seed), zones[seed % 4]
        machine_zone("UTC")
        here = signals(tmp_path, tables)
        machine_zone(zone)
        assert datetime(2024, 1, 5).astimezone().utcoffset() != timedelta(0)
        assert here == signals(tmp_path, tables), (seed, zone)


@pytest.mark.promise("copies of an event with an id change no byte", cases="seeds")
@pytest.mark.parametrize("seeds", [CASES, MANY])
def test_copies_of_an_event_with_an_id(tmp_path, seeds):
    for seed in seeds:
        tables = product(seed)
        twice = pd.concat([tables["events"], tables["events"].sample(frac=0.5, random_state=seed)])
        assert signals(tmp_path, tables) == signals(tmp_path, {**tables, "events": twice}), seed


@pytest.mark.promise("late rows change nothing before they were loaded", cases="seeds")
@pytest.mark.parametrize("seeds", [CASES, pytest.param(range(2, 1002), marks=pytest.mark.long)])
def test_rows_loaded_after_the_snapshot(tmp_path, seeds):
    for seed in seeds:
        tables = product(seed)
        later_on = late_rows(tables, random.Random(seed))
        assert signals(tmp_path, tables) == signals(tmp_path, later_on), seed


def test_a_row_that_is_visible_does_change_a_signal(tmp_path):
    # the comparison above can fail
    tables = product(1)
    row = (
        tables["events"]
        .iloc[[0]]
        .assign(
            occurred_at=datetime(2024, 3, 25),
            loaded_at=datetime(2024, 3, 26),
            event_id="x",
            event_name="e1",
            quantity=7,
        )
    )
    more = {**tables, "events": pd.concat([tables["events"], row])}
    assert signals(tmp_path, tables) != signals(tmp_path, more)
