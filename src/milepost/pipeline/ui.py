"""`milepost ui`: MLflow's pages on this machine, with the link to the runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from milepost.settings import load
from milepost.tracking.ui import runs_page, ui_command, ui_environment


def serve(config: Path, port: int) -> int:
    """Start MLflow's pages and wait until they are stopped; returns their exit code."""
    settings = load(config)
    page = runs_page(settings.mlruns, settings.project.name, port)
    print(f"runs of '{settings.project.name}': {page} (click Model training)", file=sys.stderr)
    environment = ui_environment(dict(os.environ))
    try:
        return subprocess.run(ui_command(settings.mlruns, port), env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0
