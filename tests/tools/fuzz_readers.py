"""Damage inputs at random and see what reading them does: a file is used, or refused in one line within ten seconds.

    python tests/tools/fuzz_readers.py --files 10000 --formats parquet csv

Each batch runs in a process of its own, so that a reader that brings the process down is seen too.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO

import duckdb
import pandas as pd
from typer.testing import CliRunner

from milepost.cli.main import app
from milepost.framework import ActivationRule, Framework, SetupRule, UtilizationRule
from milepost.framework.text import to_toml
from milepost.maturity.categories import Category
from milepost.milestones.definitions import Evidence

SECONDS = 10
BATCH = 50
SETTINGS = """\
[windows]
observation_days = 30
gap_days = 7
outcome_days = 30
grace_days = 7
[data]
max_quarantined_share = 0.5
[tables.accounts]
path = "accounts.csv"
[tables.events]
path = "{events}"{table}
[tables.subscriptions]
path = "subscriptions.csv"
"""
CATALOGUE = """\
feature,event_names,category,plan,launched_at,setup_step
macros,macro|makro,automation,pro,2024-01-05,1
export,export,data,,,
"""
EVIDENCE = Evidence(4.0, 1.5, 6.5, 0.01, 45, 0.7, 0.9, 0.4, 0.8, 0.6, 1200)
FRAMEWORK = Framework(
    version=3, created=date(2024, 4, 1), fingerprint="abc", areas=(),
    categories=(Category("automation", ("macros",), 1, candidate=1, agreement=0.8, mature_share=0.5, ppv=0.9,
                         sensitivity=0.5, retained_mature=0.98, retained_basic=0.9, effect=2.4, low=1.8, high=3.0,
                         because="So."),),
    setup=SetupRule(("macros",), 1, 28, EVIDENCE, "One of one."),
    activation=ActivationRule("macro", 5, 56, EVIDENCE, "Five in 56."),
    utilization=UtilizationRule("macro", "seat", 3.5, EVIDENCE, "From 3.5 on."),
)  # fmt: skip


def product(folder: Path) -> None:
    """A small product in every format that events may have."""
    begin = datetime(2024, 1, 1)
    names = ("macro", "export", "makro", "login")
    rows = [
        (f"a{place % 9}", begin + timedelta(hours=7 * place), names[place % 4], f"u{place % 5}", place / 7)
        for place in range(400)
    ]
    events = pd.DataFrame(rows, columns=["account_id", "occurred_at", "event_name", "user_id", "value"])
    events["occurred_at"] = events["occurred_at"].astype("datetime64[us]")
    events.to_parquet(folder / "events.parquet", index=False)
    events.to_csv(folder / "events.csv", index=False)
    (folder / "events.csv.gz").write_bytes(gzip.compress((folder / "events.csv").read_bytes(), mtime=0))
    with duckdb.connect(str(folder / "events.duckdb")) as connection:
        connection.execute(f"CREATE TABLE events AS SELECT * FROM '{folder / 'events.parquet'}'")
    accounts = [f"a{number}" for number in range(9)]
    pd.DataFrame({"account_id": accounts, "created_at": begin}).to_csv(folder / "accounts.csv", index=False)
    spans = pd.DataFrame({"account_id": accounts, "started_at": begin, "ended_at": None, "seats": 3, "plan": "pro"})
    spans.to_csv(folder / "subscriptions.csv", index=False)
    (folder / "features.csv").write_text(CATALOGUE, encoding="utf-8")
    (folder / "framework.toml").write_text(to_toml(FRAMEWORK), encoding="utf-8")


# format -> (the file that is damaged, the file that settings name, the command that reads it)
FORMATS = {
    "csv": ("events.csv", "events.csv", ["check"]),
    "csv.gz": ("events.csv.gz", "events.csv.gz", ["check"]),
    "parquet": ("events.parquet", "events.parquet", ["check"]),
    "duckdb": ("events.duckdb", "events.duckdb", ["check"]),
    "subscriptions": ("subscriptions.csv", "events.parquet", ["check"]),
    "catalogue": ("features.csv", "events.parquet", ["check"]),
    "settings": ("milepost.toml", "events.parquet", ["check"]),
    "framework": ("framework.toml", "events.parquet", ["framework", "validate"]),
}
_PIECES = (
    b"\0", b"\xff\xfe", b'"', b"\n", b"\r", b",", b"[[", b"'''", b"=", b"\xc3\x28", b"99999999999999999999", b"-1",
    b"1e400", b"nan", b"9999-12-31", b"0000-00-00", b"\xf0\x9f\x92\xa9", b"true", b"{", b"\x1f\x8b", b"PAR1",
)  # fmt: skip


def damage(whole: bytes, draw: random.Random) -> bytes:
    """One to four random changes."""
    data = bytearray(whole)
    for _ in range(draw.choice([1, 1, 1, 2, 3, 4])):
        place, length = draw.randrange(len(data) + 1), draw.choice([1, 2, 4, 8, 64, 512])
        kind = draw.randrange(7)
        if kind == 0 and data:
            data[place % len(data)] ^= 1 << draw.randrange(8)
        elif kind == 1:
            del data[place:]
        elif kind == 2:
            del data[place : place + length]
        elif kind == 3:
            data[place:place] = draw.choice(_PIECES)
        elif kind == 4:
            data[place : place + length] = draw.randbytes(length)
        elif kind == 5:
            other = draw.randrange(len(data) + 1)
            data[place:place] = data[other : other + length]
        else:
            data[place : place + 4] = draw.choice([b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\xff\xff\xff\xff"])
    return bytes(data)


def read(folder: Path, command: list[str]) -> str:
    """What reading did: "used", "refused", or what went wrong."""
    begun = time.monotonic()
    done = CliRunner().invoke(app, [*command, "-c", str(folder / "milepost.toml")])
    line = (done.stderr.strip().splitlines() or [""])[-1]
    if time.monotonic() - begun > SECONDS:
        return f"took {time.monotonic() - begun:.0f} s"
    if done.exit_code in (0, 1):
        return "used"
    if done.exit_code in (2, 3) and line.startswith("error[") and len(line) < 300 and "Traceback" not in done.output:
        return "refused"
    return f"exit {done.exit_code}: {line[:200]}"


def batch(folder: Path, kind: str, whole: bytes, seeds: range, say: Callable[[int, str], None]) -> None:
    """Damage and read one file after the other."""
    name, _, command = FORMATS[kind]
    for seed in seeds:
        (folder / name).write_bytes(damage(whole, random.Random(f"{kind}-{seed}")))
        say(seed, "begun")
        say(seed, read(folder, command))
        shutil.rmtree(folder / "out", ignore_errors=True)


def _say(pipe: IO[str], seed: int, what: str) -> None:
    print(json.dumps([seed, what]), file=pipe, flush=True)


def in_process(folder: Path, kind: str, whole: bytes, seeds: range) -> dict[int, str]:
    """The answers of a batch in a process of its own; the last one begun is blamed when that dies."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            with os.fdopen(writing, "w") as pipe:
                batch(
                    folder,
                    kind,
                    whole,
                    seeds,
                    lambda seed, what: print(json.dumps([seed, what]), file=pipe, flush=True),
                )
        finally:
            os._exit(0)
    os.close(writing)
    found: dict[int, str] = {}
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    with os.fdopen(reading) as pipe:
        signal.alarm(2 * SECONDS)
        for line in pipe:
            seed, what = json.loads(line)
            found[seed] = what
            signal.alarm(2 * SECONDS)
    signal.alarm(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for seed, what in found.items():
        if what == "begun":
            found[seed] = f"the process ended with {status}"
    return found


def fuzz(kind: str, files: int, first: int = 0) -> dict[int, str]:
    """What reading did to so many damaged files: seed -> answer."""
    name, named, _ = FORMATS[kind]
    found: dict[int, str] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        product(folder)
        table = '\ntable = "events"' if named.endswith("duckdb") else ""
        (folder / "milepost.toml").write_text(SETTINGS.format(events=named, table=table), encoding="utf-8")
        whole = (folder / name).read_bytes()
        assert read(folder, FORMATS[kind][2]) == "used", "the whole file has to be readable"
        seed = first
        while seed < first + files:
            answers = in_process(folder, kind, whole, range(seed, min(seed + BATCH, first + files)))
            found |= answers
            seed = max(answers, default=seed) + 1
    return found


def wrong(found: dict[int, str]) -> dict[int, str]:
    """The files that were neither used nor refused as they should be."""
    return {seed: what for seed, what in found.items() if what not in ("used", "refused")}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--formats", nargs="+", choices=list(FORMATS), default=list(FORMATS))
    asked.add_argument("--files", type=int, default=1000)
    asked.add_argument("--first", type=int, default=0, help="The first seed.")
    given = asked.parse_args()
    bad = 0
    for kind in given.formats:
        begun = time.monotonic()
        found = fuzz(kind, given.files, given.first)
        counts, failed = Counter(found.values()), wrong(found)
        print(f"{kind:14}{len(found):>8,} files  used {counts['used']:>6,}  refused {counts['refused']:>6,}  "
              f"wrong {len(failed):>4,}  {time.monotonic() - begun:6.0f} s", flush=True)  # fmt: skip
        for what, count in Counter(failed.values()).most_common(8):
            example = next(seed for seed, said in failed.items() if said == what)
            print(f"    {count} × {what} (first: seed {example})", flush=True)
        bad += len(failed)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
