"""`milepost ui`: MLflow's pages on this machine, with the link to the runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from milepost.settings import load
from milepost.tracking.ui import runs_link, ui_command


def serve(config: Path, port: int) -> int:
    """Start MLflow's pages and wait until they are stopped; returns their exit code."""
    settings = load(config)
    command, environment = ui_command(settings.mlruns, port)
    print(
        f"runs of '{settings.project.name}': {runs_link(settings.mlruns, settings.project.name, port)}", file=sys.stderr
    )
    try:
        return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode
    except KeyboardInterrupt:
        return 0
