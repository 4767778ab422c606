"""`milepost metrics`: the figures that support and success leaders track."""

from __future__ import annotations

from typing import Annotated

import typer

from milepost.cli.experiment import debugging, show
from milepost.cli.run import DEFAULT_CONFIG, AsJson, AsOf, Config, job

metrics_app = typer.Typer(
    help="Retention, renewals, the MRR bridge and cohorts as of a date, kept beside those of earlier dates."
)


@metrics_app.callback(invoke_without_command=True)
def metrics(
    context: typer.Context,
    config: Config = DEFAULT_CONFIG,
    as_of: AsOf = None,
    as_json: AsJson = False,
    by: Annotated[str, typer.Option("--by", metavar="NAMES", help="Also by plan, size, cohort, milestone.")] = "",
) -> None:
    if context.invoked_subcommand is None:
        with debugging():
            from milepost.pipeline.metrics import metrics_job

            show(metrics_job(job(config, as_of), [name.strip() for name in by.split(",") if name.strip()]), as_json)


@metrics_app.command()
def explain(
    name: Annotated[str, typer.Argument(help="A metric, such as net_revenue_retention.")], as_json: AsJson = False
) -> None:
    """Print what a metric means and how its interval is made."""
    with debugging():
        from milepost.pipeline.metrics import explain_metric

        show(explain_metric(name), as_json)


@metrics_app.command("together")
def beside_outcomes(config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Compare accounts that are answered fast, satisfied or reading help with others like them."""
    with debugging():
        from milepost.pipeline.metrics_together import together_job

        show(together_job(job(config, as_of)), as_json)
