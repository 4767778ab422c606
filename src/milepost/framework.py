"""framework.toml: the versioned file that says what maturity is, with its evidence; people read, edit and commit it."""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from milepost.errors import FrameworkError, nearest
from milepost.maturity.categories import Category

_FIGURES = (
    "agreement", "mature_share", "ppv", "sensitivity", "retained_mature", "retained_basic", "effect", "low", "high",
)  # fmt: skip
_TOP_KEYS = ("version", "created", "fingerprint", "content_hash", "category")
_CATEGORY_KEYS = ("name", "features", "cut", "because", "evidence")
_HEADER = """\
# What maturity means for these accounts. Written by milepost derive; made to be read, edited and committed.
# cut: an account is mature in a category when it has adopted so many of its features; "none" where there is no clear
# cut (evidence.candidate is then the best one found): levels stay empty there until you set one.
# content_hash tells an edited file from a derived one: leave it as it is, and your edits are kept.
"""


@dataclass(frozen=True)
class Framework:
    """The definitions that scoring goes by. fingerprint: of the data they were derived from."""

    version: int
    created: date
    fingerprint: str
    categories: tuple[Category, ...]


def to_toml(framework: Framework) -> str:
    """The file's text: readable, commented, and the same for the same framework."""
    head = [
        _HEADER,
        f"version = {framework.version}",
        f"created = {framework.created.isoformat()}",
        f"fingerprint = {quoted(framework.fingerprint)}",
        f'content_hash = "{content_hash(_plain(framework))}"',
    ]
    return "\n".join([*head, *(_category_text(category) for category in framework.categories)]) + "\n"


def from_toml(text: str, features: Iterable[str] | None = None, where: str = "framework.toml") -> Framework:
    """Read and check a framework; `features` are the catalogue's names (None: not checked).

    Raises FrameworkError with the key, what was expected and the nearest right names.
    """
    raw = _parse(text, where)
    _only(raw, _TOP_KEYS, where)
    version, created = raw.get("version"), raw.get("created")
    if not _whole(version) or not isinstance(created, date) or not isinstance(raw.get("fingerprint", ""), str):
        raise FrameworkError(
            "version, created or fingerprint is missing or wrong", where=where,
            expected='version = 1, created = 2024-04-01, fingerprint = "…"',
        )  # fmt: skip
    tables = raw.get("category", [])
    if not isinstance(tables, list):
        raise FrameworkError("'category' is not a list of tables", where=where, expected="[[category]]")
    categories = tuple(_category(table, f"{where} category {place}") for place, table in enumerate(tables, start=1))
    _check_names(categories, None if features is None else list(features), where)
    return Framework(int(str(version)), created, str(raw.get("fingerprint", "")), categories)


def is_edited(text: str) -> bool:
    """Whether a definition differs from what milepost wrote; comments and layout do not count."""
    raw = _parse(text, "framework.toml")
    return bool(raw.pop("content_hash", None) != content_hash(raw))


def content_hash(content: dict[str, Any]) -> str:
    """sha256 of what the file says, without its content_hash."""
    shown = {key: value for key, value in content.items() if key != "content_hash"}
    text = json.dumps(shown, sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def quoted(text: str) -> str:
    """A TOML basic string.

    >>> print(quoted('say "hi"'))
    "say \\"hi\\""
    """
    # JSON escapes what TOML asks for, except DEL; surrogates cannot stand in TOML at all
    whole = text.encode("utf-8", "replace").decode()
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


def _category_text(category: Category) -> str:
    cut = '"none"' if category.cut is None else str(category.cut)
    figures = [f"{name} = {_number(getattr(category, name))}" for name in _FIGURES]
    candidate = [] if category.candidate is None else [f"candidate = {category.candidate}"]
    features = "".join(f"\n  {quoted(name)}," for name in category.features)
    return "\n".join([
        "", "[[category]]", f"name = {quoted(category.name)}", f"features = [{features}\n]", f"cut = {cut}",
        f"because = {quoted(category.because)}", "", "[category.evidence]", *candidate, *figures,
    ])  # fmt: skip


def _plain(framework: Framework) -> dict[str, Any]:
    """The framework as the file reads back, so that the hash of both is the same."""
    text = "\n".join(_category_text(category) for category in framework.categories)
    return {
        "version": framework.version,
        "created": framework.created,
        "fingerprint": tomllib.loads(f"x = {quoted(framework.fingerprint)}")["x"],
        **tomllib.loads(text),
    }


def _number(value: float) -> str:
    """Shortest text that reads back as the same float."""
    if math.isnan(value):
        return "nan"
    return repr(float(value))


def _parse(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FrameworkError(f"not valid TOML: {error}", where=where) from None


def _only(table: dict[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in keys:
            raise FrameworkError(f"unknown key '{key}'", where=where, fix=nearest(key, keys))


def _category(table: object, where: str) -> Category:
    if not isinstance(table, dict):
        raise FrameworkError("not a table", where=where, expected="[[category]] with name, features and cut")
    _only(table, _CATEGORY_KEYS, where)
    name, features = table.get("name"), table.get("features")
    if not isinstance(name, str) or not name:
        raise FrameworkError("'name' is missing or no text", where=where)
    if not isinstance(features, list) or not features or not all(isinstance(one, str) for one in features):
        raise FrameworkError(f"'{name}': features", where=where, expected="a list of one or more feature names")
    evidence = table.get("evidence", {})
    if not isinstance(evidence, dict):
        raise FrameworkError(f"'{name}': evidence is no table", where=where, expected="[category.evidence]")
    _only(evidence, ("candidate", *_FIGURES), where)
    figures = {key: _figure(evidence.get(key, math.nan), f"{where} {key}") for key in _FIGURES}
    candidate = _cut(evidence.get("candidate", "none"), "candidate", len(features), where)
    cut = _cut(table.get("cut"), "cut", len(features), where)
    return Category(name, tuple(features), cut, candidate, because=str(table.get("because", "")), **figures)


def _cut(value: object, key: str, most: int, where: str) -> int | None:
    if value == "none":
        return None
    if not _whole(value) or not 1 <= int(str(value)) <= most:
        raise FrameworkError(f"{key} {value!r}", where=where, expected=f'a whole number from 1 to {most}, or "none"')
    return int(str(value))


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _figure(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FrameworkError(f"{value!r}", where=where, expected="a number")
    return float(value)


def _check_names(categories: tuple[Category, ...], known: list[str] | None, where: str) -> None:
    names = [category.name for category in categories]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise FrameworkError(f"category '{name}' stands twice", where=where)
    seen: dict[str, str] = {}
    for category in categories:
        for feature in category.features:
            if known is not None and feature not in known:
                raise FrameworkError(
                    f"category '{category.name}': no feature '{feature}' in the catalogue", where=where,
                    fix=nearest(feature, known),
                )  # fmt: skip
            if feature in seen:
                raise FrameworkError(
                    f"feature '{feature}' stands in '{seen[feature]}' and '{category.name}'", where=where
                )
            seen[feature] = category.name
