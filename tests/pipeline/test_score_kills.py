"""A process killed while it writes leaves the old scores, page or model or the new one; the next needs no cleaning."""

import os
import subprocess
import sys

import pytest

# one process keeps what is slow to import and forks a writer for each kill and a reader for each look
SCRIPT = """\
import os, random, signal, sqlite3, sys, time
from datetime import datetime
from pathlib import Path
import duckdb, numpy as np, pandas as pd, sqlalchemy
from milepost.data.publish import current, publish
from milepost.data.sinks import to_database, to_duckdb
from milepost.pipeline.score_history import History
from milepost.bundle import load_bundle, save_bundle
from milepost.signals.spec import Signal
from milepost.training.calibrate import Calibrator
from milepost.training.logistic import Logistic, Scaler
from milepost.training.model import ChurnModel

kind, folder, kills = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
DAY, ROWS = pd.Timestamp("2024-06-01"), 2000

def scores(number):
    return pd.DataFrame({"account_id": [f"a{n}" for n in range(ROWS)], "snapshot_date": DAY,
                         "churn_risk": number / 1000, "risk_band": f"band{number}"})

def write(number):
    frame, run = scores(number), {"snapshot_date": DAY, "model_id": str(number)}
    if kind == "duckdb":
        to_duckdb(folder / "x.duckdb", "scores", frame, run)
    elif kind == "database":
        to_database(f"sqlite:///{folder / 'x.sqlite'}", "scores", frame, run)
    elif kind == "files":
        def files(target):
            frame.to_parquet(target / "scores.parquet")
            frame.to_csv(target / "scores.csv")
        publish(folder, f"run{number}-{os.getpid()}", files)
    elif kind == "page":
        text = f"<p>band{number}</p>\\n" * 50_000
        publish(folder, f"run{number}-{os.getpid()}", lambda target: (target / "report.html").write_text(text))
    elif kind == "bundle":
        save_bundle(folder, f"run{number}-{os.getpid()}", model(number), {"number": number, "rows": ["x"] * ROWS})
    else:
        History(folder).keep(frame, run, 5)

def model(number):
    # one coefficient among thousands tells which one it is
    ones = np.ones(ROWS, dtype=np.float32)
    scaler = Scaler(np.zeros(ROWS, bool), ones, ones, ones, np.zeros(ROWS, bool))
    signals = tuple(Signal(f"s{n}", None, "count", 28, "", "uses", "") for n in range(ROWS))
    return ChurnModel("logistic", signals, Calibrator("platt", 1.0, 0.0), 0.1,
                      logistic=Logistic(scaler, np.full(ROWS, float(number)), 0.0))

def read():
    # which write the rows are of; every row of the same one
    if kind == "bundle":
        found, about = load_bundle(folder)
        assert about["number"] == found.logistic.coefficients[-1] and len(about["rows"]) == ROWS
        return about["number"]
    if kind == "page":
        lines = set((current(folder) / "report.html").read_text().split("\\n"))
        assert len(lines) == 2, lines
        return int(max(lines)[7:-4])
    if kind == "duckdb":
        with duckdb.connect(str(folder / "x.duckdb"), read_only=True) as connection:
            bands = connection.execute("SELECT risk_band, count(*) FROM scores GROUP BY 1").fetchall()
            runs = connection.execute("SELECT model_id FROM scores_runs").fetchall()
    elif kind == "database":
        with sqlite3.connect(folder / "x.sqlite") as connection:
            bands = connection.execute("SELECT risk_band, count(*) FROM scores GROUP BY 1").fetchall()
            runs = connection.execute("SELECT model_id FROM scores_runs").fetchall()
    else:
        source = current(folder) if kind == "files" else folder / "dates"
        frame = pd.read_parquet(source / ("scores.parquet" if kind == "files" else "2024-06-01.parquet"))
        bands = list(frame["risk_band"].value_counts().items())
        runs = None
    assert len(bands) == 1 and bands[0][1] == ROWS, bands
    number = int(bands[0][0][4:])
    assert runs is None or runs == [(str(number),)], (bands, runs)
    return number

def child(work):
    process = os.fork()
    if process == 0:
        try:
            os._exit(work() or 0)
        except BaseException as error:
            print(error, file=sys.stderr, flush=True)
            os._exit(99)
    return process

def ended(process):
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

draw = random.Random(7)
assert ended(child(lambda: write(0))) == 0
begun = time.perf_counter()
assert ended(child(lambda: write(1))) == 0
takes = time.perf_counter() - begun
died = 0
for number in range(2, kills + 2):
    writer = child(lambda: write(number % 200))
    time.sleep(draw.uniform(0, 1.2 * takes))
    os.kill(writer, signal.SIGKILL)
    died += ended(writer) == -signal.SIGKILL
    assert ended(child(read)) < 200, f"not whole after kill {number}"
assert ended(child(lambda: write(150))) == 0
assert ended(child(read)) == 150
left = [path.name for path in folder.rglob("*.tmp*")] if kind in ("files", "page", "bundle") else []
assert not left, left
print(f"{kind}: {kills} kills, {died} of them while writing, 0 partial results")
"""


def kill(kind, folder, kills):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, kind, str(folder), str(kills)], capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "0 partial results" in done.stdout
    return done.stdout


@pytest.mark.promise("kill -9 while writing, per sink", cases=8)
@pytest.mark.parametrize("kind", ["files", "page", "bundle", "history", "duckdb", "database"])
def test_a_killed_writer_leaves_whole_scores(tmp_path, kind):
    kill(kind, tmp_path, 8)


@pytest.mark.promise("kill -9 while writing, per sink", cases=200)
@pytest.mark.long
@pytest.mark.parametrize("kind", ["files", "page", "bundle", "history", "duckdb", "database"])
def test_two_hundred_kills_leave_whole_scores(tmp_path, kind):
    print(kill(kind, tmp_path, 200), end="")
