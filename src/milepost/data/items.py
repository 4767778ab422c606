"""Which items of a subscription history are the product itself and which are add-ons: a proposal, from the rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from milepost.data.mapping import literal, map_table
from milepost.data.subscriptions import BASE
from milepost.settings import Settings, Table

MOST_ITEMS, MOST_SEEDS = 200, 50
_AT_ONCE = """
    SELECT DISTINCT a.item, b.item FROM found_items a JOIN found_items b USING (account_id) WHERE a.item < b.item
    AND a.started_at < coalesce(b.ended_at, TIMESTAMP '9999-01-01')
    AND b.started_at < coalesce(a.ended_at, TIMESTAMP '9999-01-01')
"""


@dataclass(frozen=True)
class Items:
    """held: (item, accounts that ever had it), the most first; base: patterns of those that may be the product."""

    held: tuple[tuple[str, int], ...]
    base: tuple[str, ...]


def find_items(connection: Any, relation: str, types: Mapping[str, str], table: Table, settings: Settings) -> Items:
    """The items of a raw subscriptions table whose columns are mapped in `table`; none are proposed beside a `base`.

    Raises ContractError when a required column is not mapped.
    """
    select = dict(map_table("subscriptions", table, types, settings).select)
    columns = ", ".join(f"{select[name]} AS {name}" for name in ("account_id", "item", "started_at", "ended_at"))
    connection.raw_sql(f"CREATE OR REPLACE TEMP TABLE found_items AS SELECT {columns} FROM {relation}")
    held = connection.raw_sql(
        "SELECT item, count(DISTINCT account_id) AS accounts FROM found_items WHERE item IS NOT NULL "
        "GROUP BY item ORDER BY accounts DESC, item"
    ).fetchall()
    names = [row[0] for row in held]
    sets = [] if BASE in names else families(names[:MOST_ITEMS], set(connection.raw_sql(_AT_ONCE).fetchall()))
    base = max(sets, key=lambda family: (_holders(connection, family), len(family)), default=())
    return Items(tuple(held), tuple(escaped(name) for name in base))


def families(names: list[str], at_once: set[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Sets of items that never run beside each other in an account, as plans do; each keeps the order of `names`.

    at_once: the pairs, in alphabetical order, that some account has at the same time.

    >>> families(["calls", "pro", "basic"], {("calls", "pro"), ("basic", "calls")})
    [('calls',), ('pro', 'basic')]
    """
    found: dict[tuple[str, ...], None] = {}
    for seed in names[:MOST_SEEDS]:
        chosen = [seed]
        for name in names:
            if name != seed and not any((min(name, other), max(name, other)) in at_once for other in chosen):
                chosen.append(name)
        found[tuple(sorted(chosen, key=names.index))] = None
    return list(found)


def _holders(connection: Any, family: tuple[str, ...]) -> int:
    """Accounts that ever had one of the items: the product is what nearly every account has."""
    named = ", ".join(literal(name) for name in family)
    row = connection.raw_sql(f"SELECT count(DISTINCT account_id) FROM found_items WHERE item IN ({named})").fetchone()
    return int(row[0])


def escaped(name: str) -> str:
    """A pattern of base_items that matches this name only.

    >>> escaped("pro*")
    'pro[*]'
    """
    return re.sub(r"([*?\[\\])", r"[\1]", name)
