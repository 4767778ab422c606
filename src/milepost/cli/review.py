"""`milepost review` and `milepost status`: whether the framework still holds, and what is due."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from milepost.cli.run import DEFAULT_CONFIG, AsJson, AsOf, Config, emit, job, one_line_errors, parse_date

Since = Annotated[
    str,
    typer.Option("--since", metavar="DATE", help="By the cohorts since then; left out: since the framework."),
]


def add_review(app: typer.Typer, debug: Callable[[], bool]) -> None:
    """Add the commands to `app`; `debug` says whether tracebacks are wanted."""

    @app.command()
    def review(
        config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False, since: Since = ""
    ) -> None:  # fmt: skip
        """Say of every part of the framework whether it holds, weakens or is broken by what came since."""
        with one_line_errors(debug()):
            from milepost.pipeline.review import review_job

            result = review_job(job(config, as_of), parse_date(since, "--since") if since else None)
            emit(result.as_json(), result.as_text(), as_json)
            result.raise_for_gate()

    @app.command()
    def status(config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False) -> None:
        """Say when data, scores, model and review are due and what is late; nothing is written."""
        with one_line_errors(debug()):
            from milepost.pipeline.status import status_job

            result = status_job(job(config, as_of))
            emit(result.as_json(), result.as_text(), as_json)
            result.raise_for_gate()
