"""A disk that is really full: one line, exit 3, what was there stays whole, and the next run needs no cleaning."""

import os
import shutil
import subprocess
import sys

import pytest

# a disk of its own needs a name space of its own; what is slow to import is imported once, every command is a fork
SCRIPT = """\
import os, shutil, subprocess, sys
from pathlib import Path
source, disk, command, frees = sys.argv[1], Path(sys.argv[2]), sys.argv[3], [int(kib) for kib in sys.argv[4:]]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(disk)], check=True)
from typer.testing import CliRunner
from milepost.bundle import load_bundle
from milepost.cli.main import app
from milepost.data.publish import current
import duckdb, lightgbm, mlflow, shap, sklearn.ensemble

product, ballast, answer = disk / "product", disk / "ballast", disk.parent / "answer"

def call():
    process = os.fork()
    if process == 0:
        done = CliRunner().invoke(app, [command, "-c", str(product / "milepost.toml")])
        answer.write_text("\\n".join(line for line in done.stderr.splitlines() if line.startswith("error")))
        os._exit(done.exit_code)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return code, answer.read_text()

def whole():
    for named in disk.rglob("CURRENT"):
        load_bundle(named.parent) if named.is_relative_to(product / "models") else current(named.parent)
    left = [str(path.relative_to(disk)) for path in disk.rglob("*.tmp*")]
    assert not left, left

refused = 0
for free in frees:
    shutil.rmtree(product, ignore_errors=True)
    shutil.copytree(source, product, ignore=shutil.ignore_patterns(disk.name))
    room = os.statvfs(disk)
    handle = os.open(ballast, os.O_CREAT | os.O_WRONLY)
    os.posix_fallocate(handle, 0, room.f_bavail * room.f_frsize - 1024 * free)
    os.close(handle)
    code, said = call()
    print(free, "KiB free:", code, said, flush=True)
    assert code in (0, 3), code
    if code:
        refused += 1
        assert "no space left on the disk; " in said and "\\n" not in said and len(said) < 300
    whole()
    ballast.unlink()
    code, said = call()
    assert code == 0, said
    whole()
print(f"{len(frees)} full disks, {refused} refused, 0 damaged")
"""


def fill(source, folder, command, frees):
    (folder / "disk").mkdir()
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*namespace, "true"], check=False).returncode:
        pytest.skip("needs 'unshare' and the right to mount")
    done = subprocess.run(
        [*namespace, sys.executable, "-c", SCRIPT, str(source), str(folder / "disk"), command, *map(str, frees)],
        capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
    print(done.stdout, end="")
    return done.stdout.splitlines()[-1]


@pytest.mark.promise("a disk that is really full, from no room to nearly enough", cases=2)
def test_scores_on_a_full_disk(finished, tmp_path):
    assert fill(finished[0], tmp_path, "score", [0, 100]) == "2 full disks, 2 refused, 0 damaged"


@pytest.mark.long
@pytest.mark.promise("a disk that is really full, from no room to nearly enough", cases=24)
def test_a_whole_run_on_a_full_disk(copy, tmp_path):
    said = fill(copy, tmp_path, "run", [0, 100, *range(1000, 12_000, 500)])
    assert said.startswith("24 full disks, ")
    assert int(said.split(", ")[1].split()[0]) > 15
