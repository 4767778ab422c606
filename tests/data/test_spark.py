"""Events on Spark: the same expressions, the same bytes. Needs Java and the extra [spark]; make test-spark."""

import os
import re
import subprocess
import sys
import time
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from milepost.data.contract import to_frame
from milepost.data.digest import digests
from milepost.data.sources import open_tables
from milepost.errors import ContractError, EnvironmentFault
from milepost.settings import HelpSettings, Table, parse
from milepost.signals.build import build
from milepost.signals.catalogue import Feature
from milepost.signals.spec import Signal

pytestmark = pytest.mark.spark
pytest.importorskip("pyspark")
FEATURES = (Feature("one", ("e1", "e2"), "x"), Feature("two", ("e2",), "y"), Feature("odd", ("e'3 \"%_`",), "y"))
MONTHS = tuple(date(2024, month, 1) for month in range(4, 10))

OWN = (
    Signal("one_week", "one", "count", 7, "day", "", "", own=True),
    Signal("two_users", "two", "user_share", 15, "user", "", "", own=True),
    Signal("e1_value", None, "value_sum", 40, "day", "", "", event="e1", own=True),
    Signal("other_trend", None, "trend", 21, "", "", "", event="other", own=True),
    Signal("other_ever", None, "ever", 0, "", "", "", event="other", own=True),
)


def product(folder, seed=7, more=()):
    """Events over nine months in two Parquet files: late, doubled, fractional, of nobody, with hostile names."""
    draw = np.random.default_rng(seed)
    begin, found = datetime(2024, 1, 1), []
    for number in range(3000):
        at = begin + timedelta(microseconds=int(draw.integers(0, 270 * 86_400 * 10**6)))
        found.append((
            ["a", "b", "c 'é\"", "nobody"][draw.choice(4, p=[0.5, 0.3, 0.198, 0.002])], at,
            ["e1", "e2", "e'3 \"%_`", "other"][draw.integers(4)], [None, "u1", "u2", "", "x" * 300][draw.integers(5)],
            float(draw.integers(0, 40)) / 10, None if draw.random() < 0.5 else float(draw.integers(-99, 99)) / 7,
            f"id{number % 2900}", None if draw.random() < 0.5 else at + timedelta(hours=int(draw.integers(0, 900))),
        ))  # fmt: skip
    columns = ["account_id", "occurred_at", "event_name", "user_id", "quantity", "value", "event_id", "loaded_at"]
    events = pd.DataFrame([*found, *more], columns=columns)
    events = events.astype({"occurred_at": "datetime64[us]", "loaded_at": "datetime64[us]"})
    (folder / "events").mkdir(exist_ok=True)
    events[:1000].to_parquet(folder / "events" / "one.parquet", index=False)
    events[1000:].to_parquet(folder / "events" / "two.parquet", index=False)
    ids = ["a", "b", "c 'é\""]
    accounts = pd.DataFrame({"account_id": ids, "created_at": datetime(2023, 12, 1)})
    accounts.to_parquet(folder / "accounts.parquet", index=False)
    spans = pd.DataFrame({"account_id": ids, "started_at": datetime(2023, 12, 1), "seats": [1.0, 2.0, 0.0]})
    spans.to_parquet(folder / "subscriptions.parquet", index=False)


def settings(folder, engine, days=40, **events):
    tables = {name: {"path": f"{name}.parquet"} for name in ("accounts", "subscriptions")}
    windows = {"observation_days": days, "gap_days": 7, "outcome_days": 30, "grace_days": 7}
    raw = {"windows": windows, "tables": {**tables, "events": {"path": "events", **events}}}
    return parse({**raw, "project": {"engine": engine, "memory_limit": "2GB"}}, folder)


def with_help(folder, asked):
    """Settings that know conversations and which events are help."""
    draw = np.random.default_rng(3)
    opened = [datetime(2024, 1, 1) + timedelta(hours=int(draw.integers(0, 24 * 270))) for _ in range(300)]
    talks = pd.DataFrame({
        "conversation_id": [f"c{number}" for number in range(300)], "account_id": draw.choice(["a", "b"], 300),
        "opened_at": opened, "resolved_at": [at + timedelta(hours=7) for at in opened],
    })  # fmt: skip
    talks.to_parquet(folder / "conversations.parquet", index=False)
    tables = asked.tables.model_copy(update={"conversations": Table(path="conversations.parquet")})
    return asked.model_copy(update={"tables": tables, "help": HelpSettings(read_events=("e1",), search_events=("e2",))})


