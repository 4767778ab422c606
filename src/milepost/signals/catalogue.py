"""The feature catalogue, `features.csv`: written by product people in a spreadsheet, read here."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path

from milepost.errors import CatalogueError, nearest

COLUMNS = (
    "feature", "event_names", "category", "area", "adopted_at_least", "plan", "launched_at", "setup_step",
    "hypothesis", "description", "area_metric", "area_metric_per",
)  # fmt: skip
REQUIRED = ("feature", "event_names", "category")
RESERVED = "account"  # signals of the account itself are called account.<name>
UNITS = ("seat", "account")
HYPOTHESES = ("", "mature", "basic", "none")


@dataclass(frozen=True)
class Feature:
    """One product feature.

    `event_names` are the events that count as using it; `adopted_at_least` the number of uses within the observation
    window that count as adopted; `plans` the plans that give access (empty: all); `setup_step` its place among the
    steps to go live, or None; `hypothesis` what a product manager expects: mature, basic, none or "".
    `area_metric` are the events that count as success in the feature's area, `area_metric_per` the unit ("seat" or
    "account") they are counted by; empty where the area has no metric of its own.
    """

    name: str
    event_names: tuple[str, ...]
    category: str
    area: str = ""
    adopted_at_least: int = 1
    plans: tuple[str, ...] = ()
    launched_at: date | None = None
    setup_step: int | None = None
    hypothesis: str = ""
    description: str = ""
    area_metric: tuple[str, ...] = ()
    area_metric_per: str = ""


def read_catalogue(path: Path) -> tuple[Feature, ...]:
    """Read features.csv. Several events or plans in one cell are separated by `|`.

    Raises CatalogueError with the row number and what would be right.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise CatalogueError("no such file", where=path.name, fix="run 'milepost init' to propose one") from None
    except UnicodeDecodeError:
        raise CatalogueError("not UTF-8 text", where=path.name, fix="save it as CSV UTF-8") from None
    # strict: else a quote that is never closed swallows the features after it without a word
    rows = csv.DictReader(StringIO(text, newline=""), strict=True)
    try:
        _check_header(tuple(rows.fieldnames or ()), path.name)
        features = tuple(_feature(row, f"{path.name} row {number}") for number, row in enumerate(rows, start=2))
    except csv.Error as error:
        raise CatalogueError(f"not a CSV file: {error}", where=path.name, fix="save it as CSV UTF-8") from None
    if not features:
        raise CatalogueError("0 rows", where=path.name, fix="add one row per product feature")
    _refuse_duplicates(features, path.name)
    _refuse_two_metrics(features, path.name)
    return features


def _check_header(header: tuple[str, ...], where: str) -> None:
    if len(header) == 1 and ";" in header[0]:
        raise CatalogueError("columns are separated by semicolons", where=where, expected="commas")
    for place, name in enumerate(header):
        if name not in COLUMNS:
            raise CatalogueError(f"unknown column '{name}'", where=where, fix=nearest(name, COLUMNS))
        if name in header[:place]:
            raise CatalogueError(f"column '{name}' stands twice", where=where)
    for name in REQUIRED:
        if name not in header:
            raise CatalogueError(f"column '{name}' is missing", where=where, fix=f"found {', '.join(header)}")


def check_events(features: Iterable[Feature], event_names: Iterable[str], where: str = "features.csv") -> None:
    """Raise CatalogueError for the first event name that does not occur in the events."""
    known = set(event_names)
    for feature in features:
        for name in (*feature.event_names, *feature.area_metric):
            if name not in known:
                raise CatalogueError(
                    f"feature '{feature.name}': no event '{name}' in events", where=where, fix=nearest(name, known)
                )


def _feature(row: dict[str, str | None], where: str) -> Feature:
    # DictReader keeps what stands beyond the last column under None
    if None in row:
        raise CatalogueError(
            f"more than {len(row) - 1} cells", where=where, fix="put quotes around a cell that holds a comma"
        )
    cell = {name: (row.get(name) or "").strip() for name in COLUMNS}
    for name in REQUIRED:
        if not cell[name]:
            raise CatalogueError(f"'{name}' is empty", where=where)
    if cell["feature"] == RESERVED:
        raise CatalogueError(f"feature '{RESERVED}': this name is taken", where=where, fix="choose another one")
    if cell["hypothesis"] not in HYPOTHESES:
        raise CatalogueError(
            f"hypothesis '{cell['hypothesis']}'", where=where, fix=nearest(cell["hypothesis"], HYPOTHESES[1:])
        )
    if cell["area_metric_per"] not in ("", *UNITS):
        raise CatalogueError(
            f"area_metric_per '{cell['area_metric_per']}'", where=where, fix=nearest(cell["area_metric_per"], UNITS)
        )
    if cell["area_metric"] and not cell["area"]:
        raise CatalogueError("area_metric without an area", where=where, fix="name the area it belongs to")
    return Feature(
        name=cell["feature"],
        event_names=_parts(cell["event_names"]),
        category=cell["category"],
        area=cell["area"],
        adopted_at_least=_whole(cell["adopted_at_least"], "adopted_at_least", where) or 1,
        plans=_parts(cell["plan"]),
        launched_at=_day(cell["launched_at"], where),
        setup_step=_whole(cell["setup_step"], "setup_step", where),
        hypothesis=cell["hypothesis"],
        description=cell["description"],
        area_metric=_parts(cell["area_metric"]),
        area_metric_per=(cell["area_metric_per"] or "seat") if cell["area_metric"] else "",
    )


def _parts(text: str) -> tuple[str, ...]:
    # each once: an event named twice would be counted twice
    return tuple(dict.fromkeys(part.strip() for part in text.split("|") if part.strip()))


def _whole(text: str, name: str, where: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise CatalogueError(f"{name} '{text}'", where=where, expected="a whole number from 1 up")
    return int(text)


def _day(text: str, where: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CatalogueError(f"launched_at '{text}'", where=where, expected="a date such as 2024-04-01") from None


def _refuse_duplicates(features: tuple[Feature, ...], where: str) -> None:
    seen: set[str] = set()
    for row, feature in enumerate(features, start=2):
        if feature.name in seen:
            raise CatalogueError(f"feature '{feature.name}' stands twice", where=f"{where} row {row}")
        seen.add(feature.name)


def _refuse_two_metrics(features: tuple[Feature, ...], where: str) -> None:
    """An area has one metric: several rows may repeat it, none may say another."""
    seen: dict[str, tuple[tuple[str, ...], str]] = {}
    for row, feature in enumerate(features, start=2):
        said = feature.area_metric, feature.area_metric_per
        if feature.area_metric and seen.setdefault(feature.area, said) != said:
            raise CatalogueError(
                f"area '{feature.area}' has two metrics",
                where=f"{where} row {row}",
                fix="give it on one row of the area",
            )
