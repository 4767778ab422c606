"""A first features.csv from event names: alike names are one feature, a shared word is a category, setup is guessed.

All of it is a proposal for a person to correct; nothing later depends on how it was made.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass

from milepost.pipeline.first_sight import NameSeen
from milepost.signals.catalogue import COLUMNS

_VERBS = {
    "create", "edit", "update", "delete", "add", "remove", "view", "open", "close", "send", "start", "finish",
    "complete", "set", "use", "run", "win", "lose", "schedule", "make", "receive", "disable", "enable", "new",
    "click", "export", "import", "publish", "resolve", "install", "connect", "invite", "upload", "download", "share",
    "assign", "apply", "archive", "save", "book", "cancel", "define", "configure", "verify",
}  # fmt: skip
_IRREGULAR = {"sent": "send", "won": "win", "lost": "lose", "made": "make", "ran": "run"}
# what accounts do once to get going
_SETUP_WORDS = {"install", "connect", "invite", "import", "setup", "onboard", "onboarding", "configure", "verify",
                "integrate", "define", "enable", "domain", "snippet"}  # fmt: skip
# what products do for their accounts
_VALUE_WORDS = {"resolve", "win", "complete", "publish", "send", "export", "deliver", "pay", "finish", "approve",
                "book", "ship", "report"}  # fmt: skip
_SETUP_USES, _SETUP_DAY, _SETUP_SHARE, _FEWEST_NEWCOMERS = 3.0, 14.0, 0.1, 20
UNCATEGORISED = "uncategorised"


@dataclass(frozen=True)
class Proposal:
    """One feature: event names that mean the same, the most frequent first; setup_step: its place, or None."""

    names: tuple[str, ...]
    rows: int
    category: str
    setup_step: int | None


def words_of(name: str) -> tuple[str, ...]:
    """The words of an event name, verbs in their plain form, things in the singular, versions left out.

    >>> words_of("ReportsExported_v2")
    ('report', 'export')
    """
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = "".join(char if char.isalnum() else " " for char in parted).casefold().split()
    return tuple(_plain(word) for word in words if not re.fullmatch(r"v?\d+", word))


def _plain(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for end in ("d", "ed", "s"):
        if word.endswith(end) and word.removesuffix(end) in _VERBS:
            return word.removesuffix(end)
    return word.removesuffix("s") if len(word) > 3 and not word.endswith("ss") else word


def propose_features(seen: Iterable[NameSeen], newcomers: int) -> tuple[Proposal, ...]:
    """Features in the order of their use, each name in one of them.

    Names with the same words in any order are one feature; a category is a word that several features share; a setup
    step is done soon and hardly more than once, by many of the accounts that begin within the data.
    """
    groups: dict[frozenset[str], list[NameSeen]] = {}
    for one in seen:
        if _fits_a_cell(one.name):
            groups.setdefault(frozenset(words_of(one.name)) or frozenset([one.name]), []).append(one)
    features = list(groups.values())
    stems = [_thing(members[0].name) for members in features]
    steps = _steps(features) if newcomers >= _FEWEST_NEWCOMERS else {}
    return tuple(
        Proposal(
            tuple(one.name for one in members), sum(one.rows for one in members),
            stem if stems.count(stem) > 1 else UNCATEGORISED, steps.get(members[0].name),
        )
        for members, stem in zip(features, stems, strict=True)
    )  # fmt: skip


def value_candidates(features: Iterable[Proposal], most: int = 5) -> list[str]:
    """Event names that sound like the product doing its job, the most frequent first; a person has to choose."""
    return [feature.names[0] for feature in features if _VALUE_WORDS & set(words_of(feature.names[0]))][:most]


def catalogue_csv(features: Iterable[Proposal]) -> str:
    """The proposal as the text of features.csv."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for feature in features:
        step = feature.setup_step
        notes = [f"{feature.rows:,} {'use' if feature.rows == 1 else 'uses'} in the events"]
        notes += ["setup step guessed: soon and hardly more than once"] if step else []
        writer.writerow({"feature": feature.names[0], "event_names": "|".join(feature.names), "adopted_at_least": 1,
                         "category": feature.category, "setup_step": step or "",
                         "description": "; ".join(notes)})  # fmt: skip
    return text.getvalue()


def _fits_a_cell(name: str) -> bool:
    """A name with a bar, a line break or spaces around it cannot stand in a cell of the catalogue."""
    return "|" not in name and name == name.strip() and "\n" not in name and "\r" not in name


def _thing(name: str) -> str:
    """What an event is about: its last word that is no verb."""
    things = [word for word in words_of(name) if word not in _VERBS]
    return things[-1] if things else UNCATEGORISED


def _steps(features: list[list[NameSeen]]) -> dict[str, int]:
    """Name -> place among the steps, by the day they are usually taken."""
    likely = [members[0] for members in features if _is_step(members[0])]
    ordered = sorted(likely, key=lambda one: (one.first_day, one.name))
    return {one.name: place for place, one in enumerate(ordered, start=1)}


def _is_step(one: NameSeen) -> bool:
    soon = one.first_day <= _SETUP_DAY and one.accounts >= _SETUP_SHARE
    told = bool(_SETUP_WORDS & set(words_of(one.name)))
    return soon and (one.uses <= 1 or (told and one.uses <= _SETUP_USES))
