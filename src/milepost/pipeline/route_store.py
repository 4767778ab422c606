"""What routing keeps: one folder per date with its decisions, flags and contacts; every file is checked when read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from milepost.data.publish import current, lock, publish, refused, spreadsheet_safe
from milepost.routing.memory import CONTACT_COLUMNS, FLAG_COLUMNS, Memory, days_back, no_memory
from milepost.routing.rules import Rules

DECISIONS, FLAGS, CONTACTS = "decisions", "flags", "contacts"


@contextmanager
def routing_here(folder: Path) -> Iterator[None]:
    """Only one process routes at a time. Raises LockHeld while another one does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(error, str(folder)) from None
    with lock(folder):
        yield


def routed_dates(folder: Path) -> list[date]:
    """Dates that have been routed, oldest first."""
    found = (path.parent.name for path in folder.glob("????-??-??/CURRENT"))
    return sorted(date.fromisoformat(name) for name in found)


def read_memory(folder: Path, today: date, rules: Rules) -> Memory:
    """What stands from dates before today. Raises ContractError when a file of one of them is damaged."""
    before = [day for day in routed_dates(folder) if day < today]
    if not before:
        return no_memory()
    flags = pd.read_parquet(current(folder / str(before[-1])) / f"{FLAGS}.parquet")
    recent = [day for day in before if day >= today - timedelta(days=days_back(rules))]
    contacts = [pd.read_parquet(current(folder / str(day)) / f"{CONTACTS}.parquet") for day in recent]
    kept = [frame for frame in contacts if len(frame)]
    return Memory(
        flags[FLAG_COLUMNS], pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=CONTACT_COLUMNS)
    )


def keep(folder: Path, day: date, version: str, parts: dict[str, pd.DataFrame]) -> None:
    """Keep a date: its parts take the place of what an earlier run for the same date left."""

    def write(target: Path) -> None:
        for name, frame in parts.items():
            frame.to_parquet(target / f"{name}.parquet", index=False)

    publish(folder / str(day), version, write)


def read_decisions(folder: Path, day: date) -> pd.DataFrame:
    """The decisions of a date that was routed."""
    return pd.read_parquet(current(folder / str(day)) / f"{DECISIONS}.parquet")


def publish_routes(folder: Path, version: str, decisions: pd.DataFrame, others: dict[str, pd.DataFrame]) -> Path:
    """The newest routes for people and programs; returns the path of routes.csv's folder."""

    def write(target: Path) -> None:
        decisions.to_parquet(target / "routes.parquet", index=False)
        for name, frame in {"routes": decisions, **others}.items():
            spreadsheet_safe(frame).to_csv(target / f"{name}.csv", index=False)

    publish(folder, version, write)
    return folder


def with_routes(scores: pd.DataFrame, decisions: pd.DataFrame) -> pd.DataFrame:
    """The scores with `route` and `route_because` as decided."""
    mine = decisions.set_index("account_id").reindex(scores["account_id"])
    evidence = mine["evidence"].map(lambda text: f" ({text})" if text else "")
    because = (mine["reason"] + evidence).to_numpy(dtype=object)
    return scores.assign(route=mine["route"].to_numpy(dtype=object), route_because=because)
