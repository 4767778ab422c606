"""Rules on the tables: each row is used, quarantined, a duplicate or outside, and every one is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import numpy as np

from milepost.data.contract import Finding, RowCount, Tables, to_frame
from milepost.data.mapping import Mapped, literal, quoted
from milepost.data.rejects import declare_rejects
from milepost.data.subscriptions import BASE
from milepost.errors import ContractError
from milepost.settings import Settings, Table
from milepost.terms import Action

_KEYS = {"accounts": "account_id", "events": "event_id", "conversations": "conversation_id"}
OUTSIDE = "outside: "
EXCLUDED, LATER = f"{OUTSIDE}excluded account", f"{OUTSIDE}at or after the date"
UNKNOWN = "account unknown in accounts"
# rows that are used, or would be at a later date
_SOUND = f"(fate IS NULL OR fate = {literal(LATER)})"
_ID_KINDS = {"VARCHAR": "text"}
SAMPLE_KEYS = 5
_FIRST, _BEYOND = np.datetime64("1900-01-01", "us"), np.datetime64("2200-01-01", "us")
LONG_SILENCE_DAYS = 31


@dataclass(frozen=True)
class Unreadable:
    """Lines of a CSV file that are no row: why, how many, and the numbers of the first ones (the header is line 1)."""

    reason: str
    count: int
    lines: tuple[int, ...]

    @property
    def place(self) -> str:
        return "line " + ", ".join(map(str, self.lines)) + (" …" if self.count > len(self.lines) else "")


@dataclass(frozen=True)
class Source:
    """One raw table on the connection: its name in the contract, its settings and what the reader could not split."""

    name: str
    table: Table
    relation: str
    unreadable: tuple[Unreadable, ...]


@dataclass(frozen=True)
class Opened:
    """A checked table, with where its rows went; `id_kind` is how the source writes account ids: text or integer.

    event_names: those of the rows that are used, where that is known without another look.
    """

    count: RowCount
    findings: tuple[Finding, ...]
    id_kind: str
    event_names: frozenset[str] | None = None


def apply(connection: Any, source: Source, mapped: Mapped, settings: Settings, as_of: datetime | None) -> Opened:
    """Make the contract's table from the raw one: typed, without the rows that break a rule.

    Raises ContractError for 0 rows, a key that is always null, too many quarantined rows, a key with two contents,
    subscription items of which none is the product, and subscriptions of one item that overlap.
    """
    name = source.name
    typed, rules = _typed(connection, source, mapped, settings, as_of)
    counts, names = _fates(connection, typed, name)
    broken = [condition for reason, condition in rules if reason in counts]
    duplicates = _deduplicated(connection, source, typed, _usable(connection, source, mapped, typed, broken))
    found = balance(name, counts, source.unreadable, duplicates, settings)
    if name == "subscriptions":
        _refuse_no_base(connection, typed, source.table)
        _refuse_overlap(connection)
    findings = [*found.findings, *(_spelled_twice(connection) if name == "accounts" else ())]
    # of two rows with one id the one that is left out may be the only one with its name
    return Opened(found.count, tuple(findings), _id_kind(connection, source), None if duplicates else names)


def _fates(connection: Any, typed: str, name: str) -> tuple[dict[str, int], frozenset[str] | None]:
    """How many rows met which fate, "" those to use; and of events the names of these."""
    event = "event_name" if name == "events" else "NULL"
    rows = connection.raw_sql(f"SELECT coalesce(fate, ''), {event}, count(*) FROM {typed} GROUP BY 1, 2").fetchall()
    counts: dict[str, int] = {}
    for fate, _, count in rows:
        counts[fate] = counts.get(fate, 0) + count
    return counts, frozenset(event for fate, event, _ in rows if not fate) if name == "events" else None


@dataclass(frozen=True)
class Balance:
    """Where the rows of a table went, and what was found about them."""

    count: RowCount
    findings: tuple[Finding, ...]


def balance(
    name: str,
    counts: Mapping[str, int],
    unreadable: Sequence[Unreadable],
    duplicates: int,
    settings: Settings,
    here: bool = True,
) -> Balance:
    """`counts` says how many rows met which fate, "" those to use, duplicates among them; `here` whether the rows are.

    Raises ContractError for too many quarantined rows, and for accounts or events of which none is left.
    """
    read = sum(counts.values()) + sum(part.count for part in unreadable)
    if read == 0:
        raise ContractError("0 rows", where=f"tables.{name}", fix="check the path")
    outside = sum(count for fate, count in counts.items() if fate.startswith(OUTSIDE))
    used = counts.get("", 0) - duplicates
    reasons = {fate: n for fate, n in counts.items() if fate and not fate.startswith(OUTSIDE)}
    reasons |= {f"{part.reason} ({part.place})": part.count for part in unreadable}
    _refuse_too_many(name, reasons, read, settings)
    if used == 0 and name in ("accounts", "events"):
        raise ContractError("no row can be used", where=f"tables.{name}", fix=_why(counts))
    rows = f"{settings.project.output}/quarantine/{name}.csv has the rows" if here else "see the source's rows"
    findings = [Finding(reason, name, n, Action.QUARANTINE, f"left out; {rows}") for reason, n in reasons.items()]
    findings += [_outside_finding(name, fate, n) for fate, n in counts.items() if fate.startswith(OUTSIDE)]
    if duplicates:
        findings.append(Finding("the same row or key more than once", name, duplicates, Action.WARN, "used once"))
    return Balance(RowCount(name, read, used, read - used - outside - duplicates, duplicates, outside), tuple(findings))


def unknown_accounts(findings: Sequence[Finding]) -> int:
    """How many rows were left out because no account has their id."""
    return sum(finding.count for finding in findings if finding.check == UNKNOWN)


def period(events: ibis.Table) -> tuple[datetime, datetime, bool]:
    """First and last moment of the events that are used, and whether every one stands at midnight.

    Raises ContractError where a damaged file gives another least or greatest time than its rows have.
    """
    moment = events.occurred_at
    later = ibis.ifelse(moment == moment.truncate("D"), 0, 1).max()
    row = to_frame(events.aggregate(first=moment.min(), last=moment.max(), later=later)).iloc[0]
    # rows with such times are none that are used: what a Parquet file says about its rows is not true
    if row["first"] < _FIRST or row["last"] >= _BEYOND:
        raise ContractError("times that no row has", where="tables.events", fix="the file is damaged: write it again")
    return row["first"].to_pydatetime(), row["last"].to_pydatetime(), bool(row["later"] == 0)


def sound_names(connection: Any) -> ibis.Table:
    """Event names of sound rows in DuckDB, those at or after the date asked for included."""
    # a later row has not been asked for its account
    names: ibis.Table = connection.sql(
        f"SELECT DISTINCT event_name FROM typed_events WHERE {_SOUND} "
        "AND account_id IN (SELECT account_id FROM known_accounts)"
    )
    return names


def names_at_any_date(tables: Tables) -> list[str]:
    """Event names of sound rows, those at or after the date asked for included; sorted."""
    names = tables.events.select("event_name").distinct() if tables.event_names is None else tables.event_names
    return sorted(to_frame(names)["event_name"])


def about_end(last: datetime, until: datetime) -> tuple[Finding, ...]:
    """A warning when the data are said to be complete up to a date long after the last event."""
    days = (until.date() - last.date()).days
    if days <= LONG_SILENCE_DAYS:
        return ()
    check = f"complete_until is {until.date()}, the last event is {days:,} days earlier, on {last.date()}"
    advice = "without these events every account looks silent: bring them, or correct data.complete_until"
    return (Finding(check, "events", 1, Action.WARN, advice),)


def about_days(only_days: bool, daily: bool) -> tuple[Finding, ...]:
    """A warning when every event stands at midnight and the settings do not say that these are daily counts."""
    if daily or not only_days:
        return ()
    advice = "if these are counts per day, set daily = true"
    return (Finding("every event stands at midnight", "events", 1, Action.WARN, advice),)


def refuse_mixed_ids(kinds: Mapping[str, str]) -> None:
    """Raise ContractError when account ids are integers in one table and text in another."""
    by_kind = {kind: name for name, kind in kinds.items() if kind in ("text", "integer")}
    if len(by_kind) == 2:
        raise ContractError(
            f"account_id is an integer in {by_kind['integer']} and text in {by_kind['text']}",
            where="tables", fix="export both the same way: '7' and '007' would not meet",
        )  # fmt: skip


def _typed(
    connection: Any, source: Source, mapped: Mapped, settings: Settings, as_of: datetime | None
) -> tuple[str, list[tuple[str, str]]]:
    """The table typed, with a column `fate`: null for a row to use, else the first rule it breaks; and the rules."""
    name, typed = source.name, f"typed_{source.name}"
    columns = dict(mapped.select)
    if name == "events":
        columns["visible_at"] = visible_at(columns)
    rules = [*mapped.problems, *_outside_rules(name, columns, source.table, settings, as_of)]
    if name == "subscriptions":
        # after the rules: ignore_items looks at the items as the source names them
        columns["item"] = _base_item(columns["item"], source.table)
        rules.append(("ends before it starts", f"({columns['ended_at']}) < ({columns['started_at']})"))
    if name != "accounts":
        rules.append((UNKNOWN, f"({columns['account_id']}) NOT IN (SELECT account_id FROM known_accounts)"))
    fate = "CASE " + " ".join(f"WHEN {condition} THEN {literal(reason)}" for reason, condition in rules) + " END"
    select = ", ".join(f"{sql} AS {quoted(column)}" for column, sql in columns.items())
    # a CSV is in memory already; a large Parquet file stays where it is and is read through the view
    keep = "VIEW" if _is_view(connection, source.relation) and name == "events" else "TABLE"
    connection.raw_sql(f"CREATE TEMP {keep} {typed} AS SELECT {select}, {fate} AS fate FROM {source.relation}")
    declare_rejects(connection, name, source.table, source.relation, list(columns), fate, OUTSIDE)
    if name == "accounts":
        # excluded accounts are known: their events are outside, not an error
        connection.raw_sql(
            f"CREATE TEMP TABLE known_accounts AS SELECT DISTINCT account_id FROM {typed} WHERE account_id IS NOT NULL"
        )
    return typed, rules


def visible_at(columns: Mapping[str, str]) -> str:
    """SQL for the moment from which a row can be seen; `columns` are the contract's in the words of the source."""
    return f"greatest({columns['occurred_at']}, coalesce({columns['loaded_at']}, {columns['occurred_at']}))"


