"""Own signals, `signals.toml`: a measure of a feature or of one event over a window of its own."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from milepost.data.contract import Tables
from milepost.errors import SettingsError, nearest
from milepost.settings import Settings, readable
from milepost.signals.catalogue import RESERVED, Feature
from milepost.signals.declare import declare_signals, everything
from milepost.signals.own_use import needs_users
from milepost.signals.spec import Signal
from milepost.terms import Measure
from milepost.windows import Windows

# measure -> per -> (unit, description); the first `per` is the one where none is given
OWN_MEASURES: dict[Measure, dict[str, tuple[str, str]]] = {
    Measure.COUNT: {
        "day": ("uses a day", "uses of {f} a day observed, last {w} days"),
        "": ("uses", "uses of {f}, last {w} days"),
        "seat": ("uses a day and seat", "uses of {f} a day observed and seat, last {w} days"),
        "user": ("uses a day and user", "uses of {f} a day observed and active user, last {w} days"),
    },
    Measure.VALUE_SUM: {
        "day": ("value a day", "summed value of {f} a day observed, last {w} days"),
        "": ("value", "summed value of {f}, last {w} days"),
        "seat": ("value a day and seat", "summed value of {f} a day observed and seat, last {w} days"),
        "user": ("value a day and user", "summed value of {f} a day observed and active user, last {w} days"),
    },
    Measure.ACTIVE_DAYS: {
        "day": ("share of days", "share of the days observed on which {f} was used, last {w} days"),
        "": ("days", "days on which {f} was used, last {w} days"),
    },
    Measure.USERS: {
        "": ("users", "users who used {f}, last {w} days"),
        "seat": ("users a seat", "users who used {f} divided by seats, last {w} days"),
    },
    Measure.USER_SHARE: {
        "user": ("share of active users", "share of the active users who used {f}, last {w} days"),
    },
    Measure.RECENCY: {"": ("days", "days since {f} was last used, at most {w}")},
    Measure.TREND: {
        "": ("-1 to 1", "use of {f} in the last third of {w} days against the rest: 1 all recent, -1 none recent"),
    },
    Measure.EVER: {"": ("0 or 1", "{f} was used at least once since the account was created")},
}
# measures of features that are written in another way here
_OTHERWISE = {
    Measure.RECENT_COUNT: "measure = 'count' with window_days as short as you like",
    Measure.PER_SEAT: "measure = 'count' with per = 'seat'",
}


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$", max_length=80)]
    feature: StrictStr = ""
    event: StrictStr = ""
    measure: StrictStr
    window_days: StrictInt | None = None
    per: StrictStr | None = None
    unit: Annotated[StrictStr, Field(max_length=40)] = ""
    description: Annotated[StrictStr, Field(max_length=200)] = ""


def read_own(settings: Settings, features: Sequence[Feature]) -> tuple[Signal, ...]:
    """The signals of signals.toml in its order; none where the settings do not name it and it is not there.

    Raises SettingsError with the number and the name of the signal, what is wrong and the nearest right word.
    """
    path = settings.path(settings.project.signals)
    if not path.exists() and "signals" not in settings.project.model_fields_set:
        return ()
    windows = settings.windows.windows()
    taken = _names_of_milepost(features, windows, settings.tables.accounts.immutable)
    signals: dict[str, Signal] = {}
    for number, raw in enumerate(_rows(path), start=1):
        where = f"{path.name} signal {number}"
        if not isinstance(raw, dict):
            raise SettingsError("this is no table", where=where, fix="write [[signals]] above every signal")
        if isinstance(raw.get("name"), str):
            where += f" '{raw['name'][:60]}'"
        signal = _signal(raw, where, features, windows)
        if signal.name in signals:
            raise SettingsError(f"this name is that of signal {list(signals).index(signal.name) + 1} already",
                                where=where, fix="choose another one")  # fmt: skip
        if signal.name in taken or signal.name.startswith(f"{RESERVED}."):
            raise SettingsError("milepost has a signal of this name, or keeps it for one", where=where,
                                fix="choose another one")  # fmt: skip
        signals[signal.name] = signal
    return tuple(signals.values())


def check_own(own: Sequence[Signal], event_names: Collection[str], tables: Tables, where: str) -> None:
    """Raise SettingsError for an event that never occurs, or a measure that these tables cannot give."""
    for number, signal in enumerate(own, start=1):
        here = f"{where} signal {number} '{signal.name}'"
        if signal.event and signal.event not in event_names:
            raise SettingsError(f"no event '{signal.event}' in events", where=here,
                                fix=nearest(signal.event, sorted(event_names)))  # fmt: skip
        lacking = _lacking(signal, tables)
        if lacking:
            raise SettingsError(f"'{signal.measure}'{_by(signal)} needs {lacking}", where=here,
                                fix="map it in milepost.toml or choose another measure")  # fmt: skip


def _lacking(signal: Signal, tables: Tables) -> str:
    """What the signal needs and these tables do not have."""
    if needs_users(signal) and not tables.has_users:
        return "user_id in events"
    if signal.measure == Measure.VALUE_SUM and not tables.has_values:
        return "value in events"
    return "seats in subscriptions" if signal.per == "seat" and tables.subscriptions is None else ""


def _by(signal: Signal) -> str:
    return f" per {signal.per}" if signal.per else ""


def _rows(path: Path) -> list[Any]:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except IsADirectoryError:
        raise SettingsError("this is a folder, not a file", where=path.name) from None
    except FileNotFoundError:
        raise SettingsError("no such file", where=path.name, fix="write it, or take project.signals out") from None
    except UnicodeDecodeError:
        raise SettingsError("not UTF-8 text", where=path.name, fix="save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"not valid TOML: {error}", where=path.name) from None
    for key in raw:
        if key != "signals":
            raise SettingsError(f"unknown key '{key}'", where=path.name, fix=nearest(key, ["signals"]))
    rows = raw.get("signals", [])
    if not isinstance(rows, list):
        raise SettingsError("'signals' is no list", where=path.name, fix="write [[signals]] above every signal")
    return rows


def _names_of_milepost(features: Sequence[Feature], windows: Windows, immutable: Sequence[str]) -> set[str]:
    possible = declare_signals(features, tuple(Measure), windows, everything(features, immutable))
    return {signal.name for signal in possible}


def _signal(raw: Mapping[str, Any], where: str, features: Sequence[Feature], windows: Windows) -> Signal:
    try:
        row = _Row.model_validate(raw)
    except ValidationError as error:
        found = error.errors()
        unknown = [one for one in found if one["type"] == "extra_forbidden"]
        raise readable((unknown or found)[0], where, _Row) from None
    if bool(row.feature) == bool(row.event):
        raise SettingsError("it names both a feature and an event" if row.feature else "no feature and no event",
                            where=where, fix="give one of feature and event")  # fmt: skip
    names = [feature.name for feature in features]
    if row.feature and row.feature not in names:
        raise SettingsError(f"no feature '{row.feature}' in the catalogue", where=where,
                            fix=nearest(row.feature, names))  # fmt: skip
    measure = _measure(row.measure, where)
    days = _days(row.window_days, measure, windows, where)
    per = _per(row.per, measure, where)
    unit, description = OWN_MEASURES[measure][per]
    words = description.format(f=row.feature or f"event {row.event}", w=days)
    return Signal(row.name, row.feature or None, measure, days, per, row.unit or unit,
                  " ".join(row.description.split()) or words, event=row.event, own=True)  # fmt: skip


def _measure(text: str, where: str) -> Measure:
    if text in list(_OTHERWISE):
        raise SettingsError(f"measure '{text}' has another form here", where=where,
                            fix=f"write {_OTHERWISE[Measure(text)]}")  # fmt: skip
    if text not in list(OWN_MEASURES):
        raise SettingsError(f"unknown measure '{text}'", where=where, fix=nearest(text, list(OWN_MEASURES)))
    return Measure(text)


def _days(days: int | None, measure: Measure, windows: Windows, where: str) -> int:
    if measure is Measure.EVER:
        if days is not None:
            raise SettingsError("'ever' looks at all of the past", where=where, fix="take window_days out")
        return 0
    if days is None:
        raise SettingsError("'window_days' is missing", where=where, fix=f"add it, at most {windows.observation_days}")
    least = 2 if measure is Measure.TREND else 1
    if not least <= days <= windows.observation_days:
        raise SettingsError(f"'window_days' = {days}", where=where,
                            expected=f"{least} to {windows.observation_days} (observation_days)")  # fmt: skip
    return days


def _per(per: str | None, measure: Measure, where: str) -> str:
    allowed = OWN_MEASURES[measure]
    if per is None:
        return next(iter(allowed))
    if per not in allowed:
        possible = [name for name in allowed if name]
        raise SettingsError(f"'{measure}' cannot be per '{per}'", where=where,
                            fix=nearest(per, possible) if possible else "take 'per' out")  # fmt: skip
    return per
