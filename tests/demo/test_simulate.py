from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from milepost.data.contract import CONTRACT
from milepost.demo.features import (
    DRIVER,
    FEATURES,
    HARMFUL,
    MEDIATOR,
    NICHE_DRIVER,
    NICHE_PREMIUM,
    UBIQUITOUS,
)
from milepost.demo.simulate import Demo, simulate
from milepost.demo.world import KINDS, World

TABLES = ("accounts", "subscriptions", "events", "conversations", "surveys", "access")
OWN = {"accounts": {"industry", "source"}}


@pytest.mark.parametrize("table", TABLES)
def test_tables_have_the_contract_s_columns(demo: Demo, table: str) -> None:
    frame = getattr(demo, table)
    names = set(frame.column_names if table == "events" else frame.columns)
    contract = {column.name: column for column in CONTRACT[table]}
    assert names - set(contract) == OWN.get(table, set())
    assert {name for name, column in contract.items() if column.required} <= names
    for name in names & set(contract):
        if contract[name].kind == "time":
            kind = frame.schema.field(name).type if table == "events" else frame[name].dtype
            assert str(kind) in ("timestamp[us]", "datetime64[us]")


@pytest.mark.parametrize("table", TABLES)
def test_required_columns_are_never_empty_and_accounts_known(demo: Demo, events: pd.DataFrame, table: str) -> None:
    frame = events if table == "events" else getattr(demo, table)
    for column in CONTRACT[table]:
        if column.required:
            assert frame[column.name].notna().all(), column.name
    assert set(frame["account_id"]) <= set(demo.accounts["account_id"])
    assert len(frame) > 100


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    world = World(accounts=120, months=8, seed=11)
    first, second, other = simulate(world), simulate(world), simulate(World(accounts=120, months=8, seed=12))
    assert first.events.equals(second.events)
    for table in set(TABLES) - {"events"}:
        pd.testing.assert_frame_equal(getattr(first, table), getattr(second, table))
    pd.testing.assert_frame_equal(first.contact_effect, second.contact_effect)
    assert first.truth == second.truth
    assert not first.events.equals(other.events)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_world_runs(kind: str) -> None:
    small = simulate(World(accounts=80, months=7, seed=2, kind=kind))
    assert small.truth["world"]["kind"] == kind
    assert small.events.num_rows > 5000


def test_growing_worlds_sign_up_late(demo: Demo) -> None:
    grown = simulate(World(accounts=500, months=14, seed=3, kind="growth"))
    half = pd.Timestamp("2023-08-01")
    assert (grown.accounts["created_at"] > half).mean() > (demo.accounts["created_at"] > half).mean() + 0.04


def test_adoption_by_role_within_84_days(demo: Demo, events: pd.DataFrame) -> None:
    snapshot = pd.Timestamp("2024-01-01")
    base = demo.subscriptions.query("item == 'base'")
    open_rows = base[(base["started_at"] < snapshot) & (base["ended_at"].isna() | (base["ended_at"] >= snapshot))]
    running = set(open_rows["account_id"])
    seen = events[(events["occurred_at"] < snapshot) & (events["occurred_at"] >= snapshot - pd.Timedelta(days=84))]
    seen = seen[seen["account_id"].isin(running)].astype({"account_id": "str", "event_name": "str"})
    names = {name: f.name for f in FEATURES for name in f.events.split("|")}
    share = seen.assign(feature=seen["event_name"].map(names)).groupby("feature")["account_id"].nunique() / len(running)
    bands = {
        UBIQUITOUS: (0.93, 1.0),
        DRIVER: (0.10, 0.90),
        MEDIATOR: (0.10, 0.90),
        HARMFUL: (0.10, 0.90),
        NICHE_DRIVER: (0.01, 0.12),
        NICHE_PREMIUM: (0.0, 0.14),
    }
    for feature in FEATURES:
        if feature.role in bands:
            low, high = bands[feature.role]
            assert low <= share.get(feature.name, 0.0) <= high, feature.name


def test_plan_goes_with_size_and_trials_with_the_start(demo: Demo) -> None:
    first = demo.subscriptions.query("item == 'base'").sort_values("started_at").groupby("account_id").head(1)
    seats = first.groupby("plan")["seats"].median()
    assert seats["premium"] > seats["growth"] > seats["starter"]
    wait = first.set_index("account_id")["started_at"] - demo.accounts.set_index("account_id")["created_at"]
    assert set(wait.dropna().dt.days) == {0, 14}
    unpaid = 1 - len(first) / len(demo.accounts)
    assert np.isclose(unpaid, 0.08, atol=0.04)
