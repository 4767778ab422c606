"""The simulators of benchmarks/worlds, for tests."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="session")
def worlds() -> ModuleType:
    """The small simulator, with `World` and `simulate`."""
    name = "milepost_test_worlds"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, BENCHMARKS / "worlds" / "simulate.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def product() -> Callable[..., Any]:
    """kind, accounts, seed, … -> a simulated product as milepost sees it (`Seen`), with its truth."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        structural = importlib.import_module("worlds.structural")
        observe = importlib.import_module("worlds.observe").observe
    finally:
        sys.path.remove(str(BENCHMARKS))

    def make(**world: Any) -> Any:
        return observe(structural.live(structural.World(**world)))

    return make
