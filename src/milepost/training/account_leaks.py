"""What knows too much about whole accounts: attributes, the segment, the order accounts stand in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.outcomes import Outcomes
from milepost.settings import Settings
from milepost.signals.matrix import Matrix, Observations
from milepost.terms import ACCOUNT, SNAPSHOT
from milepost.training.candidates import Rows
from milepost.training.end_of_life import end_of_life_leaks
from milepost.training.evaluate import roc_auc
from milepost.training.leaks import (
    BINS,
    LEAK_ACCOUNTS,
    LEAK_AUC,
    Leak,
    bins_of,
    nearly_certain,
    one_row_an_account,
    out_of_fold_auc,
    signal_leaks,
)
from milepost.training.split import account_folds

FloatArray = NDArray[np.float64]
Texts = NDArray[np.str_]

ACCOUNT_ORDER, CREATED_ORDER, TABLE_ORDER = "account_id", "created_at", "row_order"
ORDERS = (ACCOUNT_ORDER, CREATED_ORDER, TABLE_ORDER)
NEARLY_UNIQUE, IDENTIFIED = 0.9, 50  # values per account that has one, from so many such accounts on
NEIGHBOURS = 5  # on either side: groups of a few related accounts may honestly leave together


@dataclass(frozen=True)
class Accounts:
    """One row an account: `rows` with churned when it has left by now, its id, and the first snapshot it is seen at."""

    rows: Rows
    ids: pd.Series[str]
    entry: NDArray[np.datetime64]


def find_leaks(
    observations: Observations, outcomes: Outcomes, accounts: pd.DataFrame, settings: Settings
) -> tuple[Leak, ...]:
    """Everything that knows too much: signals, attributes, segment, end-of-life features and orders of accounts.

    The rows are those that are learnt from, every outcome known. accounts: account_id, created_at and running (at the
    scored date), in the order of their table: what was overwritten knows of ends that no row has for an outcome yet.
    With under 20 churned or retained accounts nothing can be told, and nothing is found.
    """
    ids = observations.context[ACCOUNT].reset_index(drop=True)
    churned = outcomes.churned.astype(np.float64)
    left = ~ids.isin(accounts.loc[accounts["running"], ACCOUNT]).to_numpy()
    if min(ids[churned == 1].nunique(), ids[~left].nunique()) < LEAK_ACCOUNTS:
        return ()
    folds = account_folds(ids, settings.training.folds, settings.project.seed)
    rows = Rows(observations.matrix.values, churned, folds)
    gone = replace(rows, churned=left.astype(np.float64))
    signals = signal_leaks(rows, ids, observations.matrix.signals, gone.churned)
    # a feature or column whose signals were named is not named once more
    named = {leak.belongs for leak in signals}
    whole = _accounts(observations, gone, ids)
    others = [
        *attribute_leaks(_attributes(observations, ids, settings), whole),
        *end_of_life_leaks(observations, churned),
    ]
    return (*signals, *(leak for leak in others if leak.belongs not in named), *order_leaks(whole, accounts))


def _accounts(observations: Observations, rows: Rows, ids: pd.Series[str]) -> Accounts:
    last = ~ids.duplicated(keep="last")
    entry = observations.context[SNAPSHOT].reset_index(drop=True).groupby(ids).transform("min")[last]
    return Accounts(one_row_an_account(rows, ids, "last"), ids[last].reset_index(drop=True), entry.to_numpy())


# -- attributes


def _attributes(observations: Observations, ids: pd.Series[str], settings: Settings) -> dict[str, Texts]:
    """Immutable attributes and the segment: column -> text of each account, "" where unknown.

    The plan is left out: it changes, and what it was at a snapshot is known.
    """
    last = np.flatnonzero(~ids.duplicated(keep="last"))
    found = {column: _texts(observations.matrix, column, last) for column in settings.tables.accounts.immutable}
    if settings.data.segment:
        found[settings.data.segment] = observations.context["segment"].to_numpy(dtype=str)[last]
    return found


def _texts(matrix: Matrix, column: str, rows: NDArray[np.intp]) -> Texts:
    places = np.array([place for place, s in enumerate(matrix.signals) if s.column == column], dtype=np.intp)
    words = np.array([*(matrix.signals[place].equals for place in places), ""])
    # the "" after all values wins where none of them does
    marks = np.column_stack([matrix.values[np.ix_(rows, places)] == 1, np.ones(len(rows), dtype=np.bool_)])
    return np.asarray(words[marks.argmax(axis=1)])


def attribute_leaks(attributes: dict[str, Texts], whole: Accounts) -> Iterator[Leak]:
    """Attributes that tell by account who churned, or that name the accounts one by one."""
    for column, texts in attributes.items():
        if figure := _attribute_figure(texts, whole):
            yield Leak(f"account.{column}", figure, column)


def _attribute_figure(texts: Texts, whole: Accounts) -> str:
    known = texts != ""
    levels, codes = np.unique(texts, return_inverse=True)
    ways = [codes, known.astype(np.intp)]
    if len(levels) > BINS:
        # dates and numbers tell by their size
        ways.append(bins_of(np.where(known, natural_rank(texts), np.nan).astype(np.float32)))
    if (auc := max(out_of_fold_auc(bins, whole.rows) for bins in ways)) > LEAK_AUC:
        return f"AUC {auc:.3f} by account"
    if share := max(nearly_certain(bins, whole.rows, whole.ids) for bins in ways):
        return f"churned share {share:.0%} of accounts"
    different = len(np.unique(texts[known]))
    if known.sum() >= IDENTIFIED and different >= NEARLY_UNIQUE * known.sum():
        return f"{different:,} values for {known.sum():,} accounts: it names them"
    return ""


# -- orders


def order_leaks(whole: Accounts, accounts: pd.DataFrame) -> Iterator[Leak]:
    """Orders that tell who churned: of account ids, of creation among accounts first seen together, of the rows."""
    place = pd.Index(accounts[ACCOUNT]).get_indexer(pd.Index(whole.ids))
    table = place.astype(np.float64)
    by_id = natural_rank(whole.ids.to_numpy(dtype=str))
    created = accounts["created_at"].to_numpy()[place].astype("datetime64[s]").astype(np.float64)
    for name, order in ((ACCOUNT_ORDER, by_id), (CREATED_ORDER, created), (TABLE_ORDER, table)):
        if name == TABLE_ORDER and (_follows(table, by_id) or _follows(table, created)):
            continue
        if figure := _order_figure(order, whole, together=name != CREATED_ORDER):
            yield Leak(name, figure)


def _follows(order: FloatArray, other: FloatArray) -> bool:
    return bool((np.diff(other[np.argsort(order, kind="stable")]) > 0).all())


def _order_figure(order: FloatArray, whole: Accounts, together: bool) -> str:
    """AUC of the place among accounts first seen at the same snapshot; or whether the churned stand in blocks."""
    churned = whole.rows.churned
    auc = _auc_within(order, churned, whole.entry)
    if max(auc, 1 - auc) > LEAK_AUC:
        return f"AUC {max(auc, 1 - auc):.3f} of the place"
    if together and (auc := roc_auc(_churned_beside(order, churned), churned)) > LEAK_AUC:
        return f"churned accounts stand together, AUC {auc:.3f}"
    return ""


def _auc_within(order: FloatArray, churned: FloatArray, entry: NDArray[np.datetime64]) -> float:
    """AUC over pairs first seen at the same snapshot: who came later had less time to leave."""
    right = pairs = 0.0
    for day in np.unique(entry):
        inside = entry == day
        gone = float(churned[inside].sum())
        here = gone * (float(inside.sum()) - gone)
        if here:
            right += here * roc_auc(order[inside], churned[inside])
            pairs += here
    return right / pairs if pairs else 0.5


def _churned_beside(order: FloatArray, churned: FloatArray) -> FloatArray:
    """Churned share among each account's nearest neighbours in the order, itself left out, float64 [accounts]."""
    places = np.argsort(order, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(churned[places])])
    at = np.arange(len(places))
    low, high = np.maximum(at - NEIGHBOURS, 0), np.minimum(at + NEIGHBOURS + 1, len(places))
    share = np.empty(len(places))
    share[places] = (sums[high] - sums[low] - churned[places]) / np.maximum(high - low - 1, 1)
    return share


def natural_rank(texts: Texts) -> FloatArray:
    """Place of each text when numbers inside it count as numbers, equal for equal texts; float64 [texts].

    >>> natural_rank(np.array(["a10", "a9", "b1", "a9"])).tolist()
    [1.0, 0.0, 2.0, 0.0]
    """
    different, codes = np.unique(texts, return_inverse=True)
    keys = [_natural(text) for text in different.tolist()]
    rank = np.empty(len(keys))
    rank[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return np.asarray(rank[codes], dtype=np.float64)


def _natural(text: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"([0-9]+)", text)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]
