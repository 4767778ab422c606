"""What every command shares: dates, errors as one line, and readers that stop reading."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date

import pytest
import typer

from milepost.cli.run import emit, one_line_errors, parse_date
from milepost.errors import EnvironmentFault, InputError


def test_a_reader_that_closes_the_pipe_is_no_error():
    read, write = os.pipe()
    os.close(read)
    code = "from milepost.cli.run import emit; emit({}, 'x' * 200_000, False); import sys; sys.stderr.write('done')"
    ran = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (ran.returncode, ran.stderr) == (0, "done")


def test_json_has_no_nan(capsys):
    emit({"risk": 0.5}, "text", True)
    assert capsys.readouterr().out == '{\n  "risk": 0.5\n}\n'
    with pytest.raises(ValueError, match="Out of range"):
        emit({"risk": float("nan")}, "text", True)


def test_a_date_is_year_month_day():
    assert parse_date("2024-04-01") == date(2024, 4, 1)
    for text in ("", "1 April", "2024-13-01"):
        with pytest.raises(InputError, match=f"'{text}' is not a date"):
            parse_date(text)


@pytest.mark.parametrize(
    ("error", "line", "code"),
    [
        (InputError("no column 'x'", where="events"), "error[INPUT] events: no column 'x'", 2),
        (EnvironmentFault("disk full"), "error[ENVIRONMENT] disk full", 3),
        (
            PermissionError(13, "Permission denied", "/x"),
            "error[ENVIRONMENT] /x: permission denied; check this path",
            3,
        ),
        (MemoryError(), "error[ENVIRONMENT] MemoryError; free the resource and run again", 3),
        (KeyboardInterrupt(), "interrupted", 130),
        (ZeroDivisionError(), "error[BUG] ZeroDivisionError in milepost; run again with --debug and report it", 4),
    ],
)
def test_every_error_is_one_line_with_its_code(capsys, error, line, code):
    with pytest.raises(typer.Exit) as caught, one_line_errors(debug=False):
        raise error
    assert caught.value.exit_code == code
    said = capsys.readouterr().err
    assert said.startswith(line)
    assert said.count("\n") == 1


def test_debug_adds_the_traceback(capsys):
    with pytest.raises(typer.Exit), one_line_errors(debug=True):
        raise InputError("no column 'x'")
    assert "Traceback" in capsys.readouterr().err
