"""The command line in one process, and a small product it has run on."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

from milepost.cli.main import app
from milepost.demo.simulate import simulate
from milepost.demo.world import World
from milepost.demo.write import write_demo


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="session")
def milepost():
    """Call the command line: milepost("run", "-c", path)."""
    return call


@pytest.fixture(scope="session")
def product(tmp_path_factory):
    """A demo product on disk; churn is raised, so that a small one holds enough of it."""
    folder = tmp_path_factory.mktemp("product")
    write_demo(simulate(World(accounts=700, months=16, seed=5, churned_share=0.15)), folder)
    return folder


@pytest.fixture(scope="session")
def finished(product):
    """The same product after `milepost run --json`, with the answer."""
    ran = call("run", "-c", product / "milepost.toml", "--json")
    assert ran.exit_code == 0, ran.stderr
    return product, json.loads(ran.stdout)


@pytest.fixture
def copy(product, tmp_path):
    """The inputs only, for a test that changes them."""
    for name in ("milepost.toml", "features.csv"):
        shutil.copy(product / name, tmp_path / name)
    shutil.copytree(product / "data", tmp_path / "data")
    return tmp_path
