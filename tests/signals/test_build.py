"""Signals worked out by hand."""

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from milepost.errors import InputError
from milepost.settings import parse
from milepost.signals.build import build_observations, size_bands
from milepost.signals.catalogue import Feature

BEGIN, UNTIL = datetime(2024, 1, 1), datetime(2024, 6, 1)
SNAPSHOT = date(2024, 4, 1)
MACROS = Feature("macros", ("macro_run", "macro_edit"), "automation")
EXPORT = Feature("export", ("export",), "reporting", plans=("premium",))


def settings(tmp_path, **parts):
    # observation [2024-03-02, 2024-04-01), recent [2024-03-22, 2024-04-01)
    windows = {"observation_days": 30, "gap_days": 7, "outcome_days": 30, "grace_days": 7}
    raw = {
        "windows": windows,
        "tables": {"accounts": {"path": "a"}, "events": {"path": "e"}, **parts.pop("tables", {})},
    }
    return parse({**raw, **parts}, tmp_path)


def events(*rows):
    names = ["account_id", "occurred_at", "event_name", "user_id", "quantity", "value", "loaded_at"]
    frame = pd.DataFrame([(*row, *[None] * (7 - len(row))) for row in rows], columns=names)
    return frame.assign(quantity=frame["quantity"].fillna(1.0).astype(float))


ACCOUNTS = pd.DataFrame({"account_id": ["a", "b"], "created_at": pd.to_datetime(["2024-01-10", "2024-03-12"])})
SUBSCRIPTIONS = pd.DataFrame(
    [
        ("a", "2024-01-10", "2024-03-15", "base", "starter", 4.0, 40.0),
        ("a", "2024-03-15", None, "base", "premium", 8.0, 90.0),
        ("a", "2024-03-20", None, "sms", None, 100.0, 10.0),
        ("b", "2024-03-12", "2024-05-01", "base", "premium", 0.0, 20.0),
    ],
    columns=["account_id", "started_at", "ended_at", "item", "plan", "seats", "mrr"],
)


@pytest.fixture
def built(make_tables, tmp_path):
    tables = make_tables(
        events(
            ("a", datetime(2024, 3, 1, 23), "macro_run", "u1"),  # before the window
            ("a", datetime(2024, 3, 2), "macro_run", "u1"),  # first moment of the window
            ("a", datetime(2024, 3, 10, 9), "macro_edit", "u1"),
            ("a", datetime(2024, 3, 10, 18), "macro_run", "u2"),
            ("a", datetime(2024, 3, 25, 12), "macro_run", "u2", 3.0, 5.0),
            ("a", datetime(2024, 3, 28), "login", "u3"),
            ("a", datetime(2024, 3, 30), "export", "u1", 1.0, None, datetime(2024, 4, 1)),  # loaded at the snapshot
            ("a", datetime(2024, 4, 1), "macro_run", "u1"),  # belongs to the next snapshot
            ("b", datetime(2024, 3, 31, 12), "export", "v1"),
        ),
        ACCOUNTS, BEGIN, UNTIL, subscriptions=SUBSCRIPTIONS,
    )  # fmt: skip
    return build_observations(
        tables, (MACROS, EXPORT), settings(tmp_path, tables={"subscriptions": {"path": "s"}}), [SNAPSHOT]
    )


def value(observations, account, signal):
    row = observations.matrix.rows["account_id"].tolist().index(account)
    return float(observations.matrix.column(signal)[row])


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        ("macros.count", 6 / 30),  # 1 + 1 + 1 + 3 uses in 30 days
        ("macros.recent_count", 3 / 10),  # 3 uses in the last 10 days
        ("macros.active_days", 3 / 30),  # 2, 10 and 25 March
        ("macros.users", 2),
        ("macros.user_share", 2 / 3),  # u3 only logged in
        ("macros.value_sum", 5 / 30),
        ("macros.recency", 6.5),  # noon of the 25th to midnight of the 1st
        ("macros.trend", (3 / 10 - 3 / 20) / (3 / 10 + 3 / 20)),
        ("macros.ever", 1),
        ("macros.per_seat", 6 / 30 / 8),
        ("export.count", 0),  # recorded in time, loaded too late
        ("export.ever", 0),
        ("export.recency", 30),
        ("export.trend", 0),
        ("account.seats", 8),
        ("account.mrr", 100),  # base and add-on
        ("account.items", 2),
        ("account.seats_growth", 1.0),  # 4 seats on 2 March
        ("account.active_users", 3),
        ("account.seats_active", 3 / 8),
        ("account.breadth", 1),
        ("account.active_days", 4 / 30),
        ("account.days_since_last_use", 4),
        ("account.plan=premium", 1),
    ],
)
def test_signals_of_account_a(built, signal, expected):
    assert value(built, "a", signal) == pytest.approx(expected, rel=1e-6)