def _usable(connection: Any, source: Source, mapped: Mapped, typed: str, broken: Sequence[str]) -> str:
    """SELECT the rows to use. Rules that no row broke are not asked again by every query that follows."""
    if source.name != "events" or not _is_view(connection, source.relation):
        return f"SELECT * EXCLUDE (fate) FROM {typed} WHERE fate IS NULL"
    columns = dict(mapped.sound)
    columns["visible_at"] = visible_at(columns)
    select = ", ".join(f"{sql} AS {quoted(column)}" for column, sql in columns.items())
    unbroken = " AND ".join(f"({condition}) IS NOT TRUE" for condition in broken) or "true"
    return f"SELECT {select} FROM {source.relation} WHERE {unbroken}"


def _is_view(connection: Any, relation: str) -> bool:
    found = connection.raw_sql(f"SELECT count(*) FROM duckdb_views() WHERE view_name = {literal(relation)}").fetchone()
    return bool(found[0])


def _base_item(item: str, table: Table) -> str:
    if not table.base_items:
        return item
    matches = " OR ".join(f"({item}) GLOB {literal(pattern)}" for pattern in table.base_items)
    return f"CASE WHEN {matches} THEN {literal(BASE)} ELSE {item} END"


def _outside_rules(
    name: str, columns: Mapping[str, str], table: Table, settings: Settings, as_of: datetime | None
) -> list[tuple[str, str]]:
    rules = [
        (EXCLUDED, f"({columns['account_id']}) GLOB {literal(pattern)}") for pattern in settings.data.exclude_accounts
    ]
    rules += [
        (f"{OUTSIDE}ignored item", f"({columns['item']}) GLOB {literal(pattern)}")
        for pattern in (table.ignore_items if name == "subscriptions" else ())
    ]
    begins = {
        "events": "visible_at",
        "subscriptions": "started_at",
        "conversations": "opened_at",
        "surveys": "answered_at",
    }
    if as_of is not None and name in begins:
        moment = literal(as_of.isoformat())
        rules.append((LATER, f"({columns[begins[name]]}) >= TIMESTAMP {moment}"))
    return rules


