"""A framework read from its file and checked: every fault is one line with its row and the nearest right name."""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from milepost.errors import FrameworkError
from milepost.framework.check import check_names, check_order, check_owners, check_places
from milepost.framework.place import MANY, Place
from milepost.framework.proven_read import KIND as PROVEN
from milepost.framework.proven_read import proven_in
from milepost.framework.rules import (
    EDITABLE,
    NAMED,
    ActivationRule,
    AreaRule,
    Definition,
    Framework,
    SetupRule,
    Table,
    UtilizationRule,
    definition_of,
    name_of,
    same,
    with_tables,
)
from milepost.framework.text import EVIDENCE, FIGURES
from milepost.framework.values import figure, only, text_of, value_of, whole
from milepost.maturity.categories import Category
from milepost.milestones.definitions import Evidence
from milepost.signals.catalogue import Feature

_KINDS: dict[str, type[Table]] = {
    "setup": SetupRule, "activation": ActivationRule, "utilization": UtilizationRule, "area": AreaRule,
    "category": Category,
}  # fmt: skip
_OWN_NAME = {"area": ("area",), "category": ("name",)}
_TOP_KEYS = ("version", "created", "fingerprint", "review_by", "owners", *_KINDS, PROVEN)
_BESIDE = ("derived", "reason", "because", "evidence")


