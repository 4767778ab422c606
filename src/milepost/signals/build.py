"""From tables to `Observations`: long form in, wide matrix out, scattered with numpy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost import __version__
from milepost.data.contract import Tables, to_frame
from milepost.errors import InputError
from milepost.settings import Settings
from milepost.signals.account import conversation_columns, survey_columns
from milepost.signals.catalogue import Feature
from milepost.signals.declare import Available, declare_signals
from milepost.signals.fill import Beside, Layout, fill, fill_others, lay_out, used
from milepost.signals.matrix import Matrix, Observations
from milepost.signals.own_use import asked
from milepost.signals.population import Population, eligible_rows, find_population
from milepost.signals.resume import Built, CarriedOver, carry_over
from milepost.signals.room import Room, room
from milepost.signals.spec import Signal
from milepost.signals.usage import Known, usage
from milepost.signals.windowed import days_self_served, last_answers, use_of_conversations
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.windows import Windows

# count up when a measure is computed in another way: a matrix of before is then built anew, not taken up
MEASURES_VERSION = 4

Progress = Callable[[str], None]
Columns = dict[str, NDArray[np.float32]]


def build_observations(
    tables: Tables,
    features: tuple[Feature, ...],
    settings: Settings,
    snapshots: Sequence[date],
    signals: tuple[Signal, ...] | None = None,
    progress: Progress = lambda text: None,
    own: tuple[Signal, ...] = (),
) -> Observations:
    """Everything visible at each snapshot, from one pass over the events per aggregate.

    `signals` fixes the columns (those of a trained model, for scoring); without it they are declared from what the
    data can give, and `own` stands after them. Raises InputError when no account is running at any snapshot.
    """
    return build(tables, features, settings, snapshots, signals, progress=progress, own=own).observations


def build(
    tables: Tables,
    features: tuple[Feature, ...],
    settings: Settings,
    snapshots: Sequence[date],
    signals: tuple[Signal, ...] | None = None,
    earlier: Built | None = None,
    scratch: Path | None = None,
    progress: Progress = lambda text: None,
    own: tuple[Signal, ...] = (),
) -> Built:
    """As `build_observations`; rows of snapshots that `earlier` holds are taken from it where they still hold.

    The caller has made sure that the events before the date of `earlier`, the catalogue and the settings are what they
    were (see `digests`); accounts, seats and ages are compared here. A matrix that is large beside the memory allowed
    stands in files in the folder `scratch` instead, and is `Stacked`.
    """
    windows = settings.windows.windows()
    population = find_population(tables, settings.data, snapshots, windows)
    if population.frame.empty:
        raise InputError(
            "no account is running at any snapshot", where=f"{snapshots[0]} to {snapshots[-1]}",
            fix="check created_at, the subscriptions and --as-of",
        )  # fmt: skip
    context = _context(population, windows, tables, settings)
    taken = carry_over(earlier, population, context, progress) if earlier else None
    begin, fresh = (len(taken.context), population.since(taken.snapshots)) if taken else (0, population)
    known = taken.known if taken else None
    own = own if signals is None else tuple(signal for signal in signals if signal.own)
    progress(f"aggregating events for {len(fresh.snapshots)} snapshots, {len(fresh.frame):,} rows")
    beside = Beside(
        population.frame, context, _optional_columns(tables, population, context, settings),
        _attributes(population.frame, settings),
    )  # fmt: skip
    limit = settings.project.memory_bytes
    with usage(tables, features, fresh, windows, limit, asked(own), known, progress) as found:
        if signals is None:
            valued = {features[place].name for place in found.valued} | (taken.valued if taken else set())
            available = _available(tables, valued, beside.attributes, settings)
            signals = (*declare_signals(features, settings.signals.measures, windows, available), *own)
        layout = lay_out(signals, features)
        counts = np.zeros((len(context), len(features)), dtype=np.float32)
        contexts = []
        with room(population.snapshots, population.bounds, len(signals), limit, scratch) as there:
            if taken:
                counts[:begin] = taken.counts
                contexts.append(taken.context)
                _carry(taken, there, signals, layout, beside, windows)
            for block in found.blocks(progress):
                rows = slice(begin + block.rows.start, begin + block.rows.stop)
                here = used(context.iloc[rows], block.whole, windows)
                there.put(rows, fill(layout, beside, rows, here, block, windows))
                counts[rows] = block.use.uses
                contexts.append(here)
            values = there.whole()
    context = pd.concat(contexts).sort_index()
    eligible, access_known = eligible_rows(population, tables, features, windows)
    matrix = Matrix(values, context[[ACCOUNT, SNAPSHOT]].copy(), signals,
                    source_hash(tables, features, settings, snapshots, own))  # fmt: skip
    observations = Observations(matrix, features, counts, eligible, access_known, context, windows)
    return Built(observations, Known(snapshots[-1], population.account_ids, found.ever), there.parts)


def _carry(
    taken: CarriedOver, there: Room, signals: tuple[Signal, ...], layout: Layout, beside: Beside, windows: Windows
) -> None:
    """Put the rows of an earlier run where they belong, with the signals of accounts as they are known now.

    The file of a snapshot of which nothing changed becomes one of the new matrix, instead of being written again.
    """

    def filled(among: slice) -> Iterator[tuple[slice, NDArray[np.float32], bool]]:
        others = list(layout.others)
        for rows, block in taken.blocks(signals, among):
            before = block[:, others]
            fill_others(block, layout, beside, rows, taken.context.iloc[rows], taken.counts[rows], windows)
            yield rows, block, np.array_equal(before, block[:, others], equal_nan=True)

    for day, among in taken.by_snapshot():
        part = taken.parts.get(day) if taken.has_columns(signals) else None
        if part is not None and all(same for _, _, same in filled(among)) and there.adopt(day, part):
            continue
        for rows, block, _ in filled(among):
            there.put(rows, block)


def source_hash(
    tables: Tables, features: Sequence[Feature], settings: Settings, snapshots: Sequence[date], own: Sequence[Signal]
) -> str:
    """Fingerprint of everything a matrix depends on, the software's own way of computing it included."""
    parts = (*_ways(features, settings, own), settings.data, tables.fingerprint, tuple(snapshots))
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def way_hash(features: Sequence[Feature], settings: Settings, own: Sequence[Signal]) -> str:
    """Fingerprint of how a matrix is computed, not from what: where it is equal, rows may be carried over."""
    data = settings.data.model_copy(update={"complete_until": None})
    return hashlib.sha256(repr((*_ways(features, settings, own), data)).encode()).hexdigest()