def _deduplicated(connection: Any, source: Source, typed: str, usable: str) -> int:
    """Create the table people use, each key once; returns how many rows were left out as duplicates.

    `usable` selects the rows without a broken rule. Keys are looked for first: only where some stand twice are rows
    compared, so that clean data cost one aggregate.
    """
    name = source.name
    key = _KEYS.get(name)
    repeated = 0
    if key is not None:
        connection.raw_sql(
            f"CREATE TEMP TABLE repeated_{name} AS SELECT {key} FROM ({usable}) WHERE {key} IS NOT NULL "
            f"GROUP BY {key} HAVING count(*) > 1"
        )
        repeated = connection.raw_sql(f"SELECT count(*) FROM repeated_{name}").fetchone()[0]
    if not repeated:
        connection.raw_sql(f"CREATE TEMP VIEW {name} AS {usable}")
        return 0
    if name == "accounts":
        _refuse_two_contents(connection, usable)
    twice = f"SELECT * FROM ({usable}) WHERE {key} IN (SELECT {key} FROM repeated_{name})"
    # every column takes part in the order, so that it does not matter which copy came first
    once = f"SELECT * FROM ({twice}) QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY ALL_COLUMNS) = 1"
    columns = [row[0] for row in connection.raw_sql(f"DESCRIBE {typed}").fetchall() if row[0] != "fate"]
    # the copy that was visible first: a correction loaded later must change nothing before it came
    columns.sort(key=lambda column: column != "visible_at")
    once = once.replace("ALL_COLUMNS", ", ".join(quoted(column) for column in columns))
    connection.raw_sql(f"CREATE TEMP TABLE once_{name} AS {once}")
    rest = f"SELECT * FROM ({usable}) WHERE {key} IS NULL OR {key} NOT IN (SELECT {key} FROM repeated_{name})"
    connection.raw_sql(f"CREATE TEMP VIEW {name} AS {rest} UNION ALL SELECT * FROM once_{name}")
    rows = connection.raw_sql(f"SELECT (SELECT count(*) FROM ({twice})), (SELECT count(*) FROM once_{name})").fetchone()
    return int(rows[0] - rows[1])


