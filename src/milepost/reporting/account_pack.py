"""The account table of the page as compact JSON: every text once, rows as lists, cut to a size and saying so.

A page holds at most MOST_ACCOUNTS rows and about MOST_BYTES of them; the reasons and next steps go to the accounts
with the highest risk first, as long as there is room. The browser's script turns it into a table, as text only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from milepost.reporting.text import cut
from milepost.terms import ACCOUNT, SNAPSHOT, Level, Milestone

MOST_ACCOUNTS, MOST_BYTES = 10_000, 2_200_000
_LONGEST_NAME, _LONGEST_TEXT, _DATES = 80, 300, 12
_STATES = ("none", *Milestone)
_UNSEEN = "."
# columns of a row in the script's order; those of `words` hold the place of a text
FIELDS = (
    "place", "id", "risk", "band", "plan", "segment", "size", "seats", "mrr", "loss", "mature", "milestone", "route",
    "scored_by", "tenure", "setup", "activated", "utilized", "levels", "path",
)  # fmt: skip
WORDS = {"band": "risk_band", "plan": "plan", "segment": "segment", "size": "size_band", "milestone": "milestone",
         "route": "route", "scored_by": "scored_by"}  # fmt: skip
_NUMBERS = {"seats": ("seats", 0), "mrr": ("mrr", 2), "loss": ("expected_loss", 2), "mature": ("mature_categories", 0),
            "tenure": ("tenure_days", 0)}  # fmt: skip
_STEPS = ("next_step", "next_step_because", "next_step_alternatives")


@dataclass(frozen=True)
class AccountPack:
    """json: for a `script` element, without a character that could end it. shown, detailed: accounts in it, and those
    of them with reasons and next step. routed: whether any has a route.
    """

    json: str
    shown: int
    detailed: int
    routed: bool


@dataclass
class _Words:
    """Every text once, in the order of its first use; `size` in bytes as they will be written."""

    places: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def place(self, text: object, limit: int = _LONGEST_TEXT) -> int:
        shown = cut(text, limit)
        if shown not in self.places:
            self.places[shown] = len(self.places)
            self.size += len(_dumped(shown)) + 1
        return self.places[shown]


def pack_accounts(scores: pd.DataFrame, states: pd.DataFrame | None, most_bytes: int = MOST_BYTES) -> AccountPack:
    """The scored accounts, highest risk first. states: one row per account and snapshot with its furthest milestone."""
    ordered = scores.sort_values(["risk_rank", ACCOUNT], kind="stable").head(MOST_ACCOUNTS)
    words = _Words()
    dates, paths = timelines(states, ordered[ACCOUNT].to_numpy())
    rows, size = _within(_rows(ordered, paths, words), most_bytes - words.size)
    details = _details(ordered.head(len(rows)), words, most_bytes - words.size - size)
    levels = [cut(name.removeprefix("level_"), _LONGEST_NAME) for name in _level_columns(ordered)]
    body = {"fields": FIELDS, "texts": list(WORDS), "words": list(words.places), "categories": levels,
            "dates": dates, "states": _STATES, "rows": rows, "details": details}  # fmt: skip
    routed = "route" in ordered and bool(ordered["route"].notna().any())
    return AccountPack(_dumped(body), len(rows), len(details), routed)


def timelines(states: pd.DataFrame | None, accounts: np.ndarray[Any, Any]) -> tuple[list[str], list[str]]:
    """The last snapshot dates, and per account a letter for each: the furthest milestone's number, "." for none known.

    0 is before the first milestone, 4 maturity.
    """
    if states is None or states.empty:
        return [], [""] * len(accounts)
    dates = np.sort(states[SNAPSHOT].unique())[-_DATES:]
    recent = states[states[SNAPSHOT].isin(dates) & states[ACCOUNT].isin(accounts)]
    rows = pd.Index(accounts).get_indexer(recent[ACCOUNT])
    letters = np.full((len(accounts), len(dates)), _UNSEEN)
    found = recent["milestone"].astype(str).map({str(name): str(n) for n, name in enumerate(_STATES)}).fillna(_UNSEEN)
    letters[rows, np.searchsorted(dates, recent[SNAPSHOT].to_numpy())] = found.to_numpy(dtype="U1")
    return [str(pd.Timestamp(day).date()) for day in dates], ["".join(row) for row in letters]


def _rows(scores: pd.DataFrame, paths: list[str], words: _Words) -> list[list[object]]:
    columns: dict[str, Sequence[object]] = {
        "place": scores["risk_rank"].astype(int).tolist(),
        "id": [cut(name, _LONGEST_NAME) for name in scores[ACCOUNT]],
        "risk": scores["churn_risk"].round(4).tolist(),
        "levels": _levels(scores),
        "path": list(paths),
    }
    columns |= {name: _places(scores, column, words) for name, column in WORDS.items()}
    columns |= {name: _rounded(scores, *given) for name, given in _NUMBERS.items()}
    columns |= {name: _days(scores, f"{name}_on") for name in ("setup", "activated")}
    columns["utilized"] = _flags(scores)
    return [list(row) for row in zip(*(columns[name] for name in FIELDS), strict=True)]


def _places(scores: pd.DataFrame, column: str, words: _Words) -> list[object]:
    """The place of each row's text among the words; null where there is none."""
    if column not in scores:
        return [None] * len(scores)
    codes, names = pd.factorize(scores[column].astype(object))  # -1: not known
    known = [words.place(name, _LONGEST_NAME) if str(name) else None for name in names]
    return [known[code] if code >= 0 else None for code in codes]


