"""One small world and one without effects, simulated once for all tests here."""

from __future__ import annotations

import pandas as pd
import pytest

from milepost.demo.simulate import Demo, simulate
from milepost.demo.world import World

SMALL = World(accounts=500, months=14, seed=3)


@pytest.fixture(scope="session")
def demo() -> Demo:
    return simulate(SMALL)


@pytest.fixture(scope="session")
def null_demo() -> Demo:
    return simulate(World(accounts=500, months=14, seed=3, kind="no_effect"))


@pytest.fixture(scope="session")
def events(demo: Demo) -> pd.DataFrame:
    frame: pd.DataFrame = demo.events.to_pandas()
    return frame
