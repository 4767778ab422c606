"""Who was seen: for every user of an account, one bit per feature, in words of 62 bits for each snapshot and window.

Counting distinct users per account and feature would need a group for each of the three; this needs one per user.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import numpy as np
from numpy.typing import NDArray

from milepost.data.contract import Tables
from milepost.signals.aggregate import Question, arrays, bit_or, keep, lookup, recent_events
from milepost.signals.bits import WORD_BITS, bits_of_names, words_for

MOST_WORDS = 16  # columns of one GROUP BY; beyond, another pass over the events is cheaper than the memory


@dataclass(frozen=True)
class Sight:
    """What one column of words answers: users seen within a window before a snapshot."""

    window: int
    snapshot: int


@dataclass(frozen=True)
class Users:
    """The words of some sights, computed once: account and <position of the sight>_<word>."""

    sights: tuple[Sight, ...]
    table: ibis.Table


def note_users(tables: Tables, question: Question, windows: Sequence[int]) -> tuple[Users, ...]:
    """Note who used what, within each of the windows at each snapshot; rows without a user count for nobody."""
    features = len(question.names)
    words = words_for(features + 1)
    sights = [Sight(window, snapshot) for window in windows for snapshot in range(len(question.cells.snapshots))]
    events = recent_events(tables, question)
    coded = events.filter(events.user_id.notnull()).left_join(
        lookup(bits_of_names(question.names, words)), "event_name"
    )
    # one bit more than there are features: any event at all
    own = {f"word_{word}": coded[f"word_{word}"].fill_null(0) | _bit(features, word) for word in range(words)}
    coded = coded.select("account", "user_id", "since", *(f"until_{window}" for window in windows), **own)
    step = max(MOST_WORDS // words, 1)
    return tuple(_noted(coded, tuple(sights[start : start + step]), words) for start in range(0, len(sights), step))


def _noted(coded: ibis.Table, sights: tuple[Sight, ...], words: int) -> Users:
    columns = {}
    for place, sight in enumerate(sights):
        seen = (coded[f"until_{sight.window}"] & coded.since & (1 << sight.snapshot)) != 0
        for word in range(words):
            columns[f"s{place}_{word}"] = bit_or(ibis.ifelse(seen, coded[f"word_{word}"], 0))
    return Users(sights, keep(coded.group_by("account", "user_id").aggregate(**columns).drop("user_id")))


def _bit(place: int, word: int) -> int:
    return 1 << place % WORD_BITS if place // WORD_BITS == word else 0


def count_users(users: Users, features: int, first: int, end: int) -> dict[Sight, NDArray[np.float64]]:
    """Distinct users of the accounts [first, end): sight -> [accounts × features + 1], the last column any event."""
    found = arrays(users.table.filter(users.table.account >= first, users.table.account < end))
    order = np.argsort(found["account"], kind="stable")
    accounts, starts = np.unique(found["account"][order], return_index=True)
    counts = {}
    for place, sight in enumerate(users.sights):
        counted = np.zeros((end - first, features + 1))
        for begin in range(0, features + 1, WORD_BITS):
            words = found[f"s{place}_{begin // WORD_BITS}"][order]
            stop = min(begin + WORD_BITS, features + 1)
            if len(words):
                counted[accounts - first, begin:stop] = _count_bits(words, starts, stop - begin)
        counts[sight] = counted
    return counts


def _count_bits(words: NDArray[np.int64], starts: NDArray[np.intp], bits: int) -> NDArray[np.int64]:
    """How many words of each run have each of the first bits: [runs × bits]."""
    counted = np.empty((len(starts), bits), dtype=np.int64)
    for bit in range(bits):
        counted[:, bit] = np.add.reduceat(words >> bit & 1, starts)
    return counted
