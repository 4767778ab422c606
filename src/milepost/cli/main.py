"""`milepost`: one command per verb; each parses, calls the pipeline and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from milepost import __version__
from milepost.cli.experiment import debug_from, experiment_app
from milepost.cli.export import add_export
from milepost.cli.metrics import metrics_app
from milepost.cli.review import add_review
from milepost.cli.route import add_route
from milepost.cli.run import (
    DEFAULT_CONFIG,
    AsJson,
    AsOf,
    Config,
    MemoryLimit,
    emit,
    job,
    one_line_errors,
    progress,
    wall_clock,
)
from milepost.cli.signals import signals_app
from milepost.terms import Goal

app = typer.Typer(
    help="Which product features mark the accounts that stay, how far along is each account, who is about to leave.\n\n"
    "Start with 'milepost demo' and 'milepost run', or with 'milepost init' on your own events.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(signals_app, name="signals")
framework_app = typer.Typer(help="Look at framework.toml: what every milestone means, and why.", no_args_is_help=True)
app.add_typer(framework_app, name="framework")
app.add_typer(experiment_app, name="experiment")
app.add_typer(metrics_app, name="metrics")
_state = {"debug": False}
debug_from(lambda: _state["debug"])


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    _state["debug"] = debug


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("demo"),
    accounts: Annotated[int, typer.Option(min=50, help="How many accounts.")] = 3000,
    months: Annotated[int, typer.Option(min=6, max=120, help="How many months of history.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same product.")] = 7,
    world: Annotated[
        str,
        typer.Option(
            help="standard, no_effect, confounded, bundles, non_linear, growth, late_launch; with a change half a year "
            "before the end: driver_dies, threshold_moves, plans_renamed, tracking_breaks, season_only."
        ),
    ] = "standard",
    experiment: Annotated[
        str, typer.Option(help="A finished experiment instead, of its own size: help-content, real-time-support.")
    ] = "",
) -> None:
    """Simulate a customer-support product with known truth, with settings that run as they are."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.demo import make_demo
        from milepost.pipeline.demo_experiment import make_experiment

        if experiment:
            print(make_experiment(folder, experiment, seed, progress()))
        else:
            print(make_demo(folder, accounts, months, seed, world, progress()))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write milepost.toml and features.csv.")],
    events: Annotated[Path, typer.Option(help="Your events: Parquet or CSV.")],
    accounts: Annotated[Path | None, typer.Option(help="Your accounts.")] = None,
    subscriptions: Annotated[Path | None, typer.Option(help="Your subscription history.")] = None,
) -> None:
    """Propose settings and a feature catalogue from the columns and event names found in your files."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.init import propose

        print(propose(folder, events, accounts, subscriptions))


@app.command()
def check(config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Read every table, say where each row went and whether what is expected came; nothing is written."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.check import check_tables

        result = check_tables(job(config, as_of))
        emit(result.as_json(), result.as_text(), as_json)
        result.raise_for_gate()


@app.command()
def doctor(config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Say which parts of the answer these data can give, and what the others would need; nothing is written."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.doctor import doctor_job

        result = doctor_job(job(config, as_of))
        emit(result.as_json(), result.as_text(), as_json)


@app.command()
def train(
    config: Config = DEFAULT_CONFIG,
    as_of: AsOf = None,
    as_json: AsJson = False,
    matrix: Annotated[Path | None, typer.Option(help="Your own table of features instead of the settings.")] = None,
    label: Annotated[str, typer.Option(help="With --matrix: the column with the outcome.")] = "",
    id_column: Annotated[str, typer.Option("--id", help="With --matrix: the column that names the account.")] = "",
    time_column: Annotated[str, typer.Option("--time", help="With --matrix: the column with the date.")] = "",
) -> None:
    """Train the churn models, compare them on periods they have not seen, and save the champion."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.own_train import OwnMatrix, train_own
        from milepost.pipeline.train import train_job

        if matrix is not None:
            own = OwnMatrix(matrix, label, id_column or None, time_column or None, Path.cwd())
            result = train_own(own, wall_clock(), progress())
        else:
            result = train_job(job(config, as_of))
        emit(result.as_json(), result.as_text(), as_json)
        result.raise_for_gate()


