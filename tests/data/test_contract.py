"""Answers of an engine, and what it says when it has none."""

from datetime import datetime

import ibis
import pandas as pd
import pytest

from milepost.data.contract import answering, said, to_frame
from milepost.errors import ContractError, EnvironmentFault


class Engine:
    """The name of a backend, which is all that `answering` asks for."""

    def __init__(self, name):
        self.name = name


def test_times_are_in_microseconds():
    frame = to_frame(ibis.memtable(pd.DataFrame({"at": pd.to_datetime(["2024-01-01"]).astype("datetime64[s]")})))
    assert frame["at"].dtype == "datetime64[us]"
    assert frame["at"].tolist() == [datetime(2024, 1, 1)]


def test_another_engine_that_fails_is_a_fault_of_the_environment():
    with pytest.raises(EnvironmentFault, match=r"tables\.events: pyspark did not answer: no space left$"), \
            answering(Engine("pyspark")):  # fmt: skip
        raise ValueError("no space left\nat line 7")


def test_our_own_errors_and_those_of_duckdb_stay_what_they_are():
    with pytest.raises(ContractError, match="0 rows"), answering(Engine("postgres")):
        raise ContractError("0 rows")
    with pytest.raises(ValueError, match="no space left"), answering(Engine("duckdb")):
        raise ValueError("no space left")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("An error occurred while calling o7.sql.\n: java.io.IOException: disk\n\tat x", "java.io.IOException: disk"),
        ("[DIVIDE_BY_ZERO] Division by zero.\n\nJVM stacktrace:", "[DIVIDE_BY_ZERO] Division by zero."),
        ("x" * 300, "x" * 160),
        (" \n", "Silent"),
        ("", "Silent"),
    ],
)
def test_the_first_line_that_says_something(text, line):
    class Silent(Exception):
        """As an error that says nothing."""

    assert said(Silent(text)) == line
