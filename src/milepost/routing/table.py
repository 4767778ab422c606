"""The decisions of a date as a table that people and programs read: names, evidence and reasons in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milepost.routing.conditions import Column, columns_of
from milepost.routing.decide import CONTACT, FLOOR, HELD, LIMIT, NO_FLAG, NO_HOURS, NO_OWNER, RULE, Routing
from milepost.routing.memory import CONTACT_COLUMNS
from milepost.routing.saving import ASSUMED, MEASURED
from milepost.terms import ACCOUNT, SNAPSHOT

Texts = NDArray[np.object_]

COLUMNS = [
    ACCOUNT, SNAPSHOT, "route", "contact", "flag", "owner", "priority", "state", "reason", "evidence", "flags",
    "expected_saving", "saving_low", "saving_high", "saving_basis", "hours", "channel", "self_help", "contacted_on",
    "raised_on", "rule_version",
]  # fmt: skip
ONE_TO_ONE = "person"
_WHY = {
    CONTACT: "",
    NO_HOURS: "no hours left",
    FLOOR: "below the price floor: one to many",
    RULE: "",
    NO_OWNER: "no hours for accounts like this",
    NO_FLAG: "no flag is raised",
}


def decisions(routing: Routing, frame: pd.DataFrame) -> pd.DataFrame:
    """COLUMNS, one row per account, in the order of `frame`, the one that was routed."""
    rules, lead = routing.rules, routing.lead
    flags = [rule.flag for rule in rules.rules]
    known = lead >= 0
    basis = np.where(routing.measured, MEASURED, ASSUMED).astype(object)
    basis[~known] = None
    unknown = np.full(len(lead), np.nan)
    minutes = np.where(routing.contacted, np.array([*(flag.hours for flag in flags), 0.0])[lead], 0.0)
    return pd.DataFrame({
        ACCOUNT: routing.accounts.to_numpy(), SNAPSHOT: pd.Timestamp(routing.today),
        "route": routing.route, "contact": routing.contacted,
        "flag": _pick([flag.name for flag in flags], lead), "owner": _owners(routing),
        "priority": np.where(known, np.array([*(float(flag.priority) for flag in flags), np.nan])[lead], unknown),
        "state": routing.state, "reason": _reasons(routing), "evidence": _evidence(routing, columns_of(frame)),
        "flags": _all_flags(routing), "expected_saving": np.where(known, routing.value.round(6), np.nan),
        "saving_low": routing.low, "saving_high": routing.high, "saving_basis": basis, "hours": minutes,
        "channel": _channels(routing), "self_help": _self_help(routing, frame),
        "contacted_on": _contacted_on(routing), "raised_on": _raised_on(routing), "rule_version": rules.version,
    })[COLUMNS]  # fmt: skip


def contacts_made(routing: Routing) -> pd.DataFrame:
    """The contacts of the date, CONTACT_COLUMNS: what later dates look back on."""
    made = routing.contacted
    flags = [rule.flag for rule in routing.rules.rules]
    minutes = np.array([max(1, round(flag.hours * 60)) for flag in flags] or [0], dtype=np.int64)
    return pd.DataFrame({
        ACCOUNT: routing.accounts.to_numpy()[made],
        "contacted_on": np.full(int(made.sum()), np.datetime64(routing.today, "us")),
        "pool": _pick([pool.label for pool in routing.rules.pools], routing.pool)[made],
        "flag": _pick([flag.name for flag in flags], routing.lead)[made], "minutes": minutes[routing.lead[made]],
    })[CONTACT_COLUMNS]  # fmt: skip


def _pick(names: list[str], places: NDArray[np.int64]) -> Texts:
    """The name at each place, None at NONE."""
    return np.array([*names, None], dtype=object)[places]


def _owners(routing: Routing) -> Texts:
    """The owner of the lead flag; of accounts in contact, who contacted them."""
    owners = _pick([rule.flag.owner or None for rule in routing.rules.rules], routing.lead)  # type: ignore[misc]
    before = np.array([pool.partition(":")[0] or None for pool in routing.contacts.pool.tolist()], dtype=object)
    return np.where(routing.state == HELD, before, owners)


def _reasons(routing: Routing) -> Texts:
    """The flag's reason, and why it leads no further."""
    said = _pick([rule.flag.reason for rule in routing.rules.rules], routing.lead)
    said[routing.lead < 0] = ""
    for state, why in _WHY.items():
        mine = routing.state == state
        if why:
            said[mine] = [f"{reason}; {why}" if reason else why for reason in said[mine]]
    for state, words in ((HELD, "in contact since {}"), (LIMIT, "contact limit: last on {}")):
        mine = routing.state == state
        days = routing.contacts.last[mine].astype(str)
        said[mine] = [
            "; ".join(filter(None, (reason, words.format(day)))) for reason, day in zip(said[mine], days, strict=True)
        ]
    return said


def _evidence(routing: Routing, columns: dict[str, Column]) -> Texts:
    """The values that the lead flag's condition looked at, such as "expected_loss 45.2; mrr 300"; "" without a flag."""
    said = np.full(len(routing.lead), "", dtype=object)
    for place, rule in enumerate(routing.rules.rules):
        mine = routing.lead == place
        parts = [[f"{name} {text}" for text in _shown(columns[name][mine])] for name in rule.when.columns]
        if parts and mine.any():
            said[mine] = ["; ".join(texts) for texts in zip(*parts, strict=True)]
    return said


def _shown(values: Column) -> list[str]:
    if values.dtype == object:
        return ["unknown" if value is None or value != value else str(value) for value in values.tolist()]
    return ["unknown" if value != value else f"{value:.4g}" for value in values.tolist()]


def _all_flags(routing: Routing) -> Texts:
    """Names of all flags that are up, by priority, joined."""
    up, names = routing.raised.up, [rule.flag.name for rule in routing.rules.rules]
    if not names:
        return np.full(len(up), "", dtype=object)
    # few combinations occur, however many accounts there are
    found, place = np.unique(np.packbits(up, axis=1), axis=0, return_inverse=True)
    sets = np.unpackbits(found, axis=1, count=len(names)).astype(bool)
    words = np.array(["; ".join(np.array(names, dtype=object)[row]) for row in sets], dtype=object)
    return words[place.ravel()]


def _channels(routing: Routing) -> Texts:
    """A person, or the channel that is open to everybody."""
    return np.where(routing.served, ONE_TO_ONE, routing.rules.settings.open_channels[0]).astype(object)


def _self_help(routing: Routing, frame: pd.DataFrame) -> Texts:
    """What the account can do by itself, with a person beside it or without: its next step, and the open channels."""
    channels = ", ".join(routing.rules.settings.open_channels)
    steps = frame["next_step"].to_numpy(dtype=object) if "next_step" in frame else np.full(len(frame), None, object)
    there = ~pd.isna(steps)
    said = np.full(len(frame), channels, dtype=object)
    said[there] = [f"{step} ({channels})" for step in steps[there]]
    return said


def _contacted_on(routing: Routing) -> NDArray[np.datetime64]:
    last = np.where(routing.contacted, np.datetime64(routing.today, "D"), routing.contacts.last)
    return last.astype("datetime64[us]")


def _raised_on(routing: Routing) -> NDArray[np.datetime64]:
    """Since when the lead flag is up; for accounts in contact, where it still is."""
    raised = np.column_stack([routing.raised.raised_on, np.full(len(routing.lead), np.datetime64("NaT", "D"))])
    return raised[np.arange(len(raised)), routing.lead].astype("datetime64[us]")