def same(one, other):
    first, second = one.observations, other.observations
    assert first.matrix.signals == second.matrix.signals
    assert first.matrix.values.tobytes() == second.matrix.values.tobytes()
    assert first.counts.tobytes() == second.counts.tobytes()
    pd.testing.assert_frame_equal(first.context, second.context)
    np.testing.assert_array_equal(one.known.ever, other.known.ever)


# windows of one word of bits, one day more, and two
@pytest.mark.parametrize("days", [62, 63, 64, 84, 130])
def test_spark_and_duckdb_give_the_same_bytes(tmp_path, days):
    product(tmp_path)
    made = []
    for engine in ("spark", "duckdb"):
        asked = settings(tmp_path, engine, days)
        tables = open_tables(asked)
        made.append(
            (
                build(tables, FEATURES, asked, MONTHS),
                tables.row_counts,
                {(f.check, f.where, f.count, f.verdict) for f in tables.findings},
            )
        )
    (there, counts, said), (here, own_counts, own_said) = made
    assert counts == own_counts
    assert said == own_said
    same(there, here)


def test_without_users_values_and_quantities(tmp_path):
    product(tmp_path)
    for part in (tmp_path / "events").iterdir():
        pd.read_parquet(part, columns=["account_id", "occurred_at", "event_name"]).to_parquet(part, index=False)
    made = []
    for engine in ("spark", "duckdb"):
        asked = settings(tmp_path, engine)
        tables = open_tables(asked)
        assert (tables.has_users, tables.has_values, tables.has_quantities) == (False, False, False)
        made.append(build(tables, FEATURES, asked, MONTHS))
    same(*made)


def test_own_signals_and_days_without_a_conversation_are_the_same(tmp_path):
    product(tmp_path)
    made = []
    for engine in ("spark", "duckdb"):
        asked = with_help(tmp_path, settings(tmp_path, engine))
        made.append(build(open_tables(asked), FEATURES, asked, MONTHS, own=OWN))
    same(*made)
    alone = made[0].observations.matrix.column("account.self_served_share")
    assert ((alone > 0) & (alone < 1)).any()
    assert {signal.name for signal in OWN} < {signal.name for signal in made[0].observations.matrix.signals}


def test_the_next_month_goes_on_from_the_last(tmp_path):
    product(tmp_path)
    asked = settings(tmp_path, "spark")
    tables, said = open_tables(asked), []
    earlier = build(tables, FEATURES, asked, MONTHS[:-1])
    same(build(tables, FEATURES, asked, MONTHS, earlier=earlier, progress=said.append),
         build(tables, FEATURES, asked, MONTHS))  # fmt: skip
    assert "signals: 5 of 6 snapshots carried over" in said


def test_a_late_row_changes_the_digest(tmp_path):
    product(tmp_path)
    asked = settings(tmp_path, "spark")
    before = digests(open_tables(asked).events, [MONTHS[0], MONTHS[-1]])
    product(tmp_path, more=[("a", datetime(2024, 5, 1), "e1", "u1", 1.0, None, "late", None)])
    after = digests(open_tables(asked).events, [MONTHS[0], MONTHS[-1]])
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_what_spark_cannot_do_is_said_in_one_line(tmp_path):
    product(tmp_path)
    with pytest.raises(ContractError, match=r"column 'event_name' \(occurred_at\) is string, which spark"):
        open_tables(settings(tmp_path, "spark", columns={"occurred_at": "event_name"}))
    (tmp_path / "events.csv").write_text("account_id,occurred_at,event_name\na,2024-03-01,e1\n")
    with pytest.raises(ContractError, match="Spark reads Parquet here; write Parquet"):
        open_tables(settings(tmp_path, "spark", path="events.csv"))


@pytest.fixture
def not_started(monkeypatch):
    """As in a process in which no Spark runs yet."""
    monkeypatch.setattr("pyspark.sql.SparkSession.getActiveSession", lambda: None)


def test_without_java_it_says_what_to_install(tmp_path, monkeypatch, not_started):
    product(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EnvironmentFault, match="Spark needs Java; install Java 17"):
        open_tables(settings(tmp_path, "spark"))


@pytest.mark.parametrize(
    ("says", "found"), [('openjdk version "11.0.2" 2019', "11"), ('java version "1.8.0_1"', "8"), ("", "something")]
)
def test_an_old_java_is_named(tmp_path, monkeypatch, not_started, says, found):
    product(tmp_path)
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EnvironmentFault, match=f"bin/java: Spark needs Java 17, this is {found}.*JAVA_HOME"):
        open_tables(settings(tmp_path, "spark"))


