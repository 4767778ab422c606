"""Events in PostgreSQL, read where they are: a private server from Debian's packages, reached by a socket."""

import os
import shutil
import subprocess
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from milepost.data.checks import names_at_any_date
from milepost.data.digest import digests
from milepost.data.sources import open_tables
from milepost.errors import ContractError, EnvironmentFault
from milepost.settings import HelpSettings, Table, parse
from milepost.signals.build import build
from milepost.signals.catalogue import Feature
from milepost.signals.spec import Signal

psycopg = pytest.importorskip("psycopg", exc_type=ImportError)
SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
FEATURES = (Feature("one", ("e1", "e2"), "x"), Feature("two", ("e2",), "y"), Feature("odd", ("e'3 \"%_",), "y"))
SNAPSHOTS = (date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1))
OWN = (
    Signal("one_week", "one", "count", 7, "day", "", "", own=True),
    Signal("two_users", "two", "user_share", 15, "user", "", "", own=True),
    Signal("e1_value", None, "value_sum", 40, "day", "", "", event="e1", own=True),
    Signal("other_trend", None, "trend", 21, "", "", "", event="other", own=True),
    Signal("other_ever", None, "ever", 0, "", "", "", event="other", own=True),
)


def as_postgres(*command):
    """A server refuses to run as root: then the user that Debian's package makes runs it."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


@contextmanager
def server(folder):
    tools = SERVERS[-1].parent
    folder.mkdir()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        for part in (folder, *folder.parents):
            part.chmod(part.stat().st_mode | 0o011)
    data = str(folder / "data")
    run = {"check": True, "capture_output": True, "cwd": "/"}
    subprocess.run(as_postgres(str(tools / "initdb"), "-D", data, "-A", "trust", "-U", "reader"), **run)
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    log = str(folder / "log")
    subprocess.run(as_postgres(str(tools / "pg_ctl"), "-D", data, "-o", options, "-l", log, "-w", "start"), **run)
    try:
        yield f"postgres://reader@/postgres?host={folder}"
    finally:
        # one that is gone already has stopped
        stop = as_postgres(str(tools / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        subprocess.run(stop, capture_output=True, cwd="/", check=False)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    if not SERVERS or (os.geteuid() == 0 and not shutil.which("runuser")):
        pytest.skip("PostgreSQL is not installed")
    # the path of a socket has to be short
    folder = tmp_path_factory.mktemp("pg")
    with server(folder / "s") as url:
        yield url


def rows(seed):
    """Late rows, hostile text, missing users, duplicates of an id, fractions, accounts nobody knows."""
    draw = np.random.default_rng(seed)
    begin = datetime(2024, 1, 1)
    found = []
    for number in range(1500):
        at = begin + timedelta(seconds=int(draw.integers(0, 125 * 86_400)))
        user = [None, "u1", "u2", "ü'; DROP TABLE events; --", "x" * 500][draw.integers(5)]
        found.append((
            ["a", "b", "c 'é\"", "nobody"][draw.choice(4, p=[0.5, 0.3, 0.198, 0.002])], at,
            ["e1", "e2", "e'3 \"%_", "other"][draw.integers(4)], user, float(draw.integers(0, 40)) / 10,
            None if draw.random() < 0.5 else float(draw.integers(-99, 99)) / 7, f"id{number % 1400}",
            None if draw.random() < 0.5 else at + timedelta(hours=int(draw.integers(0, 900))),
        ))  # fmt: skip
    return found


def settings(folder, **events):
    ids = ["a", "b", "c 'é\""]
    accounts = pd.DataFrame({"account_id": ids, "created_at": datetime(2023, 12, 1)})
    accounts.to_parquet(folder / "accounts.parquet", index=False)
    spans = pd.DataFrame({"account_id": ids, "started_at": datetime(2023, 12, 1), "seats": [1.0, 2.0, 0.0]})
    spans.to_parquet(folder / "subscriptions.parquet", index=False)
    tables = {name: {"path": f"{name}.parquet"} for name in ("accounts", "subscriptions")}
    windows = {"observation_days": 40, "gap_days": 7, "outcome_days": 30, "grace_days": 7}
    return parse({"windows": windows, "tables": {**tables, "events": {"table": "events", **events}}}, folder)


def with_help(folder, asked):
    """Settings that know conversations and which events are help."""
    draw = np.random.default_rng(3)
    opened = [datetime(2024, 1, 1) + timedelta(hours=int(draw.integers(0, 24 * 125))) for _ in range(300)]
    talks = pd.DataFrame({
        "conversation_id": [f"c{number}" for number in range(300)], "account_id": draw.choice(["a", "b"], 300),
        "opened_at": opened, "resolved_at": [at + timedelta(hours=7) for at in opened],
    })  # fmt: skip
    talks.to_parquet(folder / "conversations.parquet", index=False)
    tables = asked.tables.model_copy(update={"conversations": Table(path="conversations.parquet")})
    return asked.model_copy(update={"tables": tables, "help": HelpSettings(read_events=("e1",), search_events=("e2",))})


@pytest.fixture(scope="module")
def filled(database):
    with psycopg.connect(database) as connection:
        connection.execute(
            "CREATE TABLE events (account_id text, occurred_at timestamp, event_name text, user_id text, "
            "quantity double precision, value double precision, event_id text, loaded_at timestamp)"
        )
        connection.cursor().executemany("INSERT INTO events VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", rows(7))
    return database


def test_signals_are_equal_to_those_of_a_copy(filled, tmp_path):
    made = []
    for in_place in (True, False):
        asked = settings(tmp_path, url=filled, in_place=in_place)
        tables = open_tables(asked)
        assert tables.remote == ("postgres" if in_place else "")
        assert len(digests(tables.events, SNAPSHOTS)) == 3
        made.append(
            (
                build(tables, FEATURES, asked, SNAPSHOTS),
                tables.row_counts,
                {(f.check, f.where, f.count, f.verdict) for f in tables.findings},
            )
        )
    (there, counts, said), (here, own_counts, own_said) = made
    assert counts == own_counts
    assert said == own_said
    assert there.observations.matrix.signals == here.observations.matrix.signals
    assert there.observations.matrix.values.tobytes() == here.observations.matrix.values.tobytes()
    pd.testing.assert_frame_equal(there.observations.context, here.observations.context)
    np.testing.assert_array_equal(there.known.ever, here.known.ever)


def test_own_signals_and_days_without_a_conversation_are_the_same(filled, tmp_path):
    made = []
    for in_place in (True, False):
        asked = with_help(tmp_path, settings(tmp_path, url=filled, in_place=in_place))
        made.append(build(open_tables(asked), FEATURES, asked, SNAPSHOTS, own=OWN).observations)
    there, here = made
    assert there.matrix.signals == here.matrix.signals
    assert there.matrix.values.tobytes() == here.matrix.values.tobytes()
    alone = there.matrix.column("account.self_served_share")
    assert ((alone > 0) & (alone < 1)).any()


def test_a_row_that_changes_is_noticed(filled, tmp_path):
    asked = settings(tmp_path, url=filled, in_place=True)
    before = open_tables(asked).fingerprint
    assert open_tables(asked).fingerprint == before
    with psycopg.connect(filled) as connection:
        connection.execute("UPDATE events SET user_id = 'u9' WHERE event_id = 'id1399'")
    after = open_tables(asked).fingerprint
    with psycopg.connect(filled) as connection:
        connection.execute("UPDATE events SET user_id = 'u9x' WHERE event_id = 'id1399'")
    assert len({before, after, open_tables(asked).fingerprint}) == 3


def test_a_table_that_is_not_there_and_a_server_that_is_away(filled, tmp_path):
    with pytest.raises(ContractError, match="no table 'event'; expected one of events"):
        open_tables(settings(tmp_path, url=filled, table="event", in_place=True))
    away = filled.replace("reader@/postgres", "reader:secret7@/elsewhere")
    with pytest.raises(EnvironmentFault, match="database cannot be reached") as caught:
        open_tables(settings(tmp_path, url=away, in_place=True))
    assert "secret7" not in caught.value.line


@pytest.fixture(scope="module")
def hostile_table(database, hostile):
    with psycopg.connect(database) as connection:
        # text that stands by the rules of a language where the server knows one, times with a zone, exact numbers
        connection.execute(
            "CREATE TABLE hostile (account_id text, occurred_at timestamptz, event_name varchar(100), user_id text, "
            "quantity double precision, value numeric, event_id text, loaded_at timestamp)"
        )
        connection.execute("SET TIME ZONE 'UTC'")
        insert = "INSERT INTO hostile VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
        connection.cursor().executemany(insert, hostile.rows())
        connection.execute('ALTER TABLE hostile RENAME COLUMN event_name TO "Event Name"')
        connection.execute("ALTER ROLE reader SET TIME ZONE 'Asia/Tokyo'")
    return database


@pytest.mark.parametrize("as_of", [None, datetime(2024, 3, 10)])
def test_hostile_events_are_read_as_from_a_file(hostile_table, hostile, tmp_path, as_of):
    hostile.write(tmp_path)
    columns = {"event_name": "Event Name"}
    there = hostile.settings(tmp_path, url=hostile_table, table="hostile", in_place=True, columns=columns)
    hostile.assert_alike(open_tables(hostile.settings(tmp_path), as_of), open_tables(there, as_of), there)


def test_a_role_that_may_only_read_is_said_in_one_line(filled, tmp_path):
    with psycopg.connect(filled) as connection:
        connection.execute("REVOKE TEMP ON DATABASE postgres FROM PUBLIC")
        connection.execute("CREATE ROLE poor LOGIN")
        connection.execute("GRANT SELECT ON events TO poor")
    with pytest.raises(EnvironmentFault, match="postgres did not answer: permission denied to create temporary tables"):
        open_tables(settings(tmp_path, url=filled.replace("reader", "poor"), in_place=True))


def test_a_table_that_goes_away_is_said_in_one_line(filled, tmp_path):
    with psycopg.connect(filled) as connection:
        connection.execute("CREATE TABLE passing AS SELECT * FROM events WHERE account_id <> 'nobody'")
    tables = open_tables(settings(tmp_path, url=filled, table="passing", in_place=True))
    with psycopg.connect(filled) as connection:
        connection.execute("DROP TABLE passing")
    with pytest.raises(EnvironmentFault, match=r"tables\.events: postgres did not answer: relation .passing. does not"):
        names_at_any_date(tables)
