"""One block of rows of the matrix: the signals of features from their use, those of accounts from what is beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.errors import InputError
from milepost.signals.account import account_columns
from milepost.signals.catalogue import Feature
from milepost.signals.own_use import asked, own_columns
from milepost.signals.spec import Signal
from milepost.signals.usage import Block
from milepost.signals.wide import AccountUse, feature_measures
from milepost.terms import Measure
from milepost.windows import Windows

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Beside:
    """What is known of every row beside its use of the product.

    frame: the population's rows; context: see `Observations`; columns: signals computed already, float32 [rows];
    attributes: plan and immutable attributes as text.
    """

    frame: pd.DataFrame
    context: pd.DataFrame
    columns: Mapping[str, Values]
    attributes: Mapping[str, NDArray[np.str_]]


@dataclass(frozen=True)
class Layout:
    """Which column of the matrix holds what.

    measures: measure -> its columns, and the feature of each; own: own signals by column, with the place of their use;
    others: the signals of accounts by column.
    """

    measures: Mapping[Measure, tuple[list[int], list[int]]]
    own: Mapping[int, tuple[Signal, int]]
    others: Mapping[int, Signal]
    width: int


def lay_out(signals: Sequence[Signal], features: Sequence[Feature]) -> Layout:
    """Raises InputError for a signal of a feature that is not in the catalogue."""
    place = {feature.name: number for number, feature in enumerate(features)}
    events = {name: len(features) + number for number, name in enumerate(asked(signals).events)}
    measures: dict[Measure, tuple[list[int], list[int]]] = {}
    own: dict[int, tuple[Signal, int]] = {}
    others: dict[int, Signal] = {}
    for position, signal in enumerate(signals):
        if signal.feature is None and not signal.own:
            others[position] = signal
            continue
        known = bool(signal.event) or signal.feature in place
        if not known or signal.measure not in list(Measure):
            raise _not_there(signal)
        column = events[signal.event] if signal.feature is None else place[signal.feature]
        if signal.own:
            own[position] = signal, column
        else:
            into, of = measures.setdefault(Measure(signal.measure), ([], []))
            into.append(position)
            of.append(column)
    return Layout(measures, own, others, len(signals))


def used(context: pd.DataFrame, whole: AccountUse, windows: Windows) -> pd.DataFrame:
    """The context of some rows with active_users, active_days and days_since_last_use."""
    since = np.where(np.isnan(whole.days_since), float(windows.observation_days), whole.days_since)
    return context.assign(active_users=whole.users, active_days=whole.active_days, days_since_last_use=since)


def fill(layout: Layout, beside: Beside, rows: slice, context: pd.DataFrame, block: Block, windows: Windows) -> Values:
    """Every signal of these rows, float32 [rows × signals]; `context` and `block` are theirs."""
    values = np.empty((rows.stop - rows.start, layout.width), dtype=np.float32)
    for measure, found in feature_measures(block.use, context, windows).items():
        into, of = layout.measures.get(measure, ([], []))
        values[:, into] = found[:, of]
    positions = list(layout.own)
    for place, column in own_columns(list(layout.own.values()), block.here, context):
        values[:, positions[place]] = column
    fill_others(values, layout, beside, rows, context, block.use.uses, windows)
    return values


def fill_others(
    block: Values, layout: Layout, beside: Beside, rows: slice, context: pd.DataFrame, uses: Values, windows: Windows
) -> None:
    """Write the signals of accounts. Raises InputError for one that these tables cannot give."""
    columns = account_columns(beside.frame.iloc[rows], context, uses, windows)
    columns |= {name: column[rows] for name, column in beside.columns.items()}
    for position, signal in layout.others.items():
        if signal.measure == "is":
            column = beside.attributes.get(signal.column)
            block[:, position] = np.nan if column is None else column[rows] == signal.equals
        elif signal.name in columns:
            block[:, position] = columns[signal.name]
        else:
            raise _not_there(signal)


def _not_there(signal: Signal) -> InputError:
    return InputError(f"signal '{signal.name}' cannot be computed from these tables",
                      fix="train again, or map the table it came from")  # fmt: skip