def _ways(features: Sequence[Feature], settings: Settings, own: Sequence[Signal]) -> tuple[object, ...]:
    return (
        __version__,
        MEASURES_VERSION,
        features,
        settings.windows,
        settings.signals,
        settings.tables.accounts.immutable,
        tuple(own),
        (settings.help.read_events, settings.help.search_events, settings.help.click_events),
    )


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


def _optional_columns(tables: Tables, population: Population, context: pd.DataFrame, settings: Settings) -> Columns:
    columns: Columns = {}
    snapshots, windows, reading = population.snapshots, settings.windows.windows(), settings.help
    if tables.conversations is not None:
        alone = days_self_served(tables, reading, snapshots, windows) if reading.read_events else None
        found = use_of_conversations(tables, snapshots, windows)
        columns |= conversation_columns(found, population, context, alone)
    if tables.surveys is not None:
        columns |= survey_columns(last_answers(tables, snapshots, windows), population)
    return columns


def _attributes(frame: pd.DataFrame, settings: Settings) -> dict[str, NDArray[np.str_]]:
    """Plan (when subscriptions name any) and the immutable attributes, as text, "" where unknown."""
    names = [name for name in settings.tables.accounts.immutable if name in frame]
    if settings.tables.subscriptions is not None:
        names.insert(0, "plan")
    return {name: frame[name].fillna("").to_numpy(dtype=str) for name in names}


def declared(
    tables: Tables, features: tuple[Feature, ...], settings: Settings, own: tuple[Signal, ...]
) -> tuple[Signal, ...]:
    """The signals that `build` would make, without adding up events.

    A sum of values or a value of an attribute that no snapshot sees is among them all the same.
    """
    names = _distinct(tables.events.filter(tables.events.value != 0).event_name) if tables.has_values else set()
    valued = [feature.name for feature in features if names & set(feature.event_names)]
    columns = {
        name: tables.accounts[name] for name in settings.tables.accounts.immutable if name in tables.accounts.columns
    }
    if tables.subscriptions is not None:
        columns = {"plan": tables.subscriptions.plan, **columns}
    attributes = {name: np.array(sorted(_distinct(column)), dtype=str) for name, column in columns.items()}
    available = _available(tables, valued, attributes, settings)
    measures, windows = settings.signals.measures, settings.windows.windows()
    return (*declare_signals(features, measures, windows, available), *own)


def _distinct(column: ibis.Value) -> set[str]:
    found = to_frame(column.name("found").as_table().distinct())["found"].dropna()
    return {str(value) for value in found}


def _available(
    tables: Tables, valued: Iterable[str], attributes: Mapping[str, NDArray[np.str_]], settings: Settings
) -> Available:
    return Available(
        users=tables.has_users,
        values=frozenset(valued),
        subscriptions=tables.subscriptions is not None,
        conversations=tables.conversations is not None,
        surveys=tables.surveys is not None,
        attributes={name: tuple(v for v in np.unique(column) if v) for name, column in attributes.items()},
        reopened=tables.has_reopened,
        help=bool(settings.help.read_events),
    )