@app.command()
def rank(
    config: Config = DEFAULT_CONFIG,
    as_of: AsOf = None,
    as_json: AsJson = False,
    compare: Annotated[
        bool, typer.Option("--compare", help="Beside it the lists of other methods: phi, odds, lift, SHAP, Boruta.")
    ] = False,
    outcome: Annotated[Goal, typer.Option(help="What features are ranked by.")] = Goal.RETAINED,
) -> None:
    """Rank the product features by how they go with retention, corrected by the adoption benchmark."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.compare import compare_peers
        from milepost.pipeline.rank import rank_job

        result = rank_job(job(config, as_of), compare_peers if compare else None, outcome)
        emit(result.as_json(), result.as_text(), as_json)
        result.raise_for_gate()


@app.command()
def derive(config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Derive maturity categories and their cuts from the ranking, and write framework.toml."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.derive import derive_job

        result = derive_job(job(config, as_of))
        emit(result.as_json(), result.as_text(), as_json)
        result.raise_for_gate()


@framework_app.command("show")
def framework_show(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Print the definitions in use with their evidence; what was set by hand is marked with *."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.framework_show import show_framework

        result = show_framework(job(config))
        emit(result.as_json(), result.as_text(), as_json)


@framework_app.command("diff")
def framework_diff(
    old: Annotated[Path | None, typer.Argument(help="A framework file; left out: what the data say.")] = None,
    new: Annotated[Path | None, typer.Argument(help="Another one; left out: the file in use.")] = None,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Print which definitions differ between two files, or between what the data say and the file in use."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.framework_show import diff_frameworks

        result = diff_frameworks(job(config), old, new)
        emit(result.as_json(), result.as_text(), as_json)


@framework_app.command("validate")
def framework_validate(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Check framework.toml against itself and the feature catalogue; exit 2 with one line for a fault."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.framework_show import validate_framework

        result = validate_framework(job(config))
        emit(result.as_json(), result.as_text(), as_json)


@app.command()
def score(
    config: Config = DEFAULT_CONFIG,
    as_of: AsOf = None,
    as_json: AsJson = False,
    anew: Annotated[
        bool, typer.Option("--replace", help="Also where the date was scored by another model already.")
    ] = False,
    every: Annotated[
        int | None, typer.Option(min=1, metavar="DAYS", help="Also the dates missed since the first, so far apart.")
    ] = None,
    matrix: Annotated[Path | None, typer.Option(help="Your own table instead of the settings.")] = None,
    id_column: Annotated[str, typer.Option("--id", help="With --matrix: the column that names the account.")] = "",
    model: Annotated[Path | None, typer.Option(help="With --matrix: its model, models/NAME by its name.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --matrix: where the scores go, .csv or .parquet.")] = None,
) -> None:
    """Score every account running at the date with the model in use."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.catch_up import catch_up_job
        from milepost.pipeline.own_score import OwnScores, score_own
        from milepost.pipeline.score import score_job

        if matrix is None:
            asked = job(config, as_of)
            result = score_job(asked, anew) if every is None else catch_up_job(asked, every, anew)
        else:
            named = model or Path("models") / matrix.stem
            result = score_own(OwnScores(matrix, id_column, named, out or Path(f"{matrix.stem}-scores.csv")))
        emit(result.as_json(), result.as_text(), as_json)
        result.raise_for_gate()


@app.command()
def promote(
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
    back: Annotated[bool, typer.Option("--rollback", help="Return to the model that was in use before.")] = False,
) -> None:
    """Put the model that waits into use, unless it is worse than the one in use on the same test rows."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.promotion import promote_job

        result = promote_job(job(config), back)
        emit(result.as_json(), result.as_text(), as_json)
        result.raise_for_gate()


@app.command()
def track(
    run: Annotated[str, typer.Argument(help="A training as the error named it; left out: list those that wait.")] = "",
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Log a training to MLflow that could not be logged when it was made."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.track import track_job

        result = track_job(job(config), run)
        emit(result.as_json(), result.as_text(), as_json)


@app.command()
def account(
    account_id: Annotated[str, typer.Argument(help="As in the scores table.")],
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show one account: risk, milestones, reasons and the next step, from the scores that are there."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.account import account_card

        result = account_card(job(config), account_id)
        emit(result.as_json(), result.as_text(), as_json)


add_route(app, lambda: _state["debug"])
add_export(app, lambda: _state["debug"])
add_review(app, lambda: _state["debug"])


@app.command()
def report(config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Write the page that explains it all, from the results that are there."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.report import report_job

        result = report_job(job(config, as_of))
        emit(result.as_json(), result.as_text(), as_json)
        result.raise_for_gate()


@app.command()
def run(
    config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False, memory_limit: MemoryLimit = None
) -> None:
    """The whole chain: check, signals, train, rank, derive, score, report."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.run import run_job

        result = run_job(job(config, as_of, memory_limit))
        emit(result.as_json(), result.as_text(), as_json)
        result.raise_for_gate()


@app.command()
def ui(
    config: Config = DEFAULT_CONFIG,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 5000,
) -> None:
    """Browse the training runs in MLflow, on this machine only."""
    with one_line_errors(_state["debug"]):
        from milepost.pipeline.ui import serve

        raise typer.Exit(serve(config, port))
