"""Scores are the same bytes whatever the number of threads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest


@pytest.mark.promise("scores are byte-identical at 1, 2 and 4 threads", cases=3)
@pytest.mark.long
def test_scores_are_byte_identical_at_one_two_and_four_threads(finished, tmp_path):
    folder, _ = finished
    found = []
    for threads in ("1", "2", "4"):
        work = shutil.copytree(folder, tmp_path / threads, ignore=shutil.ignore_patterns("mlruns", "scoring", "scores"))
        settings = work / "milepost.toml"
        settings.write_text(settings.read_text().replace("[project]", f"[project]\nthreads = {threads}", 1))
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        command = [sys.executable, "-c", "from milepost.cli.main import app; app()", "score", "-c", str(settings)]
        environment = {**os.environ, **dict.fromkeys(names, threads)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        scores = pd.read_parquet(work / "out" / "scores" / "scores.parquet").drop(columns="scored_at")
        found.append(scores.to_csv(index=False).encode())
    assert found[0] == found[1] == found[2]
