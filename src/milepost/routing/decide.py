"""One decision per account and date: who gets a person, for which flag, and why the others do not.

The lead flag of an account is the first by priority that can lead to something. An account in contact stays with its
person for `serve_days`; those that a limit allows compete for the hours of one pool, by what a contact saves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.framework import Proven
from milepost.routing.capacity import Chosen, choose
from milepost.routing.conditions import Column, columns_of, holds
from milepost.routing.memory import Contacts, Memory, Raised, contacts_of, minutes_used, raise_flags
from milepost.routing.rules import Pool, Rules
from milepost.routing.saving import MEASURED, Saving, saving
from milepost.terms import ACCOUNT, Route

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NONE = -1
# why an account has its route, in the order in which it is asked
HELD, LIMIT, FLOOR, RULE, NO_OWNER, CONTACT, NO_HOURS, NO_FLAG = (
    "in_contact", "contact_limit", "price_floor", "rule", "no_owner", "contact", "no_hours", "no_flag",
)  # fmt: skip


@dataclass(frozen=True)
class PoolResult:
    """One pool of a date: minutes it has in a period, those used in the days before, candidates, what was chosen, and
    what one more person would save beside it.
    """

    label: str
    minutes: int
    used: int
    candidates: int
    chosen: Chosen
    another: float


@dataclass(frozen=True)
class Routing:
    """The decisions of a date, one entry per account, in the order of the frame that came in.

    lead: place of the flag among the rules, NONE for none; state: one of the words above; pool: place, NONE for none;
    value, low, high: what a contact saves; measured: bool. basis, because: per rule, where its savings come from.
    Of accounts in contact `lead` is the flag of that contact.
    """

    accounts: pd.Series
    today: date
    rules: Rules
    raised: Raised
    contacts: Contacts
    lead: Ints
    state: NDArray[np.object_]
    pool: Ints
    value: Floats
    low: Floats
    high: Floats
    measured: Flags
    basis: tuple[str, ...]
    because: tuple[str, ...]
    pools: tuple[PoolResult, ...]

    @property
    def contacted(self) -> Flags:
        """bool [accounts]: a person reaches out today."""
        return np.asarray(self.state == CONTACT)

    @property
    def served(self) -> Flags:
        """bool [accounts]: the route is `serve`."""
        return np.asarray((self.state == CONTACT) | (self.state == HELD))

    @property
    def route(self) -> NDArray[np.object_]:
        """The route of each account."""
        return np.where(self.served, Route.SERVE.value, Route.SELF_SERVE.value).astype(object)


def route_accounts(
    frame: pd.DataFrame, rules: Rules, memory: Memory, today: date, proven: Sequence[Proven] = ()
) -> Routing:
    """Decide for every row of `frame`: account_id, mrr and every column that the rules name; one row per account."""
    columns = columns_of(frame)
    accounts = frame[ACCOUNT]
    raised = raise_flags(rules, columns, accounts, memory, today)
    contacts = contacts_of(rules, accounts, memory, today)
    above = _above_floor(rules, columns)
    lead, blocked = _lead(rules, raised.up, above)
    savings = [saving(rule, columns, raised.up[:, place], proven) for place, rule in enumerate(rules.rules)]
    pool = _pools(rules, columns, lead)
    state = _states(rules, lead, (blocked, pool), contacts, today)
    value, low, high, measured = _of_lead(savings, lead, len(accounts))
    minutes = np.array([*(max(1, round(rule.flag.hours * 60)) for rule in rules.rules), 0], dtype=np.int64)[lead]
    used = minutes_used(rules, memory, today)
    order = np.lexsort((accounts.to_numpy(dtype=str), lead))  # equal savings: by priority, then by account
    pools = []
    for place, one in enumerate(rules.pools):
        candidates = order[(state[order] == NO_HOURS) & (pool[order] == place)]
        result = _give_out(one, used.get(one.label, 0), value[candidates], minutes[candidates])
        state[candidates[result.chosen.chosen]] = CONTACT
        pools.append(result)
    basis, because = tuple(one.basis for one in savings), tuple(one.because for one in savings)
    lead = np.where(state == HELD, _of_contact(rules, contacts), lead)
    return Routing(accounts, today, rules, raised, contacts, lead, state, pool, value, low, high, measured, basis,
                   because, tuple(pools))  # fmt: skip


def _give_out(pool: Pool, used: int, savings: Floats, minutes: Ints) -> PoolResult:
    """The hours a pool has left, to the candidates that save most, and again with one more person."""
    left = max(0, pool.minutes - used)
    chosen = choose(savings, minutes, left)
    more = choose(savings, minutes, left + pool.person_minutes).value
    return PoolResult(pool.label, pool.minutes, pool.minutes - left, len(savings), chosen, more - chosen.value)


def _above_floor(rules: Rules, columns: dict[str, Column]) -> Flags:
    """Where MRR is not below the price floor; an unknown MRR is not."""
    mrr = np.asarray(columns["mrr"], dtype=np.float64)
    return ~(mrr < rules.settings.price_floor)


def _lead(rules: Rules, up: Flags, above: Flags) -> tuple[Ints, Flags]:
    """The first flag by priority that can lead to its route, and where the price floor is in the way of all that are
    up; those have the first of them.
    """
    free = np.array([rule.flag.any_price or rule.flag.route == Route.SELF_SERVE for rule in rules.rules], dtype=bool)
    able = up & (above[:, None] | free)
    blocked = up.any(axis=1) & ~able.any(axis=1) if up.shape[1] else np.zeros(len(up), dtype=bool)
    shown = np.where(blocked[:, None], up, able)
    first = shown.argmax(axis=1) if up.shape[1] else np.zeros(len(up), dtype=np.int64)
    return np.where(shown.any(axis=1), first, NONE), blocked


def _pools(rules: Rules, columns: dict[str, Column], lead: Ints) -> Ints:
    """The first pool of the lead flag's owner whose condition holds; NONE for none."""
    owners = np.array([*(rule.flag.owner for rule in rules.rules), ""], dtype=object)[lead]
    found = np.full(len(lead), NONE, dtype=np.int64)
    for place in range(len(rules.pools) - 1, -1, -1):
        one = rules.pools[place]
        inside = owners == one.owner.name
        if one.where is not None:
            inside &= holds(one.where, columns, len(lead))
        found[inside] = place
    return found