def text_in(path: Path) -> str:
    """What a framework file says. Raises FrameworkError when it is no text in UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise FrameworkError("not UTF-8 text", where=path.name, fix="save it as UTF-8") from None


def from_toml(
    text: str, catalogue: Sequence[Feature] | None = None, where: str = "framework.toml", edited_only: bool = False
) -> Framework:
    """Read and check a framework against the catalogue (None: its names are not checked).

    edited_only: names are checked only in tables where something was set by hand; the others follow the data.
    Raises FrameworkError with the row, what was expected and the nearest right names.
    """
    raw = _parse(text, where)
    only(raw, (*_TOP_KEYS, "content_hash") if "content_hash" in raw else _TOP_KEYS, where)
    framework, as_written = _head(raw, where), _as_written(raw)
    tables: dict[str, Table] = {}
    derived: dict[str, Definition] = {}
    reasons: dict[str, str] = {}
    for content, place in _tables(raw, text, where):
        table = _table(content, place)
        name = name_of(table)
        if name in tables:
            raise FrameworkError("{} '{}' stands twice".format(*name.split(" ", 1)), where=place.row())
        tables[name] = table
        said = definition_of(table) if as_written else _derived(content, table, place)
        if not _says(said, table):
            derived[name] = said
        if reason := text_of(content, "reason", place):
            reasons[name] = reason
    features = None if catalogue is None else [feature.name for feature in catalogue]
    proven = proven_in(raw.get(PROVEN, []), text, where, features)
    made = replace(with_tables(framework, tables.values()), derived=derived, reasons=reasons, proven=proven)
    check_places(made, text, where)
    check_owners(made, where)
    check_order(made, Place(text, where, "setup").row("within_days"))
    if catalogue is not None:
        check_names(made, catalogue, text, where, edited_only)
    return made


def content_hash(content: Mapping[str, Any]) -> str:
    """sha256 of what an older file says without its content_hash, by which an edit was recognised."""
    shown = {key: value for key, value in content.items() if key != "content_hash"}
    text = json.dumps(shown, sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FrameworkError(f"not valid TOML: {error}", where=where) from None


def _head(raw: Mapping[str, Any], where: str) -> Framework:
    version, created, fingerprint = raw.get("version"), raw.get("created"), raw.get("fingerprint", "")
    if not whole(version) or not isinstance(created, date) or not isinstance(fingerprint, str):
        raise FrameworkError(
            "version, created or fingerprint is missing or wrong", where=where,
            expected='version = 1, created = 2024-04-01, fingerprint = "…"',
        )  # fmt: skip
    return Framework(
        int(str(version)), created, fingerprint, (), review_by=_review_by(raw, where), owners=_owners(raw, where)
    )


def _review_by(raw: Mapping[str, Any], where: str) -> date | None:
    day = raw.get("review_by")
    # a time of day is a date to Python, and no day
    if day is not None and type(day) is not date:
        raise FrameworkError(f"review_by {day!r}", where=where, expected="a date such as 2025-07-01")
    return day


def _owners(raw: Mapping[str, Any], where: str) -> dict[str, str]:
    owners = raw.get("owners", {})
    if not isinstance(owners, dict) or not all(isinstance(who, str) and who for who in owners.values()):
        raise FrameworkError("owners are no names", where=where, expected='owners = { "setup" = "who" }')
    return dict(owners)


def _as_written(raw: Mapping[str, Any]) -> bool:
    """Whether an older file, which says nothing of what the data say, is as milepost wrote it."""
    return "content_hash" in raw and raw["content_hash"] == content_hash(raw)


def _tables(raw: Mapping[str, Any], text: str, where: str) -> Iterator[tuple[dict[str, Any], Place]]:
    """Every table with its place. Raises FrameworkError for what is none."""
    for kind in _KINDS:
        found = raw.get(kind, [])
        found = [found] if kind in raw and kind not in MANY else found
        if not isinstance(found, list):
            raise FrameworkError(f"'{kind}' is not a list of tables", where=where, expected=f"[[{kind}]]")
        for number, content in enumerate(found, start=1):
            if not isinstance(content, dict):
                header = f"[[{kind}]]" if kind in MANY else f"[{kind}]"
                raise FrameworkError(f"{kind} {content!r} is not a table", where=where, expected=header)
            yield content, Place(text, where, kind, number)


def _table(content: dict[str, Any], place: Place) -> Table:
    kind = _KINDS[place.kind]
    names = (*_OWN_NAME.get(place.kind, ()), *NAMED[kind])
    allowed = (*names, *EDITABLE[kind], *_BESIDE)
    only(content, allowed, place.row(next((key for key in content if key not in allowed), "")))
    values: dict[str, Any] = {key: text_of(content, key, place, needed=True) for key in names}
    values |= {key: value_of(content, key, place) for key in EDITABLE[kind]}
    if kind is ActivationRule and (values["count"] is None) != (values["days"] is None):
        raise FrameworkError("count and days go together", where=place.row("count"), expected='both, or "none" twice')
    values |= _evidence(content, kind, place)
    return kind(**values, because=text_of(content, "because", place))


def _evidence(content: Mapping[str, Any], kind: type, place: Place) -> dict[str, Any]:
    found = content.get("evidence", {})
    if not isinstance(found, dict):
        raise FrameworkError("evidence is not a table", where=place.row(), expected=f"[{place.kind}.evidence]")
    keys = ("candidate", *FIGURES) if kind is Category else EVIDENCE
    only(found, keys, place.row(next((key for key in found if key not in keys), "")))
    figures: dict[str, Any] = {key: figure(found[key], key, place) for key in keys if key in found}
    if kind is Category:
        return {**dict.fromkeys(FIGURES, math.nan), "candidate": None, **figures}
    return {"evidence": Evidence(**figures)}


def _derived(content: Mapping[str, Any], table: Table, place: Place) -> Definition:
    """What the data say by the file; nothing of a table that a person wrote."""
    said = content.get("derived", {})
    if not isinstance(said, dict):
        raise FrameworkError("derived is not a table", where=place.row("derived"), expected="derived = { … }")
    keys = EDITABLE[type(table)]
    only(said, keys, place.row("derived"))
    return {key: value_of(said, key, place, "derived") for key in keys if key in said}


def _says(said: Definition, table: Table) -> bool:
    """Whether the data say just what is in use."""
    in_use = definition_of(table)
    return said.keys() == in_use.keys() and all(same(value, said[key]) for key, value in in_use.items())
