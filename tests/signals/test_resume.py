"""A run that goes on from an earlier one says the same, to the byte, as one that reads all history."""

import random
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from milepost.data.digest import added, digests
from milepost.settings import parse
from milepost.signals.build import build, way_hash
from milepost.signals.catalogue import Feature
from milepost.signals.room import Part
from milepost.signals.spec import Signal
from milepost.signals.stacked import Stacked

FEATURES = (Feature("one", ("e1", "e2"), "x"), Feature("two", ("e2", "e3"), "y"), Feature("rare", ("e4",), "y"))
BEGIN, UNTIL = datetime(2024, 1, 1), datetime(2025, 3, 10)
DATES = tuple(date(2024 + month // 12, month % 12 + 1, 1) for month in range(2, 14))
OWN = (
    Signal("one_week", "one", "count", 7, "day", "", "", own=True),
    Signal("two_users", "two", "user_share", 15, "user", "", "", own=True),
    Signal("e4_value", None, "value_sum", 40, "day", "", "", event="e4", own=True),
    Signal("e3_trend", None, "trend", 21, "", "", "", event="e3", own=True),
    Signal("login_ever", None, "ever", 0, "", "", "", event="login", own=True),
)
LENGTHS = {"observation_days": 40, "gap_days": 7, "outcome_days": 30, "grace_days": 7}
COLUMNS = ["account_id", "occurred_at", "event_name", "user_id", "quantity", "value", "loaded_at"]


def product(make_tables, seed, more=(), seats=None):
    """Six accounts, of which one subscribes late and one is away for months; rows that come up to two months late."""
    rng = random.Random(seed)
    ids = [f"a{number}" for number in range(6)]
    rows = []
    for _ in range(400):
        at = BEGIN + timedelta(seconds=rng.randint(0, 430 * 86_400))
        late = rng.choice([timedelta(0), timedelta(0), timedelta(days=rng.randint(0, 60))])
        name = rng.choice(["e1", "e2", "e3", "login"]) if at < datetime(2024, 11, 1) else rng.choice(["e1", "e4"])
        value = rng.randint(-300, 300) / 7 if name == "e4" else None
        rows.append(
            (rng.choice(ids), at, name, rng.choice(["u1", "u2", None]), rng.randint(0, 30) / 10, value, at + late)
        )
    spans = [(name, BEGIN, None, 5.0) for name in ids[2:]]
    spans += [("a0", datetime(2024, 9, 15), None, 3.0), ("a1", BEGIN, datetime(2024, 4, 15), 2.0)]
    spans += [("a1", datetime(2024, 11, 20), None, 4.0)]
    if seats is not None:
        spans = [(name, start, end, seats if name == "a3" else old) for name, start, end, old in spans]
    kinds = {"occurred_at": "datetime64[us]", "loaded_at": "datetime64[us]", "value": "float64"}
    return make_tables(
        pd.DataFrame([*rows, *more], columns=COLUMNS).astype(kinds),
        pd.DataFrame({"account_id": ids, "created_at": [BEGIN + timedelta(days=10 * n) for n in range(6)]}),
        BEGIN, UNTIL,
        subscriptions=pd.DataFrame(spans, columns=["account_id", "started_at", "ended_at", "seats"]),
    )  # fmt: skip


def settings(folder, **project):
    tables = {name: {"path": name} for name in ("accounts", "events", "subscriptions")}
    return parse({"windows": LENGTHS, "tables": tables, "project": project}, folder)


def same(one, other):
    first, second = one.observations, other.observations
    assert [signal.name for signal in first.matrix.signals] == [signal.name for signal in second.matrix.signals]
    np.testing.assert_array_equal(first.matrix.values, second.matrix.values)
    assert np.asarray(first.matrix.values).tobytes() == np.asarray(second.matrix.values).tobytes()
    assert first.counts.tobytes() == second.counts.tobytes()
    pd.testing.assert_frame_equal(first.context, second.context)
    np.testing.assert_array_equal(one.known.ever, other.known.ever)
    return True


def month_by_month(make_tables, folder, seed, own=()):
    tables, asked, said = product(make_tables, seed), settings(folder), []
    earlier = None
    for count in range(1, len(DATES) + 1):
        # each month is scored on its fifth day too, which the next run has no use for
        dates = (*DATES[:count], DATES[count - 1] + timedelta(days=4))
        earlier = build(tables, FEATURES, asked, dates, earlier=earlier, progress=said.append, own=own)
        assert same(build(tables, FEATURES, asked, dates, own=own), earlier)
    return said


@pytest.mark.promise("twelve months one by one are the twelve at once, to the byte", cases="seeds")
@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(2, 40), marks=pytest.mark.long)])
def test_twelve_months_one_by_one_are_the_twelve_at_once(make_tables, tmp_path, seeds):
    for seed in seeds:
        # every second product has own signals
        said = month_by_month(make_tables, tmp_path, seed, OWN if seed % 2 else ())
        # the first of a month carries nothing over but what the months before left
        assert [line for line in said if "carried over" in line][-1] == "signals: 11 of 13 snapshots carried over"
        assert not any("anew" in line for line in said)


def test_seats_that_changed_for_the_past_are_noticed(make_tables, tmp_path):
    asked, said = settings(tmp_path), []
    earlier = build(product(make_tables, 1), FEATURES, asked, DATES[:4])
    mended = product(make_tables, 1, seats=9.0)
    again = build(mended, FEATURES, asked, DATES[:5], earlier=earlier, progress=said.append)
    assert "signals: accounts, seats or ages of earlier dates changed, computed anew" in said
    assert same(build(mended, FEATURES, asked, DATES[:5]), again)


