"""What every command shares: the clock, progress on stderr, errors as one line, exit codes."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from milepost.errors import InputError, MilepostError

if TYPE_CHECKING:
    from milepost.pipeline.job import Job

Config = Annotated[Path, typer.Option("-c", "--config", help="The settings, milepost.toml.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="DATE", help="Score as of this date; nothing from it on is seen.")
]
MemoryLimit = Annotated[
    str | None, typer.Option("--memory-limit", metavar="AMOUNT", help="Such as 2GB; by default a third of the machine.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
DEFAULT_CONFIG = Path("milepost.toml")
INTERRUPTED, BUG = 130, 4


def wall_clock() -> datetime:
    """Now, UTC without a zone; only the command line asks."""
    return datetime.now(UTC).replace(tzinfo=None)


def progress() -> Callable[[str], None]:
    """Lines on stderr with the seconds since the start."""
    start = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - start:6.1f} s  {text}", file=sys.stderr, flush=True)

    return say


def job(config: Path, as_of: str | None = None, memory_limit: str | None = None) -> Job:
    """A job ready to work, from the options every command has."""
    from milepost.pipeline.job import open_job

    return open_job(config, wall_clock(), None if as_of is None else parse_date(as_of), progress(), memory_limit)


def parse_date(text: str, where: str = "--as-of") -> date:
    """A date on the command line. Raises InputError for anything but YYYY-MM-DD."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"'{text}' is not a date", where=where, expected="a date such as 2024-04-01") from None


@contextmanager
def one_line_errors(debug: bool) -> Iterator[None]:
    """Turn every error into one line on stderr and its exit code; `debug` adds the traceback."""
    try:
        yield
    except (MilepostError, KeyboardInterrupt, OSError, MemoryError) as error:
        if debug:
            traceback.print_exc()
        line, code = _described(error)
        print(line, file=sys.stderr)
        raise typer.Exit(code) from None
    except typer.Exit:
        raise
    except Exception as error:
        if debug:
            traceback.print_exc()
        if type(error).__module__ in ("_duckdb", "duckdb"):
            line, code = _of_tables(error)
            print(line, file=sys.stderr)
            raise typer.Exit(code) from None
        print(f"error[BUG] {type(error).__name__} in milepost; run again with --debug and report it", file=sys.stderr)
        raise typer.Exit(BUG) from None


def _of_tables(error: Exception) -> tuple[str, int]:
    """A table that was read when it was opened and could not be read to its end: damage, or the machine."""
    fault = type(error).__name__ in ("IOException", "OutOfMemoryException")
    what = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
    kind, fix = ("ENVIRONMENT", "check disk and memory") if fault else ("TABLE", "write the file again")
    return f"error[{kind}] tables: cannot be read: {what}; {fix}", 3 if fault else 2


def _described(error: BaseException) -> tuple[str, int]:
    if isinstance(error, MilepostError):
        return error.line, error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", INTERRUPTED
    reason = getattr(error, "strerror", None) or type(error).__name__
    if path := getattr(error, "filename", None):
        return f"error[ENVIRONMENT] {path}: {reason.lower()}; check this path and its permission", 3
    return f"error[ENVIRONMENT] {reason}; free the resource and run again", 3


def emit(result: dict[str, Any], text: str, as_json: bool) -> None:
    """The answer on stdout: JSON for machines, text for people.

    A reader that closes the pipe, such as `head`, has seen enough: the work is done, and that is no error.
    """
    try:
        print(json.dumps(result, indent=2, allow_nan=False) if as_json else text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is flushed at exit goes there
