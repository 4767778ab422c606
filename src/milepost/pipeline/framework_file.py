"""The framework file of a job."""

from __future__ import annotations

from pathlib import Path

from milepost.framework import Framework, from_toml
from milepost.pipeline.job import Job


def read_framework(job: Job) -> Framework | None:
    """The framework file, checked against the catalogue; None where there is none yet."""
    path: Path = job.settings.framework
    if not path.exists():
        return None
    return from_toml(path.read_text(encoding="utf-8"), [feature.name for feature in job.features], path.name)
