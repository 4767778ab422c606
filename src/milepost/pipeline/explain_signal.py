"""`milepost signals explain NAME`: what a signal means, which rows it comes from, and its value for one account."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import numpy as np

from milepost.errors import InputError, nearest
from milepost.pipeline.job import Job
from milepost.pipeline.result import Result, table
from milepost.pipeline.signal_account import account_source, account_words
from milepost.pipeline.signal_facts import (
    Source,
    examples,
    first_with_rows,
    of_one_account,
    rows_of,
    sums,
)
from milepost.pipeline.signal_words import UNKNOWN, Facts, arithmetic, number
from milepost.pipeline.signals import signals_of
from milepost.signals.build import build_observations
from milepost.signals.matrix import Observations
from milepost.signals.own_use import last_third
from milepost.signals.population import find_population
from milepost.signals.spec import Signal
from milepost.terms import ACCOUNT, Measure

WIDTH, _LABEL, _NAMES = 100, 12, 8


@dataclass(frozen=True)
class Explained:
    """One signal of one account. value: as the matrix has it, None where unknown; said: how it comes about."""

    signal: Signal
    begin: str
    end: str
    source: Source
    account: str
    rows: int
    examples: Sequence[dict[str, object]]
    value: float | None
    said: str


def explain_signal(job: Job, name: str, account: str | None = None) -> Result:
    """Explain one signal at the scored date by one account, by default the first that has a row of its source.

    Raises InputError for a name that no signal has, or an account that does not run at the date.
    """
    job.check_names()
    found = _explained(job, _named(job, name), account)
    shown = {"table": found.source.table, "rows": found.rows, "examples": found.examples}
    if found.source.names is not None:
        shown["names"] = list(found.source.names)
    answer = {
        "signal": asdict(found.signal), "window": {"from": found.begin, "to": found.end}, "source": shown,
        "account_id": found.account, "value": found.value, "arithmetic": found.said,
    }  # fmt: skip
    return Result(answer, _text(found))


def _named(job: Job, name: str) -> Signal:
    signals = {signal.name: signal for signal in signals_of(job)}
    if name not in signals:
        raise InputError(f"no signal '{name}'", where="signals", fix=nearest(name, signals))
    return signals[name]


def _explained(job: Job, signal: Signal, account: str | None) -> Explained:
    source = _source(job, signal)
    account = _chosen(job, source, account)
    tables = of_one_account(job.tables, account)
    observations = build_observations(tables, job.features, job.settings, [job.as_of], (signal,))
    found = float(observations.matrix.values[0, 0])
    value = None if np.isnan(found) else found
    begin = job.as_of - timedelta(days=source.window_days)
    since = begin.isoformat() if source.window_days else ""
    rows, shown = examples(tables, source, job.as_of)
    said = _said(job, signal, source, observations, account)
    return Explained(signal, since, job.as_of.isoformat(), source, account, rows, shown, value, said)


def _source(job: Job, signal: Signal) -> Source:
    days = 0 if signal.measure == Measure.EVER else signal.window_days
    if signal.event:
        return Source("events", days, (signal.event,))
    if signal.feature is not None:
        names = next(feature.event_names for feature in job.features if feature.name == signal.feature)
        return Source("events", days, names)
    return account_source(signal, job)


def _chosen(job: Job, source: Source, account: str | None) -> str:
    """The account asked for, or the first with rows among those running. Raises InputError where it does not run."""
    if account is not None and account not in _ids(job):
        alike = [name for name in _ids(job) if name[:3] == account[:3]][:10_000]
        raise InputError(
            f"no account '{account}' in accounts", where="--account", fix=nearest(account, alike or _ids(job))
        )
    population = find_population(job.tables, job.settings.data, [job.as_of], job.windows)
    running = population.frame[ACCOUNT].astype(str).tolist()
    if not running:
        raise InputError(f"no account is running at {job.as_of}", where="accounts", fix="choose another --as-of")
    if account is None:
        return first_with_rows(job.tables, source, job.as_of, running)
    if account not in running:
        raise InputError(f"account '{account}' is not running at {job.as_of}", where="--account",
                         fix=nearest(account, running))  # fmt: skip
    return account


def _ids(job: Job) -> list[str]:
    found: list[str] = job.tables.connection.to_pyarrow(job.tables.accounts[ACCOUNT]).to_pylist()
    return found


def _said(job: Job, signal: Signal, source: Source, observations: Observations, account: str) -> str:
    tables = of_one_account(job.tables, account)
    if source.table != "events" or (signal.feature is None and not signal.event):
        return account_words(signal, job, tables, observations)
    context = observations.context.iloc[0]
    # ever looks at all of the past: nothing is counted in a window
    window = signal.window_days or job.windows.observation_days
    exposure = int(min(context["exposure_days"], window))
    ever = Source("events", 0, source.names)
    facts = Facts(
        mine=sums(tables, source.names, window, job.as_of), everyone=sums(tables, None, window, job.as_of),
        recent=sums(tables, source.names, last_third(window), job.as_of), snapshot=job.as_of, window_days=window,
        exposure=exposure, recent_exposure=min(exposure, last_third(window)),
        seats=None if np.isnan(context["seats"]) else float(context["seats"]),
        used_before=rows_of(tables, ever, job.as_of).count().to_pyarrow().as_py() > 0,
        older=bool(context["before_data"]),
    )  # fmt: skip
    return arithmetic(signal.measure, signal.per, facts)[1]


# -- saying it


def _text(found: Explained) -> str:
    signal = found.signal
    rows = f"{found.rows:,} {'row' if found.rows == 1 else 'rows'}"
    newest = f", the newest {len(found.examples)}:" if found.rows > len(found.examples) else ""
    about = {
        "signal": [signal.description],
        "unit": [signal.unit],
        "feature": [signal.feature or ""],
        "window": [_window(found)],
        "source": [_source_words(found.source)],
        "account": [f"{found.account}: {rows}{newest}"],
    }
    value = [UNKNOWN if found.value is None else number(float(f"{found.value:.6g}")), found.said]
    lines = [signal.name]
    for label, texts in about.items():
        lines += _part(label, texts)
    return "\n".join([*lines, *_rows(found.examples), *_part("value", value)])


def _window(found: Explained) -> str:
    if found.source.table in ("accounts", "subscriptions"):
        return f"as it was just before {found.end}"
    if not found.begin:
        return f"all of the past, up to {found.end} (not included)"
    return f"{found.begin} up to {found.end} (not included), {found.source.window_days} days"


def _source_words(source: Source) -> str:
    if source.names is None:
        return source.table
    more = len(source.names) - _NAMES
    return f"{source.table}: {', '.join(source.names[:_NAMES])}{f' and {more} more' if more > 0 else ''}"


def _rows(examples: Sequence[dict[str, object]]) -> list[str]:
    """The rows under their columns, cut where the screen ends."""
    columns = list(dict.fromkeys(name for row in examples for name in row))
    if not columns:
        return []
    text = table(columns, [[_cell(row.get(name)) for name in columns] for row in examples])
    return [f"{' ' * _LABEL}{line}"[:WIDTH] for line in text.splitlines()]


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else number(value) if isinstance(value, float) else str(value)


def _part(name: str, texts: Sequence[str]) -> list[str]:
    """A labelled part: each text wrapped below the other; nothing for no text."""
    indent = " " * _LABEL
    return [
        textwrap.fill(text, WIDTH, initial_indent=indent if place else f"{name:<{_LABEL}}", subsequent_indent=indent)
        for place, text in enumerate(text for text in texts if text)
    ]