def test_a_date_in_between_is_computed_anew(make_tables, tmp_path):
    tables, asked, said = product(make_tables, 1), settings(tmp_path), []
    earlier = build(tables, FEATURES, asked, (DATES[0], DATES[2]))
    again = build(tables, FEATURES, asked, DATES[:4], earlier=earlier, progress=said.append)
    assert "signals: other dates than before, computed anew" in said
    assert same(build(tables, FEATURES, asked, DATES[:4]), again)


def test_a_digest_tells_rows_before_a_date_from_later_ones(make_tables):
    tables, march = product(make_tables, 3), date(2024, 3, 1)
    before, after = digests(tables.events, [march, date(2025, 1, 1)])
    old, new = datetime(2024, 2, 1), datetime(2024, 4, 1)
    for row, changed in [
        (("a2", old, "e1", "u1", 1.0, None, old), True),
        (("a2", old, "e1", "u1", 1.0, None, new), False),
        (("a2", new, "e1", "u1", 1.0, None, new), False),
    ]:
        now = digests(product(make_tables, 3, more=[row]).events, [march, date(2025, 1, 1)])
        assert (now[0] != before) is changed
        assert now[1] != after
        assert added(now[0], product(make_tables, 3, more=[row]).events, march, date(2025, 1, 1)) == now[1]
    order = tables.events.order_by("event_name", "value")
    assert digests(order, [march, date(2025, 1, 1)]) == (before, after)


def test_a_row_changed_in_any_column_changes_the_digest(make_tables):
    old = datetime(2024, 2, 1)
    row = {"account_id": "a2", "occurred_at": old, "event_name": "e1", "user_id": "u1", "quantity": 1.0, "value": 2.0,
           "loaded_at": old}  # fmt: skip
    other = {"account_id": "a3", "occurred_at": old - timedelta(microseconds=1), "event_name": "e2", "user_id": None,
             "quantity": 1.5, "value": None, "loaded_at": old + timedelta(microseconds=1)}  # fmt: skip
    seen = {
        digests(product(make_tables, 3, more=[tuple({**row, **change}.values())]).events, [date(2024, 3, 1)])
        for change in ({}, *({name: value} for name, value in other.items()))
    }
    assert len(seen) == 8


def test_what_a_matrix_is_computed_by_has_a_hash_of_its_own(tmp_path):
    asked = settings(tmp_path)
    assert way_hash(FEATURES, asked, ()) == way_hash(FEATURES, settings(tmp_path, memory_limit="1GB"), ())
    assert way_hash(FEATURES, asked, ()) != way_hash(FEATURES[:2], asked, ())
    assert way_hash(FEATURES, asked, OWN) not in (way_hash(FEATURES, asked, ()), way_hash(FEATURES, asked, OWN[:3]))
    shorter = asked.model_copy(update={"windows": asked.windows.model_copy(update={"observation_days": 30})})
    assert way_hash(FEATURES, asked, ()) != way_hash(FEATURES, shorter, ())


def test_little_memory_means_many_chunks_a_matrix_in_a_file_and_the_same_bytes(make_tables, tmp_path):
    tables, said = product(make_tables, 1), []
    small = settings(tmp_path, memory_limit="8KB")
    made = build(tables, FEATURES, small, DATES, scratch=tmp_path, progress=said.append)
    assert sum("signals of accounts" in line for line in said) == 6
    assert isinstance(made.observations.matrix.values, Stacked)
    assert same(build(tables, FEATURES, settings(tmp_path), DATES), made)


def large(make_tables, folder, dates, earlier=None, **changed):
    """A build whose matrix stands in files of its own folder."""
    scratch = folder / str(len(dates))
    scratch.mkdir()
    return build(product(make_tables, 1, **changed), FEATURES, settings(folder, memory_limit="8KB"), dates,
                 earlier=earlier, scratch=scratch)  # fmt: skip


def test_files_of_earlier_snapshots_become_those_of_the_next_matrix(make_tables, tmp_path):
    earlier = large(make_tables, tmp_path, DATES[:3])
    parts = {day: Part(part.path, f"hash of {day}") for day, part in earlier.parts.items()}
    made = large(make_tables, tmp_path, DATES[:4], replace(earlier, parts=parts))
    assert [made.parts[day].sha256 for day in DATES[:4]] == [*(f"hash of {day}" for day in DATES[:3]), ""]
    for day in DATES[:3]:
        assert made.parts[day].path.samefile(parts[day].path)
    assert same(build(product(make_tables, 1), FEATURES, settings(tmp_path), DATES[:4]), made)


def test_a_file_in_which_a_signal_of_accounts_changed_is_written_again(make_tables, tmp_path):
    earlier = large(make_tables, tmp_path, DATES[:3])
    place = next(n for n, signal in enumerate(earlier.observations.matrix.signals) if signal.feature is None)
    wrong = np.load(earlier.parts[DATES[1]].path)
    wrong[0, place] += 1
    np.save(earlier.parts[DATES[1]].path, wrong)
    made = large(make_tables, tmp_path, DATES[:4], earlier)
    linked = [made.parts[day].path.samefile(earlier.parts[day].path) for day in DATES[:3]]
    assert linked == [True, False, True]
    assert same(build(product(make_tables, 1), FEATURES, settings(tmp_path), DATES[:4]), made)


def test_a_file_that_is_gone_is_written_again(make_tables, tmp_path):
    earlier = large(make_tables, tmp_path, DATES[:3])
    aside = {day: Part(tmp_path / f"gone-{day}", "x") for day in earlier.parts}
    made = large(make_tables, tmp_path, DATES[:4], replace(earlier, parts=aside))
    assert {part.sha256 for part in made.parts.values()} == {""}
    assert same(build(product(make_tables, 1), FEATURES, settings(tmp_path), DATES[:4]), made)
