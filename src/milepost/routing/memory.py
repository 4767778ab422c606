"""What routing remembers from earlier dates: flags that were raised, and contacts that were made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.routing.conditions import Column, holds
from milepost.routing.rules import Rule, Rules
from milepost.terms import ACCOUNT

Flags = NDArray[np.bool_]
Days = NDArray[np.datetime64]
Ints = NDArray[np.int64]

FLAG_COLUMNS = [ACCOUNT, "flag", "raised_on", "up"]
CONTACT_COLUMNS = [ACCOUNT, "contacted_on", "pool", "flag", "minutes"]
NEVER = np.datetime64("NaT", "D")


@dataclass(frozen=True)
class Memory:
    """flags: FLAG_COLUMNS, one row per account and flag that is up, or expired and quiet; as of the last date before.
    contacts: CONTACT_COLUMNS, one row per contact of the days that any rule looks back on. Dates as datetime64.
    """

    flags: pd.DataFrame
    contacts: pd.DataFrame


def no_memory() -> Memory:
    """Nothing has been routed before."""
    return Memory(pd.DataFrame(columns=FLAG_COLUMNS), pd.DataFrame(columns=CONTACT_COLUMNS))


def days_back(rules: Rules) -> int:
    """How many days of contacts are looked back on."""
    settings = rules.settings
    return max(settings.within_days, settings.between_days, settings.period_days)


@dataclass(frozen=True)
class Raised:
    """up: bool [accounts × flags], in the order of the rules; raised_on: days, NaT where it is not up and not quiet."""

    up: Flags
    raised_on: Days

    def frame(self, accounts: pd.Series, rules: Rules) -> pd.DataFrame:
        """What the next date has to remember, FLAG_COLUMNS."""
        row, column = np.nonzero(~np.isnat(self.raised_on))
        names = np.array([rule.flag.name for rule in rules.rules], dtype=object)
        return pd.DataFrame({
            ACCOUNT: accounts.to_numpy()[row], "flag": names[column],
            "raised_on": self.raised_on[row, column].astype("datetime64[us]"), "up": self.up[row, column],
        })  # fmt: skip


def raise_flags(rules: Rules, columns: dict[str, Column], accounts: pd.Series, memory: Memory, today: date) -> Raised:
    """Which flags are up: those that begin to hold, and those of before that neither ended nor expired."""
    index = pd.Index(accounts)
    shape = len(accounts), len(rules.rules)
    up, raised_on = np.zeros(shape, dtype=np.bool_), np.full(shape, NEVER)
    for place, rule in enumerate(rules.rules):
        before = _before(memory.flags, rule.flag.name, index)
        up[:, place], raised_on[:, place] = _one(rule, columns, before, np.datetime64(today, "D"))
    return Raised(up, raised_on)


def _before(flags: pd.DataFrame, name: str, accounts: pd.Index) -> tuple[Flags, Days]:
    """Whether the flag was up, and since when it is remembered."""
    rows = flags[flags["flag"] == name]
    place = accounts.get_indexer(pd.Index(rows[ACCOUNT]))
    there = place >= 0
    was_up, since = np.zeros(len(accounts), dtype=np.bool_), np.full(len(accounts), NEVER)
    was_up[place[there]] = rows["up"].to_numpy(dtype=np.bool_)[there]
    since[place[there]] = rows["raised_on"].to_numpy(dtype="datetime64[D]")[there]
    return was_up, since


def _one(
    rule: Rule, columns: dict[str, Column], before: tuple[Flags, Days], today: np.datetime64
) -> tuple[Flags, Days]:
    was_up, since = before
    begins = holds(rule.when, columns, len(since))
    ends = ~begins if rule.until is None else holds(rule.until, columns, len(since))
    age = (today - since) / np.timedelta64(1, "D")  # NaN where it is not remembered
    expires, quiet = rule.flag.expires_days, rule.flag.expires_days + rule.flag.quiet_days
    stays = was_up & ~ends & (age < expires)
    resting = (age >= expires) & (age < quiet)
    new = begins & ~ends & ~stays & ~resting
    since = np.where(new, today, np.where(stays | resting, since, NEVER))
    return stays | new, since


@dataclass(frozen=True)
class Contacts:
    """Per account: last: the day of the last contact, NaT for none; number: contacts within `within_days`; pool, flag,
    minutes: of the last one. All [accounts].
    """

    last: Days
    number: Ints
    pool: NDArray[np.object_]
    flag: NDArray[np.object_]
    minutes: Ints


def contacts_of(rules: Rules, accounts: pd.Series, memory: Memory, today: date) -> Contacts:
    """What is remembered of contacts before today, per account."""
    index, day = pd.Index(accounts), np.datetime64(today, "D")
    made = memory.contacts.assign(day=memory.contacts["contacted_on"].to_numpy(dtype="datetime64[D]"))
    made = made[made["day"].to_numpy() < day].sort_values("day", kind="stable")
    place = index.get_indexer(pd.Index(made[ACCOUNT]))
    made, place = made[place >= 0], place[place >= 0]
    size = len(index)
    last, pool, flag = np.full(size, NEVER), np.full(size, "", dtype=object), np.full(size, "", dtype=object)
    minutes = np.zeros(size, dtype=np.int64)
    # of several rows of one account the last written stays, which is the latest
    last[place], minutes[place] = made["day"].to_numpy(dtype="datetime64[D]"), made["minutes"].to_numpy(dtype=np.int64)
    pool[place], flag[place] = made["pool"].to_numpy(dtype=object), made["flag"].to_numpy(dtype=object)
    recent = made["day"].to_numpy() > day - np.timedelta64(rules.settings.within_days, "D")
    return Contacts(last, np.bincount(place[recent], minlength=size), pool, flag, minutes)


def minutes_used(rules: Rules, memory: Memory, today: date) -> dict[str, int]:
    """Pool -> minutes of the contacts of the last `period_days` before today."""
    days = memory.contacts["contacted_on"].to_numpy(dtype="datetime64[D]")
    day = np.datetime64(today, "D")
    inside = (days < day) & (days > day - np.timedelta64(rules.settings.period_days, "D"))
    used = memory.contacts[inside].groupby("pool")["minutes"].sum()
    return {str(pool): int(minutes) for pool, minutes in used.items()}
