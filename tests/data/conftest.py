"""A small product on disk that open_tables reads, and the same with one thing changed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from milepost.settings import Settings, parse

ACCOUNTS = "account_id,created_at\na1,2024-01-01\na2,2024-01-02\n"
EVENTS = "account_id,occurred_at,event_name,event_id\na1,2024-02-01 10:00:00,export,1\na2,2024-02-02 11:30:00,login,2\n"


@pytest.fixture
def product(tmp_path: Path) -> Callable[..., Settings]:
    """Settings over files written into the test's folder: `product(files, events={...keys}, data={...})`.

    A file not given is the small default; table keys are laid over `path`.
    """

    def make(
        files: Mapping[str, str | bytes] | None = None,
        data: Mapping[str, Any] | None = None,
        **tables: Mapping[str, Any],
    ) -> Settings:
        for name, content in {"accounts.csv": ACCOUNTS, "events.csv": EVENTS, **(files or {})}.items():
            raw = content.encode("utf-8") if isinstance(content, str) else content
            (tmp_path / name).write_bytes(raw)
        given: dict[str, dict[str, Any]] = {
            "accounts": {"path": "accounts.csv", **tables.get("accounts", {})},
            "events": {"path": "events.csv", **tables.get("events", {})},
        }
        for name in ("subscriptions", "conversations", "surveys"):
            if name in tables or f"{name}.csv" in (files or {}):
                given[name] = {"path": f"{name}.csv", **tables.get(name, {})}
        return parse({"tables": given, "data": dict(data or {})}, folder=tmp_path)

    return make


@pytest.fixture(scope="session")
def hostile() -> Any:
    """The module `hostile` beside this file: events that every engine has to read alike."""
    found = importlib.util.spec_from_file_location("hostile", Path(__file__).with_name("hostile.py"))
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
