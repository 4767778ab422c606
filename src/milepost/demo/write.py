"""A demo on disk: the tables as Parquet, features.csv, milepost.toml, and the truth in a folder of its own."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from milepost.demo.features import VALUE_EVENT
from milepost.demo.simulate import Demo
from milepost.errors import EnvironmentFault

ROW_GROUP = 1_000_000
_COMPACT = {"occurred_at": "DELTA_BINARY_PACKED", "loaded_at": "DELTA_BINARY_PACKED", "event_id": "DELTA_BYTE_ARRAY"}
SETTINGS = """\
# A demo product: a customer-support platform that does not exist, simulated with known effects.
# Every path is relative to the folder of this file. What is true about it stands in truth/, which nothing reads.

[project]
name = "demo"
models = "models"
mlruns = "mlruns"
features = "features.csv"
seed = 7

[windows]
observation_days = 84
gap_days = 14
outcome_days = 56
grace_days = 14
step = "month"

[data]
complete_until = {complete_until}
value_events = ["{value_event}"]
segment = "segment"

[tables.accounts]
path = "data/accounts.parquet"
immutable = ["industry", "region", "source"]

[tables.subscriptions]
path = "data/subscriptions.parquet"

[tables.events]
path = "data/events.parquet"

[tables.conversations]
path = "data/conversations.parquet"

[tables.surveys]
path = "data/surveys.parquet"

[tables.access]
path = "data/access.parquet"

[help]
read_events = ["help_content_viewed"]
would_ask = 0.2

[[help.topics]]
topic = "how_to"
help_since = {help_since}

[[help.topics]]
topic = "account"
help_since = {help_since}

[team]
opens = 7
closes = 22

[[routing.owners]]
name = "success"
hours = 30
people = 2

[[routing.owners]]
name = "support"
hours = 20

[[routing.owners]]
name = "sales"
hours = 10
"""


def write_demo(demo: Demo, folder: Path) -> None:
    """Write a demo: data/*.parquet, features.csv, milepost.toml, truth/truth.json, truth/contact_effect.parquet.

    The same demo gives the same bytes. Raises EnvironmentFault when the disk says no.
    """
    try:
        for part in ("data", "truth"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        for name in ("accounts", "subscriptions", "conversations", "surveys", "access"):
            parquet(arrow(getattr(demo, name)), folder / "data" / f"{name}.parquet")
        parquet(demo.events, folder / "data" / "events.parquet", _COMPACT)
        parquet(arrow(demo.contact_effect), folder / "truth" / "contact_effect.parquet")
        (folder / "truth" / "truth.json").write_text(json.dumps(demo.truth, indent=2) + "\n", encoding="utf-8")
        (folder / "features.csv").write_text(catalogue_text(demo.catalogue), encoding="utf-8")
        (folder / "milepost.toml").write_text(settings_text(demo), encoding="utf-8")
    except OSError as error:
        raise EnvironmentFault(
            f"cannot write the demo: {error.strerror or error}", where=str(folder), fix="choose another folder"
        ) from None


def catalogue_text(catalogue: Sequence[dict[str, str]]) -> str:
    """features.csv as text."""
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, list(catalogue[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(catalogue)
    return sheet.getvalue()


def settings_text(demo: Demo) -> str:
    """milepost.toml as text: it runs as it is."""
    until = demo.complete_until.date()
    return SETTINGS.format(complete_until=until, value_event=VALUE_EVENT, help_since=until - timedelta(days=500))


def arrow(frame: pd.DataFrame) -> pa.Table:
    """A frame without pandas' own metadata, so that the same rows give the same bytes."""
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)


def parquet(table: pa.Table, path: Path, encoding: dict[str, str] | None = None) -> None:
    """Write one table; columns without an encoding of their own go through a dictionary."""
    plain = [name for name in table.column_names if name not in (encoding or {})]
    pq.write_table(
        table, path, compression="zstd", row_group_size=ROW_GROUP, use_dictionary=plain, column_encoding=encoding
    )