def _states(
    rules: Rules, lead: Ints, blocked_pool: tuple[Flags, Ints], contacts: Contacts, today: date
) -> NDArray[np.object_]:
    """The state of each account before hours are given out: those that may be contacted have NO_HOURS."""
    settings, (blocked, pool) = rules.settings, blocked_pool
    age = (np.datetime64(today, "D") - contacts.last) / np.timedelta64(1, "D")
    to_self = np.array([*(rule.flag.route == Route.SELF_SERVE for rule in rules.rules), False], dtype=bool)[lead]
    conditions = [
        (age < settings.serve_days, HELD), (lead == NONE, NO_FLAG), (blocked, FLOOR), (to_self, RULE),
        ((age < settings.between_days) | (contacts.number >= settings.max_contacts), LIMIT), (pool == NONE, NO_OWNER),
    ]  # fmt: skip
    choices = [np.array([word], dtype=object) for _, word in conditions]
    return np.select([where for where, _ in conditions], choices, np.array([NO_HOURS], dtype=object))


def _of_lead(savings: list[Saving], lead: Ints, rows: int) -> tuple[Floats, Floats, Floats, Flags]:
    """What a contact for the lead flag saves; 0 without one."""
    value, low, high = np.zeros(rows), np.full(rows, np.nan), np.full(rows, np.nan)
    measured = np.zeros(rows, dtype=bool)
    for place, one in enumerate(savings):
        mine = lead == place
        value[mine], low[mine], high[mine] = one.value[mine], one.low[mine], one.high[mine]
        measured[mine] = one.basis == MEASURED
    return value, low, high, measured


def _of_contact(rules: Rules, contacts: Contacts) -> Ints:
    """The flag of each account's last contact; NONE where it is no longer in use."""
    names = pd.Index([rule.flag.name for rule in rules.rules])
    return np.asarray(names.get_indexer(pd.Index(contacts.flag)), dtype=np.int64)
