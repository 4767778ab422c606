"""`milepost experiment`: from a plan to an answer, one command per step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from milepost.cli.run import DEFAULT_CONFIG, AsJson, AsOf, Config, emit, job, one_line_errors

if TYPE_CHECKING:
    from milepost.pipeline.result import Result

Name = Annotated[str, typer.Argument(help="The experiment: a folder under experiments/.")]
By = Annotated[list[str] | None, typer.Option("--by", help="Also by this attribute; exploratory for good.")]
experiment_app = typer.Typer(
    help="Prove that it helps: plan, size, assign, check and analyse an experiment.", no_args_is_help=True
)
_debug: list[Callable[[], bool]] = []


def debug_from(asked: Callable[[], bool]) -> None:
    """Where --debug is kept: the option stands before the verb."""
    _debug.append(asked)


@contextmanager
def debugging() -> Iterator[None]:
    with one_line_errors(any(asked() for asked in _debug)):
        yield


def show(result: Result, as_json: bool) -> None:
    emit(result.as_json(), result.as_text(), as_json)
    result.raise_for_gate()


@experiment_app.command()
def new(name: Name, config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Write experiments/NAME/plan.toml to fill in."""
    with debugging():
        from milepost.pipeline.experiment import new_experiment

        show(new_experiment(job(config), name), as_json)


@experiment_app.command()
def power(name: Name, config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Accounts per arm, the smallest effect that can be seen, and days until the answer is there."""
    with debugging():
        from milepost.pipeline.experiment import size_experiment

        show(size_experiment(job(config, as_of), name), as_json)


@experiment_app.command()
def lock(name: Name, config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Keep the plan's hash: from now on an edited plan is refused."""
    with debugging():
        from milepost.pipeline.experiment import lock_experiment

        show(lock_experiment(job(config, as_of), name), as_json)


@experiment_app.command()
def assign(name: Name, config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Give every account that may enter its arm, by a salted hash; those that have one keep it."""
    with debugging():
        from milepost.pipeline.experiment import assign_accounts

        show(assign_accounts(job(config, as_of), name), as_json)


@experiment_app.command()
def check(name: Name, config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Whether the data can be believed: sample ratio, two arms, exposure, balance, missing outcomes."""
    with debugging():
        from milepost.pipeline.experiment import check_experiment

        show(check_experiment(job(config, as_of), name), as_json)


@experiment_app.command()
def analyze(
    name: Name, config: Config = DEFAULT_CONFIG, as_of: AsOf = None, as_json: AsJson = False, by: By = None
) -> None:
    """Verdicts, decision, cost and return, in words; what is not complete yet is not shown."""
    with debugging():
        from milepost.pipeline.experiment_analyze import analyze_experiment

        show(analyze_experiment(job(config, as_of), name, by or ()), as_json)


@experiment_app.command()
def report(
    name: Name,
    config: Config = DEFAULT_CONFIG,
    as_of: AsOf = None,
    as_json: AsJson = False,
    by: By = None,
    prove: Annotated[bool, typer.Option("--prove", help="Write what it proves into framework.toml.")] = False,
) -> None:
    """A page and an MLflow run of this look."""
    with debugging():
        from milepost.pipeline.experiment_analyze import report_experiment

        show(report_experiment(job(config, as_of), name, by or (), prove), as_json)


@experiment_app.command()
def propose(
    feature: Annotated[str, typer.Argument(help="A feature of the catalogue.")],
    config: Config = DEFAULT_CONFIG,
    as_of: AsOf = None,
    as_json: AsJson = False,
    uptake: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Share of the accounts that a nudge brings to use it.")
    ] = 0.25,
) -> None:
    """Grade the evidence on a feature of the ranking and draft the experiment that would settle it."""
    with debugging():
        from milepost.pipeline.propose import propose_experiment

        show(propose_experiment(job(config, as_of), feature, uptake), as_json)
