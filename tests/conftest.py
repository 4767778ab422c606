"""Small worlds made by hand, shared by the tests."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest

from milepost.data.contract import CONTRACT, Tables

_TESTS = Path(__file__).parent
_BENCHMARKS = _TESTS.parent / "benchmarks"
PROMISES = pytest.StashKey[dict[str, dict[str, int]]]()
DTYPES = {"text": "string", "time": "timestamp(6)", "number": "float64", "flag": "boolean", "integer": "int64"}


def as_contract(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with every column of the contract, typed; extra columns stay."""
    columns = {column.name: column for column in CONTRACT[name]}
    full = frame.copy()
    for column in columns.values():
        if column.name not in full:
            full[column.name] = column.default
        kinds = {"text": "str", "time": "datetime64[us]", "number": "float64"}
        if column.kind in kinds:
            full[column.name] = full[column.name].astype(kinds[column.kind])
    return full


def ibis_table(connection: Any, name: str, frame: pd.DataFrame) -> ibis.Table:
    """The frame as a table of its own on the connection, every column typed even when empty or all null."""
    schema = {column.name: DTYPES[column.kind] for column in CONTRACT[name]}
    schema |= {extra: "timestamp(6)" if extra == "visible_at" else "string" for extra in frame if extra not in schema}
    return connection.create_table(name, frame[list(schema)], schema=ibis.schema(schema), temp=True, overwrite=True)


def promised(item: pytest.Item) -> list[tuple[str, int]]:
    """What a test tries of which promise: (promise, cases); a text for cases names the parameter that holds them."""
    tried = []
    for mark in item.iter_markers("promise"):
        cases = mark.kwargs["cases"]
        if isinstance(cases, str):
            held = item.callspec.params[cases]  # type: ignore[attr-defined]
            cases = held if isinstance(held, int) else len(held)
        tried.append((mark.args[0], cases))
    return tried


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what all collected tests would try, long ones included: file -> promise -> cases."""
    found = config.stash.setdefault(PROMISES, {})
    for item in items:
        for name, cases in promised(item):
            of_file = found.setdefault(item.path.relative_to(_TESTS).as_posix(), {})
            of_file[name] = of_file.get(name, 0) + cases


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.when == "call":
        report.user_properties.extend(("promise", [name, cases]) for name, cases in promised(item))
    return report


@pytest.fixture
def promises(request: pytest.FixtureRequest) -> dict[str, dict[str, int]]:
    """file -> promise -> cases, of every file that this run collected."""
    return request.config.stash[PROMISES]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What was tried of each promise in this run, where long tests ran: the table of docs/reliability.md."""
    tried: dict[str, list[int]] = {}
    for outcome, place in (("passed", 0), ("failed", 1), ("skipped", 2)):
        for report in terminalreporter.stats.get(outcome, []):
            for kind, value in getattr(report, "user_properties", []):
                if kind == "promise":
                    tried.setdefault(value[0], [0, 0, 0])[place] += value[1]
    if "long" not in terminalreporter.config.getoption("markexpr").replace("not long", "") or not tried:
        return
    terminalreporter.section("promises")
    terminalreporter.write_line(f"{'promise':<72}{'held':>8}{'failed':>8}")
    for name, (held, failed, _) in sorted(tried.items()):
        terminalreporter.write_line(f"{name:<72}{held:>8,}{failed:>8,}")


@pytest.fixture
def make_tables() -> Callable[..., Tables]:
    """Tables from frames, without files: events, accounts and, optionally, the others."""

    def make(
        events: pd.DataFrame,
        accounts: pd.DataFrame,
        begin: datetime,
        until: datetime,
        **others: pd.DataFrame,
    ) -> Tables:
        connection = ibis.duckdb.connect()
        connection.raw_sql("SET TimeZone='UTC'")
        full = as_contract("events", events)
        full["visible_at"] = full[["occurred_at", "loaded_at"]].max(axis=1).astype("datetime64[us]")
        opened = {
            name: ibis_table(connection, name, as_contract(name, frame)) if frame is not None else None
            for name, frame in others.items()
        }
        return Tables(
            connection=connection,
            accounts=ibis_table(connection, "accounts", as_contract("accounts", accounts)),
            events=ibis_table(connection, "events", full),
            subscriptions=opened.get("subscriptions"),
            conversations=opened.get("conversations"),
            surveys=opened.get("surveys"),
            access=opened.get("access"),
            has_users="user_id" in events,
            has_values="value" in events,
            has_quantities="quantity" in events,
            data_begin=begin,
            complete_until=until,
            row_counts=(),
            findings=(),
            fingerprint="test",
            has_reopened="reopened" in (() if others.get("conversations") is None else others["conversations"]),
        )

    return make


@pytest.fixture(scope="session")
def product() -> Callable[..., Any]:
    """kind, accounts, seed, … -> a simulated product as milepost sees it (`Seen`), with its truth."""
    sys.path.insert(0, str(_BENCHMARKS))
    try:
        structural = importlib.import_module("worlds.structural")
        observe = importlib.import_module("worlds.observe").observe
    finally:
        sys.path.remove(str(_BENCHMARKS))

    def make(**world: Any) -> Any:
        return observe(structural.live(structural.World(**world)))

    return make
