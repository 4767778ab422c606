"""The text of a first milepost.toml, and what to tell the person who asked for it."""

from __future__ import annotations

import json
import os
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from milepost.data.contract import CONTRACT
from milepost.data.items import Items
from milepost.data.sources import Raw
from milepost.pipeline.first_sight import EventsSeen
from milepost.pipeline.needs import NEEDS
from milepost.pipeline.propose_catalogue import UNCATEGORISED, Proposal, value_candidates
from milepost.reporting.text import printable
from milepost.settings import Table

SHOWN_ITEMS, WIDTH = 20, 100
_BUSY_SHARE = 0.5  # of the events in eight hours: a working day shows
_SHORT_HISTORY = 504  # days: three times observation, gap, outcome and grace of the usual lengths
_MISSING = {
    "accounts": "REQUIRED: one row per account, with account_id and created_at (when it signed up).",
    "subscriptions": "Without it an account counts as churned when its events stop.",
}


@dataclass(frozen=True)
class Found:
    """One file as it was read: our column names mapped to theirs, what the settings have to say about it, and the
    table to read it by. paid_through: its ends are known in advance.
    """

    path: Path
    columns: Mapping[str, str]
    settings: Mapping[str, Any]
    raw: Raw
    table: Table
    items: Items
    paid_through: bool = False

    @property
    def other_columns(self) -> tuple[str, ...]:
        used = set(self.columns.values())
        return tuple(column for column in self.raw.types if column not in used)


@dataclass(frozen=True)
class Sight:
    """All that was seen: files by table, the events (None where no time could be read) and the features proposed."""

    found: Mapping[str, Found]
    events: EventsSeen | None
    features: tuple[Proposal, ...]


def settings_toml(folder: Path, sight: Sight) -> str:
    """The text of milepost.toml: what was recognised, and in comments what a person may set."""
    tables = [
        _table(folder, name, sight) if name in sight.found else _placeholder(name)
        for name in ("accounts", "subscriptions", "events")
    ]
    head = _HEAD.replace("PROJECT", _project_name(folder)).replace("WINDOWS", lengths(sight.events))
    return head + "\n".join(tables) + _data_part(sight)


def lengths(events: EventsSeen | None) -> str:
    """The windows: short ones where the history is, so that some outcomes are known at all."""
    short = events is not None and events.days < _SHORT_HISTORY
    about = f"# {events.days} days of events: shorter than the usual 84, 14, 56 and 14\n" if events and short else ""
    observation, gap, outcome, grace, step = (28, 7, 28, 7, "15") if short else (84, 14, 56, 14, '"month"')
    return (
        f"{about}observation_days = {observation:<6} # what is looked at before a snapshot\n"
        f"gap_days = {gap:<14} # time left to act between the snapshot and the outcome\n"
        f"outcome_days = {outcome:<10} # how long an account must stay to count as retained\n"
        f"grace_days = {grace:<12} # a gap in the subscription shorter than this is no churn\n"
        f"step = {step:<18} # a snapshot every month, or every so many days"
    )


def _data_part(sight: Sight) -> str:
    """[data]: comments with what these files suggest; an example where they suggest nothing."""
    events, accounts = value_candidates(sight.features), sight.found.get("accounts")
    columns = accounts.other_columns if accounts else ()
    until = str(sight.events.last) if sight.events else "2024-12-31"
    return _TAIL.format(
        until=until,
        value=", ".join(_quoted(name) for name in events) or '"report_exported"',
        sound="these sound like it, choose" if events else "name them",
        segment=_quoted(columns[0] if columns else "industry"),
    )