def test_young_account_is_counted_per_day_observed(built):
    assert value(built, "b", "account.exposure_days") == 20
    assert value(built, "b", "export.count") == pytest.approx(1 / 20)


def test_zero_seats_make_ratios_unknown(built):
    assert np.isnan(value(built, "b", "export.per_seat"))
    assert np.isnan(value(built, "b", "account.seats_active"))


def test_eligible_by_the_plan_at_the_start_of_the_window(built):
    # a upgraded to premium inside the window; b began on premium
    assert built.eligible[:, 1].tolist() == [False, True]
    assert built.access_known
    assert built.adopted.tolist() == [[True, False], [False, True]]


def test_events_after_the_snapshot_change_nothing_else(built):
    assert built.counts[0].tolist() == [6, 0]
    assert built.context["plan"].tolist() == ["premium", "premium"]
    assert built.context["plan_at_start"].tolist() == ["starter", "premium"]


def test_unknown_past_is_not_no(make_tables, tmp_path):
    accounts = pd.DataFrame({"account_id": ["old"], "created_at": [pd.Timestamp("2020-01-01")]})
    tables = make_tables(events(("old", datetime(2024, 3, 20), "export", "u")), accounts, BEGIN, UNTIL)
    made = build_observations(tables, (MACROS, EXPORT), settings(tmp_path), [SNAPSHOT])
    assert np.isnan(value(made, "old", "macros.ever"))
    assert value(made, "old", "export.ever") == 1


def test_no_running_account_is_an_error(make_tables, tmp_path):
    accounts = pd.DataFrame({"account_id": ["late"], "created_at": [pd.Timestamp("2024-05-01")]})
    tables = make_tables(events(("late", datetime(2024, 3, 20), "export", "u")), accounts, BEGIN, UNTIL)
    with pytest.raises(InputError, match="no account is running at any snapshot"):
        build_observations(tables, (MACROS, EXPORT), settings(tmp_path), [SNAPSHOT])


def test_size_bands_in_words():
    seats = pd.Series([0, 1, 5, 6, 101, np.nan])
    assert size_bands(seats, (5, 100)).tolist() == [
        "0 seats", "1-5 seats", "1-5 seats", "6-100 seats", "over 100 seats", "unknown",
    ]  # fmt: skip


def test_conversations_count_from_their_own_times(make_tables, tmp_path):
    conversations = pd.DataFrame(
        [
            # opened, first reply, resolved, rated
            ("c1", "2024-03-05", "2024-03-05 00:30", "2024-03-06", 5.0, "2024-03-07"),
            ("c2", "2024-03-10", "2024-03-10 01:30", "2024-04-02", 1.0, "2024-04-03"),  # resolved after the snapshot
            ("c3", "2024-03-20", "2024-04-01", None, None, None),  # replied to at the snapshot: not yet
            ("c4", "2024-02-01", "2024-02-01 00:10", "2024-03-10", 3.0, "2024-03-12"),  # opened before the window
            ("c5", "2024-04-01", None, None, None, None),  # belongs to the next snapshot
        ],
        columns=["conversation_id", "opened_at", "first_reply_at", "resolved_at", "rating", "rated_at"],
    ).assign(account_id="a")
    tables = make_tables(
        events(("a", datetime(2024, 3, 20), "export", "u")), ACCOUNTS, BEGIN, UNTIL,
        subscriptions=SUBSCRIPTIONS, conversations=conversations,
    )  # fmt: skip
    places = {"subscriptions": {"path": "s"}, "conversations": {"path": "c"}}
    made = build_observations(tables, (MACROS, EXPORT), settings(tmp_path, tables=places), [SNAPSHOT])
    assert value(made, "a", "account.conversations_opened") == pytest.approx(3 / 30)
    assert value(made, "a", "account.conversations_resolved") == pytest.approx(2 / 30)
    assert value(made, "a", "account.conversations_resolved_per_seat") == pytest.approx(2 / 8)
    assert value(made, "a", "account.first_reply_minutes") == 60  # median of 30 and 90
    assert value(made, "a", "account.resolution_minutes") == pytest.approx((24 * 60 + 38 * 24 * 60) / 2)
    assert value(made, "a", "account.rating") == 4
    assert value(made, "a", "account.rated_share") == 1
    assert value(made, "b", "account.conversations_opened") == 0
    assert np.isnan(value(made, "b", "account.first_reply_minutes"))


