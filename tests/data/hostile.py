"""Events that are hard to read alike: every rule broken once, late rows, copies, nulls, numbers at their limits."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from milepost.data.arrivals import find_arrivals, find_gaps
from milepost.data.checks import names_at_any_date
from milepost.data.contract import Tables, to_frame
from milepost.experiments.measures import first_event, measure
from milepost.experiments.plan import Metric
from milepost.metrics.help import help_days
from milepost.milestones.lives import read_lives
from milepost.outcomes import find_outcomes
from milepost.pipeline.route_facts import facts_at
from milepost.settings import Settings, parse
from milepost.signals.catalogue import Feature

ACCOUNTS = (
    "account_id,created_at\na1,2024-01-01\na2,2024-01-02\nÅse,2024-01-03\n test-1,2024-01-03\ntest-9,2024-01-03\n"
)
SUBSCRIPTIONS = "account_id,started_at,plan,seats,mrr\na1,2024-01-01,pro,3,30\na2,2024-01-02,pro,5,50\n"
CONVERSATIONS = "conversation_id,account_id,opened_at,resolved_at\nc1,a1,2024-02-03,2024-02-04\n"
AS_OF = datetime(2024, 3, 10)
SOUND = 300
SNAPSHOTS = (date(2024, 2, 1), date(2024, 2, 8), date(2024, 3, 1))
FEATURES = (
    Feature("export", ("export", "import"), "x", setup_step=1, area="files", area_metric=("export",)),
    Feature("odd", ("näme 'quoted' \"and\" % _ \\ ;--", "login", "beta"), "y", setup_step=2),
)
_NAN, _INF = float("nan"), float("inf")
_AT = datetime(2024, 2, 1, 10)

# account, occurred, name, user, quantity, value, event_id, loaded
BAD = [
    (None, _AT, "export", None, 1.0, None, None, None),
    ("", _AT, "export", None, 1.0, None, None, None),
    ("a1", None, "export", None, 1.0, None, None, None),
    ("a1", datetime(1899, 12, 31, 23, 59, 59, 999999), "export", None, 1.0, None, None, None),
    ("a1", datetime(2200, 1, 1), "export", None, 1.0, None, None, None),
    ("a1", _AT, "", None, 1.0, None, None, None),
    ("a1", _AT, "export", None, _INF, None, None, None),
    ("a1", _AT, "export", None, 1.0, -_INF, None, None),
    ("a1", _AT, "export", None, -1e15, None, None, None),
    ("a1", _AT, "export", None, 1.0, 1e300, None, None),
    ("a1", _AT, "export", None, 1.0, None, None, datetime(2999, 1, 1)),
    ("nobody", _AT, "export", None, 1.0, None, None, None),
    ("A1", _AT, "export", None, 1.0, None, None, None),
    ("a1 ", _AT, "export", None, 1.0, None, None, None),
    ("A\u030ase", _AT, "export", None, 1.0, None, None, None),
]
OUTSIDE = [
    ("test-9", _AT, "export", None, 1.0, None, None, None),
    ("test-unknown", _AT, "export", None, 1.0, None, None, None),
    ("test-9", datetime(2024, 3, 11), "export", None, 1.0, None, None, None),
    ("a1", AS_OF, "only_later", None, 1.0, None, None, None),
    ("a2", _AT, "loaded_later", None, 1.0, None, None, datetime(2024, 3, 10)),
    # nobody asks a later row for its account, and its name is not known for it
    ("nobody", datetime(2024, 3, 12), "of_nobody", None, 1.0, None, None, None),
]
COPIES = [
    # the copy that was visible first is kept, whatever it says
    ("a1", _AT, "export", "u2", 5.0, None, "twice", datetime(2024, 2, 9)),
    ("a1", _AT, "import", "u1", 7.0, None, "twice", datetime(2024, 2, 8)),
    # visible at once: the smaller by account, time, name, user, …; nothing comes last, capitals come first
    ("a2", _AT, "beta", "Z", 1.0, 2.0, "tie", None),
    ("a2", _AT, "beta", "a", 1.0, 2.0, "tie", None),
    ("a2", _AT, "beta", None, 1.0, 2.0, "tie", None),
    ("a2", _AT, "Gamma", "a", 1.0, 2.0, "tie3", None),
    ("a2", _AT, "beta", "a", 1.0, 2.0, "tie3", None),
    # the same in every column
    ("a2", _AT, "same", "u1", 1.0, None, "same", None),
    ("a2", _AT, "same", "u1", 1.0, None, "same", None),
    # one copy can be used only: no duplicate
    ("a2", _AT, "alone", "u1", 1.0, None, "alone", None),
    ("a2", _AT, "alone", "u1", _INF, None, "alone", None),
]
GOOD = [
    ("Åse", datetime(2024, 2, 29, 23, 59, 59, 999999), "näme 'quoted' \"and\" % _ \\ ;--", "", _NAN, _NAN, "", None),
    ("Åse", datetime(2024, 1, 5), "login", "ü", 0.0, -0.0, None, datetime(2024, 1, 4)),
    (" test-1", datetime(2024, 2, 5), "login", None, None, 999_999_999_999_999.0, None, None),
    ("a1", datetime(2024, 3, 9, 23, 59, 59, 999999), "login", None, 0.1, 0.2, None, datetime(2024, 3, 9, 23, 59, 59)),
]
COLUMNS = ["account_id", "occurred_at", "event_name", "user_id", "quantity", "value", "event_id", "loaded_at"]
SCHEMA = pa.schema(
    [
        ("account_id", pa.string()), ("occurred_at", pa.timestamp("us")), ("event_name", pa.string()),
        ("user_id", pa.string()), ("quantity", pa.float64()), ("value", pa.float64()), ("event_id", pa.string()),
        ("loaded_at", pa.timestamp("us")),
    ]
)  # fmt: skip


def rows() -> list[tuple[Any, ...]]:
    """All of them, after `SOUND` rows in which there is nothing to find."""
    sound = [
        (f"a{1 + place % 2}", datetime(2024, 1, 5 + place % 25, place % 24), "export", f"u{place % 7}",
         1.0 + place % 3, place / 8, f"e{place}", None)
        for place in range(SOUND)
    ]  # fmt: skip
    return [*sound, *BAD, *OUTSIDE, *COPIES, *GOOD]


def table() -> pa.Table:
    return pa.table([pa.array(column, field.type) for column, field in zip(zip(*rows(), strict=True), SCHEMA,
                                                                           strict=True)], schema=SCHEMA)  # fmt: skip


def write(folder: Path) -> Path:
    for name, text in (("accounts", ACCOUNTS), ("subscriptions", SUBSCRIPTIONS), ("conversations", CONVERSATIONS)):
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    pq.write_table(table(), folder / "events.parquet")
    return folder


def settings(folder: Path, project: dict[str, Any] | None = None, **events: Any) -> Settings:
    """Settings over `write(folder)`; keys of the events table are laid over its path."""
    places = {name: {"path": f"{name}.csv"} for name in ("accounts", "subscriptions", "conversations")}
    given = {"path": "events.parquet", **events}
    if "url" in given:
        del given["path"]
    raw = {
        "project": project or {},
        "tables": {**places, "events": given},
        "data": {"exclude_accounts": ["test-*"], "max_quarantined_share": 0.1, "value_events": ["export"]},
        "windows": {"observation_days": 28, "gap_days": 7, "outcome_days": 14, "grace_days": 7},
        "help": {"read_events": ["login"], "search_events": ["beta"]},
    }
    return parse(raw, folder)


def assert_alike(here: Tables, there: Tables, settings: Settings) -> None:
    """The same rows, the same counts and findings, and the same answers to everything that is asked of events."""
    first, other = _known(here), _known(there)
    assert [key for key in first if first[key] != other[key]] == [], (first, other)
    pd.testing.assert_frame_equal(_rows(here), _rows(there))
    first, other = answers(here, settings), answers(there, settings)
    assert [key for key in first if first[key] != other[key]] == [], (first, other)


def _rows(tables: Tables) -> pd.DataFrame:
    frame = to_frame(tables.events)[[*COLUMNS, "visible_at"]]
    return frame.sort_values(list(frame), na_position="last", ignore_index=True)


def _known(tables: Tables) -> dict[str, Any]:
    return {
        "counts": tables.row_counts, "begin": tables.data_begin,
        "findings": sorted((f.check, f.where, f.count, f.verdict) for f in tables.findings),
        "until": tables.complete_until, "has": (tables.has_users, tables.has_values, tables.has_quantities),
    }  # fmt: skip


def answers(tables: Tables, settings: Settings) -> dict[str, Any]:
    """What is asked of the events anywhere but for the matrix, as plain values."""
    day = SNAPSHOTS[-1]
    accounts = pd.Series(["a1", "a2", "Åse", " test-1"])
    asked = pd.DataFrame({"account_id": np.tile(accounts, 3), "snapshot_date": np.repeat(SNAPSHOTS, 4)})
    asked["snapshot_date"] = asked["snapshot_date"].astype("datetime64[us]")
    units = pd.DataFrame({"account_id": accounts, "enrolled_at": [datetime(2024, 1, 9, 12)] * 4})
    found = {
        "names": names_at_any_date(tables),
        "arrivals": find_arrivals(tables, settings, datetime(2024, 3, 5)),
        "gaps": find_gaps(tables, {"export"}),
        "lives": read_lives(tables, FEATURES, settings, day),
        "outcomes": find_outcomes(tables, asked, settings.data, settings.windows.windows()),
        "help": help_days(tables.events, settings.help, date(2024, 1, 1), day),
        "facts": facts_at(tables, day, settings, accounts),
        "first": first_event(tables, units, ("export", "login")),
        "measures": [measure(tables, units, metric) for metric in METRICS],
    }
    return {name: plain(answer) for name, answer in found.items()}


METRICS = tuple(
    Metric(name="m", role="secondary", kind=kind, measure=what, window_days=20, events=("export", "beta"))
    for kind, what in (
        ("count", "events"),
        ("mean", "value"),
        ("conversion", "active"),
        ("time_to_event", "days_to_event"),
    )
)


def plain(value: Any) -> Any:
    """Frames, arrays and dataclasses as lists that compare."""
    if isinstance(value, pd.DataFrame):
        rows = value.sort_values(list(value), ignore_index=True) if len(value.columns) else value
        return {name: plain(rows[name]) for name in rows}
    if isinstance(value, pd.Series | np.ndarray):
        return [None if pd.isna(one) else one for one in np.asarray(value, dtype=object).ravel().tolist()]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value