def _refuse_two_contents(connection: Any, usable: str) -> None:
    rows = connection.raw_sql(
        f"SELECT account_id FROM (SELECT DISTINCT * FROM ({usable})) GROUP BY 1 HAVING count(*) > 1 ORDER BY 1"
    ).fetchall()
    if rows:
        raise ContractError(
            f"{_accounts(rows)} more than once with different content: {_sample(rows)}",
            where="tables.accounts", expected="one row per account", fix="keep the right row of each",
        )  # fmt: skip


def _refuse_no_base(connection: Any, typed: str, table: Table) -> None:
    """Refuse items of which none is the product: plan, seats and term would be those of an add-on."""
    rows = connection.raw_sql(
        f"SELECT item FROM {typed} WHERE {_SOUND} AND item IS NOT NULL GROUP BY item "
        "ORDER BY count(DISTINCT account_id) DESC, item"
    ).fetchall()
    if not rows or (BASE,) in rows:
        return
    what = "base_items match no item" if table.base_items else f"no item is the base product, none is called '{BASE}'"
    raise ContractError(
        f"{what}; items seen: {_sample(rows, 24)}", where="tables.subscriptions",
        fix="set tables.subscriptions.base_items to those that are the product itself",
    )  # fmt: skip


def _refuse_overlap(connection: Any) -> None:
    rows = connection.raw_sql(
        "SELECT DISTINCT account_id FROM (SELECT account_id, started_at, "
        "max(coalesce(ended_at, TIMESTAMP '9999-01-01')) OVER (PARTITION BY account_id, item "
        "ORDER BY started_at, ended_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach "
        "FROM subscriptions) WHERE started_at < reach ORDER BY 1"
    ).fetchall()
    if rows:
        raise ContractError(
            f"subscriptions of one item overlap for {_accounts(rows)}: {_sample(rows)}",
            where="tables.subscriptions", expected="one row at a time per account and item",
            fix="map columns.item, or set base_items",
        )  # fmt: skip


