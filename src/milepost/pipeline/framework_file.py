"""The framework file of a job."""

from __future__ import annotations

from milepost.data.publish import write_atomic
from milepost.framework import Framework, from_toml, text_in, to_toml
from milepost.pipeline.job import Job


def read_framework(job: Job) -> Framework | None:
    """The framework file, checked against the catalogue; None where there is none yet."""
    return _read(job, edited_only=False)


def read_before(job: Job) -> Framework | None:
    """The framework file that is to be derived anew: of its names only those set by hand have to be known still."""
    return _read(job, edited_only=True)


def write_framework(job: Job, framework: Framework, before: Framework | None) -> None:
    """Write the file, unless what is there says the same: comments are lost only when something changes."""
    path, text = job.settings.framework, to_toml(framework)
    if before is not None and to_toml(before) == text and not _of_older_form(text_in(path)):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, lambda target: target.write_text(text, encoding="utf-8"))


def _read(job: Job, edited_only: bool) -> Framework | None:
    path = job.settings.framework
    if not path.exists():
        return None
    return from_toml(text_in(path), job.features, path.name, edited_only)


def _of_older_form(text: str) -> bool:
    return "\ncontent_hash = " in text
