"""Every feature measure against plain Python: loops over rows, written apart from the engine."""

from __future__ import annotations

import math
import random
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from milepost.settings import parse
from milepost.signals.build import build_observations
from milepost.signals.catalogue import Feature
from milepost.terms import Measure
from milepost.windows import midnight

BEGIN, UNTIL = datetime(2024, 1, 1), datetime(2024, 7, 1)
SNAPSHOTS = (date(2024, 1, 20), date(2024, 3, 1), date(2024, 4, 1))
OBSERVED, RECENT = 30, 10  # days
FEATURES = (Feature("one", ("e1", "e2"), "x"), Feature("two", ("e2",), "x"), Feature("idle", ("never",), "y"))
NAN = float("nan")


def world(seed):
    """Accounts older and younger than the data, seats of 0 and unknown, events around the edges of every window."""
    rng = random.Random(seed)
    created = {
        "old": BEGIN - timedelta(days=rng.randint(1, 400)),
        "same": BEGIN + timedelta(hours=rng.randint(0, 200)),
        "young": datetime(2024, 3, 20) + timedelta(minutes=rng.randint(-9_000, 9_000)),
    }
    spans = [
        (name, start, None, rng.choice([0.0, 1.0, 3.0, 7.0, None]), rng.choice([0.0, 10.0, 99.5]))
        for name, start in created.items()
    ]
    edges = [midnight(day) - timedelta(days=back) for day in SNAPSHOTS for back in (0, RECENT, OBSERVED)]
    rows = []
    for _ in range(rng.randint(5, 60)):
        near = rng.choice(edges) + timedelta(microseconds=rng.choice([-1, 0, 1]))
        anywhere = BEGIN + timedelta(seconds=rng.randint(0, 120 * 86_400))
        occurred = rng.choice([near, anywhere, anywhere])
        loaded = rng.choice([None, occurred + timedelta(hours=rng.randint(0, 400))])
        rows.append((rng.choice(list(created)), occurred, rng.choice(["e1", "e2", "login"]),
                     rng.choice(["u1", "u2", "u3", None]), float(rng.randint(0, 4)),
                     rng.choice([None, rng.randint(-20, 20) / 4]), loaded))  # fmt: skip
    return created, spans, rows


def divided(top, bottom, zero):
    return zero if bottom == 0 else top / bottom


def expected(created, seats, rows, feature, day):
    """Measure -> value for one account, feature and snapshot; `rows` are the account's own."""
    snapshot = midnight(day)
    used = [row for row in rows if row[4] != 0 and max(row[1], row[6] or row[1]) < snapshot]
    inside = [row for row in used if row[1] >= snapshot - timedelta(days=OBSERVED)]
    mine = [row for row in inside if row[2] in feature.event_names]
    tenure_days = math.ceil((snapshot - created) / timedelta(days=1))
    exposure = min(tenure_days, (snapshot - BEGIN).days, OBSERVED)
    uses = sum(row[4] for row in mine)
    recent = sum(row[4] for row in mine if row[1] >= snapshot - timedelta(days=RECENT))
    recent_rate = recent / min(exposure, RECENT)
    trend = 0.0
    if exposure > RECENT:
        earlier_rate = (uses - recent) / (exposure - RECENT)
        trend = divided(recent_rate - earlier_rate, recent_rate + earlier_rate, 0.0)
    users = len({row[3] for row in mine} - {None})
    all_users = len({row[3] for row in inside} - {None})
    last = max((row[1] for row in mine), default=None)
    ever = any(row[2] in feature.event_names for row in used)
    return {
        Measure.COUNT: uses / exposure,
        Measure.RECENT_COUNT: recent_rate,
        Measure.ACTIVE_DAYS: len({row[1].date() for row in mine}) / exposure,
        Measure.USERS: users,
        Measure.USER_SHARE: divided(users, all_users, 0.0),
        Measure.VALUE_SUM: sum(row[5] or 0.0 for row in mine) / exposure,
        Measure.RECENCY: OBSERVED if last is None else (snapshot - last) / timedelta(days=1),
        Measure.TREND: trend,
        Measure.EVER: 1.0 if ever else (NAN if created < BEGIN else 0.0),
        Measure.PER_SEAT: NAN if not seats else uses / exposure / seats,
    }


def built(make_tables, tmp_path, seed):
    created, spans, rows = world(seed)
    names = ["account_id", "occurred_at", "event_name", "user_id", "quantity", "value", "loaded_at"]
    events = pd.DataFrame(rows, columns=names).astype({"loaded_at": "datetime64[us]", "occurred_at": "datetime64[us]"})
    accounts = pd.DataFrame({"account_id": list(created), "created_at": list(created.values())})
    subscriptions = pd.DataFrame(spans, columns=["account_id", "started_at", "ended_at", "seats", "mrr"])
    tables = make_tables(events, accounts, BEGIN, UNTIL, subscriptions=subscriptions)
    windows = {"observation_days": OBSERVED, "gap_days": 7, "outcome_days": 30, "grace_days": 7}
    raw = {"windows": windows, "tables": {name: {"path": name} for name in ("accounts", "events", "subscriptions")}}
    return build_observations(tables, FEATURES, parse(raw, tmp_path), SNAPSHOTS)


def compare(observations, seed):
    created, spans, rows = world(seed)
    seats = {span[0]: span[3] for span in spans}
    names = {signal.name for signal in observations.matrix.signals}
    compared = 0
    for place, (account, day) in enumerate(observations.matrix.rows.itertuples(index=False)):
        own = [row for row in rows if row[0] == account]
        for feature in FEATURES:
            for measure, value in expected(created[account], seats[account], own, feature, day.date()).items():
                name = f"{feature.name}.{measure}"
                # a sum of values is a signal only where the data hold one
                if measure is Measure.VALUE_SUM and name not in names:
                    assert value == 0
                    continue
                found = observations.matrix.column(name)[place]
                np.testing.assert_allclose(found, value, rtol=2e-5, atol=1e-6, err_msg=f"{account} {day} {name}")
                compared += 1
    visible = {(a, d) for a, at in created.items() for d in SNAPSHOTS if at < midnight(d)}
    assert {(a, d.date()) for a, d in observations.matrix.rows.itertuples(index=False)} == visible
    return compared


@pytest.mark.promise("signals agree with plain Python", cases=1)
@pytest.mark.parametrize("seed", range(12))
def test_every_measure_agrees_with_plain_python(make_tables, tmp_path, seed):
    assert compare(built(make_tables, tmp_path, seed), seed) > 150


@pytest.mark.promise("signals agree with plain Python", cases=1)
@pytest.mark.long
@pytest.mark.parametrize("seed", range(12, 112))
def test_every_measure_agrees_with_plain_python_long(make_tables, tmp_path, seed):
    assert compare(built(make_tables, tmp_path, seed), seed) > 150
