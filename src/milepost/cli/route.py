"""`milepost route`: who gets a person, what would be with other hours, and what became of past dates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from milepost.cli.run import DEFAULT_CONFIG, AsJson, AsOf, Config, emit, job, one_line_errors

WhatIf = Annotated[
    list[str] | None,
    typer.Option("--what-if", metavar="NAME=NUMBER", help="Show what changes with capacity=12, say; writes nothing."),
]
Replay = Annotated[
    bool, typer.Option("--replay", help="Route the dates the model was tested on, and see what came after.")
]


def add_route(app: typer.Typer, debug: Callable[[], bool]) -> None:
    """Add the command to `app`; `debug` says whether tracebacks are wanted."""

    @app.command()
    def route(
        config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False, what_if: WhatIf = None,
        replay: Replay = False,
    ) -> None:  # fmt: skip
        """Decide for every scored account whether a person reaches out or it helps itself first."""
        with one_line_errors(debug()):
            from milepost.pipeline.route import route_job
            from milepost.pipeline.route_replay import replay_job

            carry_out = replay_job if replay else route_job
            result = carry_out(job(config, as_of), what_if or ())
            emit(result.as_json(), result.as_text(), as_json)
