from __future__ import annotations

import numpy as np
import pandas as pd

from milepost.demo.billing import NEVER, Grant
from milepost.demo.simulate import Demo
from milepost.demo.world import World, calendar


def test_a_grant_counts_for_whole_months_only() -> None:
    dates = calendar(World(accounts=50, months=6))
    second = int(dates.starts[2])
    grant = Grant("x", "x", 1.0, np.array([second, second + 1, NEVER]), np.array([int(dates.starts[4]), NEVER, NEVER]))
    had = grant.months(dates)
    assert np.flatnonzero(had[:, 0]).tolist() == [2, 3]
    assert np.flatnonzero(had[:, 1])[0] == 3
    assert not had[:, 2].any()


def test_rows_of_one_item_never_overlap(demo: Demo) -> None:
    rows = demo.subscriptions.sort_values(["account_id", "item", "started_at"])
    again = (rows[["account_id", "item"]] == rows[["account_id", "item"]].shift()).all(axis=1)
    before = rows["ended_at"].shift()
    assert before[again].notna().all()
    assert (rows["started_at"][again] >= before[again]).all()
    assert (rows["ended_at"].dropna() > rows["started_at"][rows["ended_at"].notna()]).all()


def test_accounts_end_at_term_ends_only(demo: Demo) -> None:
    base = demo.subscriptions.query("item == 'base'").sort_values("started_at").groupby("account_id").tail(1)
    ended = base[base["ended_at"].notna()]
    assert len(ended) == demo.truth["world"]["churned_accounts"] > 40
    assert (ended["ended_at"] == ended["term_ends_at"]).all()
    assert (ended["ended_at"] < demo.complete_until).all()
    running = base[base["ended_at"].isna()]
    assert (running["term_ends_at"] >= demo.complete_until).all()


def test_money_is_seats_times_price_less_the_annual_discount(demo: Demo) -> None:
    base = demo.subscriptions.query("item == 'base'")
    price = base["plan"].map({"starter": 19.0, "growth": 49.0, "premium": 99.0})
    off = np.where(base["term_months"] == 12, 0.85, 1.0)
    assert np.allclose(base["mrr"], base["seats"] * price * off, atol=0.006)
    assert base["seats"].between(1, 500).all()
    assert (base["seats"] % 1 == 0).all()


def test_terms_of_a_row_hold_it(demo: Demo) -> None:
    base = demo.subscriptions.query("item == 'base'")
    assert (base["started_at"] < base["term_ends_at"]).all()
    over = base["ended_at"].notna()
    assert (base["ended_at"][over] <= base["term_ends_at"][over]).all()
    length = (base["term_ends_at"] - base["started_at"]).dt.days
    assert length[base["term_months"] == 1].max() <= 31
    assert length[base["term_months"] == 12].max() <= 366


def test_failed_payments_leave_holes_within_the_grace_days(demo: Demo) -> None:
    base = demo.subscriptions.query("item == 'base'").sort_values(["account_id", "started_at"])
    hole = (base["started_at"] - base.groupby("account_id")["ended_at"].shift()).dropna()
    assert (hole >= pd.Timedelta(0)).all()
    wide = hole[hole > pd.Timedelta(0)]
    assert len(wide) > 0
    assert wide.between(pd.Timedelta(days=3), pd.Timedelta(days=11)).all()


def test_every_kind_of_change_occurs(demo: Demo) -> None:
    base = demo.subscriptions.query("item == 'base'").sort_values(["account_id", "started_at"])
    steps = base.groupby("account_id")["seats"].diff().dropna()
    assert (steps > 0).sum() > (steps < 0).sum() > 20
    assert (base.groupby("account_id")["plan"].nunique() > 1).sum() > 10
    assert set(demo.subscriptions["item"]) == {"base", "ai_agent", "phone"}
    assert demo.subscriptions.query("item != 'base'")["plan"].isna().all()


def test_access_rows_follow_the_add_ons(demo: Demo) -> None:
    assert set(demo.access["feature"]) == {"ai_answers", "voice_calls", "copilot_beta"}
    assert len(demo.access) < len(demo.accounts)
    assert not demo.access.duplicated(["account_id", "feature"]).any()
    sold = demo.subscriptions.query("item == 'phone'").set_index("account_id").sort_index()
    given = demo.access.query("feature == 'voice_calls'").set_index("account_id").sort_index()
    assert given.index.equals(sold.index)
    assert (given["available_from"] == sold["started_at"]).all()
    pd.testing.assert_series_equal(given["available_to"], sold["ended_at"], check_names=False)


def test_add_ons_end_with_their_account(demo: Demo) -> None:
    base = demo.subscriptions.query("item == 'base'").sort_values("started_at").groupby("account_id")["ended_at"].last()
    last = demo.subscriptions.query("item == 'base'").sort_values("started_at").groupby("account_id").tail(1)
    ended = last.set_index("account_id")["ended_at"].dropna()
    extra = demo.subscriptions.query("item != 'base'").set_index("account_id")
    both = extra.index.intersection(ended.index)
    assert len(both) > 5
    assert len(base) == len(last)
    limit = ended.reindex(extra.loc[both].index)
    assert (extra.loc[both, "ended_at"] <= limit).all()
