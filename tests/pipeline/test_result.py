"""What a verb returns: plain JSON, aligned text, and a gate."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from milepost.errors import GateFailed
from milepost.pipeline.result import Result, plain, shown, table
from milepost.terms import Verdict


def test_everything_becomes_json():
    given = {
        "nan": float("nan"), "inf": np.float32("inf"), "flag": np.bool_(True), "whole": np.int64(3),
        "day": date(2024, 4, 1),
        "path": Path("a/b"), "array": np.array([[1.0, np.nan]]), "verdict": Verdict.KEEP, 7: (None, "text", True),
    }  # fmt: skip
    assert json.loads(json.dumps(plain(given), allow_nan=False)) == {
        "nan": None, "inf": None, "flag": True, "whole": 3, "day": "2024-04-01", "path": "a/b", "array": [[1.0, None]],
        "verdict": "keep", "7": [None, "text", True],
    }  # fmt: skip


def test_a_gate_says_no_and_the_answer_stays():
    Result({}, "text").raise_for_gate()
    result = Result({"x": float("nan")}, "text", "the data are stale")
    with pytest.raises(GateFailed, match="the data are stale"):
        result.raise_for_gate()
    assert result.as_json() == {"x": None}
    assert result.as_text() == "text"


def test_numbers_stand_on_the_right():
    assert table(["name", "share"], [["a", "1.5%"], ["long name", "-10.25%"]]).splitlines() == [
        "name         share",
        "a             1.5%",
        "long name  -10.25%",
    ]


def test_one_word_in_a_column_puts_it_on_the_left():
    assert table(["a", "b"], [["1", "x"], ["22", "unknown"]]).splitlines() == [" a  b", " 1  x", "22  unknown"]


def test_a_path_below_the_working_folder_is_shown_short(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "out" / "x") == "out/x"
    assert shown(Path("/elsewhere/x")) == "/elsewhere/x"