def _project_name(folder: Path) -> str:
    """The folder's name, as far as a project may be called so."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", folder.resolve().name).strip("-_")[:60] or "milepost"


def _table(folder: Path, name: str, sight: Sight) -> str:
    found = sight.found[name]
    lines = [f"[tables.{name}]", f"path = {_quoted(_relative(found.path, folder))}"]
    lines += [f"{key} = {_value(value)}" for key, value in found.settings.items()]
    for column in CONTRACT[name]:
        theirs = found.columns.get(column.name)
        if theirs is not None and theirs != column.name:
            note = "   # every row has an end, some after the last event" if _is_term(column.name, found) else ""
            lines.append(f"columns.{column.name} = {_quoted(theirs)}{note}")
        elif theirs is None and column.required:
            lines.append(f'# columns.{column.name} = "..."   # REQUIRED: no column looks like it')
    if found.other_columns:
        lines.append(f"# not used: {', '.join(_quoted(column) for column in found.other_columns[:20])}")
    lines += _base_items(found.items) if name == "subscriptions" else []
    lines += _hints(name, found, sight.events)
    return "\n".join(lines) + "\n"


def _base_items(items: Items) -> list[str]:
    """Every item with its accounts, and those that may be the product itself."""
    about = "# Which items are the base product (wildcards allowed); the others are add-ons."
    if not items.held:
        return [about, '# base_items = ["starter_*", "pro_*"]']
    shown = ", ".join(f"{_quoted(name)} ({count:,})" for name, count in items.held[:SHOWN_ITEMS])
    more = f" and {len(items.held) - SHOWN_ITEMS:,} more" if len(items.held) > SHOWN_ITEMS else ""
    lines = [about, f"# Items found (accounts that hold them): {shown}{more}"]
    if not items.base:
        return [*lines, "# the item 'base' is the product itself"]
    named = ", ".join(_quoted(name) for name in items.base)
    return [*lines, f"base_items = [{named}]   # proposed: no account has two of these at once. Correct it"]


def _is_term(column: str, found: Found) -> bool:
    return column == "term_ends_at" and found.paid_through


def _hints(name: str, found: Found, events: EventsSeen | None) -> list[str]:
    """What else could be set for a table, with what its rows say about it."""
    if name == "accounts":
        named = ", ".join(_quoted(column) for column in found.other_columns[:6]) or '"channel"'
        return [f"# immutable = [{named}]   # those of them that never change after sign-up may become signals"]
    if name == "subscriptions":
        known = "term_ends_at" in found.columns
        money = [amount_hint(found.columns.get("mrr", ""))]
        term = '# columns.term_ends_at = "end_date"   # only when the end is a renewal date known in advance'
        return [*filter(None, money), *([] if known else [term])]
    zone = '# time_zone = "Europe/Berlin"      # when times are local; otherwise they are UTC'
    return [*hours(events), zone, '# time_format = "%d/%m/%Y %H:%M"   # when not written as 2024-01-31 10:00:00']


def amount_hint(column: str) -> str:
    """Amounts by the year or in cents would be read as MRR without a word."""
    words = set(re.split(r"[^a-z]+", column.casefold()))
    if words & {"arr", "annual", "yearly", "year"}:
        return f"# CHECK: {_quoted(column)} sounds like an amount a year; MRR is a month's: divide it by 12 first"
    return f"# CHECK: {_quoted(column)} sounds like cents; divide it first" if words & {"cents", "cent"} else ""


def hours(events: EventsSeen | None) -> list[str]:
    """A comment on the hours in which the events fall: local times show by a working day at odd hours."""
    if events is None or events.busy is None:
        return []
    start, end, share = events.busy
    if share < _BUSY_SHARE:
        return ["# the events are spread over the whole day: their times do not tell whether they are UTC"]
    return [f"# {100 * share:.0f} % of the events fall between {start:02}:00 and {end:02}:00 as read: if that is no "
            "working day in UTC, the times are local"]  # fmt: skip


def proposal_text(folder: Path, sight: Sight) -> str:
    """What was recognised, what a person has to decide, and what is missing for which part; 100 columns."""
    lines = [f"wrote {folder}/milepost.toml and {folder}/features.csv", "", "Recognised:"]
    lines += [_recognised(name, found) for name, found in sight.found.items()]
    lines += [_bullet(text) for text in _seen(sight)]
    lines += ["", "To decide:", *(_bullet(text) for text in _to_decide(sight))]
    missing = [f"{name}: {NEEDS[name]}" for name in _missing(sight)]
    lines += ["", "Missing, and what for:", *(_bullet(text) for text in missing)] if missing else []
    lines += ["", "Read both files, then run", f"  milepost check -c {folder}/milepost.toml",
              f"  milepost doctor -c {folder}/milepost.toml"]  # fmt: skip
    return printable("\n".join(lines))


def _bullet(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _recognised(name: str, found: Found) -> str:
    mapped = ", ".join(ours if ours == theirs else f"{ours} = {theirs}" for ours, theirs in found.columns.items())
    return _bullet(f"{name}: {mapped}")


def _seen(sight: Sight) -> list[str]:
    """The events and the catalogue in figures."""
    names = sum(len(feature.names) for feature in sight.features)
    steps = sum(feature.setup_step is not None for feature in sight.features)
    loose = sum(feature.category == UNCATEGORISED for feature in sight.features)
    catalogue = (
        f"{names} event names in {len(sight.features)} features, {loose} of them without a category; "
        f"{steps} guessed to be steps of the setup"
    )
    if sight.events is None:
        return [catalogue]
    return [f"events from {sight.events.first} to {sight.events.last}, {sight.events.days} days", catalogue]


def _to_decide(sight: Sight) -> list[str]:
    events = value_candidates(sight.features)
    named = f"such as {', '.join(events[:3])}" if events else "none of the names tells"
    items = sight.found["subscriptions"].items.base if "subscriptions" in sight.found else ()
    return [
        f"value_events in milepost.toml: the events in which your product does its job ({named})",
        "categories in features.csv: five or so, by what product people call them",
        *([f"base_items in milepost.toml: are these {len(items)} items the product itself?"] if items else []),
        *(["time_zone: are the times of the events UTC?"] if sight.events and sight.events.busy else []),
    ]


def _missing(sight: Sight) -> list[str]:
    """The keys of NEEDS that these files do not meet."""
    found = sight.found
    absent = [name for name in ("accounts", "subscriptions") if name not in found]
    wanted = {"subscriptions": ("mrr", "seats", "plan", "term_ends_at"), "events": ("user_id", "loaded_at")}
    absent += [f"{table}.{column}" for table, columns in wanted.items() if table in found
               for column in columns if column not in found[table].columns]  # fmt: skip
    steps = any(feature.setup_step for feature in sight.features)
    return [*absent, *([] if steps else ["setup_step"]), "plan"]


def _placeholder(name: str) -> str:
    columns = ", ".join(column.name for column in CONTRACT[name] if column.required)
    head = f'# {_MISSING[name]}\n# Columns needed: {columns}; map other names with columns.OURS = "theirs".\n'
    if name == "accounts":
        # the settings cannot be read without this table, so that its place is kept
        return f'{head}[tables.accounts]\npath = "accounts.csv"   # put your file here\n'
    return f'{head}# [tables.{name}]\n# path = "{name}.csv"\n'


def _relative(path: Path, folder: Path) -> str:
    """Relative where the file lies in or under the project's folder, else absolute."""
    inside = path.is_relative_to(folder.resolve())
    return Path(os.path.relpath(path, folder.resolve())).as_posix() if inside else path.as_posix()


def _quoted(text: str) -> str:
    """A TOML basic string; JSON writes the same escapes, except for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: object) -> str:
    return "true" if value is True else _quoted(str(value))


_HEAD = """\
# Proposed by 'milepost init' from the names of your columns. Read it, correct it, then run 'milepost check'.

[project]
name = "PROJECT"          # names the model; letters, digits, - and _

[windows]
WINDOWS

# Each table: path (a CSV or Parquet file, a folder of Parquet files, or a DuckDB file with table = "name"), and
# columns.OURS = "theirs" for columns that are called differently there. Paths are relative to this file.

"""
_TAIL = """
[data]
# complete_until = {until}            # the day up to which the data are complete; without it: the last event
# exclude_accounts = ["test_*"]          # internal and test accounts
# value_events = [{value}]     # the events in which your product does its job: {sound}
# segment = {segment}                   # a column of accounts that groups them beside plan and size
"""