def _refuse_too_many(name: str, reasons: Mapping[str, int], read: int, settings: Settings) -> None:
    total, allowed = sum(reasons.values()), settings.data.max_quarantined_share
    if total > allowed * read:
        reason, count = max(reasons.items(), key=lambda item: item[1])
        raise ContractError(
            f"{total:,} of {read:,} rows cannot be used, most of them: {reason} ({count:,})",
            where=f"tables.{name}", expected=f"at most {allowed:.0%}", fix=_advice(reason),
        )  # fmt: skip


def _advice(reason: str) -> str:
    if reason.startswith("unreadable"):
        return "set time_format or time_unit for this table"
    if reason.startswith("account unknown"):
        return "check that both tables write account_id the same way"
    return "mend the source, or raise data.max_quarantined_share"


def _why(counts: Mapping[str, int]) -> str:
    fate, count = max(counts.items(), key=lambda item: item[1])
    return f"{count:,} rows: {fate.removeprefix(OUTSIDE)}"


def _accounts(rows: list[tuple[str]]) -> str:
    return f"{len(rows):,} {'account' if len(rows) == 1 else 'accounts'}"


def _sample(rows: list[tuple[str]], longest: int = 40) -> str:
    shown = ", ".join(str(row[0])[:longest] for row in rows[:SAMPLE_KEYS])
    return shown + (" …" if len(rows) > SAMPLE_KEYS else "")


def _outside_finding(name: str, fate: str, count: int) -> Finding:
    return Finding(fate.removeprefix(OUTSIDE), name, count, Action.WARN, "left out on purpose")


def _spelled_twice(connection: Any) -> list[Finding]:
    """Account ids that look equal and are not: composed and decomposed letters; they are never merged."""
    count = connection.raw_sql(
        "SELECT count(*) FROM (SELECT nfc_normalize(account_id) FROM accounts GROUP BY 1 HAVING count(*) > 1)"
    ).fetchone()[0]
    if not count:
        return []
    what = "kept apart; write them in one Unicode form if they are one account"
    return [Finding("account ids that look the same", "accounts", int(count), Action.WARN, what)]


def _id_kind(connection: Any, source: Source) -> str:
    """How the source writes account ids; a CSV writes everything as text, which says nothing."""
    column = source.table.columns.get("account_id", "account_id")
    types = {row[0]: row[1] for row in connection.raw_sql(f"DESCRIBE {source.relation}").fetchall()}
    if not _is_view(connection, source.relation) or column not in types:
        return ""
    return "text" if types[column].startswith("VARCHAR") else "integer"
