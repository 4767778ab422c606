"""From tables to `Observations`: long form in, wide matrix out, scattered with numpy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost import __version__
from milepost.data.contract import Tables
from milepost.errors import InputError
from milepost.settings import Settings
from milepost.signals.account import account_columns, conversation_columns, survey_columns
from milepost.signals.catalogue import Feature
from milepost.signals.declare import Available, declare_signals
from milepost.signals.matrix import Matrix, Observations
from milepost.signals.population import Population, eligible_rows, find_population
from milepost.signals.spec import Signal
from milepost.signals.usage import not_there, usage
from milepost.signals.windowed import last_answers, use_of_conversations
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.windows import Windows

# count up when a measure is computed in another way: a matrix of before is then built anew, not taken up
MEASURES_VERSION = 3

Progress = Callable[[str], None]
Columns = dict[str, NDArray[np.float32]]


def build_observations(
    tables: Tables,
    features: tuple[Feature, ...],
    settings: Settings,
    snapshots: Sequence[date],
    signals: tuple[Signal, ...] | None = None,
    progress: Progress = lambda text: None,
) -> Observations:
    """Everything visible at each snapshot, from one pass over the events per aggregate.

    `signals` fixes the columns (those of a trained model, for scoring); without it they are declared from what the
    data can give. Raises InputError when no account is running at any snapshot.
    """
    windows = settings.windows.windows()
    population = find_population(tables, settings.data, snapshots, windows)
    if population.frame.empty:
        raise InputError(
            "no account is running at any snapshot", where=f"{snapshots[0]} to {snapshots[-1]}",
            fix="check created_at, the subscriptions and --as-of",
        )  # fmt: skip
    progress(f"aggregating events for {len(snapshots)} snapshots, {len(population.frame):,} rows")
    context = _context(population, windows, tables, settings)
    attributes = _attributes(population.frame, settings)
    with usage(tables, features, settings, population) as found:
        if signals is None:
            available = _available(tables, features, found.valued, attributes)
            signals = declare_signals(features, settings.signals.measures, windows, available)
        values = np.empty((len(context), len(signals)), dtype=np.float32)
        counts = found.fill(values, signals, context, progress)
    columns = account_columns(population, context, counts, windows)
    columns |= _optional_columns(tables, population, context, snapshots, windows)
    _fill(values, signals, columns, attributes)
    eligible, access_known = eligible_rows(population, tables, features, windows)
    matrix = Matrix(values, context[[ACCOUNT, SNAPSHOT]].copy(), signals,
                    source_hash(tables, features, settings, snapshots))  # fmt: skip
    return Observations(matrix, features, counts, eligible, access_known, context, windows)


def source_hash(tables: Tables, features: Sequence[Feature], settings: Settings, snapshots: Sequence[date]) -> str:
    """Fingerprint of everything a matrix depends on, the software's own way of computing it included."""
    parts = (
        __version__,
        MEASURES_VERSION,
        tables.fingerprint,
        features,
        settings.windows,
        settings.signals,
        settings.data,
        tuple(snapshots),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _context(population: Population, windows: Windows, tables: Tables, settings: Settings) -> pd.DataFrame:
    """What is known of each row beside its use of the product, which `Usage.fill` adds."""
    frame = population.frame
    age = frame[SNAPSHOT] - frame["created_at"]
    recorded = (frame[SNAPSHOT] - pd.Timestamp(tables.data_begin)).dt.days
    tenure = age.dt.total_seconds() / 86_400
    context = frame[[ACCOUNT, SNAPSHOT, "plan", "plan_at_start", "seats", "mrr", "term_months"]].copy()
    context["size_band"] = size_bands(frame["seats"], settings.data.size_bands)
    context["segment"] = frame[settings.data.segment].fillna("") if settings.data.segment else ""
    context["tenure_days"] = tenure
    context["exposure_days"] = np.clip(np.minimum(np.ceil(tenure), recorded), 1, windows.observation_days)
    context["before_data"] = (frame["created_at"] < pd.Timestamp(tables.data_begin)).to_numpy()
    context["days_to_term_end"] = (frame["term_ends_at"] - frame[SNAPSHOT]).dt.total_seconds() / 86_400
    return context


def size_bands(seats: pd.Series, upper: Sequence[int]) -> NDArray[np.str_]:
    """Words for size bands: with upper ends 5 and 20, "1-5 seats", "6-20 seats", "over 20 seats", "unknown"."""
    lower = [1, *(end + 1 for end in upper)]
    names = [f"{low}-{high} seats" for low, high in zip(lower, upper, strict=False)] + [f"over {upper[-1]} seats"]
    values = seats.to_numpy(dtype=float)
    band = np.searchsorted(np.asarray(upper, dtype=float), np.nan_to_num(values, nan=-1.0))
    words = np.array(["0 seats", *names, "unknown"])
    place = np.where(np.isnan(values), len(words) - 1, np.where(values <= 0, 0, band + 1))
    named: NDArray[np.str_] = words[place]
    return named


def _optional_columns(
    tables: Tables, population: Population, context: pd.DataFrame, snapshots: Sequence[date], windows: Windows
) -> Columns:
    columns: Columns = {}
    if tables.conversations is not None:
        columns |= conversation_columns(use_of_conversations(tables, snapshots, windows), population, context)
    if tables.surveys is not None:
        columns |= survey_columns(last_answers(tables, snapshots, windows), population)
    return columns


def _attributes(frame: pd.DataFrame, settings: Settings) -> dict[str, NDArray[np.str_]]:
    """Plan (when subscriptions name any) and the immutable attributes, as text, "" where unknown."""
    names = [name for name in settings.tables.accounts.immutable if name in frame]
    if settings.tables.subscriptions is not None:
        names.insert(0, "plan")
    return {name: frame[name].fillna("").to_numpy(dtype=str) for name in names}


def _available(
    tables: Tables, features: Sequence[Feature], valued: Collection[int], attributes: dict[str, NDArray[np.str_]]
) -> Available:
    return Available(
        users=tables.has_users,
        values=frozenset(feature.name for place, feature in enumerate(features) if place in valued),
        subscriptions=tables.subscriptions is not None,
        conversations=tables.conversations is not None,
        surveys=tables.surveys is not None,
        attributes={name: tuple(v for v in np.unique(column) if v) for name, column in attributes.items()},
    )


def _fill(
    values: NDArray[np.float32], signals: Sequence[Signal], columns: Columns, attributes: dict[str, NDArray[np.str_]]
) -> None:
    """Write the signals of accounts into their columns; those of features stand there already."""
    for position, signal in enumerate(signals):
        if signal.measure == "is":
            column = attributes.get(signal.column)
            values[:, position] = np.nan if column is None else column == signal.equals
        elif signal.feature is None:
            if signal.name not in columns:
                raise not_there(signal)
            values[:, position] = columns[signal.name]
