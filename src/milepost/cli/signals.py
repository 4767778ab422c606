"""`milepost signals`: build the matrix, list its signals, explain one."""

from __future__ import annotations

from typing import Annotated

import typer

from milepost.cli.experiment import debugging, show
from milepost.cli.run import DEFAULT_CONFIG, AsJson, AsOf, Config, MemoryLimit, job

signals_app = typer.Typer(
    help="Build the signals: one row per account and snapshot; list and explain them.", no_args_is_help=True
)


@signals_app.command("build")
def signals_build(
    config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False, memory_limit: MemoryLimit = None
) -> None:
    """Compute every signal at every snapshot."""
    with debugging():
        from milepost.pipeline.signals import build_signals

        show(build_signals(job(config, as_of, memory_limit)), as_json)


@signals_app.command("list")
def signals_list(config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """List every signal with its feature, measure, window and unit; nothing is written."""
    with debugging():
        from milepost.pipeline.signals import list_signals

        show(list_signals(job(config, as_of)), as_json)


@signals_app.command("explain")
def signals_explain(
    name: Annotated[str, typer.Argument(help="A signal, as 'milepost signals list' calls it.")],
    config: Config = DEFAULT_CONFIG,
    as_of: AsOf = None,
    as_json: AsJson = False,
    account: Annotated[
        str | None, typer.Option(metavar="ID", help="The account to show; left out: the first with use.")
    ] = None,
) -> None:
    """Say what a signal means, which rows it comes from, and how its value for one account comes about."""
    with debugging():
        from milepost.pipeline.explain_signal import explain_signal

        show(explain_signal(job(config, as_of), name, account), as_json)
