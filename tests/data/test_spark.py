"""Events on Spark: the same expressions, the same bytes. Needs Java and the extra [spark]; make test-spark."""

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from milepost.data.digest import digests
from milepost.data.sources import open_tables
from milepost.errors import ContractError, EnvironmentFault
from milepost.settings import parse
from milepost.signals.build import build
from milepost.signals.catalogue import Feature

pytestmark = pytest.mark.spark
pytest.importorskip("pyspark")
FEATURES = (Feature("one", ("e1", "e2"), "x"), Feature("two", ("e2",), "y"), Feature("odd", ("e'3 \"%_`",), "y"))
MONTHS = tuple(date(2024, month, 1) for month in range(4, 10))


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
        made.append((build(tables, FEATURES, asked, MONTHS), tables.row_counts, set(tables.findings)))
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


def test_without_java_it_says_what_to_install(tmp_path, monkeypatch):
    product(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EnvironmentFault, match="Spark needs Java; install Java 17"):
        open_tables(settings(tmp_path, "spark"))