def _rounded(scores: pd.DataFrame, column: str, places: int) -> list[object]:
    if column not in scores:
        return [None] * len(scores)
    values = pd.to_numeric(scores[column]).round(places)
    return [None if value != value else int(value) if value == int(value) else value for value in values.tolist()]


def _days(scores: pd.DataFrame, column: str) -> list[object]:
    if column not in scores:
        return [None] * len(scores)
    return [None if pd.isna(day) else str(day.date()) for day in pd.to_datetime(scores[column])]


def _flags(scores: pd.DataFrame) -> list[object]:
    if "utilized" not in scores:
        return [None] * len(scores)
    return [None if pd.isna(value) else int(bool(value)) for value in scores["utilized"]]


def _level_columns(scores: pd.DataFrame) -> list[str]:
    return [str(name) for name in scores.columns if str(name).startswith("level_")]


def _levels(scores: pd.DataFrame) -> list[object]:
    """A letter per category: m mature, b basic, - not known."""
    letters = np.full((len(scores), len(_level_columns(scores))), "-")
    for place, column in enumerate(_level_columns(scores)):
        values = scores[column].astype(object).to_numpy()
        letters[values == Level.MATURE.value, place] = "m"
        letters[values == Level.BASIC.value, place] = "b"
    return ["".join(row) for row in letters]


def _within(rows: list[list[object]], most_bytes: int) -> tuple[list[list[object]], int]:
    """As many rows as there is room for, and the bytes they take."""
    ends = np.cumsum([len(_dumped(row)) + 1 for row in rows]) if rows else np.array([0])
    fit = int(np.searchsorted(ends, most_bytes, side="right"))
    return rows[:fit], int(ends[min(fit, len(ends)) - 1]) if fit else 0


def _details(scores: pd.DataFrame, words: _Words, most_bytes: int) -> list[list[object]]:
    """[reasons, step, because, others] of the first accounts, until there is no more room.

    A reason is two places, what is measured and its value: the first part is the same for many accounts.
    """
    names = sorted(str(name) for name in scores.columns if str(name).startswith("reason_"))
    texts = [scores[name].tolist() if name in scores else [None] * len(scores) for name in (*names, *_STEPS)]
    start, size, details = words.size, 0, []
    for row in zip(*texts, strict=True):
        reasons = [_in_two(str(text), words) for text in row[: len(names)] if not pd.isna(text)]
        steps = [None if pd.isna(text) or not str(text) else words.place(text) for text in row[len(names) :]]
        found: list[object] = [reasons, *steps]
        size += len(_dumped(found)) + 1
        if words.size - start + size > most_bytes:
            break
        details.append(found)
    return details


def _in_two(text: str, words: _Words) -> list[int]:
    """The places of a text's two parts, parted at its last ": "."""
    head, _, tail = cut(text, _LONGEST_TEXT).rpartition(": ")
    return [words.place(head), words.place(tail)]


def _dumped(value: object) -> str:
    """JSON that cannot leave a script element, whatever the texts hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text
