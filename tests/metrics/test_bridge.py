from __future__ import annotations

from datetime import date, timedelta

import ibis
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.metrics.bridge import read_movements
from milepost.windows import midnight

START, END, GRACE = date(2024, 1, 1), date(2024, 4, 1), 14
MOVED = {
    "add_on": ("contracted", 15.1, 11.0),
    "annual": ("unchanged", 40, 40),
    "back_in_grace": ("resumed", 0, 80),
    "downgrade": ("contracted", 30, 12.25),
    "ends_at_midnight": ("unchanged", 7, 7),
    "fresh": ("new", 0, 90),
    "gone": ("churned", 50, 0),
    "grace_just_over": ("churned", 3, 0),
    "pausing": ("paused", 60, 0),
    "short_hole": ("unchanged", 5, 5),
    "upgrade": ("expanded", 10, 25.5),
    "won_back": ("reactivated", 0, 70),
}


def test_every_movement_by_hand(by_hand):
    found = read_movements(by_hand, START, END, GRACE).set_index("account_id")
    got = {name: (row.movement, row.opening / 1e6, row.closing / 1e6) for name, row in found.iterrows()}
    assert got == MOVED


def test_what_happens_from_the_date_on_changes_nothing(by_hand):
    frame = by_hand.execute()
    frame["ended_at"] = frame["ended_at"].where(frame["ended_at"] < midnight(END), pd.Timestamp("2024-05-01"))
    again = read_movements(ibis.memtable(frame[frame["started_at"] < midnight(END)]), START, END, GRACE)
    pd.testing.assert_frame_equal(again, read_movements(by_hand, START, END, GRACE))


def oracle(rows, start, end, grace):
    """Plain Python: (opening, closing, movement) by account, of rows (start, end or None, cents)."""
    answer = {}
    for account, parts in rows.items():
        seen = [(a, None if b is None or b >= end else b, m) for a, b, m in parts if a < end]

        def running(day, seen=seen):
            return [m for a, b, m in seen if a < day and (b is None or b >= day)]

        before, after = running(start), running(end)
        if not before and not after:
            continue
        opening, closing = sum(before), sum(after)
        if before and not after:
            last = max(b for _, b, _ in seen)
            kind = "churned" if last + timedelta(days=grace) <= end else "paused"
        elif after and not before:
            earlier = [b for a, b, _ in seen if a < start]
            back = min(a for a, _, _ in seen if a >= start)
            kind = "new" if not earlier else "reactivated"
            if earlier and back <= max(earlier) + timedelta(days=grace):
                kind = "resumed"
        else:
            kind = "expanded" if closing > opening else "contracted" if closing < opening else "unchanged"
        answer[account] = (opening, closing, kind)
    return answer


@st.composite
def lives(draw):
    """Up to five stretches, one after the other, in days around the period."""
    day, parts = draw(st.integers(-200, 60)), []
    for _ in range(draw(st.integers(1, 5))):
        length = draw(st.integers(1, 120))
        last = draw(st.booleans()) and draw(st.booleans())
        parts.append((day, None if last else day + length, draw(st.integers(0, 5000))))
        if last:
            break
        day += length + draw(st.sampled_from([0, 0, 3, 13, 14, 15, 40]))
    return parts


@settings(max_examples=60, deadline=None)
@given(st.lists(lives(), min_size=1, max_size=12), st.sampled_from([0, 14]))
def test_movements_equal_a_plain_oracle_and_the_bridge_adds_up(subscriptions, found, grace):
    zero = midnight(START)

    def at(day):
        return None if day is None else zero + timedelta(days=day)

    rows = {
        f"a{place:02}": [
            (zero + timedelta(days=a), None if b is None else zero + timedelta(days=b), m) for a, b, m in parts
        ]
        for place, parts in enumerate(found)
    }
    table = subscriptions([(name, a, b, cents / 100) for name, parts in rows.items() for a, b, cents in parts])
    moves = read_movements(table, START, END, grace)
    got = {row.account_id: (row.opening // 10_000, row.closing // 10_000, row.movement) for row in moves.itertuples()}
    assert got == oracle(rows, zero, midnight(END), grace)
    change = (moves["closing"] - moves["opening"]).groupby(moves["movement"]).sum()
    assert moves["opening"].sum() + change.sum() == moves["closing"].sum()
    assert change.get("unchanged", 0) == 0
    assert (change.reindex(["new", "reactivated", "resumed", "expanded"]).fillna(0) >= 0).all()
    assert (change.reindex(["contracted", "paused", "churned"]).fillna(0) <= 0).all()
