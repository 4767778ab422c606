"""`milepost review`, `status` and `backtest`: does the framework still hold, what is due, what would have been said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from milepost.cli.run import DEFAULT_CONFIG, AsJson, AsOf, Config, emit, job, one_line_errors, parse_date

Since = Annotated[
    str,
    typer.Option("--since", metavar="DATE", help="By the cohorts since then; left out: since the framework."),
]
Challenge = Annotated[
    bool,
    typer.Option("--challenge", help="Also train anew for the latest known outcomes: keep the model in use or not."),
]


def add_review(app: typer.Typer, debug: Callable[[], bool]) -> None:
    """Add the commands to `app`; `debug` says whether tracebacks are wanted."""

    @app.command()
    def review(
        config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False, since: Since = "",
        challenge: Challenge = False,
    ) -> None:  # fmt: skip
        """Say of every part of the framework whether it holds, weakens or is broken by what came since."""
        with one_line_errors(debug()):
            from milepost.pipeline.review import review_job

            result = review_job(job(config, as_of), parse_date(since, "--since") if since else None, challenge)
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

    @app.command()
    def backtest(
        config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False,
        begin: Annotated[str, typer.Option("--from", metavar="DATE", help="The first date; left out: all.")] = "",
        end: Annotated[str, typer.Option("--to", metavar="DATE", help="The last date; left out: all.")] = "",
    ) -> None:  # fmt: skip
        """Replay past dates: what a model trained at each would have said, and what happened."""
        with one_line_errors(debug()):
            from milepost.pipeline.backtest import backtest_job

            dates = (parse_date(text, name) if text else None for text, name in ((begin, "--from"), (end, "--to")))
            result = backtest_job(job(config, as_of), *dates)
            emit(result.as_json(), result.as_text(), as_json)
            result.raise_for_gate()
