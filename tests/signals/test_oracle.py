"""Every measure against plain Python: files written, opened and built by the engine are counted anew in loops here.

What is added up is compared in float64: counts and moments exactly, sums of fractions to 1e-9. The matrix is float32,
so that its ratios are compared to its own precision, and its whole numbers exactly.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from milepost.data.sources import open_tables
from milepost.settings import parse
from milepost.signals.build import build_observations
from milepost.signals.catalogue import Feature
from milepost.signals.own import read_own
from milepost.signals.own_use import asked
from milepost.signals.population import find_population
from milepost.signals.scatter import read_chunk
from milepost.signals.usage import usage

BEGIN = datetime(2024, 1, 1)
SNAPSHOTS = (date(2024, 1, 20), date(2024, 3, 1), date(2024, 4, 1))
OBSERVED, RECENT = 30, 10  # days
FEATURES = (Feature("one", ("e1", "e2"), "x"), Feature("two", ("e2",), "x"), Feature("idle", ("e3",), "y"))
EVENTS = {"one": ("e1", "e2"), "two": ("e2",), "idle": ("e3",), "login": ("login",), "e1": ("e1",)}
NAN = float("nan")
# of what -> measure -> per -> days of the window; each becomes a signal of signals.toml
OWN = [
    (of, measure, per, days)
    for of, days in (("feature one", 12), ("feature two", 1), ("event login", 30), ("event e1", 7))
    for measure, pers in {
        "count": ("day", "", "seat", "user"), "value_sum": ("day", "", "seat", "user"), "active_days": ("day", ""),
        "users": ("", "seat"), "user_share": ("user",), "recency": ("",), "trend": ("",), "ever": ("",),
    }.items()
    for per in pers
    if measure != "trend" or days > 1
]  # fmt: skip
DAY = timedelta(days=1)


def own_name(of, measure, per, days):
    return f"own.{of.replace(' ', '_')}_{measure}_{per or 'plain'}_{days}"


def own_file():
    rows = []
    for of, measure, per, days in OWN:
        kind, _, name = of.partition(" ")
        window = "" if measure == "ever" else f"window_days = {days}\n"
        rows.append(f'[[signals]]\nname = "{own_name(of, measure, per, days)}"\n{kind} = "{name}"\n'
                    f'measure = "{measure}"\nper = "{per}"\n{window}')  # fmt: skip
    return "\n".join(rows)


@dataclass
class Row:
    """One event as it is written to the file."""

    account: str
    occurred: datetime
    name: str
    user: str | None
    quantity: float
    value: float | None
    loaded: datetime | None
    key: str | None


@dataclass
class World:
    """What the files say."""

    created: dict[str, datetime]
    spans: list[tuple[str, datetime, datetime | None, float | None]]
    rows: list[Row]
    daily: bool = False
    copies: list[Row] = field(default_factory=list)


def make_world(seed):
    """Accounts older and younger than the data; seats that change, 0 and unknown; events around every edge of a window,
    late ones, copies of events with a key; every fourth world has counts a day."""
    rng = random.Random(seed)
    created = {
        "old": BEGIN - timedelta(days=rng.randint(1, 400)),
        "same": BEGIN + timedelta(hours=rng.randint(0, 200)),
        "young": datetime(2024, 3, 20) + timedelta(minutes=rng.randint(-9_000, 9_000)),
    }
    world = World(created, [], [], daily=seed % 4 == 3)
    for name, start in created.items():
        for count in range(rng.randint(1, 4)):
            last = rng.choice([start + rng.randint(1, 60) * DAY, start + timedelta(minutes=rng.randint(1, 90_000))])
            end = rng.choice([None, last, last, rng.choice([datetime(2024, 3, 1), datetime(2024, 4, 1)])])
            if end is not None and end <= start:
                continue
            world.spans.append((name, start, end, rng.choice([0.0, 1.0, 3.0, 7.0, None])))
            if end is None:
                break
            start = end + rng.choice([timedelta(0), timedelta(0), 9 * DAY]) * min(count, 1)
    if not any(end is None for _, _, end, _ in world.spans):
        world.spans.append(("new", BEGIN, None, 2.0))
        created["new"] = BEGIN
    lengths = (0, 1, RECENT, 7, 12, OBSERVED)
    edges = [datetime(day.year, day.month, day.day) - back * DAY for day in SNAPSHOTS for back in lengths]
    for number in range(rng.randint(5, 60)):
        near = rng.choice(edges) + timedelta(microseconds=rng.choice([-1, 0, 1]))
        anywhere = BEGIN + timedelta(seconds=rng.randint(0, 120 * 86_400))
        occurred = max(rng.choice([near, anywhere, anywhere]), BEGIN)
        if world.daily:
            occurred = datetime(occurred.year, occurred.month, occurred.day)
        loaded = rng.choice([None, occurred + timedelta(hours=rng.randint(0, 400))])
        world.rows.append(Row(
            rng.choice(list(created)), occurred, rng.choice(["e1", "e2", "login"]),
            rng.choice(["u1", "u2", "u3", None]), float(rng.randint(0, 4)),
            rng.choice([None, rng.randint(-2000, 2000) / 100]), loaded, rng.choice([None, f"k{number}"]),
        ))  # fmt: skip
    # the data begin on the same day in every world, and every event name occurs
    world.rows += [Row("old", BEGIN, name, None, 1.0, None, None, None) for name in ("e1", "e2", "e3", "login")]
    world.copies = [copy_of(row, rng) for row in world.rows if row.key is not None and rng.random() < 0.4]
    return world


def copy_of(row, rng):
    """The same event once more, or mended later: the copy that was visible first counts."""
    later = (row.loaded or row.occurred) + timedelta(hours=rng.randint(1, 300))
    return rng.choice([row, replace(row, loaded=later, quantity=row.quantity + 5, value=77.0)])


def settings_of(world, folder):
    tables = {name: {"path": f"{name}.parquet"} for name in ("accounts", "events", "subscriptions")}
    if world.daily:
        tables["events"]["daily"] = True
    windows = {"observation_days": OBSERVED, "gap_days": 7, "outcome_days": 30, "grace_days": 7}
    data = {"complete_until": date(2024, 7, 1)}
    return parse({"windows": windows, "tables": tables, "data": data}, folder)


def write(world, folder):
    """The files, rows in some order; copies stand among the others."""
    rows = [*world.rows, *world.copies]
    random.Random(len(rows)).shuffle(rows)
    names = ["account_id", "occurred_at", "event_name", "user_id", "quantity", "value", "loaded_at", "event_id"]
    events = pd.DataFrame([tuple(vars(row).values()) for row in rows], columns=names)
    times = {"occurred_at": "datetime64[us]", "loaded_at": "datetime64[us]"}
    texts = {"user_id": "str", "event_id": "str"}
    events.astype({**times, **texts, "value": "float64"}).to_parquet(folder / "events.parquet")
    accounts = pd.DataFrame({"account_id": list(world.created), "created_at": list(world.created.values())})
    accounts.astype({"created_at": "datetime64[us]"}).to_parquet(folder / "accounts.parquet")
    spans = pd.DataFrame(world.spans, columns=["account_id", "started_at", "ended_at", "seats"])
    times = {"started_at": "datetime64[us]", "ended_at": "datetime64[us]", "seats": "float64"}
    spans.astype(times).assign(mrr=10.0).to_parquet(folder / "subscriptions.parquet")
    (folder / "signals.toml").write_text(own_file(), encoding="utf-8")


# -- counted in loops


@dataclass
class Counted:
    """What a window holds of some events of one account."""

    uses: float
    value: float
    days: int
    users: int
    last: datetime | None


def midnight_of(day):
    return datetime(day.year, day.month, day.day)


def visible(world, account, snapshot):
    return [
        row for row in world.rows
        if row.account == account and row.quantity != 0 and row.occurred < snapshot
        and (row.loaded is None or row.loaded < snapshot)
    ]  # fmt: skip


def counted(world, account, snapshot, names, days):
    """`names` None: any event."""
    rows = [
        row for row in visible(world, account, snapshot)
        if row.occurred >= snapshot - days * DAY and (names is None or row.name in names)
    ]  # fmt: skip
    return Counted(
        sum(row.quantity for row in rows), math.fsum(row.value or 0.0 for row in rows),
        len({row.occurred.date() for row in rows}), len({row.user for row in rows if row.user is not None}),
        max((row.occurred for row in rows), default=None),
    )  # fmt: skip


def seats_at(world, account, snapshot):
    """(whether a subscription runs just before the snapshot, its seats): the one that started last counts."""
    running = [
        (start, seats) for name, start, end, seats in world.spans
        if name == account and start < snapshot and (end is None or end >= snapshot)
    ]  # fmt: skip
    return bool(running), max(running, key=lambda pair: pair[0])[1] if running else None


def exposure_of(world, account, snapshot, days):
    tenure = math.ceil((snapshot - world.created[account]) / DAY)
    return min(tenure, (snapshot - BEGIN).days, days)


def divided(top, bottom, zero=NAN):
    return zero if bottom is None or bottom == 0 else top / bottom


def expected(world, account, snapshot, names, measure, per, days):
    """The value of one signal, in the widest numbers there are."""
    mine = counted(world, account, snapshot, names, days)
    everyone = counted(world, account, snapshot, None, days).users
    exposure = exposure_of(world, account, snapshot, days)
    _, seats = seats_at(world, account, snapshot)
    if measure == "ever":
        if any(row.name in names for row in visible(world, account, snapshot)):
            return 1.0
        return NAN if world.created[account] < BEGIN else 0.0
    if measure == "trend":
        recent_days = max(1, days // 3)
        if exposure <= recent_days:
            return 0.0
        recent = counted(world, account, snapshot, names, recent_days).uses
        now, then = recent / recent_days, (mine.uses - recent) / (exposure - recent_days)
        return divided(now - then, now + then, 0.0)
    if measure == "recency":
        return float(days) if mine.last is None else (snapshot - mine.last) / DAY
    if measure == "user_share":
        return divided(mine.users, everyone, 0.0)
    plain = {"count": mine.uses, "value_sum": mine.value, "active_days": mine.days, "users": mine.users}[measure]
    if measure != "users" and per:
        plain /= exposure
    if per == "seat":
        return divided(plain, seats)
    return divided(plain, everyone) if per == "user" else plain


BUILT_IN = {
    "count": ("count", "day", OBSERVED), "active_days": ("active_days", "day", OBSERVED),
    "users": ("users", "", OBSERVED), "user_share": ("user_share", "user", OBSERVED),
    "value_sum": ("value_sum", "day", OBSERVED), "recency": ("recency", "", OBSERVED),
    "trend": ("trend", "", OBSERVED), "ever": ("ever", "", 0), "per_seat": ("count", "seat", OBSERVED),
}  # fmt: skip


def questions():
    """Signal name -> event names, measure, per, days of the window."""
    for feature in ("one", "two", "idle"):
        for name, (measure, per, days) in BUILT_IN.items():
            yield f"{feature}.{name}", (EVENTS[feature], measure, per, days)
    for of, measure, per, days in OWN:
        yield own_name(of, measure, per, days), (EVENTS[of.split()[1]], measure, per, days)


def recent_count(world, account, snapshot, names):
    uses = counted(world, account, snapshot, names, RECENT).uses
    return uses / exposure_of(world, account, snapshot, RECENT)


# -- compared


def check_matrix(world, observations):
    """Every value of the matrix that comes from events; returns how many."""
    matrix = observations.matrix
    columns = {signal.name: place for place, signal in enumerate(matrix.signals)}
    compared = 0
    for place, (account, day) in enumerate(matrix.rows.itertuples(index=False)):
        snapshot = midnight_of(day)
        wanted = {name: expected(world, account, snapshot, *asked_for) for name, asked_for in questions()}
        wanted |= {
            f"{feature}.recent_count": recent_count(world, account, snapshot, EVENTS[feature])
            for feature in ("one", "two", "idle")
        }
        for name, value in wanted.items():
            # a sum of values is a signal of a feature only where the data hold one
            if name not in columns and name.endswith(".value_sum"):
                assert value == 0
                continue
            found = matrix.values[place, columns[name]]
            about = f"{account} {day} {name}: {found} for {value}"
            whole = value == int(value) if not math.isnan(value) and not name.endswith(".trend") else False
            if math.isnan(value):
                assert np.isnan(found), about
            elif whole and ("users" in name or "_plain_" in name or "ever" in name) and "trend" not in name:
                assert found == value, about
            else:
                assert math.isclose(found, value, rel_tol=5e-7, abs_tol=1e-6 if "trend" in name else 1e-12), about
            compared += 1
    return compared


def check_rows(world, observations):
    """The accounts that run at each snapshot, and no others."""
    there = {
        (account, day)
        for account, created in world.created.items()
        for day in SNAPSHOTS
        if created < midnight_of(day) and seats_at(world, account, midnight_of(day))[0]
    }
    assert {(account, day.date()) for account, day in observations.matrix.rows.itertuples(index=False)} == there


def check_sums(world, tables, settings, own):
    """What is added up from the long form, before it is divided and narrowed."""
    windows = settings.windows.windows()
    population = find_population(tables, settings.data, SNAPSHOTS, windows)
    names = [*(EVENTS[feature.name] for feature in FEATURES), *((name,) for name in asked(own).events), None]
    lengths = {OBSERVED, RECENT, *asked(own).windows}
    counting = {OBSERVED, *asked(own).user_windows}
    compared = 0
    with usage(tables, FEATURES, population, windows, 10**9, asked(own)) as found:
        (part,) = found.parts
        chunk = read_chunk(part.use, part.users, part.cells, len(names) - 1, 0, len(population.account_ids))
        for number, day in enumerate(SNAPSHOTS):
            for days in sorted(lengths):
                use = chunk.at(number, days)
                for row, account in enumerate(population.account_ids):
                    for column, of in enumerate(names):
                        mine = counted(world, account, midnight_of(day), of, days)
                        about = f"{account} {day} {of} {days}"
                        assert use.active_days[row, column] == mine.days, about
                        if days in counting:
                            assert use.users[row, column] == mine.users, about
                        last = np.nan if mine.last is None else (mine.last - datetime(1970, 1, 1)) / timedelta(0, 0, 1)
                        np.testing.assert_equal(use.last_at[row, column], last, about)
                        if of is not None:
                            assert use.uses[row, column] == mine.uses, about
                            assert math.isclose(use.value[row, column], mine.value, rel_tol=1e-9, abs_tol=1e-9), about
                        compared += 1
    return compared


def compare(seed, folder):
    world = make_world(seed)
    write(world, folder)
    settings = settings_of(world, folder)
    own = read_own(settings, FEATURES)
    tables = open_tables(settings)
    (events,) = (count for count in tables.row_counts if count.table == "events")
    assert (events.used, events.deduplicated) == (len(world.rows), len(world.copies))
    observations = build_observations(tables, FEATURES, settings, SNAPSHOTS, own=own)
    assert observations.matrix.signals[-len(own) :] == own
    check_rows(world, observations)
    return check_matrix(world, observations), check_sums(world, tables, settings, own)


@pytest.mark.promise("signals agree with plain Python (data sets)", cases=1)
@pytest.mark.parametrize("seed", range(12))
def test_every_measure_agrees_with_plain_python(tmp_path, seed):
    values, sums = compare(seed, tmp_path)
    assert values > 80
    assert sums > 300


@pytest.mark.promise("signals agree with plain Python (data sets)", cases="seeds")
@pytest.mark.long
@pytest.mark.parametrize("seeds", [range(first, first + 50) for first in range(0, 500, 50)])
def test_every_measure_agrees_with_plain_python_on_500_data_sets(tmp_path, seeds):
    for seed in seeds:
        folder = tmp_path / str(seed)
        folder.mkdir()
        values, sums = compare(seed, folder)
        assert values > 80
        assert sums > 300