def test_the_last_survey_answer_before_the_snapshot(make_tables, tmp_path):
    surveys = pd.DataFrame(
        [
            ("2024-03-05", "nps", 3.0),
            ("2024-03-25", "nps", 9.0),
            ("2024-04-01", "nps", 1.0),
            ("2024-02-01", "csat", 5.0),
        ],
        columns=["answered_at", "kind", "score"],
    ).assign(account_id="a")
    tables = make_tables(
        events(("a", datetime(2024, 3, 20), "export", "u")), ACCOUNTS, BEGIN, UNTIL,
        subscriptions=SUBSCRIPTIONS, surveys=surveys,
    )  # fmt: skip
    places = {"subscriptions": {"path": "s"}, "surveys": {"path": "v"}}
    made = build_observations(tables, (MACROS, EXPORT), settings(tmp_path, tables=places), [SNAPSHOT])
    assert value(made, "a", "account.nps") == 9
    assert np.isnan(value(made, "a", "account.csat"))


def test_a_feature_sold_apart_is_open_to_those_who_bought_it(make_tables, tmp_path):
    access = pd.DataFrame(
        [("a", "macros", "2024-03-03", None), ("b", "macros", "2024-03-12", "2024-12-01")],
        columns=["account_id", "feature", "available_from", "available_to"],
    )
    tables = make_tables(
        events(("a", datetime(2024, 3, 20), "export", "u")), ACCOUNTS, BEGIN, UNTIL,
        subscriptions=SUBSCRIPTIONS, access=access,
    )  # fmt: skip
    places = {"subscriptions": {"path": "s"}, "access": {"path": "x"}}
    made = build_observations(tables, (MACROS, EXPORT), settings(tmp_path, tables=places), [SNAPSHOT])
    # a bought it inside the window; b, younger than the window, has had it all its life
    assert made.eligible[:, 0].tolist() == [False, True]


def test_row_order_and_threads_change_no_byte(make_tables, tmp_path):
    rng = np.random.default_rng(3)
    rows = [
        ("ab"[rng.integers(2)], datetime(2024, 3, 1) + pd.Timedelta(minutes=int(rng.integers(43_000))),
         ["macro_run", "export", "login"][rng.integers(3)], f"u{rng.integers(4)}",
         float(rng.integers(1, 4)), rng.normal())
        for _ in range(300)
    ]  # fmt: skip
    made = []
    for order, threads in ((range(300), 1), (reversed(range(300)), 2), (rng.permutation(300), 4)):
        shuffled = events(*[rows[place] for place in order])
        tables = make_tables(shuffled, ACCOUNTS[::-1], BEGIN, UNTIL, subscriptions=SUBSCRIPTIONS[::-1])
        tables.connection.raw_sql(f"SET threads = {threads}")
        parsed = settings(tmp_path, tables={"subscriptions": {"path": "s"}})
        made.append(build_observations(tables, (MACROS, EXPORT), parsed, [SNAPSHOT]).matrix.values.tobytes())
    assert made[0] == made[1] == made[2]


def test_the_plan_an_account_begins_with_later_is_not_known_yet(make_tables, tmp_path):
    # only an add-on runs at the snapshot; the plan follows a week later
    rows = [("a", "2024-03-20", None, "sms", None, None, 5.0), ("a", "2024-04-08", None, "base", "premium", 4.0, 40.0)]
    tables = make_tables(
        events(("a", datetime(2024, 3, 20), "export", "u")), ACCOUNTS, BEGIN, UNTIL,
        subscriptions=pd.DataFrame(rows, columns=SUBSCRIPTIONS.columns),
    )  # fmt: skip
    parsed = settings(tmp_path, tables={"subscriptions": {"path": "s"}})
    made = build_observations(tables, (MACROS, EXPORT), parsed, [SNAPSHOT])
    assert made.context["plan_at_start"].tolist() == [""]
    assert made.eligible[:, 1].tolist() == [False]