@pytest.mark.parametrize("as_of", [None, datetime(2024, 3, 10)])
def test_everything_asked_of_hostile_events_is_answered_alike(hostile, tmp_path, monkeypatch, as_of):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        hostile.write(tmp_path)
        asked = hostile.settings(tmp_path, {"engine": "spark"})
        hostile.assert_alike(open_tables(hostile.settings(tmp_path), as_of), open_tables(asked, as_of), asked)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_tables_that_are_open_at_once_stay_apart(tmp_path):
    opened = []
    for name, more in (("one", ()), ("two", [("a", datetime(2024, 5, 1), "e1", "u1", 1.0, None, "late", None)])):
        (tmp_path / name).mkdir()
        product(tmp_path / name, more=more)
        opened.append(open_tables(settings(tmp_path / name, "spark")))
    one, two = (int(to_frame(tables.events.aggregate(n=tables.events.count()))["n"].iloc[0]) for tables in opened)
    assert two == one + 1


def test_an_overflow_is_an_error_and_not_nothing(tmp_path):
    product(tmp_path)
    events = open_tables(settings(tmp_path, "spark")).events
    with pytest.raises(EnvironmentFault, match=r"tables\.events: pyspark did not answer: .*NUMERIC_VALUE_OUT_OF_RANGE"):
        to_frame(events.select(huge=((events.quantity + 1) * 1e30).cast("decimal(24,6)")))
    with pytest.raises(EnvironmentFault, match="DIVIDE_BY_ZERO"):
        to_frame(events.select(share=events.quantity / (events.quantity - events.quantity)))


def test_nanoseconds_and_folders_by_key(tmp_path):
    product(tmp_path)
    events = pd.read_parquet(tmp_path / "events")
    for year, part in events.groupby(events["occurred_at"].dt.month % 2):
        folder = tmp_path / "parted" / f"event_name=e{year + 1}"
        folder.mkdir(parents=True)
        part.drop(columns="event_name").to_parquet(folder / "part.parquet", index=False)
    counts = []
    for engine in ("spark", "duckdb"):
        events = open_tables(settings(tmp_path, engine, path="parted")).events
        counts.append(to_frame(events.group_by("event_name").aggregate(n=events.count()).order_by("event_name")))
    pd.testing.assert_frame_equal(*counts)
    assert counts[0]["event_name"].tolist() == ["e1", "e2"]
    fine = pd.read_parquet(tmp_path / "events").astype({"occurred_at": "datetime64[ns]"})
    fine.to_parquet(tmp_path / "fine.parquet", index=False)
    with pytest.raises(ContractError, match=r"fine\.parquet: column 'occurred_at' holds nanoseconds.*microseconds"):
        open_tables(settings(tmp_path, "spark", path="fine.parquet"))


def test_a_path_that_only_spark_reaches(tmp_path):
    product(tmp_path)
    here = open_tables(settings(tmp_path, "spark"))
    there = open_tables(settings(tmp_path, "spark", path=f"file://{tmp_path}/events"))
    assert there.row_counts == here.row_counts
    product(tmp_path, more=[("a", datetime(2024, 5, 1), "e1", "u1", 1.0, None, "late", None)])
    assert open_tables(settings(tmp_path, "spark", path=f"file://{tmp_path}/events")).fingerprint != there.fingerprint
    with pytest.raises(ContractError, match=r"tables\.events: Spark cannot read it: .*PATH_NOT_FOUND"):
        open_tables(settings(tmp_path, "spark", path=f"file://{tmp_path}/nothing"))


def test_spark_is_quiet_and_leaves_nothing_behind(tmp_path):
    product(tmp_path)
    (tmp_path / "temporary").mkdir()
    program = (
        "import sys; from pathlib import Path; from milepost.data.sources import open_tables\n"
        "from milepost.settings import parse\n"
        "places = {name: {'path': f'{name}.parquet'} for name in ('accounts', 'subscriptions')}\n"
        "raw = {'project': {'engine': 'spark'}, 'tables': {**places, 'events': {'path': 'events'}}}\n"
        "print(open_tables(parse(raw, Path(sys.argv[1]))).row_counts[-1].used)\n"
    )
    said = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True,
                          env={**os.environ, "TMPDIR": str(tmp_path / "temporary")})  # fmt: skip
    assert int(said.stdout) > 2000
    assert said.stderr == ""
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_cluster_that_is_not_there(tmp_path):
    product(tmp_path)
    program = (
        "import sys; from pathlib import Path; from milepost.data.spark import _start\n"
        "from milepost.errors import EnvironmentFault; from milepost.settings import Project\n"
        "try: _start(Project(spark_master='nonsense'))\n"
        "except EnvironmentFault as error: print(error.line)\n"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert re.match(r"error\[ENVIRONMENT\] nonsense: Spark cannot be started: .{10,}", said.stdout)
    assert len(said.stdout.splitlines()) == 1
