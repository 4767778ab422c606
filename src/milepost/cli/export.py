"""`milepost export`: an account list for a campaign."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from milepost.cli.run import DEFAULT_CONFIG, AsJson, AsOf, Config, emit, job, one_line_errors

Unmet = Annotated[str, typer.Option("--unmet", help="A milestone, category, setup step or feature.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Where to write the list.")]


def add_export(app: typer.Typer, debug: Callable[[], bool]) -> None:
    """Add the command to `app`; `debug` says whether tracebacks are wanted."""

    @app.command()
    def export(
        unmet: Unmet, config: Config = DEFAULT_CONFIG, as_of: AsOf = None, out: Out = None, as_json: AsJson = False
    ) -> None:
        """Write the scored accounts that lack a milestone, category, setup step or feature as a CSV list."""
        with one_line_errors(debug()):
            from milepost.pipeline.export import export_job

            result = export_job(job(config, as_of), unmet, out)
            emit(result.as_json(), result.as_text(), as_json)
