from __future__ import annotations

import math
from datetime import date, datetime, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from milepost.metrics.definitions import DEFINITIONS
from milepost.metrics.support import Support, quantile, support_rows, visible_conversations
from milepost.settings import TeamHours

START, END = date(2024, 1, 1), date(2024, 4, 1)
FIRST, LAST = datetime(2024, 1, 1), datetime(2024, 4, 1)
NAMES = ["account_id", "opened_at", "first_reply_at", "resolved_at", "rated_at", "replies", "rating", "quality_score",
         "reopened"]  # fmt: skip
TEAM = TeamHours(opens=8, closes=18, days=("mon", "tue", "wed", "thu", "fri"))


def draw(seed):
    """A random history: conversations open, answered, resolved and rated, or not, on both sides of both dates."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(int(rng.integers(1, 60))):
        opened = FIRST + timedelta(hours=int(rng.integers(-30 * 24, 100 * 24)))
        reply = opened + timedelta(minutes=int(rng.integers(1, 5000))) if rng.random() < 0.9 else None
        done = opened + timedelta(hours=int(rng.integers(1, 900))) if rng.random() < 0.8 else None
        rated = done + timedelta(hours=int(rng.integers(1, 90))) if done and rng.random() < 0.4 else None
        rows.append((f"a{rng.integers(0, 6)}", opened, reply, done, rated, int(rng.integers(1, 4)),
                     float(rng.integers(1, 6)) if rated else None,
                     float(rng.integers(1, 100)) if rng.random() < 0.5 else None,
                     float(rng.integers(0, 3)) if rng.random() < 0.7 else None))  # fmt: skip
    return rows


def oracle(rows, seats):
    """Plain Python, one conversation at a time; None where there is nothing to count."""

    def known(moment):
        return moment if moment is not None and moment < LAST else None

    seen = [(a, o, known(f), known(r), known(t), *rest) for a, o, f, r, t, *rest in rows if o < LAST]
    opened = [row for row in seen if row[1] >= FIRST]
    resolved = [row for row in seen if row[3] is not None and row[3] >= FIRST]
    replies = sorted((f - o).total_seconds() / 60 for _, o, f, *_ in opened if f)
    hours = sorted((r - o).total_seconds() / 3600 for _, o, _, r, *_ in opened if r)
    worked = sorted(by_hand(o, f) / 60 for _, o, f, *_ in opened if f)
    worked_hours = sorted(by_hand(o, r) / 3600 for _, o, _, r, *_ in opened if r)
    stars = [row[6] for row in seen if row[4] and row[4] >= FIRST]
    again = [row[8] > 0 for row in resolved if row[8] is not None]
    asked, answered = [0] * 24, [0] * 24
    for row in opened:
        asked[row[1].hour] += 1
    for row in seen:
        if row[2] and row[2] >= FIRST:
            answered[row[2].hour] += 1
    quality = [row[7] for row in resolved if row[7] is not None]

    def at(values, share):
        return values[math.ceil(share * len(values) - 1e-9) - 1] if values else None

    def mean(values):
        return sum(values) / len(values) if values else None

    ran = sum(row[0] in seats for row in opened)
    return {
        "conversations_opened": len(opened), "conversations_resolved": len(resolved),
        "backlog": sum(row[3] is None for row in seen),
        "first_reply_minutes_median": at(replies, 0.5), "first_reply_minutes_p90": at(replies, 0.9),
        "resolution_hours_median": at(hours, 0.5), "resolution_hours_p90": at(hours, 0.9),
        "first_reply_minutes_working_median": at(worked, 0.5), "first_reply_minutes_working_p90": at(worked, 0.9),
        "resolution_hours_working_median": at(worked_hours, 0.5), "resolution_hours_working_p90": at(worked_hours, 0.9),
        "hours_uncovered": sum(a > 0 and b < a / 10 for a, b in zip(asked, answered, strict=True)),
        "reopened_share": mean(again),
        "one_touch_share": mean([row[5] == 1 for row in resolved]), "satisfaction_mean": mean(stars),
        "satisfaction_response_rate": mean([row[4] is not None for row in resolved]),
        "reply_quality_mean": mean(quality),
        "conversations_per_account": ran / len(seats), "conversations_per_seat": ran / sum(seats.values()),
    }  # fmt: skip


def by_hand(since, until):
    """Seconds between two moments within TEAM's hours, day by day."""
    total, day = 0.0, since.replace(hour=0, minute=0, second=0)
    while day < until:
        if day.weekday() < 5:
            begin, end = day + timedelta(hours=8), day + timedelta(hours=18)
            total += max((min(until, end) - max(since, begin)).total_seconds(), 0)
        day += timedelta(days=1)
    return total


