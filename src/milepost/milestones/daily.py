"""Counts of something by account and day, and how many fall between two days: what every milestone is read from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Codes = NDArray[np.intp]
Floats = NDArray[np.float64]

NEVER = np.iinfo(np.int64).max // 4  # a day that does not come
_DAYS_BITS = 1 << 22  # more days than any calendar holds
_AT_A_TIME = 10_000  # questions about accounts with rows that came very late


@dataclass(frozen=True)
class DailyCounts:
    """Uses of one thing by account and day.

    account: codes, sorted, then day; day: whole days since 1970 on which it happened (UTC); seen: the day on which it
    was known, on `day` or later; count: how many. All of one length. accounts: how many accounts there are.
    """

    account: Codes
    day: Ints
    seen: Ints
    count: Floats
    accounts: int

    def between(self, account: Codes, begin: Ints | int, end: Ints | int) -> Floats:
        """What happened on the days [begin, end) and was known before `end`, one figure per entry of `account`."""
        begins, ends = np.broadcast_to(begin, account.shape), np.broadcast_to(end, account.shape)
        # known before the end, less what happened before the beginning, and back what was not yet known of that
        total = self._known_before(account, ends) - self._happened_before(account, begins)
        total += self._still_unknown(account, begins, ends)
        answer: Floats = np.where(ends > begins, total, 0.0)
        return answer

    def nth_day(self, number: float, account: Codes, begin: Ints, end: Ints) -> Ints:
        """The day on which the `number`-th use within [begin, end) was known, NEVER where it was not reached.

        The milestone is reached on that day: an observer at its midnight does not know it yet.
        """
        order = np.lexsort((self.seen, self.account))
        codes, seen, day, count = (part[order] for part in (self.account, self.seen, self.day, self.count))
        first = np.full(len(account), NEVER, dtype=np.int64)
        if not len(codes):
            return first
        position = np.full(self.accounts, -1, dtype=np.intp)
        position[account] = np.arange(len(account))
        asked = position[codes]
        known = asked >= 0
        inside = known & (day >= begin[asked]) & (day < end[asked]) & (seen < end[asked])
        codes, seen, count, asked = codes[inside], seen[inside], count[inside], asked[inside]
        if not len(codes):
            return first
        running = np.cumsum(count)
        starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
        before = np.repeat(np.append(0.0, running)[starts], np.diff(np.append(starts, len(codes))))
        reached = np.flatnonzero(running - before >= number)
        first[asked[reached[::-1]]] = seen[reached[::-1]]
        return first

    def last_before(self, account: Codes, end: Ints | int) -> Ints:
        """The last day before `end` on which it happened, -NEVER where it never did."""
        place = np.searchsorted(self._keys, account.astype(np.int64) * _DAYS_BITS + np.broadcast_to(end, account.shape))
        before = np.maximum(place - 1, 0)
        if not len(self.day):
            return np.full(len(account), -NEVER, dtype=np.int64)
        mine = (place > 0) & (self.account[before] == account)
        return np.where(mine, self.day[before], -NEVER)

    @cached_property
    def _keys(self) -> Ints:
        return self.account.astype(np.int64) * _DAYS_BITS + self.day

    @cached_property
    def _running(self) -> Floats:
        return np.append(0.0, np.cumsum(self.count))

    @cached_property
    def _by_seen(self) -> tuple[Ints, Floats]:
        order = np.lexsort((self.seen, self.account))
        keys = self.account[order].astype(np.int64) * _DAYS_BITS + self.seen[order]
        return keys, np.append(0.0, np.cumsum(self.count[order]))

    def _happened_before(self, account: Codes, day: Ints) -> Floats:
        return self._running[np.searchsorted(self._keys, account.astype(np.int64) * _DAYS_BITS + day)]

    def _known_before(self, account: Codes, day: Ints) -> Floats:
        keys, running = self._by_seen
        return running[np.searchsorted(keys, account.astype(np.int64) * _DAYS_BITS + day)]

    def _still_unknown(self, account: Codes, begins: Ints, ends: Ints) -> Floats:
        """What happened before `begins` and was not known by `ends`: only rows later than a window is long."""
        unknown = np.zeros(len(account))
        if not len(account) or not len(self.day):
            return unknown
        slow = self.seen - self.day >= max(int((ends - begins).min()), 1)
        codes, day, seen, count = self.account[slow], self.day[slow], self.seen[slow], self.count[slow]
        first, last = (np.searchsorted(codes, account, side=side) for side in ("left", "right"))
        asked = np.flatnonzero(last > first)
        for part in range(0, len(asked), _AT_A_TIME):
            query = asked[part : part + _AT_A_TIME]
            many = last[query] - first[query]
            of = np.repeat(query, many)
            row = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many) + np.repeat(first[query], many)
            there = (day[row] < begins[of]) & (seen[row] >= ends[of])
            unknown += np.bincount(of[there], count[row[there]], minlength=len(account))
        return unknown


def daily_counts(account: Codes, day: Ints, seen: Ints, count: Floats, accounts: int) -> DailyCounts:
    """Sorted by account, day and the day it was known; what lies before 1970 is not supported."""
    order = np.lexsort((seen, day, account))
    return DailyCounts(account[order], day[order], np.maximum(seen, day)[order], count[order], accounts)
