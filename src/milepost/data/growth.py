"""Whether files of events only came since an earlier run: what was read then need not be read again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from milepost.data.checks import visible_at
from milepost.data.contract import Tables
from milepost.data.mapping import literal, map_table
from milepost.settings import Settings
from milepost.windows import midnight


def only_grew(tables: Tables, settings: Settings, files: Mapping[str, str], unknown: int, before: date) -> bool:
    """Whether the events visible before a date are for certain those of an earlier run.

    `files` are the files of that run with their fingerprints, `unknown` the events it left out because their account
    was not there: an account that came since could bring them back. False where it cannot be told without reading.
    """
    now = dict(tables.event_files)
    unchanged = bool(files) and all(now.get(name) == mark for name, mark in files.items())
    if unknown or not unchanged:
        return False
    base = settings.path(settings.tables.events.path)
    came = [str(base / name) for name in now if name not in files]
    return not came or _nothing_before(tables, settings, came, before)


def _nothing_before(tables: Tables, settings: Settings, files: list[str], before: date) -> bool:
    """Whether no row of these files can be seen before the date, sound or not."""
    connection = tables.connection
    read = f"read_parquet([{', '.join(literal(name) for name in files)}])"
    types = {row[0]: row[1] for row in connection.raw_sql(f"DESCRIBE SELECT * FROM {read}").fetchall()}
    columns = dict(map_table("events", settings.tables.events, types, settings).select)
    earliest = connection.raw_sql(f"SELECT min({visible_at(columns)}) FROM {read}").fetchone()[0]
    return earliest is None or bool(earliest >= midnight(before))