def frame(rows):
    typed = (
        pd.DataFrame(rows, columns=NAMES)
        .assign(topic=None, kind=None)
        .astype(dict.fromkeys(NAMES[1:5], "datetime64[us]"))
    )
    return typed.astype(dict.fromkeys(NAMES[5:], float) | {"topic": "string", "kind": "string"})


def figures(rows, running, segments=None, least=1):
    given = Support(visible_conversations(ibis.memtable(frame(rows)), END), running, START, TEAM)
    return support_rows(given, segments or {}, least)


@pytest.mark.parametrize("block", range(10))
def test_figures_equal_a_plain_oracle_on_200_histories(block):
    seats = {f"a{place}": place + 1.0 for place in range(4)}  # a4 and a5 have left
    running = pd.DataFrame({"account_id": list(seats), "seats": list(seats.values())})
    for seed in range(20 * block, 20 * block + 20):
        rows = draw(seed)
        wanted = oracle(rows, seats)
        found = figures(rows, running).set_index("metric")["value"]
        assert set(found.index) == set(wanted) <= set(DEFINITIONS)
        for metric, value in wanted.items():
            if value is None:
                assert math.isnan(found[metric]), (seed, metric)
            else:
                assert found[metric] == pytest.approx(value, rel=1e-12), (seed, metric)


def test_counts_of_segments_add_up():
    running = pd.DataFrame({"account_id": ["a0", "a1"], "seats": [1.0, 2.0]})
    rows = figures(draw(5), running, {"plan": pd.Series({"a0": "x", "a1": "y", "a2": "y"})})
    counts = rows[rows["metric"].isin(["conversations_opened", "conversations_resolved", "backlog"])]
    sums = counts.groupby(["segment_by", "metric"])["value"].sum().unstack()
    assert set(rows["segment"]) == {"total", "x", "y", "unknown"}
    assert (sums.loc["plan"] == sums.loc["total"]).all()


def test_a_column_that_is_not_there_is_named():
    bare = [(*row[:6], None, None, None) for row in draw(5)]
    found = figures(bare, pd.DataFrame({"account_id": ["a0"], "seats": [1.0]})).set_index("metric")["note"]
    assert found["reply_quality_mean"] == "needs quality_score in conversations"
    assert found["satisfaction_mean"] == "needs rating in conversations"
    assert found["one_touch_share"] == ""


def test_quantiles_by_hand():
    values = np.array([5.0, 1.0, 4.0, 2.0, 3.0])
    assert [quantile(values, np.arange(5), share)[0] for share in (0.2, 0.21, 0.5, 0.9, 1.0)] == [1, 2, 3, 5, 5]
    assert quantile(values, np.zeros(5, dtype=np.intp), 0.5)[0] == 3
    assert np.isnan(quantile(values, np.zeros(5, dtype=np.intp), 0.5)[1])  # one account has no spread
    assert np.isnan(quantile(np.array([]), np.array([], dtype=np.intp), 0.5)).all()


def test_the_interval_is_by_account():
    """20 accounts, each with its own level 100 times over: as uncertain as 20 values, not as 2,000."""
    level = np.random.default_rng(3).normal(0, 1, 20)
    _, low, high = quantile(np.repeat(level, 100), np.repeat(np.arange(20), 100), 0.5)
    _, low_once, high_once = quantile(level, np.arange(20), 0.5)
    assert (low, high) == (low_once, high_once)


@pytest.mark.parametrize(("share", "truth", "accounts"), [(0.5, 0.0, 40), (0.9, 1.2815515655446004 * 2**0.5, 100)])
def test_the_interval_holds_the_truth_19_times_of_20(share, truth, accounts):
    """Accounts of 1 to 30 values with a level of their own: 400 draws."""
    rng, held = np.random.default_rng(8), 0
    for _ in range(400):
        account = np.repeat(np.arange(accounts), rng.integers(1, 31, accounts))
        values = rng.normal(0, 1, accounts)[account] + rng.normal(0, 1, len(account))
        _, low, high = quantile(values, account, share)
        held += low <= truth <= high
    assert 0.92 <= held / 400 <= 0.98


def test_the_order_of_rows_changes_nothing():
    running = pd.DataFrame({"account_id": ["a0", "a1"], "seats": [1.0, 2.0]})
    rows = draw(5)
    pd.testing.assert_frame_equal(figures(rows, running), figures(rows[::-1], running), check_exact=True)
